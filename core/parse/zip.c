/* SPDX-License-Identifier: Apache-2.0 */
/* PKWARE's APPNOTE 6.3: the end record points at the central directory, whose entries point at
 * local headers with the bytes behind them. Methods 0 (stored) and 8 (deflated), which is all
 * that documents use; zip64 where offsets need it. Every part is reached by one read, whatever the
 * order, and without a copy where it lies in the document's head, which is in memory already.
 *
 * Checksums are not compared: a broken part shows in what it holds. */
#include "core/parse/zip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "core/auto.h"

#define PIECE	       ((size_t)64 << 10)
#define DIRECTORY_MAX  ((uint64_t)64 << 20) /* bytes of the central directory */
#define END_LEN	       22
#define END64_LEN      56
#define LOCATOR_LEN    20
#define LOCAL_LEN      30
#define CENTRAL_LEN    46
#define FLAG_ENCRYPTED 1u
#define FLAG_LATER     8u /* sizes stand behind the bytes */

/* What unpacking one part needs. */
struct unpacker {
	const struct source *source;
	uint64_t at, left; /* packed bytes that were not read yet */
	z_stream stream;
	unsigned char in[PIECE], out[PIECE];
};

struct zip {
	const struct source *source;
	struct zip_entry *entries;
	size_t count, cap, max;
	struct unpacker *idle; /* for the next part; NULL: there is none, or it is in use */
};

static uint16_t get16(const unsigned char *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get32(const unsigned char *at)
{
	return (uint32_t)get16(at) | (uint32_t)get16(at + 2) << 16;
}

static uint64_t get64(const unsigned char *at)
{
	return (uint64_t)get32(at) | (uint64_t)get32(at + 4) << 32;
}

/* Up to @len bytes at @at: in the head, or read into @room. How many there are, or -errno. */
static ssize_t bytes_at(const struct source *source, uint64_t at, void *room, size_t len,
	const unsigned char **data)
{
	if (at < source->head_len && len <= source->head_len - at) {
		*data = (const unsigned char *)source->head + at;
		return (ssize_t)len;
	}
	*data = room;
	return source_read(source, room, len, at);
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "memory is short");
}

static int add_entry(struct zip *zip, const struct zip_entry *entry, const unsigned char *name,
	size_t name_len, struct err *err)
{
	if (zip->count == zip->max)
		return err_set(err, -EFBIG, "the document has more than %zu parts", zip->max);
	if (zip->count == zip->cap) {
		size_t cap = zip->cap ? zip->cap * 2 : 32;
		struct zip_entry *entries = realloc(zip->entries, cap * sizeof(*entries));
		if (!entries)
			return no_memory(err);
		zip->entries = entries;
		zip->cap = cap;
	}
	zip->entries[zip->count] = *entry;
	zip->entries[zip->count].name = strndup((const char *)name, name_len);
	if (!zip->entries[zip->count].name)
		return no_memory(err);
	zip->count++;
	return 0;
}

static void forget_entries(struct zip *zip)
{
	for (size_t i = 0; i < zip->count; i++)
		free(zip->entries[i].name);
	zip->count = 0;
}

/* Zip64: sizes and offsets that do not fit stand in extra field 1, in this order, as far as
 * their places in the entry hold all ones. */
static void widen(
	struct zip_entry *entry, bool is_size_wide, const unsigned char *extra, size_t extra_len)
{
	while (extra_len >= 4) {
		size_t len = get16(extra + 2);
		if (len > extra_len - 4)
			return;
		if (get16(extra) == 1) {
			const unsigned char *at = extra + 4, *end = at + len;
			at += is_size_wide ? 8 : 0;
			if (entry->packed == UINT32_MAX && end - at >= 8) {
				entry->packed = get64(at);
				at += 8;
			}
			if (entry->offset == UINT32_MAX && end - at >= 8)
				entry->offset = get64(at);
			return;
		}
		extra += 4 + len;
		extra_len -= 4 + len;
	}
}

/* The central directory. What lies before the zip in the file (@shift) is not in its offsets. */
static int read_directory(
	struct zip *zip, const unsigned char *at, size_t len, uint64_t shift, struct err *err)
{
	int rc = 0;

	while (!rc && len >= CENTRAL_LEN && get32(at) == 0x02014b50) {
		size_t name_len = get16(at + 28), extra_len = get16(at + 30);
		size_t step = CENTRAL_LEN + name_len + extra_len + get16(at + 32);
		if (step > len)
			break;
		struct zip_entry entry = {.offset = get32(at + 42),
			.packed = get32(at + 20),
			.method = get16(at + 10),
			.flags = get16(at + 8)};
		widen(&entry, get32(at + 24) == UINT32_MAX, at + CENTRAL_LEN + name_len, extra_len);
		entry.offset += shift;
		rc = add_entry(zip, &entry, at + CENTRAL_LEN, name_len, err);
		at += step;
		len -= step;
	}
	return rc;
}

