/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold nothing but an address: .url (Windows, browsers), .desktop (freedesktop.org),
 * .webloc (macOS). */
#ifndef ASKFS_CORE_LINK_H
#define ASKFS_CORE_LINK_H

#include <stdbool.h>
#include <stddef.h>

#define LINK_FILE_MAX 65536 /* bytes; a larger file is no link */

/* May a file of that name be a link? Any thread. */
bool link_has_name(const char *name);

/* The http:// or https:// address in such a file. 0 and *url, which the caller frees; -ENOENT: it
 * is no link to one (a .desktop file that starts a program); -ENOMEM. Any thread. */
int link_read(const char *name, const char *text, size_t len, char **url);

#endif
