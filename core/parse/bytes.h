/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in foreign bytes, little end first, that can't be read beyond their end. */
#ifndef ASKFS_CORE_PARSE_BYTES_H
#define ASKFS_CORE_PARSE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

/* Points into memory of somebody else's. */
struct bytes {
	const unsigned char *data;
	size_t len;
};

static inline struct bytes bytes_of(const struct buf *buf)
{
	return (struct bytes){(const unsigned char *)buf->data, buf->len};
}

/* As much of @len bytes at @at as there is. */
static inline struct bytes bytes_part(struct bytes bytes, size_t at, size_t len)
{
	if (at >= bytes.len)
		return (struct bytes){bytes.data, 0};
	size_t left = bytes.len - at;
	return (struct bytes){bytes.data + at, len < left ? len : left};
}

static inline struct bytes bytes_from(struct bytes bytes, size_t at)
{
	return bytes_part(bytes, at, SIZE_MAX);
}

/* What lies beyond the end reads as 0. */
static inline uint8_t bytes_u8(struct bytes bytes, size_t at)
{
	return at < bytes.len ? bytes.data[at] : 0;
}

static inline uint16_t bytes_u16(struct bytes bytes, size_t at)
{
	if (bytes.len < 2 || at > bytes.len - 2)
		return 0;
	return (uint16_t)(bytes.data[at] | bytes.data[at + 1] << 8);
}

static inline uint32_t bytes_u32(struct bytes bytes, size_t at)
{
	if (bytes.len < 4 || at > bytes.len - 4)
		return 0;
	return bytes_u16(bytes, at) | (uint32_t)bytes_u16(bytes, at + 2) << 16;
}

static inline uint64_t bytes_u64(struct bytes bytes, size_t at)
{
	if (bytes.len < 8 || at > bytes.len - 8)
		return 0;
	return bytes_u32(bytes, at) | (uint64_t)bytes_u32(bytes, at + 4) << 32;
}

#endif
