/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256: the name of every blob, and how a file that was dropped again is recognised. */
#ifndef ASKFS_CORE_HASH_H
#define ASKFS_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define HASH_SIZE 32
#define HASH_TEXT 65 /* 64 hexadecimal digits and the NUL */

/* A hash under way. Embedded by value; one thread at a time. */
struct hash {
	void *state;
};

/* 0 or -ENOMEM (then hash_release is allowed, nothing else). */
int hash_init(struct hash *hash);
void hash_release(struct hash *hash);

/* Feed bytes. */
void hash_add(struct hash *hash, const void *data, size_t len);

/* The hash of all that was fed. Nothing may be fed afterwards, until hash_restart. */
void hash_end(struct hash *hash, uint8_t out[HASH_SIZE]);
void hash_restart(struct hash *hash);

/* The hash of @len bytes. 0 or -ENOMEM. */
int hash_bytes(const void *data, size_t len, uint8_t out[HASH_SIZE]);

/* The hash of all bytes of @fd from its start (pread), and their number. 0 or -errno. */
int hash_fd(int fd, uint8_t out[HASH_SIZE], uint64_t *size, struct err *err);

/* Lower-case digits in @out, which is returned. */
char *hash_format(const uint8_t hash[HASH_SIZE], char out[HASH_TEXT]);

static inline void auto_hash(struct hash *hash)
{
	hash_release(hash);
}
#define AUTO_HASH __attribute__((cleanup(auto_hash)))

#endif
