/* SPDX-License-Identifier: Apache-2.0 */
/* Most files are short and most text files are UTF-8 already: for those nothing is written, no
 * second copy is kept, and one call tells the vectors all chunks. A file of a gigabyte takes
 * no more memory than HELD_MAX and CHUNK_BYTES. */
#include "core/ingest_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/ingest_attempt.h"
#include "core/chunk_json.h"
#include "core/ingest_record.h"

/* Text that is held in memory before it streams. */
#define HELD_MAX ((size_t)256 << 10)
/* Chunks that wait for the vectors. The title of a document is known when the parser is done,
 * so there is room for the whole of most documents. */
#define CHUNK_BYTES ((size_t)4 << 20)
#define COMPARE	    ((size_t)16 << 10)

void ingest_text_init(struct ingest_text *text)
{
	*text = (struct ingest_text){.spill = -1, .is_original = true};
	buf_init(&text->held, HELD_MAX);
}

static void forget_chunks(struct ingest_text *text)
{
	for (size_t i = 0; i < text->pending; i++)
		free((void *)(uintptr_t)text->chunks[i].text);
	text->pending = 0;
	text->pending_bytes = 0;
}

void ingest_text_release(struct ingest_text *text)
{
	forget_chunks(text);
	free(text->chunks);
	free(text->marks);
	buf_release(&text->held);
	chunker_free(text->chunker);
	hash_release(&text->hash);
	if (text->spill >= 0)
		close(text->spill);
	ingest_text_init(text);
}

void ingest_text_forget(struct ingest_text *text)
{
	struct ingest_text numbers = *text;

	ingest_text_release(text);
	text->size = numbers.size;
	memcpy(text->sha256, numbers.sha256, sizeof(text->sha256));
	text->chunk_count = numbers.chunk_count;
	text->token_count = numbers.token_count;
	text->chunks_size = numbers.chunks_size;
	text->store_code = numbers.store_code;
}

/* Chunks. */

static int give_chunks(struct attempt *attempt)
{
	struct ingest_text *text = &attempt->text;
	struct err *err = &attempt->job->err;

	if (!text->pending)
		return 0;
	AUTO_FREE char *title = ingest_record_index_title(attempt);
	if (!title)
		return text->store_code = err_set(err, -ENOMEM, "out of memory");
	attempt->has_chunks = true;
	int rc = vectors_add(attempt->setup->ports.vectors, &attempt->job->document.id,
		attempt->version, title, text->chunks, text->pending, err);
	forget_chunks(text);
	return text->store_code = rc;
}

static int reserve_chunk(struct ingest_text *text)
{
	if (text->pending < text->cap)
		return 0;
	size_t cap = text->cap ? text->cap * 2 : 8;
	struct chunk *chunks = realloc(text->chunks, cap * sizeof(*chunks));
	if (!chunks)
		return -ENOMEM;
	text->chunks = chunks;
	text->cap = cap;
	return 0;
}

/* Keep a copy: text and heading in one piece of memory. */
static int take_chunk(void *context, const struct chunk *chunk)
{
	struct attempt *attempt = context;
	struct ingest_text *text = &attempt->text;
	size_t heading_size = chunk->heading ? strlen(chunk->heading) + 1 : 0;
	char *copy = malloc(chunk->text_len + 1 + heading_size);

	if (!copy || reserve_chunk(text)) {
		free(copy);
		return text->store_code = err_set(&attempt->job->err, -ENOMEM, "out of memory");
	}
	memcpy(copy, chunk->text, chunk->text_len);
	copy[chunk->text_len] = '\0';
	if (heading_size)
		memcpy(copy + chunk->text_len + 1, chunk->heading, heading_size);

	struct chunk *kept = &text->chunks[text->pending++];
	*kept = *chunk;
	kept->text = copy;
	kept->heading = heading_size ? copy + chunk->text_len + 1 : NULL;
	text->chunk_count++;
	text->token_count += chunk->token_count;
	text->chunks_size += chunk_json_size(&attempt->job->document.id, attempt->version, chunk);
	text->pending_bytes += chunk->text_len + heading_size;
	return text->pending_bytes >= CHUNK_BYTES ? give_chunks(attempt) : 0;
}

static int start_chunker(struct attempt *attempt)
{
	struct ingest_text *text = &attempt->text;
	const struct ingest_setup *setup = attempt->setup;

	int rc = chunker_new(
		&text->chunker, setup->chunk_size, setup->chunk_overlap, take_chunk, attempt);
	for (size_t i = 0; i < text->mark_count && rc == 0; i++)
		rc = chunker_mark(text->chunker, &text->marks[i]);
	if (rc == 0)
		rc = chunker_text(
			text->chunker, text->held.data ? text->held.data : "", text->held.len);
	return rc;
}

