/* SPDX-License-Identifier: Apache-2.0 */
/* Keeping the file system out of reach, all but a short list for reading. */
#ifndef ASKFS_CORE_PARSE_FILES_H
#define ASKFS_CORE_PARSE_FILES_H

#include "core/err.h"

/* In order of preference. */
enum confine_level {
	CONFINE_LANDLOCK, /* nothing but the short list can be opened */
	CONFINE_NAMESPACE, /* nothing else is there */
	CONFINE_REFUSE /* nothing can be opened at all */
};

/* The best level that this kernel and these rights allow. A namespace is entered at once,
 * while the rights for it are still there. */
enum confine_level files_begin(void);

/* Restrict this process by Landlock. 0 or -errno with *err set. After no_new_privs. */
int files_landlock(struct err *err);

#endif
