/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that are known by how they begin: mail, mailboxes, saved pages, calendars, contacts. */
#ifndef ASKFS_CORE_PARSE_TEXT_KIND_H
#define ASKFS_CORE_PARSE_TEXT_KIND_H

#include <stddef.h>

/* The MIME type of the text that begins with @head and is called @name ("message/rfc822",
 * "application/mbox", "multipart/related" for a saved page, "text/calendar", "text/vcard"), a
 * constant; NULL: none of these. A name that promises one of them makes less proof enough; one
 * that promises source code or markup rules all out. */
const char *text_kind(const char *head, size_t len, const char *name);

#endif
