/* SPDX-License-Identifier: Apache-2.0 */
/* A message that Outlook saved ([MS-OXMSG]): properties, each a stream whose name is its number and
 * its type; recipients and attachments are storages of such. The text is that of its header, of its
 * body (plain, else the page, else RTF), and of the messages attached to it, for those are storages
 * and no files; attached files are members. Left out: pictures that the body shows, embedded
 * objects of other programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/charset.h"
#include "core/parse/codepage.h"
#include "core/parse/flow.h"
#include "core/parse/member.h"
#include "core/parse/readers/html.h"
#include "core/parse/readers/lzfu.h"
#include "core/parse/readers/ole.h"
#include "core/parse/readers/rtf.h"

#define DEPTH_MAX      8 /* of messages within messages; what is deeper is left out */
#define PEOPLE_MAX     2000 /* recipients that are named */
#define STRING_MAX     ((size_t)64 << 10) /* of a name, a subject */
#define BODY_MAX       ((size_t)64 << 20)
#define PATH_MAX_BYTES 4096

enum { TYPE_STRING = 0x001e, TYPE_UNICODE = 0x001f, TYPE_BINARY = 0x0102, TYPE_OBJECT = 0x000d };

/* Properties. */
enum property {
	MESSAGE_CLASS = 0x001a,
	SUBJECT = 0x0037,
	SUBMIT_TIME = 0x0039,
	AUTHOR_NAME = 0x0042,
	RECIPIENT_TYPE = 0x0c15,
	SENDER_NAME = 0x0c1a,
	SENDER_ADDRESS = 0x0c1f,
	DISPLAY_CC = 0x0e03,
	DISPLAY_TO = 0x0e04,
	DELIVERY_TIME = 0x0e06,
	BODY = 0x1000,
	BODY_RTF = 0x1009,
	BODY_HTML = 0x1013,
	DISPLAY_NAME = 0x3001,
	ADDRESS = 0x3003,
	ATTACHED_DATA = 0x3701,
	ATTACHED_NAME = 0x3704,
	ATTACHED_LONG_NAME = 0x3707,
	ATTACHED_FLAGS = 0x3714,
	SMTP_ADDRESS = 0x39fe,
	CONTACT_PHONE = 0x3a08,
	CONTACT_COMPANY = 0x3a16,
	CONTACT_TITLE = 0x3a17,
	CONTACT_MOBILE = 0x3a1c,
	INTERNET_CODEPAGE = 0x3fde,
	MESSAGE_CODEPAGE = 0x3ffd,
	SENDER_SMTP_ADDRESS = 0x5d01,
	ATTACHMENT_HIDDEN = 0x7ffe
};

enum { TO = 1, CC = 2 };
#define FLAG_IN_BODY 4 /* of ATTACHED_FLAGS: the page shows it */

/* The list of properties that are no streams begins behind a header. */
enum { HEADER_ROOT = 32, HEADER_MESSAGE = 24, HEADER_OTHER = 8 };

struct message {
	const struct cfb *cfb;
	uint32_t storage;
	size_t header; /* of its list of properties */
	unsigned codepage, page_codepage; /* 0: unknown */
	unsigned depth;
};

static uint32_t find(const struct cfb *cfb, uint32_t storage, unsigned property, unsigned type)
{
	char name[32];

	snprintf(name, sizeof(name), "__substg1.0_%04X%04X", property, type);
	return cfb_find(cfb, storage, name);
}

/* The value of a property that is no stream; 0: there is none. */
static uint64_t number(const struct cfb *cfb, uint32_t storage, size_t header, unsigned property)
{
	AUTO_BUF struct buf list;

	buf_init(&list, (size_t)1 << 20);
	cfb_read(cfb, cfb_find(cfb, storage, "__properties_version1.0"), &list);
	for (size_t at = header; at + 16 <= list.len; at += 16)
		if (bytes_u16(bytes_of(&list), at + 2) == property)
			return bytes_u64(bytes_of(&list), at + 8);
	return 0;
}

/* Text of an unknown code page is looked at. */
static void decode(unsigned codepage, const struct buf *raw, struct buf *out)
{
	struct charset_stream *stream;
	size_t bom = 0;

	if (codepage) {
		codepage_text(codepage, bytes_of(raw), out);
		return;
	}
	const char *name = charset_detect(raw->data, raw->len, true, &bom);
	if (charset_stream_new(&stream, name))
		return;
	charset_stream_add(stream, raw->data + bom, raw->len - bom, true, out);
	charset_stream_free(stream);
}

