/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/make_zip.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <zlib.h>

#include "core/auto.h"

static void add_le(struct buf *out, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_addc(out, (char)(value >> 8 * i & 0xff));
}

void zip_begin(struct zip *zip, struct buf *out)
{
	*zip = (struct zip){.out = out, .begin = out->len};
	buf_init(&zip->directory, BUF_MAX_DEFAULT);
}

/* @data, @times over, as a raw deflate stream; *crc is that of all of it. */
static void deflate_times(
	struct buf *out, const void *data, size_t len, size_t times, uint32_t *crc)
{
	z_stream stream = {0};
	char block[65536];
	int rc = Z_OK;

	assert(deflateInit2(&stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	*crc = 0;
	for (size_t i = 0; i < times || rc != Z_STREAM_END;) {
		if (i < times && !stream.avail_in) {
			stream.next_in = (Bytef *)(uintptr_t)data;
			stream.avail_in = (uInt)len;
			*crc = (uint32_t)crc32(*crc, data, (uInt)len);
			i++;
		}
		stream.next_out = (Bytef *)block;
		stream.avail_out = sizeof(block);
		rc = deflate(&stream, i < times ? Z_NO_FLUSH : Z_FINISH);
		buf_add(out, block, sizeof(block) - stream.avail_out);
	}
	deflateEnd(&stream);
}

/* What the two headers of an entry share, from the version on. */
static void add_common(
	struct buf *out, const char *name, uint32_t crc, uint32_t packed, uint32_t size)
{
	add_le(out, 20, 2); /* version */
	add_le(out, 0, 2); /* flags */
	add_le(out, 8, 2); /* deflated */
	add_le(out, 0x58210000, 4); /* a day in 2024 */
	add_le(out, crc, 4);
	add_le(out, packed, 4);
	add_le(out, size, 4);
	add_le(out, strlen(name), 2);
	add_le(out, 0, 2); /* no extra field */
}

static void add_directory(struct zip *zip, const char *name, uint32_t crc, uint32_t packed,
	uint32_t size, uint32_t offset)
{
	buf_add(&zip->directory, "PK\1\2\24\0", 6);
	add_common(&zip->directory, name, crc, packed, size);
	add_le(&zip->directory, 0, 2); /* no comment */
	add_le(&zip->directory, 0, 8); /* disk, attributes */
	add_le(&zip->directory, offset, 4);
	buf_adds(&zip->directory, name);
	zip->count++;
}

uint32_t zip_add(struct zip *zip, const char *name, const void *data, size_t len, size_t times)
{
	uint32_t offset = (uint32_t)(zip->out->len - zip->begin), crc;
	AUTO_BUF struct buf packed;

	buf_init(&packed, BUF_MAX_DEFAULT);
	deflate_times(&packed, data, len, times, &crc);
	buf_add(zip->out, "PK\3\4", 4);
	add_common(zip->out, name, crc, (uint32_t)packed.len, (uint32_t)(len * times));
	buf_adds(zip->out, name);
	buf_add(zip->out, packed.data, packed.len);
	add_directory(zip, name, crc, (uint32_t)packed.len, (uint32_t)(len * times), offset);
	return offset;
}

void zip_point(struct zip *zip, const char *name, uint32_t offset)
{
	uint32_t numbers[3]; /* crc, packed, size; as they lie in the local header */

	for (size_t i = 0; i < 3; i++) {
		const unsigned char *at =
			(const unsigned char *)zip->out->data + zip->begin + offset + 14 + 4 * i;
		numbers[i] = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
			(uint32_t)at[3] << 24;
	}
	add_directory(zip, name, numbers[0], numbers[1], numbers[2], offset);
}

void zip_end(struct zip *zip)
{
	uint32_t offset = (uint32_t)(zip->out->len - zip->begin);

	buf_add(zip->out, zip->directory.data, zip->directory.len);
	buf_add(zip->out, "PK\5\6\0\0\0\0", 8);
	add_le(zip->out, zip->count, 2);
	add_le(zip->out, zip->count, 2);
	add_le(zip->out, zip->directory.len, 4);
	add_le(zip->out, offset, 4);
	add_le(zip->out, 0, 2);
	buf_release(&zip->directory);
}

void tar_add(struct buf *out, const char *name, char type, const char *target, const char *data)
{
	static const char zeros[512];
	unsigned len = (unsigned)strlen(data) & 0xffffff, sum = 0;
	char header[512] = "";

	snprintf(header, 100, "%s", name);
	snprintf(header + 100, 8, "%07o", 0644);
	snprintf(header + 124, 12, "%011o", len);
	snprintf(header + 136, 12, "%011o", 1700000000u);
	memset(header + 148, ' ', 8);
	header[156] = type;
	snprintf(header + 157, 100, "%s", target);
	memcpy(header + 257,
		"ustar\0"
		"00",
		8);
	for (size_t i = 0; i < sizeof(header); i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	buf_add(out, header, sizeof(header));
	buf_add(out, data, len);
	buf_add(out, zeros, (512 - len % 512) % 512);
}

void tar_end(struct buf *out)
{
	static const char zeros[1024];

	buf_add(out, zeros, sizeof(zeros));
}

static void add_be32(struct buf *out, uint32_t value)
{
	for (int i = 3; i >= 0; i--)
		buf_addc(out, (char)(value >> 8 * i & 0xff));
}

void png_chunk(struct buf *out, const char type[4], const void *data, uint32_t len)
{
	uLong crc = crc32(crc32(0, (const Bytef *)type, 4), data, len);

	add_be32(out, len);
	buf_add(out, type, 4);
	buf_add(out, data, len);
	add_be32(out, (uint32_t)crc);
}
