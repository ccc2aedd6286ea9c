/* SPDX-License-Identifier: Apache-2.0 */
/* What LaTeX's commands and environments mean to us. */
#ifndef ASKFS_CORE_PARSE_READERS_LATEX_H
#define ASKFS_CORE_PARSE_READERS_LATEX_H

#include <stddef.h>

enum latex_role {
	LATEX_NOTHING, /* the command goes, its arguments are text */
	LATEX_TEXT, /* stands for @text */
	LATEX_ACCENT, /* of the character that follows; @text names it */
	LATEX_HEADING, /* of @number */
	LATEX_TITLE,
	LATEX_AUTHOR,
	LATEX_DATE,
	LATEX_DROP, /* with @number arguments in braces */
	LATEX_LINE,
	LATEX_PARAGRAPH,
	LATEX_ITEM,
	LATEX_FOOTNOTE,
	LATEX_BEGIN,
	LATEX_END,
	LATEX_VERB,
	LATEX_MATH, /* up to @text */
	/* environments */
	LATEX_RAW, /* its text is taken as it is, commands and all */
	LATEX_COMMENT, /* it goes with its text */
	LATEX_LINES, /* commands work in it, and its lines are meant */
	LATEX_TABLE, /* @number arguments follow */
	LATEX_BLOCK
};

struct latex_name {
	const char *name;
	enum latex_role role;
	unsigned number;
	const char *text;
};

/* The command of that name ("section", "'"), never NULL; what is not known is LATEX_NOTHING. */
const struct latex_name *latex_command(const char *name, size_t len);

/* The environment of that name ("tabular"); what is not known is LATEX_BLOCK. A star at its end
 * makes no difference. */
const struct latex_name *latex_environment(const char *name, size_t len);

#endif
