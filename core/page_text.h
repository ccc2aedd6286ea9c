/* SPDX-License-Identifier: Apache-2.0 */
/* What a fetched page says: its bytes go through the sandbox, like those of any document. */
#ifndef ASKFS_CORE_PAGE_TEXT_H
#define ASKFS_CORE_PAGE_TEXT_H

#include "core/fetch.h"
#include "core/parser.h"

/* Owned; page_text_release frees what is inside. */
struct page_text {
	struct buf text; /* UTF-8 */
	char *title, *content_type; /* NULL: unknown */
	bool is_cut; /* there was more */
};
void page_text_release(struct page_text *text);

/* The page as a file of *size bytes that nobody else sees, in UTF-8 where its encoding is one that
 * only the server knows: a descriptor for the caller to close, or -errno. */
int page_open(const struct page *page, uint64_t *size);

/* The last part of the page's address, as a hint at what it is; for the caller to free, NULL: no
 * memory. */
char *page_file_name(const struct page *page);

/* Its text, @chars characters at most. 0 or what parser_run says. Blocks. */
int page_text_read(struct parser *parser, const struct page *page, size_t chars,
	struct page_text *out, struct err *err);

#endif