/* Append the text of a property. Initialises @out. */
static void string(const struct message *message, uint32_t storage, unsigned property, size_t max,
	struct buf *out)
{
	uint32_t wide = find(message->cfb, storage, property, TYPE_UNICODE);
	uint32_t narrow = find(message->cfb, storage, property, TYPE_STRING);
	AUTO_BUF struct buf raw;

	buf_init(out, max * 3);
	buf_init(&raw, max);
	cfb_read(message->cfb, wide != CFB_NONE ? wide : narrow, &raw);
	if (raw.len && wide != CFB_NONE)
		codepage_utf16(bytes_of(&raw), out);
	else if (raw.len)
		decode(message->codepage, &raw, out);
	while (out->len && !out->data[out->len - 1])
		out->len--; /* some end in NUL */
}

/* "Name <address>", as far as both are there. */
static void add_person(const struct message *message, uint32_t storage, unsigned name_property,
	unsigned smtp_property, unsigned address_property, struct buf *out)
{
	AUTO_BUF struct buf name, smtp, address;

	string(message, storage, name_property, STRING_MAX, &name);
	string(message, storage, smtp_property, STRING_MAX, &smtp);
	string(message, storage, address_property, STRING_MAX, &address);
	const struct buf *best = smtp.len ? &smtp : &address;
	bool has_address = best->len && memchr(best->data, '@', best->len);
	bool is_same = has_address && name.len && !strcasecmp(name.data, best->data);

	if (!name.len && !has_address)
		return;
	if (out->len)
		buf_adds(out, ", ");
	if (name.len)
		buf_add(out, name.data, name.len);
	if (has_address && !is_same)
		buf_addf(out, name.len ? " <%s>" : "%s", best->data);
}

static bool is_numbered(const struct message *message, uint32_t entry, const char *prefix)
{
	return cfb_is_storage(message->cfb, entry) &&
		!strncasecmp(cfb_name(message->cfb, entry), prefix, strlen(prefix));
}

/* The recipients of a kind; else what the message says of them in one line. */
static void add_recipients(
	const struct message *message, unsigned type, unsigned otherwise, struct buf *out)
{
	const struct cfb *cfb = message->cfb;
	int count = 0;

	buf_init(out, STRING_MAX * 4);
	for (uint32_t at = cfb_first(cfb, message->storage); at != CFB_NONE && count < PEOPLE_MAX;
		at = cfb_next(cfb, at)) {
		if (!is_numbered(message, at, "__recip_version1.0_"))
			continue;
		count++;
		if ((uint32_t)number(cfb, at, HEADER_OTHER, RECIPIENT_TYPE) == type)
			add_person(message, at, DISPLAY_NAME, SMTP_ADDRESS, ADDRESS, out);
	}
	if (out->len)
		return;
	buf_release(out);
	string(message, message->storage, otherwise, STRING_MAX, out);
}

/* Body. */

static void write_plain(struct flow *flow, const struct buf *body)
{
	const char *at = body->data, *end = at + body->len;

	while (at < end) {
		const char *stop = memchr(at, '\r', (size_t)(end - at));
		stop = stop ? stop : end;
		flow_preformatted(flow, at, (size_t)(stop - at));
		at = stop + 1;
	}
}

static bool is_blank(const struct buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		if (!strchr(" \t\r\n", text->data[i]))
			return false;
	return true;
}

/* False: there is none. */
static bool write_page(const struct message *message, struct flow *flow)
{
	uint32_t entry = find(message->cfb, message->storage, BODY_HTML, TYPE_BINARY);
	struct html_page page = {0};
	AUTO_BUF struct buf raw, text;

	string(message, message->storage, BODY_HTML, BODY_MAX, &text); /* as text: of old */
	buf_init(&raw, BODY_MAX);
	cfb_read(message->cfb, entry, &raw);
	if (raw.len) {
		page.charset =
			message->page_codepage ? codepage_name(message->page_codepage) : NULL;
		html_flow(flow, raw.data, raw.len, &page, NULL);
	} else if (text.len) {
		page.charset = "UTF-8";
		html_flow(flow, text.data, text.len, &page, NULL);
	}
	return raw.len || text.len;
}

