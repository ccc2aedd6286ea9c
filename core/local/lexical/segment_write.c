/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a segment from other parts: one part in memory that is full, or several segments
 * that are merged. The words of all parts come in one order; each list is written behind the
 * one before, the entries that point at them go to a second file and are appended at the end.
 * Memory does not grow with the index but for a number a chunk and the longest list. */
#include "core/local/lexical/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/local/lexical/segment_file.h"

#define SPOOL_BUFFER ((size_t)64 << 10)
#define NOT_KEPT     UINT32_MAX

/* A list under construction: the block that fills, and the blocks that are packed. */
struct list {
	struct bounds bounds, block_bounds;
	struct buf heads, data;
	uint32_t ordinals[BLOCK_POSTINGS], counts[BLOCK_POSTINGS];
	uint32_t pending, total, base;
};

struct source {
	const struct part *part;
	uint32_t *new_ordinals; /* by old ordinal; NOT_KEPT */
	size_t number; /* of its next word */
	const char *word; /* NULL behind the last */
	size_t len;
	struct term_list terms;
};

struct writer {
	struct source *sources;
	size_t count;
	FILE *out, *entries;
	uint64_t at; /* bytes written to out */
	struct segment_head head;
	struct cursor cursor;
	struct list list;
};

static void put(struct writer *writer, const void *data, size_t len)
{
	fwrite_unlocked(data, 1, len, writer->out);
	writer->at += len;
}

static void pad(struct writer *writer, size_t to)
{
	static const uint8_t zeros[16];

	put(writer, zeros, segment_align(writer->at, to) - writer->at);
}

/* Give each kept chunk its new ordinal. */
static int number_chunks(struct writer *writer, segment_keep_fn keep, void *context)
{
	uint32_t next = 0;

	for (size_t i = 0; i < writer->count; i++) {
		struct source *source = &writer->sources[i];
		uint32_t n = source->part->chunk_count;
		source->new_ordinals = malloc((n + 1) * sizeof(uint32_t));
		if (!source->new_ordinals)
			return -ENOMEM;
		for (uint32_t k = 0; k < n; k++)
			source->new_ordinals[k] =
				keep(context, source->part, k) ? next++ : NOT_KEPT;
		if (source->part->max_edition > writer->head.max_edition)
			writer->head.max_edition = source->part->max_edition;
	}
	writer->head.chunk_count = next;
	return 0;
}

enum column { LENGTHS, EDITIONS, INDEXES };

static const uint32_t *column_of(const struct part *part, enum column column)
{
	switch (column) {
	case LENGTHS: return part->lengths;
	case EDITIONS: return part->editions;
	default: return part->indexes;
	}
}

static void put_column(struct writer *writer, enum column column)
{
	for (size_t i = 0; i < writer->count; i++) {
		const struct source *source = &writer->sources[i];
		const uint32_t *values = column_of(source->part, column);
		for (uint32_t k = 0; k < source->part->chunk_count; k++)
			if (source->new_ordinals[k] != NOT_KEPT)
				put(writer, &values[k], sizeof(values[k]));
	}
}

static void put_chunks(struct writer *writer)
{
	put(writer, &writer->head, sizeof(writer->head));
	put_column(writer, LENGTHS);
	put_column(writer, EDITIONS);
	put_column(writer, INDEXES);
	pad(writer, 8);
	for (size_t i = 0; i < writer->count; i++) {
		const struct source *source = &writer->sources[i];
		for (uint32_t k = 0; k < source->part->chunk_count; k++)
			if (source->new_ordinals[k] != NOT_KEPT)
				put(writer, &source->part->ids[k], sizeof(uint64_t));
	}
}

