/* SPDX-License-Identifier: Apache-2.0 */
/* roff's escapes, and its arguments. */
#ifndef ASKFS_CORE_PARSE_READERS_ROFF_H
#define ASKFS_CORE_PARSE_READERS_ROFF_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"

/* Append @text with its escapes resolved: characters become what they stand for, fonts, sizes and
 * motions go, a comment ends the text. */
void roff_text(struct buf *out, const char *text);

/* The next argument at *at, which is stepped over: its text as roff_text has it into @out (cleared
 * first). false: there is none. */
bool roff_argument(const char **at, struct buf *out);

#endif