static void write_rtf(const struct message *message, struct flow *flow)
{
	AUTO_BUF struct buf packed, rtf;

	buf_init(&packed, BODY_MAX);
	buf_init(&rtf, BODY_MAX);
	cfb_read(
		message->cfb, find(message->cfb, message->storage, BODY_RTF, TYPE_BINARY), &packed);
	if (packed.len)
		lzfu_unpack(bytes_of(&packed), &rtf);
	if (rtf.len)
		rtf_write(bytes_of(&rtf), flow);
}

static void write_body(const struct message *message, struct flow *flow)
{
	AUTO_BUF struct buf plain;

	string(message, message->storage, BODY, BODY_MAX, &plain);
	flow_paragraph(flow);
	if (!is_blank(&plain))
		write_plain(flow, &plain);
	else if (!write_page(message, flow))
		write_rtf(message, flow);
	flow_paragraph(flow);
}

/* Header. */

static bool date_of(const struct message *message, char text[OLE_TIME_MAX])
{
	const struct cfb *cfb = message->cfb;

	return ole_time(number(cfb, message->storage, message->header, SUBMIT_TIME), text) ||
		ole_time(number(cfb, message->storage, message->header, DELIVERY_TIME), text);
}

static void write_contact(const struct message *message, struct flow *flow)
{
	static const struct {
		unsigned property;
		const char *label;
	} lines[] = {{CONTACT_COMPANY, "Company"}, {CONTACT_TITLE, "Job title"},
		{CONTACT_PHONE, "Phone"}, {CONTACT_MOBILE, "Mobile"}};
	AUTO_BUF struct buf class;

	string(message, message->storage, MESSAGE_CLASS, STRING_MAX, &class);
	if (!class.len || strncasecmp(class.data, "IPM.Contact", 11))
		return;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		AUTO_BUF struct buf value;
		string(message, message->storage, lines[i].property, STRING_MAX, &value);
		flow_labelled(flow, lines[i].label, value.data);
	}
}

static void add_sender(const struct message *message, struct buf *out)
{
	buf_init(out, STRING_MAX * 4);
	add_person(
		message, message->storage, SENDER_NAME, SENDER_SMTP_ADDRESS, SENDER_ADDRESS, out);
	if (out->len)
		return;
	buf_release(out);
	string(message, message->storage, AUTHOR_NAME, STRING_MAX, out);
}

/* @meta: of the document, or NULL in a message inside it. */
static void write_header(
	const struct message *message, struct flow *flow, struct meta *meta, struct out *out)
{
	AUTO_BUF struct buf subject, from, to, cc;
	char date[OLE_TIME_MAX] = "";
	bool has_date = date_of(message, date);

	string(message, message->storage, SUBJECT, STRING_MAX, &subject);
	add_sender(message, &from);
	add_recipients(message, TO, DISPLAY_TO, &to);
	add_recipients(message, CC, DISPLAY_CC, &cc);
	if (subject.len) {
		flow_heading(flow, message->depth + 1);
		flow_words(flow, subject.data, subject.len);
		flow_heading_end(flow);
	}
	flow_labelled(flow, "From", from.data);
	flow_labelled(flow, "To", to.data);
	flow_labelled(flow, "Cc", cc.data);
	flow_labelled(flow, "Date", has_date ? date : NULL);
	write_contact(message, flow);
	if (!meta)
		return;
	if (subject.len)
		out_field(out, FIELD_TITLE, subject.data, subject.len);
	meta_add(meta, "from", from.data);
	meta_add(meta, "to", to.data);
	meta_add(meta, "created", has_date ? date : NULL);
}

/* Attachments. */

struct attachment {
	uint32_t storage;
	uint32_t data; /* stream, or CFB_NONE */
	uint32_t message; /* storage, or CFB_NONE */
	struct buf name;
};

static void name_attachment(const struct message *message, struct attachment *attachment)
{
	static const unsigned properties[] = {ATTACHED_LONG_NAME, ATTACHED_NAME, DISPLAY_NAME};
	struct buf *name = &attachment->name;

	buf_init(name, STRING_MAX);
	for (size_t i = 0; !name->len && i < ARRAY_LEN(properties); i++) {
		buf_release(name);
		string(message, attachment->storage, properties[i], 1024, name);
	}
	if (name->len && !name->data[0])
		buf_clear(name);
	if (!name->len)
		buf_adds(name, "attachment");
	name->len = strlen(name->data); /* a NUL ends it */
	for (size_t i = 0; i < name->len; i++)
		if (strchr("/\\:", name->data[i]))
			name->data[i] = '_';
}

