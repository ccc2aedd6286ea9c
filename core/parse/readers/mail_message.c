/* SPDX-License-Identifier: Apache-2.0 */
/* A message in the order in which a mail program shows it: who wrote what to whom, the body, the
 * messages that it forwards, the names of its attachments. Of alternatives one is shown, the
 * plain text before the page; pictures that belong to the page's looks are left out.
 *
 * What is no text goes to the daemon as a member while the body is walked through. */
#include "core/parse/readers/mail.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <gmime/gmime.h>

#include "core/auto.h"
#include "core/parse/member.h"
#include "core/parse/readers/calendar.h"
#include "core/parse/readers/html.h"

#define DEPTH_MAX      32 /* of parts within parts; what is deeper is left out */
#define NAMES_MAX      ((size_t)64 << 10) /* bytes of attachments' names that are listed */
#define NAME_MAX_BYTES 255
#define PIECE_MAX      ((size_t)16 << 10)

/* How a part is walked through. */
struct place {
	unsigned depth;
	bool is_related; /* beside a page: pictures belong to it */
	bool is_other; /* of an alternative that is not shown: only attachments count */
};

const char *mail_raw_header(GMimeObject *object, const char *name)
{
	GMimeHeader *header =
		g_mime_header_list_get_header(g_mime_object_get_header_list(object), name);

	return header ? g_mime_header_get_raw_value(header) : NULL;
}

int mail_part_each(GMimePart *part, source_fn *each, void *context)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = content ? g_mime_data_wrapper_get_stream(content) : NULL;
	char raw[PIECE_MAX];
	GMimeEncoding state;
	ssize_t n;
	int rc = 0;

	if (!stream)
		return 0;
	g_mime_encoding_init_decode(&state, g_mime_data_wrapper_get_encoding(content));
	AUTO_FREE char *room = malloc(g_mime_encoding_outlen(&state, sizeof(raw)));
	g_mime_stream_reset(stream);
	while (room && !rc && (n = g_mime_stream_read(stream, raw, sizeof(raw))) > 0) {
		size_t len = g_mime_encoding_step(&state, raw, (size_t)n, room);
		rc = len ? each(context, room, len) : 0;
	}
	if (room && !rc) {
		size_t len = g_mime_encoding_flush(&state, "", 0, room);
		rc = len ? each(context, room, len) : 0;
	}
	return room ? rc : -ENOMEM;
}

static int append(void *context, const char *data, size_t len)
{
	return buf_add(context, data, len);
}

void mail_part_bytes(GMimePart *part, struct buf *out)
{
	buf_adds(out, "");
	mail_part_each(part, append, out);
}

static bool is_type(GMimeObject *object, const char *type, const char *subtype)
{
	GMimeContentType *is = g_mime_object_get_content_type(object);

	return is && g_mime_content_type_is_type(is, type, subtype);
}

static bool parameter_is(const char *raw, const char *name, const char *value)
{
	AUTO_BUF struct buf found;

	buf_init(&found, 4096);
	return mail_header_parameter(raw, name, &found) && found.len &&
		!strcasecmp(found.data, value);
}

/* Headers. */

static void write_header(struct mail *mail, GMimeMessage *message, const char *name)
{
	AUTO_BUF struct buf value;

	buf_init(&value, (size_t)1 << 20);
	mail_header_text(mail_raw_header((GMimeObject *)message, name), &value);
	flow_labelled(mail->flow, name, value.data);
}

