/* SPDX-License-Identifier: Apache-2.0 */
/* A plain driver: mutates the seed files for a number of rounds, or of seconds. The same seed
 * gives the same inputs, and the input of a crash, or of a minute without an end, is left in the
 * file that is named at the start.
 *
 *     fuzz_html ROUNDS|SECONDSs SEED FILE... */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX ((size_t)64 << 10)

static uint64_t state;

/* xorshift64*: Marsaglia, Vigna. */
static uint64_t random_below(uint64_t bound)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * UINT64_C(2685821657736338717) >> 16) % bound;
}

static size_t load(const char *path, uint8_t *data)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, data, INPUT_MAX);

	if (n < 0) {
		perror(path);
		exit(2);
	}
	return (size_t)n;
}

/* One of: a byte changed, a bit flipped, a piece cut out, repeated, or moved. */
static size_t mutate(uint8_t *data, size_t size)
{
	static const uint8_t telling[] = {
		0, 0xff, 0x80, 0xc2, 0xed, '<', '>', '&', '#', '-', '=', '/', '\n', ' ', 0x1b};
	size_t at, len;

	if (size < 2)
		return size;
	at = random_below(size);
	len = 1 + random_below(size - at < 64 ? size - at : 64);
	switch (random_below(5)) {
	case 0: data[at] = telling[random_below(sizeof(telling))]; return size;
	case 1: data[at] ^= (uint8_t)(1u << random_below(8)); return size;
	case 2: memmove(data + at, data + at + len, size - at - len); return size - len;
	case 3:
		if (size + len > INPUT_MAX)
			return size;
		memmove(data + at + len, data + at, size - at);
		return size + len;
	default: memmove(data + random_below(size - len + 1), data + at, len); return size;
	}
}

static void keep(int fd, const uint8_t *data, size_t size)
{
	if (pwrite(fd, data, size, 0) != (ssize_t)size || ftruncate(fd, (off_t)size))
		perror("the current input");
}

/* "2000" rounds, or "60s". */
static bool is_over(const char *amount, unsigned long round, int64_t begun_ns)
{
	char *end;
	unsigned long number = strtoul(amount, &end, 10);

	if (*end != 's')
		return round >= number;
	return clock_mono_ns() - begun_ns >= (int64_t)number * NS_PER_SEC;
}

int main(int argc, char **argv)
{
	static uint8_t data[INPUT_MAX];
	int64_t begun_ns = clock_mono_ns();
	unsigned long round;
	char path[64];

	if (argc < 4) {
		fprintf(stderr, "usage: %s ROUNDS|SECONDSs SEED FILE...\n", argv[0]);
		return 2;
	}
	state = strtoull(argv[2], NULL, 10) * 2 + 1;
	snprintf(path, sizeof(path), "/tmp/askfs-fuzz-%d", (int)getpid());
	AUTO_CLOSE int kept = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	fprintf(stderr, "the current input is in %s\n", path);
	for (round = 0; !is_over(argv[1], round, begun_ns); round++) {
		size_t size = load(argv[3 + (int)(round % (unsigned long)(argc - 3))], data);
		for (uint64_t n = random_below(16); n > 0; n--)
			size = mutate(data, size);
		keep(kept, data, size);
		alarm(60);
		LLVMFuzzerTestOneInput(data, size);
	}
	fprintf(stderr, "%lu rounds\n", round);
	unlink(path);
	return 0;
}
