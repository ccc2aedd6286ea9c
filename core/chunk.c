/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9562, section 5.5: the document is the namespace, "version/index" the name. */
#include "core/chunk.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "core/text/utf8.h"

struct uuid chunk_id(const struct uuid *document, uint32_t version, uint32_t index)
{
	uint8_t name[sizeof(document->bytes) + 24], digest[SHA_DIGEST_LENGTH];
	size_t len = sizeof(document->bytes);
	struct uuid id;

	memcpy(name, document->bytes, len);
	len += (size_t)snprintf((char *)name + len, sizeof(name) - len, "%u/%u", version, index);
	SHA1(name, len, digest);
	memcpy(id.bytes, digest, sizeof(id.bytes));
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x50);
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
	return id;
}

static uint32_t count_pages(const struct chunk *chunk, uint64_t chars)
{
	size_t len = utf8_offset(chunk->text, chunk->text_len, chars);
	uint32_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += chunk->text[i] == '\f';
	return count;
}

uint32_t chunk_page(const struct chunk *chunk, uint64_t at)
{
	uint64_t chars = chunk->end_char - chunk->start_char;

	if (!chunk->page || at < chunk->start_char || at > chunk->end_char)
		return chunk->page;
	uint32_t middle = count_pages(chunk, chars / 2);
	uint32_t page = chunk->page + count_pages(chunk, at - chunk->start_char);
	return page > middle ? page - middle : chunk->page;
}
