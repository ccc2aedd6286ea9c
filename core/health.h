/* SPDX-License-Identifier: Apache-2.0 */
/* Whether each part of askfs did its last job: noted where the ports are called, shown in
 * system/health. Nothing is tried out for it, so that looking costs nothing. Any thread. */
#ifndef ASKFS_CORE_HEALTH_H
#define ASKFS_CORE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

enum health_part {
	HEALTH_CATALOG,
	HEALTH_BLOBS,
	HEALTH_VECTORS,
	HEALTH_EMBEDDER,
	HEALTH_GENERATOR,
	HEALTH_PARSER,
	HEALTH_SPOOL,
	HEALTH_COUNT
};

struct health {
	bool is_failing;
	int64_t since_ns; /* of the first failure in a row, since 1970 */
	struct err err; /* of the last one */
};

/* The part returned @rc. A failure of the part itself (a full disk, a server that is gone) is
 * kept until its next success; an answer that is no fault of its own (-ENOENT, -EINVAL,
 * -ECANCELED …) changes nothing. Returns @rc. */
int health_note(enum health_part part, int rc, const struct err *err);

struct health health_get(enum health_part part);

/* "catalog" …; a constant. */
const char *health_name(enum health_part part);

#endif
