/* SPDX-License-Identifier: Apache-2.0 */
/* Names that programs use for unfinished or private files. */
#ifndef ASKFS_CORE_NAMES_H
#define ASKFS_CORE_NAMES_H

#include <stdbool.h>

/* A file of this name is kept and never ingested: while it bears it, it belongs to the program
 * that made it. One path component. */
bool name_is_private(const char *name);

/* The file that makes @name unfinished or private while it is there, in @out (256 bytes):
 * "F.aria2" for a download "F", "F" for SQLite's "F-journal". The one at @index (from 0), NULL
 * when there is no further one. */
const char *name_companion(const char *name, unsigned index, char out[256]);

/* "NAME.askfs-error.txt", the name cut between characters so that it fits into 255 bytes. */
void name_error_note(const char *name, char out[256]);
bool name_is_error_note(const char *name);

#endif
