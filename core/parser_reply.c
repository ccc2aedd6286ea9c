/* SPDX-License-Identifier: Apache-2.0 */
/* Every record is checked against what an honest parser sends: its kind, its size, the order
 * of items, valid UTF-8 without NUL, marks that go forward, text within the limit. The first
 * lie ends the reply, and the document has failed as if the child had died. */
#include "core/parser_reply.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "core/auto.h"
#include "core/parse/text_run.h"
#include "core/text/utf8.h"

#define HEADING_CHARS_MAX 65536
#define SENTENCE_MAX	  sizeof(((struct err *)0)->text)
#define KEPT_MAX	  ((size_t)1 << 20) /* a batch's file has at most 64 KiB */

void reply_init(struct reply *reply, struct parse_item **items, size_t count,
	const struct parser_limits *limits)
{
	*reply = (struct reply){.items = items, .count = count, .limits = limits};
	buf_init(&reply->kept, KEPT_MAX);
}

void reply_release(struct reply *reply)
{
	buf_release(&reply->kept);
	parsed_release(&reply->parsed);
}

static int nonsense(struct reply *reply)
{
	reply->is_nonsense = true;
	return -EBADMSG;
}

/* Valid UTF-8 without control characters but white space. */
static bool is_clean(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		i += text_run(text + i, len - i);
		if (i == len)
			break;
		unsigned char c = (unsigned char)text[i];
		bool is_space = c == '\n' || c == '\t' || c == '\r' || c == '\f';
		if ((c < 0x20 && !is_space) || c == 0x7f)
			return false;
	}
	return utf8_is_valid(text, len);
}

static bool is_object(const char *json, size_t len)
{
	cJSON *parsed = cJSON_ParseWithLength(json, len);
	bool is = cJSON_IsObject(parsed);

	cJSON_Delete(parsed);
	return is;
}

static int take_field(struct reply *reply, const char *payload, size_t len)
{
	struct parsed *parsed = &reply->parsed;
	char **fields[] = {[FIELD_TYPE] = &parsed->content_type,
		[FIELD_TITLE] = &parsed->title,
		[FIELD_CHARSET] = &parsed->charset,
		[FIELD_METADATA] = &parsed->extra_metadata};

	if (len < 2 || payload[0] < FIELD_TYPE || payload[0] > FIELD_METADATA ||
		!is_clean(payload + 1, len - 1))
		return nonsense(reply);
	char **slot = fields[(size_t)payload[0]];
	if (*slot)
		return 0; /* the first one counts */
	if (payload[0] == FIELD_METADATA && !is_object(payload + 1, len - 1))
		return nonsense(reply);
	*slot = strndup(payload + 1, len - 1);
	return *slot ? 0 : -ENOMEM;
}

/* To the sink of the current item: a record that was checked. */
static int give(struct reply *reply, uint32_t kind, const char *payload, size_t len)
{
	struct parse_sink *sink = &reply->items[reply->current]->sink;
	struct protocol_mark record;

	reply->has_spoken = true;
	if (kind == RECORD_TEXT)
		return sink->text ? sink->text(sink->context, payload, len) : 0;
	memcpy(&record, payload, sizeof(record));
	struct mark mark = {.kind = record.kind,
		.value = record.value,
		.start_char = record.start_char,
		.end_char = record.end_char};
	return sink->mark ? sink->mark(sink->context, &mark) : 0;
}

/* At once for a single document, kept until its END in a batch. */
static int give_or_keep(struct reply *reply, uint32_t kind, const char *payload, size_t len)
{
	struct protocol_record record = {.kind = kind, .len = (uint32_t)len};

	if (reply->count == 1)
		return reply->sink_result = give(reply, kind, payload, len);
	buf_add(&reply->kept, &record, sizeof(record));
	return buf_add(&reply->kept, payload, len);
}

static int give_kept(struct reply *reply)
{
	struct protocol_record record;
	int rc = 0;

	for (size_t at = 0; !rc && at < reply->kept.len; at += record.len) {
		memcpy(&record, reply->kept.data + at, sizeof(record));
		at += sizeof(record);
		rc = give(reply, record.kind, reply->kept.data + at, record.len);
	}
	return rc;
}