static void write_headers(struct mail *mail, GMimeMessage *message, unsigned level)
{
	static const char *const names[] = {"From", "To", "Cc", "Date"};
	AUTO_BUF struct buf subject;

	buf_init(&subject, (size_t)1 << 20);
	mail_header_text(mail_raw_header((GMimeObject *)message, "Subject"), &subject);
	flow_paragraph(mail->flow);
	if (subject.len) {
		flow_heading(mail->flow, level);
		flow_words(mail->flow, subject.data, subject.len);
		flow_heading_end(mail->flow);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		write_header(mail, message, names[i]);
	flow_paragraph(mail->flow);
}

static int64_t date_of(GMimeMessage *message)
{
	const char *raw = mail_raw_header((GMimeObject *)message, "Date");
	GDateTime *date = raw ? g_mime_utils_header_decode_date(raw) : NULL;
	int64_t seconds = date ? g_date_time_to_unix(date) : 0;

	if (date)
		g_date_time_unref(date);
	return seconds;
}

void mail_describe(GMimeMessage *message, struct out *out, struct meta *meta)
{
	static const struct {
		const char *header, *name;
	} fields[] = {{"From", "from"}, {"To", "to"}, {"Message-ID", "message_id"}};
	GMimeObject *object = (GMimeObject *)message;
	AUTO_BUF struct buf value;

	buf_init(&value, (size_t)1 << 20);
	mail_header_text(mail_raw_header(object, "Subject"), &value);
	if (value.len)
		out_field(out, FIELD_TITLE, value.data, value.len);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		buf_clear(&value);
		mail_header_text(mail_raw_header(object, fields[i].header), &value);
		meta_add_text(meta, fields[i].name, value.data ? value.data : "", value.len);
	}
	const char *raw = mail_raw_header(object, "Date");
	GDateTime *date = raw ? g_mime_utils_header_decode_date(raw) : NULL;
	char *text = date ? g_date_time_format(date, "%Y-%m-%dT%H:%M:%S%:z") : NULL;
	meta_add(meta, "created", text);
	g_free(text);
	if (date)
		g_date_time_unref(date);
}

/* Attachments. */

const char *mail_extension(const char *type, const char *subtype)
{
	static const struct {
		const char *type, *extension;
	} known[] = {{"application/pdf", "pdf"}, {"application/msword", "doc"},
		{"application/vnd.ms-excel", "xls"}, {"application/vnd.ms-powerpoint", "ppt"},
		{"application/"
		 "vnd.openxmlformats-officedocument.wordprocessingml.document",
			"docx"},
		{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
		{"application/"
		 "vnd.openxmlformats-officedocument.presentationml.presentation",
			"pptx"},
		{"application/vnd.oasis.opendocument.text", "odt"}, {"application/zip", "zip"},
		{"application/x-zip-compressed", "zip"}, {"application/gzip", "gz"},
		{"application/json", "json"}, {"application/xml", "xml"},
		{"application/rtf", "rtf"}, {"application/epub+zip", "epub"},
		{"message/rfc822", "eml"}, {"text/plain", "txt"}, {"text/html", "html"},
		{"text/csv", "csv"}, {"text/rtf", "rtf"}, {"text/xml", "xml"},
		{"text/calendar", "ics"}, {"text/vcard", "vcf"}, {"text/x-vcard", "vcf"},
		{"text/directory", "vcf"}, {"text/markdown", "md"}, {"image/png", "png"},
		{"image/jpeg", "jpg"}, {"image/gif", "gif"}, {"image/tiff", "tiff"},
		{"image/svg+xml", "svg"}};
	char whole[128];

	snprintf(whole, sizeof(whole), "%s/%s", type, subtype);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcasecmp(whole, known[i].type))
			return known[i].extension;
	return "bin";
}

/* The file name that the sender gave it, without folders: false if there is none. */
static bool given_name(GMimeObject *part, struct buf *name)
{
	const char *disposition = mail_raw_header(part, "Content-Disposition");
	AUTO_BUF struct buf value;

	buf_init(&value, (size_t)1 << 20);
	mail_header_parameter(disposition, "filename", &value);
	if (!value.len)
		mail_header_parameter(mail_raw_header(part, "Content-Type"), "name", &value);
	if (!value.len)
		return false;
	char *base = value.data;
	for (char *c = value.data; *c; c++)
		if (*c == '/' || *c == '\\')
			base = c + 1;
	size_t len = strlen(base);
	while (len > NAME_MAX_BYTES || (len && (base[len] & 0xc0) == 0x80))
		len--;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)base[i] >= 0x20 && base[i] != 0x7f)
			buf_addc(name, base[i]);
	return name->len && strcmp(name->data, ".") && strcmp(name->data, "..");
}