static void pack_block(struct list *list)
{
	uint8_t packed[BLOCK_BYTES];
	struct block_head head = {
		.last = list->ordinals[list->pending - 1],
		.at = (uint32_t)list->data.len,
		.bounds = list->block_bounds,
	};
	size_t len = block_pack(packed, list->ordinals, list->counts, list->pending, list->base);

	buf_add(&list->heads, &head, sizeof(head));
	buf_add(&list->data, packed, len);
	bounds_merge(&list->bounds, &list->block_bounds);
	bounds_init(&list->block_bounds);
	list->base = head.last + 1;
	list->pending = 0;
}

static void list_begin(struct list *list)
{
	bounds_init(&list->bounds);
	bounds_init(&list->block_bounds);
	buf_clear(&list->heads);
	buf_clear(&list->data);
	list->pending = list->total = list->base = 0;
}

static void list_add(struct list *list, uint32_t ordinal, uint32_t count, uint32_t length)
{
	list->ordinals[list->pending] = ordinal;
	list->counts[list->pending++] = count;
	list->total++;
	bounds_add(&list->block_bounds, count, length);
	if (list->pending == BLOCK_POSTINGS)
		pack_block(list);
}

static void add_source(struct writer *writer, const struct source *source)
{
	struct cursor *cursor = &writer->cursor;

	cursor_open(cursor, &source->terms);
	while (cursor->ordinal != CURSOR_END) {
		uint32_t ordinal = source->new_ordinals[cursor->ordinal];
		if (ordinal != NOT_KEPT)
			list_add(&writer->list, ordinal, cursor_occurrences(cursor),
				source->part->lengths[cursor->ordinal]);
		cursor_seek(cursor, cursor->ordinal + 1, NULL, NULL);
	}
}

static int put_list(struct writer *writer, const char *word, size_t len)
{
	struct list *list = &writer->list;
	struct term_entry entry = {
		.at = writer->at,
		.len = (uint16_t)len,
		.chunk_count = list->total,
	};

	if (list->pending)
		pack_block(list);
	if (list->heads.failed || list->data.failed)
		return -ENOMEM;
	entry.bounds = list->bounds;
	memcpy(entry.prefix, word, len < SEGMENT_PREFIX ? len : SEGMENT_PREFIX);
	fwrite(&entry, 1, sizeof(entry), writer->entries);
	writer->head.term_count++;
	put(writer, word, len);
	pad(writer, 4);
	if (list->total > BLOCK_POSTINGS)
		put(writer, list->heads.data, list->heads.len);
	put(writer, list->data.data, list->data.len);
	return 0;
}

static void next_word(struct source *source)
{
	if (!source->part->ops->term(
		    source->part, source->number++, &source->word, &source->len, &source->terms))
		source->word = NULL;
}

static int compare(const struct source *a, const struct source *b)
{
	int order = memcmp(a->word, b->word, a->len < b->len ? a->len : b->len);

	return order ? order : (int)a->len - (int)b->len;
}

static const struct source *least_word(const struct writer *writer)
{
	const struct source *least = NULL;

	for (size_t i = 0; i < writer->count; i++) {
		const struct source *source = &writer->sources[i];
		if (source->word && (!least || compare(source, least) < 0))
			least = source;
	}
	return least;
}

static int put_words(struct writer *writer)
{
	const struct source *least;
	int rc = 0;

	for (size_t i = 0; i < writer->count; i++)
		next_word(&writer->sources[i]);
	while (!rc && (least = least_word(writer))) {
		struct source same = *least;
		list_begin(&writer->list);
		for (size_t i = 0; i < writer->count; i++) {
			struct source *source = &writer->sources[i];
			if (!source->word || compare(source, &same) != 0)
				continue;
			add_source(writer, source);
			next_word(source);
		}
		if (writer->list.total)
			rc = put_list(writer, same.word, same.len);
	}
	return rc;
}

/* The entries behind the lists. */
static int put_entries(struct writer *writer)
{
	char chunk[4096];
	size_t len;
	static const uint8_t zeros[BLOCK_PADDING];

	put(writer, zeros, sizeof(zeros));
	pad(writer, 8);
	writer->head.terms_at = writer->at;
	rewind(writer->entries);
	while ((len = fread(chunk, 1, sizeof(chunk), writer->entries)) > 0)
		put(writer, chunk, len);
	writer->head.size = writer->at;
	if (ferror(writer->entries) || ferror(writer->out) || fflush(writer->out))
		return errno ? -errno : -EIO;
	return 0;
}

