/* SPDX-License-Identifier: Apache-2.0 */
/* Text as Microsoft's formats keep it: in a numbered code page, or in UTF-16. */
#ifndef ASKFS_CORE_PARSE_CODEPAGE_H
#define ASKFS_CORE_PARSE_CODEPAGE_H

#include <stdint.h>

#include "core/buf.h"
#include "core/parse/bytes.h"

#define CODEPAGE_WESTERN 1252
#define CODEPAGE_UTF16	 1200
#define CODEPAGE_UTF8	 65001

/* The converter of a code page, for charset.h; windows-1252 where it is unknown. Constant. */
const char *codepage_name(unsigned codepage);

/* The code page that a Windows language (LCID) writes in. */
unsigned codepage_of_language(unsigned language);

/* Append text of a code page as UTF-8; what is invalid becomes U+FFFD. Converters stay open for
 * the next call: documents change between few of them, and often. One thread. 0 or -errno. */
int codepage_text(unsigned codepage, struct bytes text, struct buf *out);

/* Append UTF-16 (little end first; an odd byte at the end is left out) as UTF-8. 0 or -errno. */
int codepage_utf16(struct bytes text, struct buf *out);

#endif