static int take_text(struct reply *reply, const char *payload, size_t len)
{
	if (len > reply->limits->text_bytes - reply->text_len || !is_clean(payload, len))
		return nonsense(reply);
	reply->text_len += len;
	reply->chars += utf8_count(payload, len);
	return give_or_keep(reply, RECORD_TEXT, payload, len);
}

static int take_mark(struct reply *reply, const char *payload, size_t len)
{
	struct protocol_mark mark;

	if (len != sizeof(mark) || ++reply->mark_count > PROTOCOL_MARKS_MAX)
		return nonsense(reply);
	memcpy(&mark, payload, len);
	if (mark.kind > MARK_HEADING || !mark.value || mark.start_char < reply->chars ||
		mark.end_char < mark.start_char || mark.end_char > UINT64_MAX / 2 ||
		mark.end_char - mark.start_char > HEADING_CHARS_MAX)
		return nonsense(reply);
	return give_or_keep(reply, RECORD_MARK, payload, len);
}

/* Members. A batch has none: what holds documents is parsed alone. */

static int take_member(struct reply *reply, const char *payload, size_t len)
{
	struct parse_sink *sink = &reply->items[reply->current]->sink;
	struct protocol_member record;

	if (reply->count > 1 || reply->is_member_open || len <= sizeof(record) ||
		len - sizeof(record) > PROTOCOL_PATH_MAX)
		return nonsense(reply);
	memcpy(&record, payload, sizeof(record));
	struct parse_member member = {.path = payload + sizeof(record),
		.path_len = len - sizeof(record),
		.mtime_s = record.mtime_s};
	if (memchr(member.path, '\0', member.path_len))
		return nonsense(reply);
	reply->is_member_open = true;
	reply->has_spoken = true;
	return reply->sink_result = sink->member ? sink->member(sink->context, &member) : 0;
}

static int take_member_data(struct reply *reply, const char *payload, size_t len)
{
	struct parse_sink *sink = &reply->items[reply->current]->sink;

	if (!reply->is_member_open)
		return nonsense(reply);
	return reply->sink_result =
		       sink->member_data ? sink->member_data(sink->context, payload, len) : 0;
}

static int take_member_end(struct reply *reply, const char *payload, size_t len)
{
	struct parse_sink *sink = &reply->items[reply->current]->sink;
	struct err err = ERR_NONE;
	struct protocol_end end;

	if (!reply->is_member_open || len < sizeof(end) || len - sizeof(end) >= SENTENCE_MAX)
		return nonsense(reply);
	memcpy(&end, payload, sizeof(end));
	payload += sizeof(end);
	len -= sizeof(end);
	if (end.result > 0 || end.result <= -4096 || !is_clean(payload, len))
		return nonsense(reply);
	if (end.result)
		err_set(&err, end.result, "%.*s", (int)len, payload);
	reply->is_member_open = false;
	return reply->sink_result =
		       sink->member_end ? sink->member_end(sink->context, end.result, &err) : 0;
}

static bool is_result(const struct reply *reply, int result)
{
	return result <= 0 && result > -4096 && (result != PROTOCOL_ALONE || reply->count > 1);
}

/* What a parser says of itself does not pass: a document whose reader ran out of memory would be
 * read again for ever. Only a disk's error may be another's fault. */
static int final_result(int result)
{
	static const int passing[] = {
		ENOMEM, EAGAIN, ENOSPC, EDQUOT, EMFILE, ENFILE, EBUSY, EINTR, ECANCELED};

	for (size_t i = 0; i < ARRAY_LEN(passing); i++)
		if (result == -passing[i])
			return -ENOTRECOVERABLE;
	return result;
}

/* The current item is done: its result, and on to the next one. */
static void finish_item(struct reply *reply, int result)
{
	struct parse_item *item = reply->items[reply->current];

	item->result = result;
	item->parsed = reply->parsed;
	memset(&reply->parsed, 0, sizeof(reply->parsed));
	reply->done[reply->current] = true;
}

static void next_item(struct reply *reply)
{
	parsed_release(&reply->parsed);
	buf_clear(&reply->kept);
	reply->text_len = 0;
	reply->chars = 0;
	reply->mark_count = 0;
	reply->current++;
}

