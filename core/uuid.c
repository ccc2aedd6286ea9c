/* SPDX-License-Identifier: Apache-2.0 */
/* Version 7: 48 bits of milliseconds, 12 bits of a counter that keeps the order within
 * one millisecond (RFC 9562, section 6.2, method 1), 62 random bits. */
#include "core/uuid.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "core/hash.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_tick; /* lock: milliseconds << 12 | counter */

static uint64_t next_tick(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;

	pthread_mutex_lock(&lock);
	uint64_t tick = ms << 12;
	if (tick <= last_tick)
		tick = last_tick + 1;
	last_tick = tick;
	pthread_mutex_unlock(&lock);
	return tick;
}

struct uuid uuid_new(void)
{
	struct uuid uuid;
	uint64_t tick = next_tick(), ms = tick >> 12;

	if (getrandom(uuid.bytes + 8, 8, 0) != 8)
		abort();
	for (int i = 0; i < 6; i++)
		uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	uuid.bytes[6] = (uint8_t)(0x70 | ((tick >> 8) & 0x0f));
	uuid.bytes[7] = (uint8_t)tick;
	uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
	return uuid;
}

struct uuid uuid_within(const struct uuid *parent, const void *name, size_t len)
{
	AUTO_HASH struct hash hash;
	uint8_t digest[HASH_SIZE];
	struct uuid uuid;

	if (hash_init(&hash))
		abort();
	hash_add(&hash, parent->bytes, sizeof(parent->bytes));
	hash_add(&hash, name, len);
	hash_end(&hash, digest);
	memcpy(uuid.bytes, digest, sizeof(uuid.bytes));
	uuid.bytes[6] = (uint8_t)(0x80 | (uuid.bytes[6] & 0x0f));
	uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f));
	return uuid;
}

char *uuid_format(const struct uuid *uuid, char out[UUID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	char *p = out;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[uuid->bytes[i] >> 4];
		*p++ = digits[uuid->bytes[i] & 15];
	}
	*p = '\0';
	return out;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(const char *text, struct uuid *out)
{
	int digit = 0;

	for (int i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return false;
			continue;
		}
		int value = hex_value(text[i]);
		if (value < 0)
			return false;
		uint8_t *byte = &out->bytes[digit / 2];
		*byte = (uint8_t)(digit % 2 ? *byte | value : value << 4);
		digit++;
	}
	return text[36] == '\0';
}
