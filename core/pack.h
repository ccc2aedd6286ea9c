/* SPDX-License-Identifier: Apache-2.0 */
/* Records in bytes: numbers as varints (LEB128), strings with their length before them. */
#ifndef ASKFS_CORE_PACK_H
#define ASKFS_CORE_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/buf.h"

static inline void pack_u64(struct buf *out, uint64_t value)
{
	unsigned char bytes[10];
	size_t n = 0;

	do {
		bytes[n] = (unsigned char)(value & 0x7f);
		value >>= 7;
		if (value)
			bytes[n] |= 0x80;
		n++;
	} while (value);
	buf_add(out, bytes, n);
}

/* Signed numbers, small ones short (zigzag). */
static inline void pack_i64(struct buf *out, int64_t value)
{
	pack_u64(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static inline void pack_bytes(struct buf *out, const void *data, size_t len)
{
	pack_u64(out, len);
	buf_add(out, data, len);
}

/* Reading: after the first thing that does not fit, @failed stays true and all reads give 0. */
struct unpack {
	const unsigned char *at, *end;
	bool failed;
};

static inline uint64_t unpack_u64(struct unpack *in)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (in->at == in->end)
			break;
		unsigned char byte = *in->at++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	in->failed = true;
	in->at = in->end;
	return 0;
}

static inline int64_t unpack_i64(struct unpack *in)
{
	uint64_t raw = unpack_u64(in);
	return (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
}

/* Points into the record. */
static inline const char *unpack_bytes(struct unpack *in, size_t *len)
{
	uint64_t n = unpack_u64(in);

	if (in->failed || n > (size_t)(in->end - in->at)) {
		in->failed = true;
		in->at = in->end;
		*len = 0;
		return "";
	}
	const char *data = (const char *)in->at;
	in->at += n;
	*len = (size_t)n;
	return data;
}

#endif
