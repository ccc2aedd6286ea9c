/* SPDX-License-Identifier: Apache-2.0 */
#include "core/page_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

int page_open(const struct page *page)
{
	AUTO_CLOSE int fd = memfd_create("page", MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < page->body.len) {
		ssize_t n = write(fd, page->body.data + done, page->body.len - done);
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return TAKE_FD(fd);
}

char *page_file_name(const struct page *page)
{
	const char *path = strstr(page->url, "://");
	size_t len;

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
	AUTO_CLOSE int fd = page_open(page);
	AUTO_FREE char *name = page_file_name(page);
	struct reading reading = {out, chars};

	*out = (struct page_text){0};
	if (fd < 0 || !name)
		return err_set(err, -ENOMEM, "out of memory");
	buf_init(&out->text, BUF_MAX_DEFAULT);
	struct parse_item item = {
		.fd = fd,
		.size = page->body.len,
		.name = name,
		.sink = {take_text, take_mark, &reading},
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