/* The head, once the body is there to be summed up; then all of it to the disk. */
static int put_head(struct writer *writer)
{
	struct segment_head *head = &writer->head;
	int fd = fileno(writer->out);
	uint8_t *map = mmap(NULL, head->size, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	head->magic = SEGMENT_MAGIC;
	head->body_sum = segment_sum(map + sizeof(*head), head->size - sizeof(*head));
	munmap(map, head->size);
	head->head_sum = segment_sum(head, offsetof(struct segment_head, head_sum));
	if (pwrite(fd, head, sizeof(*head), 0) != (ssize_t)sizeof(*head) || fsync(fd) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

static int sync_folder(const char *folder)
{
	AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_file(struct writer *writer, segment_keep_fn keep, void *context)
{
	int rc = number_chunks(writer, keep, context);

	if (rc)
		return rc;
	errno = 0;
	put_chunks(writer);
	rc = put_words(writer);
	if (!rc)
		rc = put_entries(writer);
	return rc ? rc : put_head(writer);
}

static FILE *open_temporary(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");

	if (!file && fd >= 0)
		close(fd);
	if (file)
		setvbuf(file, NULL, _IOFBF, SPOOL_BUFFER);
	return file;
}

static struct writer *writer_new(const struct part *const *parts, size_t count)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	struct source *sources = calloc(count, sizeof(*sources));

	if (!writer || !sources) {
		free(writer);
		free(sources);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		sources[i].part = parts[i];
	writer->sources = sources;
	writer->count = count;
	writer->head.first = parts[0]->first;
	writer->head.last = parts[count - 1]->last;
	buf_init(&writer->list.heads, UINT32_MAX);
	buf_init(&writer->list.data, UINT32_MAX);
	return writer;
}

static void writer_free(struct writer *writer)
{
	for (size_t i = 0; i < writer->count; i++)
		free(writer->sources[i].new_ordinals);
	if (writer->out)
		fclose(writer->out);
	if (writer->entries)
		fclose(writer->entries);
	buf_release(&writer->list.heads);
	buf_release(&writer->list.data);
	free(writer->sources);
	free(writer);
}

/* Write under temporary names, then give the file its own. */
static int write_named(
	struct writer *writer, const char *folder, segment_keep_fn keep, void *context)
{
	AUTO_BUF struct buf path, out_path, entries_path;

	buf_init(&path, BUF_MAX_DEFAULT);
	buf_init(&out_path, BUF_MAX_DEFAULT);
	buf_init(&entries_path, BUF_MAX_DEFAULT);
	buf_addf(&out_path, "%s/words.tmp", folder);
	buf_addf(&entries_path, "%s/entries.tmp", folder);
	segment_path(&path, folder, writer->head.first, writer->head.last);
	if (path.failed || out_path.failed || entries_path.failed)
		return -ENOMEM;
	writer->out = open_temporary(out_path.data);
	writer->entries = open_temporary(entries_path.data);
	int rc = writer->out && writer->entries ? write_file(writer, keep, context) : -errno;
	unlink(entries_path.data);
	if (!rc && rename(out_path.data, path.data) < 0)
		rc = -errno;
	if (rc)
		unlink(out_path.data);
	return rc ? rc : sync_folder(folder);
}

int segment_write(const char *folder, const struct part *const *parts, size_t count,
	segment_keep_fn keep, void *context, struct err *err)
{
	struct writer *writer = writer_new(parts, count);

	if (!writer)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = write_named(writer, folder, keep, context);
	writer_free(writer);
	return rc ? err_set(err, rc, "words' index in %s: %s", folder, strerror(-rc)) : 0;
}
