/* SPDX-License-Identifier: Apache-2.0 */
/* How much may be inside one document: the settings of [archive], and what to say beyond them. */
#ifndef ASKFS_CORE_ARCHIVE_LIMITS_H
#define ASKFS_CORE_ARCHIVE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "core/err.h"

struct archive_limits {
	uint64_t members, depth, ratio;
	uint64_t bytes;
};

struct archive_limits archive_limits_of(const struct config *config);

/* May there be one more document, where there are @count already, in a container that is @depth
 * containers deep in the outermost one (0: it is that itself)? 0, or -E2BIG with *err set. */
int archive_limits_check_member(
	const struct archive_limits *limits, uint64_t count, uint64_t depth, struct err *err);

/* May all that is inside have @bytes, where the outermost file has @packed? 0, or -EFBIG with *err
 * set. */
int archive_limits_check_bytes(
	const struct archive_limits *limits, uint64_t bytes, uint64_t packed, struct err *err);

#endif
