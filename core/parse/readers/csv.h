/* SPDX-License-Identifier: Apache-2.0 */
/* How a table in a text is written: found from its beginning. */
#ifndef ASKFS_CORE_PARSE_READERS_CSV_H
#define ASKFS_CORE_PARSE_READERS_CSV_H

#include <stdbool.h>
#include <stddef.h>

struct csv_form {
	char delimiter; /* NUL: a single column */
	bool has_quotes; /* a cell may stand in quotation marks */
	bool has_header; /* the row behind the preamble names the columns */
	size_t skip; /* bytes of a line "sep=;" at the beginning */
	size_t preamble; /* records before the table: a title, a date */
};

/* The form of the table that begins with @text, UTF-8 (@is_all: and ends with it). @prefers_tab:
 * the file is called so. */
struct csv_form csv_form_of(const char *text, size_t len, bool is_all, bool prefers_tab);

#endif