/* Note the name; false: another one is called so (or there are too many to know). */
static bool note_name(struct mail *mail, const char *name)
{
	AUTO_BUF struct buf line;

	buf_init(&line, NAME_MAX_BYTES * 2);
	buf_addf(&line, "\n%s\n", name);
	if (line.failed || (mail->names.len && strstr(mail->names.data, line.data)))
		return false;
	return buf_add(&mail->names, line.data, line.len) == 0;
}

static void name_member(struct mail *mail, GMimeObject *part, struct buf *path)
{
	GMimeContentType *type = g_mime_object_get_content_type(part);
	AUTO_BUF struct buf name;

	buf_init(&name, NAME_MAX_BYTES * 2);
	if (!given_name(part, &name)) {
		buf_clear(&name);
		buf_addf(&name, "part-%u.%s", mail->parts,
			mail_extension(g_mime_content_type_get_media_type(type),
				g_mime_content_type_get_media_subtype(type)));
	}
	bool is_new = note_name(mail, name.data);
	buf_addf(&mail->attachments, "%s%s", mail->attachments.len ? ", " : "", name.data);
	if (mail->number)
		buf_addf(path, "%u/", mail->number);
	if (!is_new)
		buf_addf(path, "part-%u-", mail->parts);
	buf_add(path, name.data, name.len);
}

static int send_piece(void *context, const char *data, size_t len)
{
	return member_data(context, data, len);
}

static void send_member(struct mail *mail, GMimePart *part)
{
	AUTO_BUF struct buf path;
	struct err none = ERR_NONE;

	buf_init(&path, 4096);
	name_member(mail, (GMimeObject *)part, &path);
	int rc = member_begin(mail->out, path.data, path.len, mail->date_s);
	rc = rc ? rc : mail_part_each(part, send_piece, mail->out);
	rc = rc ? rc : member_end(mail->out, 0, &none);
	if (rc)
		mail->failed = rc;
}

/* Bodies. */

static void write_plain(
	struct mail *mail, GMimeObject *part, const struct buf *bytes, const char *charset)
{
	const char *type = mail_raw_header(part, "Content-Type");
	struct mail_text how = {
		.charset = charset,
		.is_flowed = parameter_is(type, "format", "flowed"),
		.deletes_space = parameter_is(type, "delsp", "yes"),
		.is_mbox = mail->number > 0,
	};

	mail_text_flow(mail->flow, bytes->data, bytes->len, &how);
}

static void write_calendar(struct mail *mail, const struct buf *bytes)
{
	flow_paragraph(mail->flow);
	calendar_flow(mail->flow, bytes->data, bytes->len);
	flow_paragraph(mail->flow);
}

static void write_text(struct mail *mail, GMimePart *part)
{
	GMimeObject *object = (GMimeObject *)part;
	AUTO_BUF struct buf bytes, charset;
	struct err ignored = ERR_NONE; /* of a broken page, what could be read is enough */

	buf_init(&bytes, MAIL_TEXT_MAX);
	buf_init(&charset, 256);
	mail_part_bytes(part, &bytes);
	mail_header_parameter(mail_raw_header(object, "Content-Type"), "charset", &charset);
	if (!bytes.len || !bytes.data[strspn(bytes.data, " \t\r\n")])
		return;
	mail->has_text = true;
	struct html_page page = {.charset = charset.data};
	if (is_type(object, "text", "calendar"))
		write_calendar(mail, &bytes);
	else if (is_type(object, "text", "html") || is_type(object, "text", "enriched"))
		html_flow(mail->flow, bytes.data, bytes.len, &page, &ignored);
	else
		write_plain(mail, object, &bytes, charset.data);
}