struct directory {
	uint64_t offset, len;
	uint64_t end; /* where it should end: before the record that points at it */
};

static bool find_end64(const struct zip *zip, uint64_t end_at, struct directory *directory)
{
	unsigned char room[END64_LEN];
	const unsigned char *data;

	if (end_at < LOCATOR_LEN ||
		bytes_at(zip->source, end_at - LOCATOR_LEN, room, LOCATOR_LEN, &data) !=
			LOCATOR_LEN ||
		get32(data) != 0x07064b50)
		return false;
	uint64_t at = get64(data + 8);
	if (at > zip->source->size ||
		bytes_at(zip->source, at, room, END64_LEN, &data) != END64_LEN ||
		get32(data) != 0x06064b50)
		return false;
	directory->len = get64(data + 40);
	directory->offset = get64(data + 48);
	directory->end = at;
	return true;
}

/* The end record is at most 64 KiB (its comment) before the end. */
static bool find_end(struct zip *zip, struct directory *directory)
{
	uint64_t size = zip->source->size;
	size_t len = size < PIECE ? (size_t)size : PIECE;
	AUTO_FREE unsigned char *room = malloc(PIECE);
	const unsigned char *data;
	if (!room)
		return false;
	ssize_t have = bytes_at(zip->source, size - len, room, len, &data);

	for (ssize_t i = have - END_LEN; i >= 0; i--) {
		if (data[i] != 'P' || get32(data + i) != 0x06054b50)
			continue;
		directory->len = get32(data + i + 12);
		directory->offset = get32(data + i + 16);
		directory->end = size - len + (uint64_t)i;
		if (directory->offset == UINT32_MAX || directory->len == UINT32_MAX ||
			get16(data + i + 10) == UINT16_MAX)
			find_end64(zip, directory->end, directory);
		return true;
	}
	return false;
}

static int list(struct zip *zip, struct err *err)
{
	struct directory directory;

	if (!find_end(zip, &directory) || directory.len > DIRECTORY_MAX ||
		directory.len > directory.end)
		return 0;
	uint64_t at = directory.end - directory.len;
	uint64_t shift = at > directory.offset ? at - directory.offset : 0;
	AUTO_FREE unsigned char *room = malloc((size_t)directory.len + 1);
	const unsigned char *data;
	if (!room)
		return no_memory(err);
	ssize_t have = bytes_at(zip->source, at, room, (size_t)directory.len, &data);
	if (have >= 4 && get32(data) != 0x02014b50 && directory.offset < at) {
		/* Something lies between the directory and its end record. */
		have = bytes_at(zip->source, directory.offset, room, (size_t)directory.len, &data);
		shift = 0;
	}
	return have < 0 ? 0 : read_directory(zip, data, (size_t)have, shift, err);
}

/* Without a directory: one local header after the other. How long a part is that says so only
 * behind its bytes, or whose header is damaged, tells the next header. */
static int add_local(struct zip *zip, uint64_t offset, struct err *err)
{
	unsigned char room[LOCAL_LEN + 1024];
	const unsigned char *data;
	ssize_t have = source_read(zip->source, room, sizeof(room), offset);

	data = room;
	if (have < LOCAL_LEN || get16(data + 26) > 1024 ||
		have < (ssize_t)(LOCAL_LEN + get16(data + 26)))
		return 0;
	struct zip_entry entry = {.offset = offset,
		.packed = get32(data + 18),
		.method = get16(data + 8),
		.flags = get16(data + 6)};
	if (entry.flags & FLAG_LATER || entry.packed == UINT32_MAX)
		entry.packed = zip->source->size - offset;
	return add_entry(zip, &entry, data + LOCAL_LEN, get16(data + 26), err);
}

static int search(struct zip *zip, struct err *err)
{
	AUTO_FREE unsigned char *room = malloc(PIECE);
	uint64_t at = 0;
	ssize_t have;
	int rc = room ? 0 : no_memory(err);

	while (!rc && (have = source_read(zip->source, room, PIECE, at)) >= 4) {
		const unsigned char *from = room, *end = room + have - 3, *found = NULL;
		while (!rc && from < end && (found = memchr(from, 'P', (size_t)(end - from)))) {
			if (get32(found) == 0x04034b50)
				rc = add_local(zip, at + (uint64_t)(found - room), err);
			from = found + 1;
		}
		at += (uint64_t)have - 3;
	}
	for (size_t i = 0; i + 1 < zip->count; i++) {
		uint64_t most = zip->entries[i + 1].offset - zip->entries[i].offset;
		if (zip->entries[i].packed > most)
			zip->entries[i].packed = most;
	}
	return rc;
}

int zip_open(struct zip **out, const struct source *source, size_t entries_max, struct err *err)
{
	struct zip *zip = calloc(1, sizeof(*zip));

	if (!zip)
		return no_memory(err);
	zip->source = source;
	zip->max = entries_max;
	int rc = list(zip, err);
	if (!rc && !zip->count)
		rc = search(zip, err);
	if (!rc && !zip->count)
		rc = err_set(err, -EBADMSG, "the document is broken: it is no zip");
	if (rc)
		zip_close(zip);
	else
		*out = zip;
	return rc;
}

