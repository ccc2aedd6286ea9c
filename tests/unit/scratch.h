/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of its own for a test. */
#ifndef ASKFS_TESTS_UNIT_SCRATCH_H
#define ASKFS_TESTS_UNIT_SCRATCH_H

#include <stddef.h>

/* A new empty folder, which the caller frees; fails the test if there can be none. */
char *scratch_new(void);

/* Remove it with all that is in it, and free its name. */
void scratch_free(char *folder);

/* A file of these bytes in @folder, open for reading and writing. */
int scratch_file(const char *folder, const char *name, const void *data, size_t len);

#endif
