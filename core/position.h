/* SPDX-License-Identifier: Apache-2.0 */
/* What the numbered parts of a document are called: its pages, slides, sheets. */
#ifndef ASKFS_CORE_POSITION_H
#define ASKFS_CORE_POSITION_H

/* "page", "slide", "sheet", "chapter", "message" or "table": what a number that a reader gave to a
 * part of a document of that type counts. A constant. @content_type NULL: "page". Any thread. */
const char *position_word(const char *content_type);

#endif
