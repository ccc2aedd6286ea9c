/* SPDX-License-Identifier: Apache-2.0 */
#include "core/archive_limits.h"

#include <errno.h>
#include <inttypes.h>

/* What unpacks to less than this is no bomb, whatever it was packed to. */
#define RATIO_FROM ((uint64_t)16 << 20)

struct archive_limits archive_limits_of(const struct config *config)
{
	return (struct archive_limits){
		.members = config->archive_members,
		.depth = config->archive_depth,
		.ratio = config->archive_ratio,
		.bytes = config->archive_bytes,
	};
}

int archive_limits_check_member(
	const struct archive_limits *limits, uint64_t count, uint64_t depth, struct err *err)
{
	if (count >= limits->members)
		return err_set(err, -E2BIG,
			"it holds more than %" PRIu64 " documents ([archive] members)",
			limits->members);
	if (depth >= limits->depth)
		return err_set(err, -E2BIG,
			"it holds archives in archives, more than %" PRIu64
			" deep ([archive] depth)",
			limits->depth);
	return 0;
}

int archive_limits_check_bytes(
	const struct archive_limits *limits, uint64_t bytes, uint64_t packed, struct err *err)
{
	if (bytes > limits->bytes)
		return err_set(err, -EFBIG,
			"it unpacks to more than %" PRIu64 " MiB ([archive] bytes)",
			limits->bytes >> 20);
	if (bytes > RATIO_FROM && bytes / limits->ratio > packed)
		return err_set(err, -EFBIG,
			"it unpacks to more than %" PRIu64 " times its size ([archive] ratio)",
			limits->ratio);
	return 0;
}
