/* SPDX-License-Identifier: Apache-2.0 */
/* A UUID (RFC 9562). New ones are of version 7: they sort by the time they were made. */
#ifndef ASKFS_CORE_UUID_H
#define ASKFS_CORE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define UUID_TEXT 37 /* 36 characters and the NUL */

struct uuid {
	uint8_t bytes[16];
};

/* A new version 7 UUID; two made by one process are never equal and sort by age.
 * Any thread. Aborts if the system has no random bytes. */
struct uuid uuid_new(void);

/* The UUID of what @name (@len bytes) is within @parent: version 8, from a SHA-256 of both, the
 * same at each call. Aborts when memory is short. Any thread. */
struct uuid uuid_within(const struct uuid *parent, const void *name, size_t len);

/* The lower-case text of @uuid in @out, which is returned. */
char *uuid_format(const struct uuid *uuid, char out[UUID_TEXT]);

/* Parse exactly 36 characters, either case. False if @text is anything else. */
bool uuid_parse(const char *text, struct uuid *out);

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static inline int uuid_compare(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* The nil UUID stands for "none". */
static inline bool uuid_is_nil(const struct uuid *uuid)
{
	static const struct uuid nil;
	return uuid_equal(uuid, &nil);
}

#endif
