/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a segment. The head is checked when the file is opened, the body only by
 * segment_verify: the writer synced the whole file before it gave it its name, so a file with
 * a good head has a good body unless the disk lost it. */
#include "core/local/lexical/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/auto.h"
#include "core/local/lexical/segment_file.h"

struct segment {
	struct part part;
	const uint8_t *map;
	size_t size;
	const struct term_entry *terms;
	size_t term_count;
};

int segment_path(struct buf *out, const char *folder, uint64_t first, uint64_t last)
{
	return buf_addf(out, "%s/%016" PRIx64 "-%016" PRIx64 ".words", folder, first, last);
}

bool segment_parse_name(const char *name, uint64_t *first, uint64_t *last)
{
	int end = 0;

	if (sscanf(name, "%16" SCNx64 "-%16" SCNx64 ".words%n", first, last, &end) != 2)
		return false;
	return end == 39 && name[end] == '\0' && *first <= *last;
}

/* The order of a word against an entry, by the prefix where that decides. */
static int compare_entry(
	const struct segment *segment, const char *word, size_t len, const struct term_entry *entry)
{
	size_t shorter = len < entry->len ? len : entry->len;
	size_t prefix = shorter < SEGMENT_PREFIX ? shorter : SEGMENT_PREFIX;
	int order = memcmp(word, entry->prefix, prefix);

	if (!order && shorter > SEGMENT_PREFIX)
		order = memcmp(word, segment->map + entry->at, shorter);
	return order ? order : (int)len - (int)entry->len;
}

static void list_of(
	const struct segment *segment, const struct term_entry *entry, struct term_list *out)
{
	size_t blocks = (entry->chunk_count + BLOCK_POSTINGS - 1) / BLOCK_POSTINGS;
	const uint8_t *start = segment->map + segment_align(entry->at + entry->len, 4);

	*out = (struct term_list){
		.chunk_count = entry->chunk_count,
		.bounds = entry->bounds,
		.heads = blocks > 1 ? (const struct block_head *)(const void *)start : NULL,
		.data = blocks > 1 ? start + blocks * sizeof(struct block_head) : start,
	};
}

static void segment_find(
	const struct part *part, const char *word, size_t len, struct term_list *out)
{
	const struct segment *segment = (const struct segment *)part;
	size_t low = 0, high = segment->term_count;

	*out = (struct term_list){0};
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct term_entry *entry = &segment->terms[middle];
		int order = compare_entry(segment, word, len, entry);
		if (order == 0) {
			list_of(segment, entry, out);
			return;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
}

static bool segment_term(const struct part *part, size_t number, const char **word, size_t *len,
	struct term_list *out)
{
	const struct segment *segment = (const struct segment *)part;

	if (number >= segment->term_count)
		return false;
	const struct term_entry *entry = &segment->terms[number];
	*word = (const char *)segment->map + entry->at;
	*len = entry->len;
	list_of(segment, entry, out);
	return true;
}

static void segment_free(struct part *part)
{
	struct segment *segment = (struct segment *)part;

	if (segment->map)
		munmap((void *)(uintptr_t)segment->map, segment->size);
	free(part->live);
	free(segment);
}

static const struct part_ops segment_ops = {segment_find, segment_term, segment_free};

static bool is_whole(const struct segment_head *head, size_t size)
{
	return head->magic == SEGMENT_MAGIC && head->size == size &&
		head->head_sum == segment_sum(head, offsetof(struct segment_head, head_sum)) &&
		head->terms_at <= size &&
		head->term_count == (size - head->terms_at) / sizeof(struct term_entry);
}

static int map_file(struct segment *segment, const char *path, struct err *err)
{
	struct stat info;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &info) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (info.st_size < (off_t)sizeof(struct segment_head))
		return err_set(err, -EBADMSG, "%s is cut", path);
	segment->size = (size_t)info.st_size;
	void *map = mmap(NULL, segment->size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	segment->map = map;
	return is_whole(map, segment->size) ? 0 : err_set(err, -EBADMSG, "%s is damaged", path);
}

/* The part's arrays, where they lie in the map. */
static int set_arrays(struct segment *segment)
{
	const struct segment_head *head = (const void *)segment->map;
	struct part *part = &segment->part;
	size_t n = head->chunk_count, at = sizeof(*head);

	part->ops = &segment_ops;
	part->first = head->first;
	part->last = head->last;
	part->max_edition = head->max_edition;
	part->chunk_count = head->chunk_count;
	part->lengths = (const void *)(segment->map + at);
	part->editions = part->lengths + n;
	part->indexes = part->editions + n;
	part->ids = (const void *)(segment->map + segment_align(at + 12 * n, 8));
	segment->terms = (const void *)(segment->map + head->terms_at);
	segment->term_count = head->term_count;
	part->live = calloc(n / 64 + 1, sizeof(*part->live));
	return part->live ? 0 : -ENOMEM;
}

int segment_open(struct part **out, const char *path, struct err *err)
{
	struct segment *segment = calloc(1, sizeof(*segment));
	int rc;

	if (!segment)
		return err_set(err, -ENOMEM, "out of memory");
	rc = map_file(segment, path, err);
	if (!rc && set_arrays(segment))
		rc = err_set(err, -ENOMEM, "out of memory");
	if (rc) {
		segment_free(&segment->part);
		return rc;
	}
	*out = &segment->part;
	return 0;
}

int segment_verify(const struct part *part)
{
	const struct segment *segment = (const struct segment *)part;
	const struct segment_head *head = (const void *)segment->map;
	uint64_t sum = segment_sum(head + 1, segment->size - sizeof(*head));

	return sum == head->body_sum ? 0 : -EBADMSG;
}