/* The attachment at *at or behind it, and step over it. The caller releases its name. */
static bool next_attachment(
	const struct message *message, uint32_t *at, struct attachment *attachment)
{
	const struct cfb *cfb = message->cfb;

	for (; *at != CFB_NONE; *at = cfb_next(cfb, *at)) {
		uint32_t storage = *at;
		if (!is_numbered(message, storage, "__attach_version1.0_"))
			continue;
		bool is_in_body = number(cfb, storage, HEADER_OTHER, ATTACHED_FLAGS) & FLAG_IN_BODY;
		if (is_in_body || (number(cfb, storage, HEADER_OTHER, ATTACHMENT_HIDDEN) & 1))
			continue;
		attachment->storage = storage;
		attachment->data = find(cfb, storage, ATTACHED_DATA, TYPE_BINARY);
		attachment->message = find(cfb, storage, ATTACHED_DATA, TYPE_OBJECT);
		if (attachment->message != CFB_NONE &&
			cfb_find(cfb, attachment->message, "__properties_version1.0") == CFB_NONE)
			attachment->message = CFB_NONE;
		name_attachment(message, attachment);
		*at = cfb_next(cfb, *at);
		return true;
	}
	return false;
}

static struct message message_at(const struct cfb *cfb, uint32_t storage, size_t header)
{
	struct message message = {.cfb = cfb, .storage = storage, .header = header};

	message.codepage = (unsigned)number(cfb, storage, header, MESSAGE_CODEPAGE) & 0xffff;
	message.page_codepage = (unsigned)number(cfb, storage, header, INTERNET_CODEPAGE) & 0xffff;
	if (!message.codepage)
		message.codepage = message.page_codepage;
	return message;
}

static void write_message(
	const struct message *message, struct flow *flow, struct meta *meta, struct out *out)
{
	uint32_t at = cfb_first(message->cfb, message->storage);
	struct attachment attachment;

	flow_paragraph(flow);
	write_header(message, flow, meta, out);
	write_body(message, flow);
	while (!flow_failed(flow) && next_attachment(message, &at, &attachment)) {
		if (attachment.message != CFB_NONE && message->depth < DEPTH_MAX) {
			struct message inner =
				message_at(message->cfb, attachment.message, HEADER_MESSAGE);
			inner.depth = message->depth + 1;
			write_message(&inner, flow, NULL, out);
		} else {
			flow_labelled(flow, "Attachment", attachment.name.data);
		}
		buf_release(&attachment.name);
	}
}

static int send_piece(void *context, const char *data, size_t len)
{
	struct out *out = context;

	return member_data(out, data, len);
}

static void send_file(const struct message *message, const struct attachment *attachment,
	const char *folder, struct out *out)
{
	struct err err = ERR_NONE;
	char path[PATH_MAX_BYTES];

	snprintf(path, sizeof(path), "%s%s", folder, attachment->name.data);
	if (member_begin(out, path, strlen(path), 0))
		return;
	int rc = cfb_each(message->cfb, attachment->data, send_piece, out);
	member_end(out, rc ? err_set(&err, -EBADMSG, "the attachment is damaged") : 0, &err);
}

/* Files of a message within the message lie in a folder: "2/report.pdf". */
static void send_files(const struct message *message, const char *folder, struct out *out)
{
	uint32_t at = cfb_first(message->cfb, message->storage);
	struct attachment attachment;
	unsigned count = 0;

	while (!out->failed && next_attachment(message, &at, &attachment)) {
		count++;
		if (attachment.data != CFB_NONE) {
			send_file(message, &attachment, folder, out);
		} else if (attachment.message != CFB_NONE && message->depth < DEPTH_MAX) {
			char inside[64];
			struct message inner =
				message_at(message->cfb, attachment.message, HEADER_MESSAGE);
			inner.depth = message->depth + 1;
			snprintf(inside, sizeof(inside), "%.40s%u/", folder, count);
			send_files(&inner, inside, out);
		}
		buf_release(&attachment.name);
	}
}

int outlook_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_CFB struct cfb *cfb = NULL;
	AUTO_META struct meta meta;
	struct flow flow;
	int rc = cfb_open(&cfb, source, err);

	meta_init(&meta);
	if (rc)
		return rc;
	struct message message = message_at(cfb, CFB_ROOT, HEADER_ROOT);
	flow_init(&flow, out);
	write_message(&message, &flow, &meta, out);
	rc = flow_finish(&flow);
	meta_send(&meta, out);
	if (!rc)
		send_files(&message, "", out);
	return rc ? rc : out->failed;
}
