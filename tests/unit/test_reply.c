/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back over the pipe, made by hand: records in an order, or of a kind, that no
 * honest parser sends, and honest ones beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/parser_reply.h"

static const struct parser_limits limits = {.text_bytes = 100, .cpu_s = 1, .wall_s = 1};

/* What the sink was given, as words. */
struct world {
	struct parse_item item, second;
	struct parse_item *items[2];
	struct reply reply;
	struct buf packet, log;
	int answer; /* the sink's */
};

static int on_text(void *context, const char *utf8, size_t len)
{
	struct world *world = context;

	buf_addf(&world->log, "text(%.*s)", (int)len, utf8);
	return world->answer;
}

static int on_member(void *context, const struct parse_member *member)
{
	struct world *world = context;

	buf_addf(&world->log, "member(%.*s,%lld)", (int)member->path_len, member->path,
		(long long)member->mtime_s);
	return world->answer;
}

static int on_data(void *context, const void *data, size_t len)
{
	struct world *world = context;

	buf_addf(&world->log, "data(%.*s)", (int)len, (const char *)data);
	return world->answer;
}

static int on_end(void *context, int result, const struct err *err)
{
	struct world *world = context;

	buf_addf(&world->log, "end(%d,%s)", result, err->text);
	return world->answer;
}

static void begin(struct world *world, size_t count)
{
	*world = (struct world){.items = {&world->item, &world->second}};
	world->item.sink = (struct parse_sink){.text = on_text,
		.member = on_member,
		.member_data = on_data,
		.member_end = on_end,
		.context = world};
	world->second.sink = world->item.sink;
	buf_init(&world->packet, BUF_MAX_DEFAULT);
	buf_init(&world->log, BUF_MAX_DEFAULT);
	reply_init(&world->reply, world->items, count, &limits);
}

static void end(struct world *world)
{
	parsed_release(&world->item.parsed);
	parsed_release(&world->second.parsed);
	reply_release(&world->reply);
	buf_release(&world->packet);
	buf_release(&world->log);
}

static void add(struct world *world, enum protocol_kind kind, const void *head, size_t head_len,
	const char *rest, size_t rest_len)
{
	struct protocol_record record = {.kind = kind,
		.item = (uint32_t)world->reply.current,
		.len = (uint32_t)(head_len + rest_len)};

	buf_add(&world->packet, &record, sizeof(record));
	if (head_len)
		buf_add(&world->packet, head, head_len);
	if (rest_len)
		buf_add(&world->packet, rest, rest_len);
}

static void add_text(struct world *world, const char *text)
{
	add(world, RECORD_TEXT, NULL, 0, text, strlen(text));
}

static void add_member(struct world *world, const char *path, size_t len)
{
	struct protocol_member member = {.mtime_s = 7};

	add(world, RECORD_MEMBER, &member, sizeof(member), path, len);
}

static void add_data(struct world *world, const char *data)
{
	add(world, RECORD_MEMBER_DATA, NULL, 0, data, strlen(data));
}

static void add_end(struct world *world, enum protocol_kind kind, int result, const char *text)
{
	struct protocol_end record = {.result = result};

	add(world, kind, &record, sizeof(record), text, strlen(text));
}

static int take(struct world *world)
{
	int rc = reply_take(&world->reply, world->packet.data, world->packet.len);

	buf_clear(&world->packet);
	return rc;
}

/* The packet is refused, and the document has failed as if its process had died. */
static void is_nonsense(struct world *world)
{
	assert_int_not_equal(take(world), 0);
	reply_settle(&world->reply);
	assert_int_equal(world->item.result, -ENOTRECOVERABLE);
	assert_string_equal(world->item.err.text, "the parser's answer makes no sense");
	end(world);
}

