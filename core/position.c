/* SPDX-License-Identifier: Apache-2.0 */
#include "core/position.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/auto.h"

/* By a part of the type: the office formats have many types for one kind. */
static const struct {
	const char *part, *word;
} words[] = {
	{"presentation", "slide"},
	{"powerpoint", "slide"},
	{"spreadsheet", "sheet"},
	{"ms-excel", "sheet"},
	{"epub", "chapter"},
	{"fictionbook", "chapter"},
	{"mbox", "message"},
	{"sqlite", "table"},
};

const char *position_word(const char *content_type)
{
	for (size_t i = 0; content_type && i < ARRAY_LEN(words); i++)
		if (strstr(content_type, words[i].part))
			return words[i].word;
	return "page";
}