/* The file without a name. */

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t put = write(fd, data, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

static int open_spill(struct attempt *attempt)
{
	const char *folder = attempt->setup->ports.scratch;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(&attempt->job->err, -errno, "cannot write the text to %s: %s",
			folder, strerror(errno));
	attempt->text.spill = fd;
	return 0;
}

static int write_spill(struct attempt *attempt, const char *data, size_t len)
{
	int rc = write_all(attempt->text.spill, data, len);

	if (rc)
		err_set(&attempt->job->err, rc, "cannot write the text: %s", strerror(-rc));
	return attempt->text.store_code = rc;
}

/* Copy the first @size bytes of the original, which are the text up to here. */
static int copy_original(struct attempt *attempt, uint64_t size)
{
	char block[COMPARE];
	int rc = 0;

	for (uint64_t at = 0; at < size && rc == 0;) {
		size_t want = size - at < sizeof(block) ? (size_t)(size - at) : sizeof(block);
		ssize_t got = pread(attempt->fd, block, want, (off_t)at);
		if (got <= 0)
			return attempt->text.store_code = err_set(&attempt->job->err, -EAGAIN,
				       "the file changed while it was being read");
		rc = write_spill(attempt, block, (size_t)got);
		at += (uint64_t)got;
	}
	return rc;
}

/* Are the original's bytes at @at those of @data? */
static bool is_original_at(const struct attempt *attempt, uint64_t at, const char *data, size_t len)
{
	char block[COMPARE];

	while (len) {
		size_t want = len < sizeof(block) ? len : sizeof(block);
		if (pread(attempt->fd, block, want, (off_t)at) != (ssize_t)want ||
			memcmp(block, data, want) != 0)
			return false;
		at += want;
		data += want;
		len -= want;
	}
	return true;
}

/* Keep a piece that streams: nothing is written while the text is the original. */
static int keep(struct attempt *attempt, uint64_t at, const char *data, size_t len)
{
	struct ingest_text *text = &attempt->text;

	if (text->is_original && is_original_at(attempt, at, data, len))
		return 0;
	if (text->is_original) {
		text->is_original = false;
		int rc = text->store_code = open_spill(attempt);
		if (rc == 0)
			rc = copy_original(attempt, at);
		if (rc)
			return rc;
	}
	return write_spill(attempt, data, len);
}

/* The sink. */

static int stream(struct attempt *attempt, const char *data, size_t len)
{
	struct ingest_text *text = &attempt->text;

	hash_add(&text->hash, data, len);
	int rc = keep(attempt, text->size, data, len);
	if (rc == 0)
		rc = chunker_text(text->chunker, data, len);
	text->size += len;
	return rc;
}

/* The text has become too long to be held. */
static int start_streaming(struct attempt *attempt)
{
	struct ingest_text *text = &attempt->text;

	if (hash_init(&text->hash))
		return text->store_code = err_set(&attempt->job->err, -ENOMEM, "out of memory");
	hash_add(&text->hash, text->held.data ? text->held.data : "", text->held.len);
	int rc = keep(attempt, 0, text->held.data ? text->held.data : "", text->held.len);
	if (rc == 0)
		rc = start_chunker(attempt);
	buf_release(&text->held);
	return rc;
}

static int sink_text(void *context, const char *data, size_t len)
{
	struct attempt *attempt = context;
	struct ingest_text *text = &attempt->text;
	int rc = 0;

	if (attempt_is_cancelled(attempt))
		return -ECANCELED;
	if (!text->chunker && text->held.len + len <= HELD_MAX) {
		text->size += len;
		rc = buf_add(&text->held, data, len);
		return rc ? text->store_code = rc : 0;
	}
	if (!text->chunker)
		rc = start_streaming(attempt);
	return rc ? rc : stream(attempt, data, len);
}

static int sink_mark(void *context, const struct mark *mark)
{
	struct attempt *attempt = context;
	struct ingest_text *text = &attempt->text;

	if (text->chunker)
		return chunker_mark(text->chunker, mark);
	if (text->mark_count == text->mark_cap) {
		size_t cap = text->mark_cap ? text->mark_cap * 2 : 16;
		struct mark *marks = realloc(text->marks, cap * sizeof(*marks));
		if (!marks)
			return text->store_code = -ENOMEM;
		text->marks = marks;
		text->mark_cap = cap;
	}
	text->marks[text->mark_count++] = *mark;
	return 0;
}

struct parse_sink ingest_text_sink(struct attempt *attempt)
{
	return (struct parse_sink){.text = sink_text, .mark = sink_mark, .context = attempt};
}

/* A short text: its hash tells whether it is the original. */
static int finish_held(struct attempt *attempt)
{
	struct ingest_text *text = &attempt->text;
	const char *data = text->held.data ? text->held.data : "";

	if (hash_bytes(data, text->held.len, text->sha256))
		return err_set(&attempt->job->err, -ENOMEM, "out of memory");
	text->is_original = memcmp(text->sha256, attempt->sha256, HASH_SIZE) == 0;
	return start_chunker(attempt);
}

int ingest_text_finish(struct attempt *attempt)
{
	struct ingest_text *text = &attempt->text;
	int rc = 0;

	if (text->chunker)
		hash_end(&text->hash, text->sha256);
	else
		rc = finish_held(attempt);
	if (rc == 0)
		rc = chunker_finish(text->chunker);
	chunker_free(TAKE_PTR(text->chunker));
	if (rc == 0)
		rc = give_chunks(attempt);
	return rc;
}

int ingest_text_fd(struct attempt *attempt)
{
	struct ingest_text *text = &attempt->text;

	if (text->is_original && text->size == attempt->size)
		return attempt->fd;
	if (text->spill >= 0)
		return text->spill;
	int rc = open_spill(attempt);
	if (rc == 0 && text->is_original) /* the beginning of the original, no more */
		rc = copy_original(attempt, text->size);
	else if (rc == 0)
		rc = write_spill(attempt, text->held.data ? text->held.data : "", text->held.len);
	return rc ? rc : text->spill;
}