static void members_come_between_texts(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1);
	add_text(&world, "a");
	add_member(&world, "x/y.txt", 7);
	add_data(&world, "12");
	add_data(&world, "3");
	add_end(&world, RECORD_MEMBER_END, 0, "");
	add_member(&world, "z", 1);
	add_end(&world, RECORD_MEMBER_END, -EKEYREJECTED, "z is encrypted");
	add_text(&world, "b");
	add_end(&world, RECORD_END, 0, "");
	assert_int_equal(take(&world), 0);
	assert_true(reply_is_done(&world.reply, 0));
	assert_int_equal(world.item.result, 0);
	buf_addc(&world.log, '\0');
	assert_string_equal(world.log.data,
		"text(a)member(x/y.txt,7)data(12)data(3)end(0,)member(z,7)"
		"end(-129,z is encrypted)text(b)");
	end(&world);
}

static void a_member_is_no_members_member(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1);
	add_member(&world, "a", 1);
	add_member(&world, "b", 1);
	is_nonsense(&world);
}

static void bytes_belong_to_a_member(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1);
	add_data(&world, "1");
	is_nonsense(&world);
	begin(&world, 1);
	add_end(&world, RECORD_MEMBER_END, 0, "");
	is_nonsense(&world);
	begin(&world, 1);
	add_member(&world, "a", 1);
	add_end(&world, RECORD_MEMBER_END, 0, "");
	add_data(&world, "1");
	is_nonsense(&world);
}

static void a_batch_has_no_members(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 2);
	add_member(&world, "a", 1);
	assert_int_not_equal(take(&world), 0);
	assert_true(world.reply.is_nonsense);
	assert_int_equal(world.log.len, 0);
	end(&world);
}

static void paths_have_a_length_and_no_nul(void **state)
{
	char path[PROTOCOL_PATH_MAX + 1];
	struct world world;

	(void)state;
	memset(path, 'a', sizeof(path));
	begin(&world, 1);
	add_member(&world, path, 0);
	is_nonsense(&world);
	begin(&world, 1);
	add_member(&world, path, sizeof(path));
	is_nonsense(&world);
	begin(&world, 1);
	add_member(&world, "a\0b", 3);
	is_nonsense(&world);
	begin(&world, 1);
	add(&world, RECORD_MEMBER, path, 3, NULL, 0); /* not even a time */
	is_nonsense(&world);
	begin(&world, 1);
	add_member(&world, path, PROTOCOL_PATH_MAX);
	assert_int_equal(take(&world), 0);
	end(&world);
}

static void a_members_end_says_what_an_end_may(void **state)
{
	static const struct {
		int result;
		const char *text;
	} ends[] = {{1, ""}, {-5000, "so"}, {-EBADMSG, "a\x01"}, {-EBADMSG, "\xff"}};
	struct world world;
	char sentence[1000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		begin(&world, 1);
		add_member(&world, "a", 1);
		add_end(&world, RECORD_MEMBER_END, ends[i].result, ends[i].text);
		is_nonsense(&world);
	}
	memset(sentence, 'a', sizeof(sentence) - 1);
	sentence[sizeof(sentence) - 1] = '\0';
	begin(&world, 1);
	add_member(&world, "a", 1);
	add_end(&world, RECORD_MEMBER_END, -EBADMSG, sentence);
	is_nonsense(&world);
	begin(&world, 1);
	add_member(&world, "a", 1);
	add(&world, RECORD_MEMBER_END, "ab", 2, NULL, 0);
	is_nonsense(&world);
}

/* A document may fail in the middle of a member, but not end well there. */
static void no_member_is_left_open(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1);
	add_member(&world, "a", 1);
	add_end(&world, RECORD_END, 0, "");
	is_nonsense(&world);
	begin(&world, 1);
	add_member(&world, "a", 1);
	add_end(&world, RECORD_END, -EBADMSG, "the archive is broken");
	assert_int_equal(take(&world), 0);
	assert_int_equal(world.item.result, -EBADMSG);
	end(&world);
}

