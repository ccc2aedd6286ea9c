/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL looks an algorithm up by its name at each EVP_sha256(), under a lock: the lookup is
 * done once here, and costs more than the hash of a small file otherwise. */
#include "core/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <unistd.h>

#define HASH_BLOCK ((size_t)64 << 10)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *algorithm; /* once */

static void fetch(void)
{
	algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!algorithm)
		abort();
}

int hash_init(struct hash *hash)
{
	pthread_once(&once, fetch);
	hash->state = EVP_MD_CTX_new();
	if (!hash->state)
		return -ENOMEM;
	hash_restart(hash);
	return 0;
}

void hash_release(struct hash *hash)
{
	EVP_MD_CTX_free(hash->state);
	hash->state = NULL;
}

/* The calls below fail only for a context that was never initialised: a bug. */
void hash_add(struct hash *hash, const void *data, size_t len)
{
	if (EVP_DigestUpdate(hash->state, data, len) != 1)
		abort();
}

void hash_end(struct hash *hash, uint8_t out[HASH_SIZE])
{
	if (EVP_DigestFinal_ex(hash->state, out, NULL) != 1)
		abort();
}

void hash_restart(struct hash *hash)
{
	if (EVP_DigestInit_ex2(hash->state, algorithm, NULL) != 1)
		abort();
}

int hash_bytes(const void *data, size_t len, uint8_t out[HASH_SIZE])
{
	AUTO_HASH struct hash hash;

	if (hash_init(&hash))
		return -ENOMEM;
	hash_add(&hash, data, len);
	hash_end(&hash, out);
	return 0;
}

int hash_fd(int fd, uint8_t out[HASH_SIZE], uint64_t *size, struct err *err)
{
	AUTO_HASH struct hash hash;
	char block[HASH_BLOCK];
	ssize_t got;

	*size = 0;
	if (hash_init(&hash))
		return err_set(err, -ENOMEM, "out of memory");
	while ((got = pread(fd, block, sizeof(block), (off_t)*size)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, -errno, "cannot read the file: %s", strerror(errno));
		hash_add(&hash, block, (size_t)got);
		*size += (uint64_t)got;
	}
	hash_end(&hash, out);
	return 0;
}

char *hash_format(const uint8_t hash[HASH_SIZE], char out[HASH_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < HASH_SIZE; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[HASH_TEXT - 1] = '\0';
	return out;
}