static void unpacker_free(struct unpacker *unpacker)
{
	if (!unpacker)
		return;
	inflateEnd(&unpacker->stream);
	free(unpacker);
}

void zip_close(struct zip *zip)
{
	if (!zip)
		return;
	unpacker_free(zip->idle);
	forget_entries(zip);
	free(zip->entries);
	free(zip);
}

size_t zip_count(const struct zip *zip)
{
	return zip->count;
}

const struct zip_entry *zip_entry(const struct zip *zip, size_t index)
{
	return &zip->entries[index];
}

/* Unpacking. */

/* The next packed bytes; 0 at their end. */
static ssize_t next_piece(struct unpacker *unpacker, const unsigned char **data)
{
	size_t len = unpacker->left < PIECE ? (size_t)unpacker->left : PIECE;
	ssize_t n = len ? bytes_at(unpacker->source, unpacker->at, unpacker->in, len, data) : 0;

	if (n > 0) {
		unpacker->at += (uint64_t)n;
		unpacker->left -= (uint64_t)n;
	}
	return n;
}

static int cut_off(const struct zip_entry *entry, struct err *err)
{
	return err_set(err, -EBADMSG,
		"the document is broken: its part %.200s is cut off or damaged", entry->name);
}

static int copy_stored(struct unpacker *unpacker, const struct zip_entry *entry, source_fn *each,
	void *context, struct err *err)
{
	const unsigned char *data;
	ssize_t n = 0;
	int rc = 0;

	while (!rc && (n = next_piece(unpacker, &data)) > 0)
		rc = each(context, (const char *)data, (size_t)n);
	return rc ? rc : unpacker->left || n < 0 ? cut_off(entry, err) : 0;
}

static int unpack(struct unpacker *unpacker, const struct zip_entry *entry, source_fn *each,
	void *context, struct err *err)
{
	z_stream *stream = &unpacker->stream;
	const unsigned char *data = NULL;
	int rc = 0, step = Z_OK;

	stream->avail_in = 0;
	while (!rc && step == Z_OK) {
		if (!stream->avail_in) {
			ssize_t n = next_piece(unpacker, &data);
			if (n <= 0)
				return cut_off(entry, err);
			stream->next_in = (z_const Bytef *)data;
			stream->avail_in = (uInt)n;
		}
		stream->next_out = unpacker->out;
		stream->avail_out = PIECE;
		step = inflate(stream, Z_NO_FLUSH);
		size_t len = PIECE - stream->avail_out;
		if (step == Z_BUF_ERROR && !stream->avail_in)
			step = Z_OK; /* it wants more */
		rc = len ? each(context, (const char *)unpacker->out, len) : 0;
	}
	return rc ? rc : step == Z_STREAM_END ? 0 : cut_off(entry, err);
}

/* One that is idle, or a new one; NULL: memory is short. */
static struct unpacker *borrow(struct zip *zip)
{
	struct unpacker *unpacker = TAKE_PTR(zip->idle);

	if (unpacker) {
		inflateReset(&unpacker->stream);
		return unpacker;
	}
	unpacker = malloc(sizeof(*unpacker));
	if (!unpacker)
		return NULL;
	unpacker->source = zip->source;
	unpacker->stream = (z_stream){.avail_in = 0};
	if (inflateInit2(&unpacker->stream, -MAX_WBITS) == Z_OK)
		return unpacker;
	free(unpacker);
	return NULL;
}

static void give_back(struct zip *zip, struct unpacker *unpacker)
{
	unpacker_free(zip->idle);
	zip->idle = unpacker;
}

int zip_each(struct zip *zip, size_t index, source_fn *each, void *context, struct err *err)
{
	const struct zip_entry *entry = &zip->entries[index];
	unsigned char room[LOCAL_LEN];
	const unsigned char *data;

	if (entry->flags & FLAG_ENCRYPTED)
		return err_set(err, -EKEYREJECTED,
			"the document is encrypted: save it without a password and drop it again");
	if (entry->offset > zip->source->size ||
		bytes_at(zip->source, entry->offset, room, LOCAL_LEN, &data) != LOCAL_LEN ||
		get32(data) != 0x04034b50)
		return cut_off(entry, err);
	if (entry->method != 0 && entry->method != 8)
		return err_set(err, -EBADMSG,
			"the document is packed in a way that is not known: method %u",
			entry->method);
	struct unpacker *unpacker = borrow(zip);
	if (!unpacker)
		return no_memory(err);
	unpacker->at = entry->offset + LOCAL_LEN + get16(data + 26) + get16(data + 28);
	unpacker->left = entry->packed;
	int rc = (entry->method ? unpack : copy_stored)(unpacker, entry, each, context, err);
	give_back(zip, unpacker);
	return rc;
}