static int take_end(struct reply *reply, const char *payload, size_t len)
{
	struct parse_item *item = reply->items[reply->current];
	struct protocol_end end;

	if (len < sizeof(end) || len - sizeof(end) >= SENTENCE_MAX)
		return nonsense(reply);
	memcpy(&end, payload, sizeof(end));
	len -= sizeof(end);
	payload += sizeof(end);
	if (!is_result(reply, end.result) || (reply->is_member_open && !end.result) ||
		(end.result && !is_clean(payload, len)))
		return nonsense(reply);
	end.result = final_result(end.result);
	if (end.result != PROTOCOL_ALONE) {
		int sink_result = end.result ? 0 : give_kept(reply);
		reply->parsed.page_count = end.page_count;
		finish_item(reply, end.result ? end.result : sink_result);
		if (end.result)
			err_set(&item->err, end.result, "%.*s", (int)len, payload);
	}
	next_item(reply);
	return 0;
}

static int take_exit(struct reply *reply, const char *payload, size_t len)
{
	if (len != sizeof(reply->exit))
		return nonsense(reply);
	memcpy(&reply->exit, payload, len);
	reply->has_ended = true;
	return 0;
}

static int take_record(
	struct reply *reply, const struct protocol_record *record, const char *payload)
{
	if (record->kind == RECORD_EXIT)
		return take_exit(reply, payload, record->len);
	if (reply->current >= reply->count || record->item != reply->current)
		return nonsense(reply);
	switch (record->kind) {
	case RECORD_TEXT: return take_text(reply, payload, record->len);
	case RECORD_MARK: return take_mark(reply, payload, record->len);
	case RECORD_FIELD: return take_field(reply, payload, record->len);
	case RECORD_MEMBER: return take_member(reply, payload, record->len);
	case RECORD_MEMBER_DATA: return take_member_data(reply, payload, record->len);
	case RECORD_MEMBER_END: return take_member_end(reply, payload, record->len);
	case RECORD_END: return take_end(reply, payload, record->len);
	default: return nonsense(reply);
	}
}

int reply_take(struct reply *reply, const char *packet, size_t len)
{
	struct protocol_record record;
	int rc = 0;

	for (size_t at = 0; !rc && at < len; at += record.len) {
		if (len - at < sizeof(record))
			return nonsense(reply);
		memcpy(&record, packet + at, sizeof(record));
		at += sizeof(record);
		if (record.len > len - at)
			return nonsense(reply);
		rc = take_record(reply, &record, packet + at);
	}
	return rc;
}

bool reply_is_done(const struct reply *reply, size_t i)
{
	return reply->done[i];
}

/* Why the child ended before it had said all. */
static int explain_exit(const struct reply *reply, struct err *err)
{
	const struct parser_limits *limits = reply->limits;
	int status = reply->exit.wait_status;
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	unsigned long long mib = limits->memory >> 20;

	if (reply->is_nonsense)
		return err_set(err, -ENOTRECOVERABLE, "the parser's answer makes no sense");
	if (reply->exit.reason == REASON_FORK)
		return err_set(err, -EIO, "the parser cannot start a process");
	if (reply->exit.reason == REASON_WALL)
		return err_set(err, -ENOTRECOVERABLE,
			"the parser was stopped: it took more than %u s", limits->wall_s);
	if (signal == SIGXCPU || (signal == SIGKILL && limits->cpu_s))
		return err_set(err, -ENOTRECOVERABLE,
			"the parser was stopped (%s): it used more than %u s of CPU time, or the "
			"machine was out of memory",
			strsignal(signal), limits->cpu_s);
	if (signal)
		return err_set(err, -ENOTRECOVERABLE,
			"the parser died (%s): the document breaks it, or needs more than the "
			"%llu MiB of memory that it may use",
			strsignal(signal), mib);
	return err_set(err, -ENOTRECOVERABLE,
		"the parser gave up (exit status %d): the document breaks it, or needs more than "
		"the %llu MiB of memory that it may use",
		WIFEXITED(status) ? WEXITSTATUS(status) : -1, mib);
}

void reply_settle(struct reply *reply)
{
	struct parse_item *item = reply->items[0];

	if (reply->done[0])
		return;
	if (reply->sink_result)
		finish_item(reply, reply->sink_result);
	else
		finish_item(reply, explain_exit(reply, &item->err));
}