static void what_the_sink_says_stops_it(void **state)
{
	struct world world;

	(void)state;
	for (int last = 0; last < 3; last++) {
		begin(&world, 1);
		add_member(&world, "a", 1);
		if (last > 0)
			add_data(&world, "1");
		if (last > 1)
			add_end(&world, RECORD_MEMBER_END, 0, "");
		world.answer = -E2BIG;
		assert_int_equal(take(&world), -E2BIG);
		reply_settle(&world.reply);
		assert_int_equal(world.item.result, -E2BIG);
		end(&world);
	}
}

static void a_sink_without_members_passes_them_over(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1);
	world.item.sink = (struct parse_sink){.context = NULL};
	add_member(&world, "a", 1);
	add_data(&world, "1");
	add_end(&world, RECORD_MEMBER_END, 0, "");
	add_end(&world, RECORD_END, 0, "");
	assert_int_equal(take(&world), 0);
	assert_int_equal(world.item.result, 0);
	end(&world);
}

static void marks_are_counted(void **state)
{
	struct protocol_mark mark = {.kind = MARK_PAGE, .value = 1};
	struct world world;

	(void)state;
	begin(&world, 1);
	world.reply.mark_count = PROTOCOL_MARKS_MAX - 1;
	add(&world, RECORD_MARK, &mark, sizeof(mark), NULL, 0);
	assert_int_equal(take(&world), 0);
	add(&world, RECORD_MARK, &mark, sizeof(mark), NULL, 0);
	is_nonsense(&world);
}

static void text_is_counted(void **state)
{
	char text[101];
	struct world world;

	(void)state;
	memset(text, 'a', sizeof(text));
	begin(&world, 1);
	add(&world, RECORD_TEXT, NULL, 0, text, 60);
	assert_int_equal(take(&world), 0);
	add(&world, RECORD_TEXT, NULL, 0, text, 41);
	is_nonsense(&world);
}

/* Else it would be read again for ever. */
static void what_would_pass_elsewhere_does_not(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1);
	add_end(&world, RECORD_END, -ENOMEM, "it needs more memory");
	assert_int_equal(take(&world), 0);
	assert_int_equal(world.item.result, -ENOTRECOVERABLE);
	assert_string_equal(world.item.err.text, "it needs more memory");
	end(&world);
}

static void kinds_and_items_are_known(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1);
	add(&world, RECORD_EXIT + 1, NULL, 0, NULL, 0);
	is_nonsense(&world);
	begin(&world, 1);
	add(&world, 0, NULL, 0, NULL, 0);
	is_nonsense(&world);
	begin(&world, 1);
	world.reply.current = 1;
	add_text(&world, "a");
	world.reply.current = 0;
	is_nonsense(&world);
	begin(&world, 1);
	add_end(&world, RECORD_END, 0, "");
	add_text(&world, "a");
	assert_int_not_equal(take(&world), 0); /* behind its end */
	assert_true(world.reply.is_nonsense);
	end(&world);
}

static void packets_end_with_their_records(void **state)
{
	struct world world;

	(void)state;
	begin(&world, 1);
	add_text(&world, "abc");
	world.packet.len -= 1;
	is_nonsense(&world);
	begin(&world, 1);
	add_text(&world, "abc");
	buf_add(&world.packet, "rest", 4);
	is_nonsense(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_come_between_texts),
		cmocka_unit_test(a_member_is_no_members_member),
		cmocka_unit_test(bytes_belong_to_a_member),
		cmocka_unit_test(a_batch_has_no_members),
		cmocka_unit_test(paths_have_a_length_and_no_nul),
		cmocka_unit_test(a_members_end_says_what_an_end_may),
		cmocka_unit_test(no_member_is_left_open),
		cmocka_unit_test(what_the_sink_says_stops_it),
		cmocka_unit_test(a_sink_without_members_passes_them_over),
		cmocka_unit_test(marks_are_counted),
		cmocka_unit_test(text_is_counted),
		cmocka_unit_test(what_would_pass_elsewhere_does_not),
		cmocka_unit_test(kinds_and_items_are_known),
		cmocka_unit_test(packets_end_with_their_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
