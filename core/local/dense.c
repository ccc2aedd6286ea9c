/* SPDX-License-Identifier: Apache-2.0 */
/* A head, then records of one size: what the vector belongs to, and its numbers. Records are
 * appended by write and read through a map of the file that is larger than the file and made
 * anew when the file has outgrown it.
 *
 * What a process has written survives it; what a machine has not synced does not. So the head
 * tells whether the file was closed well, and during which boot it was open last: if neither
 * vouches for the records, the file is made again. */
#include "core/local/dense.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/local/dense_bits.h"
#include "core/log.h"

#define DENSE_MAGIC UINT64_C(0x32306573646b7361)
#define HEAD_BYTES  4096
#define MAP_STEP    ((size_t)16 << 20)

/* With fewer vectors a scan of all takes a millisecond or less. */
#define BITS_LEAST 20000
/* The centre is taken from so many, and anew when the collection has doubled. */
#define BITS_SAMPLE 16384
/* Vectors that are looked at in one go while the lock is held. */
#define BITS_SLICE 4096
/* Of the vectors that are nearest by bits so many are looked at by bytes, and so many for each
 * chunk that is wanted. */
#define CANDIDATES	 1000
#define CANDIDATES_A_HIT 10

/* A record whose edition is 0 counts no more. */
struct record {
	struct dense_item item;
	float scale;
	int8_t numbers[];
};

struct head {
	uint64_t magic;
	uint64_t dimension;
	uint64_t is_clean; /* closed, everything synced */
	char boot[40]; /* the boot during which it was opened */
};

struct dense {
	struct dense_bits *bits; /* of all vectors; NULL: there are none */
	size_t centred_at; /* how many there were */
	unsigned generation; /* changes when all are forgotten */
	char *folder;
	int fd;
	size_t dimension, record_bytes;
	uint8_t *map;
	size_t map_bytes;
	size_t count;
};

static void read_boot(char boot[40])
{
	AUTO_CLOSE int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(boot, 0, 40);
	if (fd < 0 || read(fd, boot, 36) != 36)
		boot[0] = '\0';
}

static int fail(struct err *err, int code)
{
	return err_set(err, code, "the file of embeddings: %s", strerror(-code));
}

static const struct record *record_at(const struct dense *dense, size_t i)
{
	return (const void *)(dense->map + HEAD_BYTES + i * dense->record_bytes);
}

