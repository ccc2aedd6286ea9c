/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9562, section 5.5: the document is the namespace, "version/index" the name. */
#include "core/chunk.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

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
