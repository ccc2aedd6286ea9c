/* SPDX-License-Identifier: Apache-2.0 */
#include "core/page_text.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/text/utf8.h"

void page_text_release(struct page_text *text)
{
	buf_release(&text->text);
	free(text->title);
	free(text->content_type);
	*text = (struct page_text){0};
}

/* The value of the content type's charset; NULL: it has none. For the caller to free. */
static char *charset_of(const struct page *page)
{
	const char *at = strcasestr(page->content_type, "charset=");

	if (!at)
		return NULL;
	at += strlen("charset=");
	at += *at == '"';
	return strndup(at, strcspn(at, "\"; \t,"));
}

/* Encodings of one byte a character: the server's word alone tells them apart. Those of more bytes
 * can be told by their look, in the sandbox. */
static bool is_simple(const char *charset)
{
	static const char *const families[] = {"iso-8859-", "windows-125", "cp125", "koi8-"};

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (!strncasecmp(charset, families[i], strlen(families[i])))
			return true;
	return false;
}

/* The body in UTF-8, behind a mark that says so: that counts for more than what a page says itself.
 * 0, or -errno: it is to be taken as it is. */
static int to_utf8(const struct page *page, struct buf *out)
{
	AUTO_FREE char *charset = charset_of(page);
	bool is_known =
		charset && !strncasecmp(page->content_type, "text/", 5) && is_simple(charset);
	iconv_t converter = is_known ? iconv_open("UTF-8", charset) : (iconv_t)-1;
	char *from = page->body.data, part[8192];
	size_t left = page->body.len;

	if (converter == (iconv_t)-1)
		return -EINVAL;
	buf_adds(out, "\xef\xbb\xbf");
	while (left > 0 && !out->failed) {
		char *to = part;
		size_t room = sizeof(part);
		size_t rc = iconv(converter, &from, &left, &to, &room);
		buf_add(out, part, (size_t)(to - part));
		if (rc == (size_t)-1 && errno != E2BIG)
			break;
	}
	iconv_close(converter);
	return left ? -EILSEQ : out->failed;
}

int page_open(const struct page *page, uint64_t *size)
{
	AUTO_CLOSE int fd = memfd_create("page", MFD_CLOEXEC);
	AUTO_BUF struct buf converted;

	buf_init(&converted, page->body.len * 4 + 16);
	const struct buf *body = to_utf8(page, &converted) ? &page->body : &converted;
	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < body->len;) {
		ssize_t n = write(fd, body->data + done, body->len - done);
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	*size = body->len;
	return TAKE_FD(fd);
}

/* What the server calls it counts for more than the end of its address. */
static const struct {
	const char *type, *name;
} names[] = {
	{"text/html", "page.html"},
	{"application/xhtml+xml", "page.html"},
	{"text/plain", "page.txt"},
	{"text/markdown", "page.md"},
	{"application/pdf", "page.pdf"},
};

char *page_file_name(const struct page *page)
{
	const char *path = strstr(page->url, "://");
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t type_len = strlen(names[i].type);
		if (!strncasecmp(page->content_type, names[i].type, type_len) &&
			strchr("; \t", page->content_type[type_len]))
			return strdup(names[i].name);
	}
	path = path ? path + 3 : page->url;
	len = strcspn(path, "?#");
	size_t start = len;
	while (start > 0 && path[start - 1] != '/')
		start--;
	bool has_name = start > 0 && len > start && len - start < 200;
	return has_name ? strndup(path + start, len - start) : strdup("page.html");
}

/* What is read of it, and how much of that may still come. */
struct reading {
	struct page_text *out;
	size_t left; /* characters */
};

static int take_text(void *context, const char *utf8, size_t len)
{
	struct reading *reading = context;
	size_t cut = utf8_offset(utf8, len, reading->left);

	if (buf_add(&reading->out->text, utf8, cut))
		return reading->out->text.failed;
	reading->left -= utf8_count(utf8, cut);
	reading->out->is_cut = cut < len;
	return cut < len ? -ENOBUFS : 0;
}

static int take_mark(void *context, const struct mark *mark)
{
	(void)context;
	(void)mark;
	return 0;
}

int page_text_read(struct parser *parser, const struct page *page, size_t chars,
	struct page_text *out, struct err *err)
{
	uint64_t size = 0;
	AUTO_CLOSE int fd = page_open(page, &size);
	AUTO_FREE char *name = page_file_name(page);
	struct reading reading = {out, chars};

	*out = (struct page_text){0};
	if (fd < 0 || !name)
		return err_set(err, -ENOMEM, "out of memory");
	buf_init(&out->text, BUF_MAX_DEFAULT);
	struct parse_item item = {
		.fd = fd,
		.size = size,
		.name = name,
		.sink = {.text = take_text, .mark = take_mark, .context = &reading},
	};
	parser_run(parser, &item, 1);
	out->title = TAKE_PTR(item.parsed.title);
	out->content_type = TAKE_PTR(item.parsed.content_type);
	parsed_release(&item.parsed);
	if (item.result == 0 || out->is_cut)
		return 0;
	page_text_release(out);
	*err = item.err;
	return item.result;
}
