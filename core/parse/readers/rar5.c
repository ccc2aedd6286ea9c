/* SPDX-License-Identifier: Apache-2.0 */
/* A header is a checksum, its own size, its type and flags; a file's data follows it. At its end
 * lie records, one of which tells of an encryption. Only headers are read, each once. */
#include "core/parse/readers/rar5.h"

#include <string.h>

#define SIGNATURE     "Rar!\x1a\x07\x01\x00"
#define SIGNATURE_LEN 8
#define HEADER_MAX    (16 << 10) /* a longer one is passed over */
#define HEADERS_MAX   1000 /* others than files' before a file's */

enum { HEADER_FILE = 2, HAS_EXTRA = 1, HAS_DATA = 2, RECORD_ENCRYPTION = 1 };

/* Bytes that are taken from the front. */
struct cursor {
	const unsigned char *at, *end;
};

struct header {
	uint64_t type;
	uint64_t next; /* position of the one behind it */
	bool is_encrypted;
};

/* Seven bits a byte, the lowest first; what is cut off ends as it is. */
static uint64_t take_number(struct cursor *from)
{
	uint64_t number = 0;

	for (unsigned shift = 0; from->at < from->end && shift < 63; shift += 7) {
		unsigned char c = *from->at++;
		number |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			break;
	}
	return number;
}

static bool has_encryption(struct cursor records)
{
	while (records.at < records.end) {
		uint64_t size = take_number(&records);
		if (!size || size > (uint64_t)(records.end - records.at))
			return false;
		struct cursor record = {records.at, records.at + size};
		if (take_number(&record) == RECORD_ENCRYPTION)
			return true;
		records.at += size;
	}
	return false;
}

/* False: there is none, or it leads nowhere. */
static bool read_header(const struct rar5 *rar, struct header *header)
{
	unsigned char data[HEADER_MAX];
	ssize_t len = source_read(rar->source, data, sizeof(data), rar->at);
	uint64_t file_size = rar->source->size;

	if (len < 7)
		return false;
	struct cursor from = {data + 4, data + len};
	uint64_t size = take_number(&from), start = (uint64_t)(from.at - data);
	if (!size || size > file_size)
		return false;
	bool is_whole = start + size <= (uint64_t)len;
	if (is_whole)
		from.end = data + start + size;
	header->type = take_number(&from);
	uint64_t flags = take_number(&from);
	uint64_t extra = flags & HAS_EXTRA ? take_number(&from) : 0;
	uint64_t packed = flags & HAS_DATA ? take_number(&from) : 0;
	if (packed > file_size)
		return false;
	header->next = rar->at + start + size + packed;
	header->is_encrypted = is_whole && extra <= (uint64_t)(from.end - from.at) &&
		has_encryption((struct cursor){from.end - extra, from.end});
	return true;
}

void rar5_begin(struct rar5 *rar, const struct source *source)
{
	bool is_rar =
		source->head_len > SIGNATURE_LEN && !memcmp(source->head, SIGNATURE, SIGNATURE_LEN);

	*rar = (struct rar5){source, is_rar ? SIGNATURE_LEN : 0};
}

bool rar5_next_is_encrypted(struct rar5 *rar)
{
	struct header header;

	for (unsigned i = 0; rar->at && i < HEADERS_MAX; i++) {
		bool is_there = read_header(rar, &header);
		rar->at = is_there ? header.next : 0;
		if (is_there && header.type == HEADER_FILE)
			return header.is_encrypted;
	}
	return false;
}