static int write_head(struct dense *dense, bool is_clean)
{
	struct head head = {
		.magic = DENSE_MAGIC,
		.dimension = dense->dimension,
		.is_clean = is_clean,
	};

	read_boot(head.boot);
	if (pwrite(dense->fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
		fdatasync(dense->fd) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

/* Is what the file holds to be trusted? */
static bool is_good(const struct dense *dense)
{
	struct head head;
	char boot[40];

	read_boot(boot);
	return pread(dense->fd, &head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
		head.magic == DENSE_MAGIC && head.dimension == dense->dimension &&
		(head.is_clean || (boot[0] && memcmp(head.boot, boot, sizeof(boot)) == 0));
}

static size_t bytes_of(const struct dense *dense, size_t count)
{
	return HEAD_BYTES + count * dense->record_bytes;
}

/* On failure the map that is there stays. */
static int map_file(struct dense *dense, size_t count)
{
	size_t bytes = (bytes_of(dense, count) / MAP_STEP + 2) * MAP_STEP;
	void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, dense->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	if (dense->map)
		munmap(dense->map, dense->map_bytes);
	dense->map = map;
	dense->map_bytes = bytes;
	return 0;
}

static int load(struct dense *dense)
{
	struct stat info;

	if (!is_good(dense) && ftruncate(dense->fd, 0) < 0)
		return -errno;
	if (fstat(dense->fd, &info) < 0)
		return -errno;
	if (info.st_size > HEAD_BYTES)
		dense->count = ((size_t)info.st_size - HEAD_BYTES) / dense->record_bytes;
	if (ftruncate(dense->fd, (off_t)bytes_of(dense, dense->count)) < 0)
		return -errno;
	int rc = map_file(dense, dense->count);
	return rc ? rc : write_head(dense, false);
}

int dense_open(struct dense **out, const char *path, size_t dimension, struct err *err)
{
	struct dense *dense = calloc(1, sizeof(*dense));

	if (!dense)
		return fail(err, -ENOMEM);
	dense->dimension = dimension;
	dense->record_bytes = (sizeof(struct record) + dimension + 7) & ~(size_t)7;
	dense->folder = strndup(path, (size_t)(strrchr(path, '/') - path));
	dense->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int rc = dense->fd < 0 ? -errno : dense->folder ? load(dense) : -ENOMEM;
	if (rc) {
		if (dense->fd >= 0)
			close(dense->fd);
		free(dense->folder);
		free(dense);
		return fail(err, rc);
	}
	*out = dense;
	return 0;
}

void dense_free(struct dense *dense)
{
	if (!dense)
		return;
	if (fdatasync(dense->fd) == 0)
		write_head(dense, true);
	if (dense->map)
		munmap(dense->map, dense->map_bytes);
	close(dense->fd);
	dense_bits_free(dense->bits);
	free(dense->folder);
	free(dense);
}

static void drop_bits(struct dense *dense)
{
	dense_bits_free(dense->bits);
	dense->bits = NULL;
	dense->centred_at = 0;
}

int dense_clear(struct dense *dense, struct err *err)
{
	if (ftruncate(dense->fd, HEAD_BYTES) < 0)
		return fail(err, -errno);
	dense->count = 0;
	dense->generation++;
	drop_bits(dense);
	return 0;
}

size_t dense_dimension(const struct dense *dense)
{
	return dense->dimension;
}

size_t dense_count(const struct dense *dense)
{
	return dense->count;
}

uint64_t dense_last_number(const struct dense *dense)
{
	return dense->count ? record_at(dense, dense->count - 1)->item.number : 0;
}

int dense_add(struct dense *dense, const struct dense_item *item, const struct dense_code *code,
	struct err *err)
{
	AUTO_FREE struct record *record = calloc(1, dense->record_bytes);
	size_t bytes = dense->record_bytes, end = bytes_of(dense, dense->count + 1);

	if (!record)
		return fail(err, -ENOMEM);
	record->item = *item;
	record->scale = code->scale;
	memcpy(record->numbers, code->numbers, dense->dimension);
	ssize_t done = pwrite(dense->fd, record, bytes, (off_t)(end - bytes));
	if (done != (ssize_t)bytes)
		return fail(err, done < 0 ? -errno : -ENOSPC);
	int rc = end > dense->map_bytes ? map_file(dense, dense->count + 1) : 0;
	if (rc)
		return fail(err, rc);
	dense->count++;
	if (dense->bits && dense_bits_add(dense->bits, item->edition, code->scale, code->numbers))
		drop_bits(dense); /* a scan of all finds the same, slower */
	return 0;
}

int dense_forget(struct dense *dense, uint64_t chunk, struct err *err)
{
	static const uint32_t none;
	bool has_begun = false;

	/* Those of one chunk lie one behind the other. */
	for (size_t i = dense->count; i-- > 0;) {
		const struct record *record = record_at(dense, i);
		off_t at = (off_t)bytes_of(dense, i) + (off_t)offsetof(struct dense_item, edition);
		if (record->item.chunk != chunk || !record->item.edition) {
			if (has_begun)
				break;
			continue;
		}
		has_begun = true;
		if (pwrite(dense->fd, &none, sizeof(none), at) != (ssize_t)sizeof(none))
			return fail(err, errno ? -errno : -EIO);
		if (dense->bits)
			dense_bits_forget(dense->bits, i);
	}
	return 0;
}

/* A chunk on its way through the scan: its vectors lie one behind the other. */
struct scan {
	const struct dense *dense;
	const int8_t *query;
	float scale;
	struct best *best;
	struct found found;
};

/* Offer the chunk that was scanned. */
static int finish_chunk(struct scan *scan)
{
	int rc = scan->found.id ? best_offer(scan->best, &scan->found) : 0;

	scan->found.id = 0;
	return rc;
}

static int scan_record(struct scan *scan, const struct record *record)
{
	double score = (double)dense_product(record->numbers, scan->query, scan->dense->dimension) *
		(double)record->scale * (double)scan->scale;

	if (record->item.chunk == scan->found.id) {
		scan->found.score = score > scan->found.score ? score : scan->found.score;
		return 0;
	}
	int rc = finish_chunk(scan);
	scan->found.score = score;
	scan->found.id = record->item.chunk;
	scan->found.index = record->item.index;
	return rc;
}

/* Who may be searched. */
struct gate {
	bool (*admits)(void *context, uint32_t edition, struct found *found);
	void *context;
	uint32_t edition; /* asked about last */
	bool is_open;
};

/* A record that is next in the file's order. */
static int visit(struct scan *scan, struct gate *gate, const struct record *record)
{
	int rc = 0;

	if (record->item.edition != gate->edition) {
		rc = finish_chunk(scan);
		gate->edition = record->item.edition;
		gate->is_open =
			gate->edition && gate->admits(gate->context, gate->edition, &scan->found);
	}
	return rc || !gate->is_open ? rc : scan_record(scan, record);
}

static bool admits_edition(void *context, uint32_t edition)
{
	const struct gate *gate = context;
	struct found found;

	return gate->admits(gate->context, edition, &found);
}

/* Only what comes near by bits. */
static int scan_candidates(struct scan *scan, struct gate *gate, const float *query)
{
	const struct dense *dense = scan->dense;
	size_t wanted = scan->best->top_k * CANDIDATES_A_HIT, count;
	AUTO_FREE uint32_t *numbers = NULL;

	wanted = wanted > CANDIDATES ? wanted : CANDIDATES;
	int rc = dense_bits_search(
		dense->bits, query, wanted, admits_edition, gate, &numbers, &count);
	for (size_t i = 0; i < (rc ? 0 : count) && !rc; i++)
		rc = visit(scan, gate, record_at(dense, numbers[i]));
	return rc;
}

static int scan_all(struct scan *scan, struct gate *gate)
{
	int rc = 0;

	for (size_t i = 0; i < scan->dense->count && !rc; i++)
		rc = visit(scan, gate, record_at(scan->dense, i));
	return rc;
}

int dense_search(const struct dense *dense, const float *query,
	bool (*admits)(void *context, uint32_t edition, struct found *found), void *context,
	struct best *best)
{
	AUTO_FREE int8_t *packed = malloc(dense->dimension + 1);
	struct scan scan = {.dense = dense, .query = packed, .best = best};
	struct gate gate = {.admits = admits, .context = context};

	if (!packed)
		return -ENOMEM;
	scan.scale = dense_pack(query, dense->dimension, packed);
	int rc = dense->bits && dense->count >= BITS_LEAST ? scan_candidates(&scan, &gate, query)
							   : scan_all(&scan, &gate);
	return rc ? rc : finish_chunk(&scan);
}

/* --- making bits ------------------------------------------------------------------ */

struct dense_making {
	struct dense_bits *bits;
	unsigned generation;
	size_t centred_at;
};

bool dense_wants_bits(const struct dense *dense)
{
	return dense->count >= BITS_LEAST && dense->count >= 2 * dense->centred_at;
}

static void find_centre(const struct dense *dense, float *centre)
{
	size_t step = dense->count / BITS_SAMPLE + 1, count = 0;

	for (size_t i = 0; i < dense->count; i += step, count++) {
		const struct record *record = record_at(dense, i);
		for (size_t k = 0; k < dense->dimension; k++)
			centre[k] += record->scale * (float)record->numbers[k];
	}
	for (size_t k = 0; k < dense->dimension; k++)
		centre[k] /= (float)(count ? count : 1);
}

int dense_bits_begin(const struct dense *dense, struct dense_making **out)
{
	AUTO_FREE float *centre = calloc(dense->dimension, sizeof(*centre));
	struct dense_making *making = calloc(1, sizeof(*making));
	int rc = centre && making ? 0 : -ENOMEM;

	if (!rc) {
		find_centre(dense, centre);
		rc = dense_bits_new(&making->bits, dense->folder, dense->dimension, centre);
	}
	if (rc) {
		free(making);
		return rc;
	}
	making->generation = dense->generation;
	making->centred_at = dense->count;
	*out = making;
	return 0;
}

void dense_making_free(struct dense_making *making)
{
	dense_bits_free(making->bits);
	free(making);
}

int dense_bits_more(const struct dense *dense, struct dense_making *making)
{
	size_t at = dense_bits_count(making->bits), end = at + BITS_SLICE;
	int rc = 0;

	if (making->generation != dense->generation)
		return 0;
	for (; at < dense->count && at < end && !rc; at++) {
		const struct record *record = record_at(dense, at);
		rc = dense_bits_add(
			making->bits, record->item.edition, record->scale, record->numbers);
	}
	return rc ? rc : at < dense->count;
}

void dense_bits_end(struct dense *dense, struct dense_making *making)
{
	int rc = 1;

	while (rc == 1)
		rc = dense_bits_more(dense, making);
	if (rc == 0 && making->generation == dense->generation) {
		dense_bits_free(dense->bits);
		dense->bits = TAKE_PTR(making->bits);
		dense->centred_at = making->centred_at;
	} else if (rc < 0) {
		log_warn("no bits of the embeddings: %s", strerror(-rc));
	}
	dense_making_free(making);
}
