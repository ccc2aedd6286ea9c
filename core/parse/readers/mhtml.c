/* SPDX-License-Identifier: Apache-2.0 */
/* A page that a browser has saved in one file (RFC 2557): a mail whose body is the page with its
 * pictures and styles beside it. Only the page itself is text. */
#include "core/parse/readers/mail.h"

#include <errno.h>
#include <string.h>

#include <gmime/gmime.h>

#include "core/auto.h"
#include "core/parse/readers/html.h"

#define DEPTH_MAX 16

/* The first page: browsers put the document before what it shows. */
static GMimePart *find_page(GMimeObject *object, unsigned depth)
{
	GMimeContentType *type = object ? g_mime_object_get_content_type(object) : NULL;

	if (!object || depth > DEPTH_MAX)
		return NULL;
	if (GMIME_IS_PART(object))
		return g_mime_content_type_is_type(type, "text", "html") ||
				g_mime_content_type_is_type(type, "application", "xhtml+xml")
			? (GMimePart *)object
			: NULL;
	if (!GMIME_IS_MULTIPART(object))
		return NULL;
	int count = g_mime_multipart_get_count((GMimeMultipart *)object);
	for (int i = 0; i < count; i++) {
		GMimePart *page = find_page(
			g_mime_multipart_get_part((GMimeMultipart *)object, i), depth + 1);
		if (page)
			return page;
	}
	return NULL;
}

static void tell_address(GMimeMessage *message, GMimePart *page, struct meta *meta)
{
	const char *raw = mail_raw_header((GMimeObject *)page, "Content-Location");
	AUTO_BUF struct buf value;

	buf_init(&value, (size_t)64 << 10);
	if (!raw)
		raw = mail_raw_header((GMimeObject *)message, "Snapshot-Content-Location");
	mail_header_text(raw, &value);
	meta_add(meta, "url", value.data);
}

static void tell_title(GMimeMessage *message, struct buf *title, struct out *out)
{
	if (!title->len)
		mail_header_text(mail_raw_header((GMimeObject *)message, "Subject"), title);
	if (title->len)
		out_field(out, FIELD_TITLE, title->data, title->len);
}

static int write_page(GMimeMessage *message, GMimePart *part, struct out *out, struct err *err)
{
	AUTO_BUF struct buf bytes, charset, title;
	AUTO_META struct meta meta;
	struct flow flow;

	buf_init(&bytes, MAIL_TEXT_MAX);
	buf_init(&charset, 256);
	buf_init(&title, 4096);
	meta_init(&meta);
	flow_init(&flow, out);
	mail_part_bytes(part, &bytes);
	mail_header_parameter(
		mail_raw_header((GMimeObject *)part, "Content-Type"), "charset", &charset);
	struct html_page page = {.charset = charset.data, .meta = &meta, .title = &title};
	int rc = html_flow(&flow, bytes.data, bytes.len, &page, err);
	tell_title(message, &title, out);
	tell_address(message, part, &meta);
	meta_send(&meta, out);
	int written = flow_finish(&flow);
	return rc ? rc : written;
}

int mhtml_read(const struct source *source, struct out *out, struct err *err)
{
	GMimeMessage *message = mail_parse(source, 0, source->size);
	GMimePart *page = message ? find_page(g_mime_message_get_mime_part(message), 0) : NULL;
	int rc = page ? write_page(message, page, out, err) : mail_read(source, out, err);

	if (message)
		g_object_unref(message);
	return rc;
}