/* Parts that say nothing to a person, or only how the message was signed. */
static bool is_passed_over(GMimeObject *part)
{
	static const char *const types[] = {"pgp-signature", "pkcs7-signature", "x-pkcs7-signature",
		"pgp-encrypted", "pgp-keys"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (is_type(part, "application", types[i]))
			return true;
	return is_type(part, "text", "x-amp-html") || is_type(part, "message", "delivery-status") ||
		is_type(part, "message", "external-body");
}

static bool is_sealed(GMimeObject *part)
{
	bool is_pkcs7 = is_type(part, "application", "pkcs7-mime") ||
		is_type(part, "application", "x-pkcs7-mime");
	const char *type = mail_raw_header(part, "Content-Type");

	return is_pkcs7 && !parameter_is(type, "smime-type", "signed-data") &&
		!parameter_is(type, "smime-type", "certs-only");
}

bool mail_is_locked(GMimeMessage *message)
{
	GMimeObject *body = g_mime_message_get_mime_part(message);

	return body && (is_type(body, "multipart", "encrypted") || is_sealed(body));
}

/* Is it shown as part of the message, rather than beside it? */
static bool is_body(GMimeObject *part)
{
	static const char *const shown[] = {"plain", "html", "enriched", "calendar"};
	const char *type = mail_raw_header(part, "Content-Type");

	if (mail_header_is(mail_raw_header(part, "Content-Disposition"), "attachment"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		if (is_type(part, "text", shown[i]))
			return true;
	AUTO_BUF struct buf name;
	buf_init(&name, NAME_MAX_BYTES * 2);
	return (!type ||
		       (is_type(part, "text", "*") && !is_type(part, "text", "rtf") &&
			       !is_type(part, "text", "vcard") &&
			       !is_type(part, "text", "x-vcard") &&
			       !is_type(part, "text", "directory"))) &&
		!given_name(part, &name);
}

/* A picture of the page's looks, or one without a name. */
static bool is_decoration(GMimeObject *part, const struct place *place)
{
	const char *disposition = mail_raw_header(part, "Content-Disposition");
	AUTO_BUF struct buf name;

	buf_init(&name, NAME_MAX_BYTES * 2);
	if (!is_type(part, "image", "*") || mail_header_is(disposition, "attachment"))
		return false;
	return place->is_related || !given_name(part, &name);
}

static void write_object(struct mail *mail, GMimeObject *object, struct place place);

static void write_part(struct mail *mail, GMimePart *part, const struct place *place)
{
	GMimeObject *object = (GMimeObject *)part;

	mail->parts++;
	if (is_sealed(object))
		mail->is_encrypted = true;
	else if (is_passed_over(object) || is_decoration(object, place))
		return;
	else if (!is_body(object))
		send_member(mail, part);
	else if (!place->is_other)
		write_text(mail, part);
}

/* Does it hold words of that type, at any depth? */
static bool holds_text(GMimeObject *object, const char *subtype, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return false;
	if (GMIME_IS_MULTIPART(object)) {
		int count = g_mime_multipart_get_count((GMimeMultipart *)object);
		for (int i = 0; i < count; i++)
			if (holds_text(g_mime_multipart_get_part((GMimeMultipart *)object, i),
				    subtype, depth + 1))
				return true;
		return false;
	}
	if (!GMIME_IS_PART(object) || !is_type(object, "text", subtype) || !is_body(object))
		return false;
	AUTO_BUF struct buf bytes;
	buf_init(&bytes, PIECE_MAX);
	mail_part_bytes((GMimePart *)object, &bytes); /* its beginning, if it is long */
	return bytes.failed || bytes.data[strspn(bytes.data, " \t\r\n")];
}

/* The alternative to show: plain text, else a page, else the last one, as the sender likes it
 * most. */
static int choose(GMimeMultipart *multipart)
{
	static const char *const preferred[] = {"plain", "html", "*"};
	int count = g_mime_multipart_get_count(multipart);

	for (size_t i = 0; i < ARRAY_LEN(preferred); i++)
		for (int part = 0; part < count; part++)
			if (holds_text(g_mime_multipart_get_part(multipart, part), preferred[i], 0))
				return part;
	return count - 1;
}

static void write_alternatives(struct mail *mail, GMimeMultipart *multipart, struct place place)
{
	int chosen = choose(multipart), count = g_mime_multipart_get_count(multipart);
	bool is_other = place.is_other;

	for (int i = 0; i < count && !mail->failed; i++) {
		GMimeObject *part = g_mime_multipart_get_part(multipart, i);
		/* an invitation's time and place are often in its calendar alone */
		place.is_other = is_other || (i != chosen && !is_type(part, "text", "calendar"));
		write_object(mail, part, place);
	}
}

/* Without a boundary all is prologue. */
static void write_prologue(struct mail *mail, GMimeMultipart *multipart)
{
	const char *text = g_mime_multipart_get_prologue(multipart);
	struct mail_text how = {.is_mbox = mail->number > 0};

	if (!text || !text[strspn(text, " \t\r\n")])
		return;
	mail->has_text = true;
	mail_text_flow(mail->flow, text, strlen(text), &how);
}

static void write_multipart(struct mail *mail, GMimeMultipart *multipart, struct place place)
{
	GMimeObject *object = (GMimeObject *)multipart;
	int count = g_mime_multipart_get_count(multipart);

	if (is_type(object, "multipart", "encrypted")) {
		mail->is_encrypted = true;
		return;
	}
	if (!count && !place.is_other)
		write_prologue(mail, multipart);
	if (is_type(object, "multipart", "alternative")) {
		write_alternatives(mail, multipart, place);
		return;
	}
	place.is_related = place.is_related || is_type(object, "multipart", "related");
	for (int i = 0; i < count && !mail->failed; i++)
		write_object(mail, g_mime_multipart_get_part(multipart, i), place);
}

static void write_body(struct mail *mail, GMimeMessage *message, struct place place)
{
	GMimeObject *body = g_mime_message_get_mime_part(message);

	if (body)
		write_object(mail, body, place);
}

/* One that is forwarded, or that could not be delivered. */
static void write_inner(struct mail *mail, GMimeMessage *message, struct place place)
{
	mail->parts++;
	if (!message || place.is_other)
		return;
	write_headers(mail, message, place.depth < 5 ? place.depth + 1 : 6);
	mail->has_text = true;
	write_body(mail, message, place);
}

static void write_object(struct mail *mail, GMimeObject *object, struct place place)
{
	if (mail->failed || ++place.depth > DEPTH_MAX)
		return;
	mail->failed = flow_failed(mail->flow);
	if (GMIME_IS_MULTIPART(object))
		write_multipart(mail, (GMimeMultipart *)object, place);
	else if (GMIME_IS_MESSAGE_PART(object))
		write_inner(
			mail, g_mime_message_part_get_message((GMimeMessagePart *)object), place);
	else if (GMIME_IS_PART(object))
		write_part(mail, (GMimePart *)object, &place);
}

int mail_write(struct mail *mail, GMimeMessage *message)
{
	static const char sealed[] = "The message, or a part of it, is encrypted.";

	buf_init(&mail->attachments, NAMES_MAX);
	buf_init(&mail->names, NAMES_MAX);
	mail->date_s = date_of(message);
	write_headers(mail, message, 1);
	write_body(mail, message, (struct place){0});
	flow_paragraph(mail->flow);
	if (mail->is_encrypted)
		flow_words(mail->flow, sealed, sizeof(sealed) - 1);
	flow_labelled(mail->flow, "Attachments", mail->attachments.data);
	buf_release(&mail->attachments);
	buf_release(&mail->names);
	return mail->failed;
}
