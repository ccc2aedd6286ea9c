/* SPDX-License-Identifier: Apache-2.0 */
/* A unit of the trie has 32 bits: the label of the edge that leads to it, whether a leaf hangs
 * on it, and the offset (exclusive or) to where its edges lie. The leaf's own unit is the place
 * of a string that ends with a NUL. Every place is checked when it is used: the file is not
 * trusted. */
#include "core/local/embed/charsmap.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>

#include "core/auto.h"
#include "core/text/utf8.h"

#define GRAPHEME_MAX 6 /* longer ones are never looked up as a whole */

struct charsmap {
	uint8_t *bytes; /* owned: the trie's size, the trie, the strings */
	const uint8_t *units;
	size_t unit_count;
	const char *strings;
	size_t strings_len;
};

static uint32_t unit_at(const struct charsmap *charsmap, size_t place)
{
	uint32_t unit = 0;

	if (place < charsmap->unit_count)
		memcpy(&unit, charsmap->units + place * sizeof(unit), sizeof(unit));
	return unit;
}

static uint32_t label_of(uint32_t unit)
{
	return unit & (UINT32_C(1) << 31 | 0xff);
}

static size_t offset_of(uint32_t unit)
{
	return (size_t)(unit >> 10) << ((unit & (1 << 9)) >> 6);
}

/* The string that begins there; NULL: none does. */
static const char *string_at(const struct charsmap *charsmap, size_t at)
{
	bool is_start =
		at < charsmap->strings_len && ((uint8_t)charsmap->strings[at] & 0xc0) != 0x80;

	return is_start ? charsmap->strings + at : NULL;
}

/* What the shortest prefix of @text that the trie has becomes; NULL: it has none. */
static const char *find(const struct charsmap *charsmap, const char *text, size_t len)
{
	size_t place = offset_of(unit_at(charsmap, 0));

	for (size_t i = 0; i < len && text[i]; i++) {
		uint8_t byte = (uint8_t)text[i];
		place ^= byte;
		uint32_t unit = unit_at(charsmap, place);
		if (label_of(unit) != byte || place >= charsmap->unit_count)
			return NULL;
		place ^= offset_of(unit);
		if (unit >> 8 & 1) {
			return string_at(charsmap, unit_at(charsmap, place) & INT32_MAX);
		}
	}
	return NULL;
}

static int apply_grapheme(
	const struct charsmap *charsmap, const char *text, size_t len, struct buf *out)
{
	const char *whole = len < GRAPHEME_MAX ? find(charsmap, text, len) : NULL;
	int rc = 0;

	if (whole)
		return buf_adds(out, whole);
	for (size_t at = 0; at < len && !rc;) {
		size_t start = at;
		utf8_next(text, len, &at);
		const char *to = find(charsmap, text + start, at - start);
		rc = to ? buf_adds(out, to) : buf_add(out, text + start, at - start);
	}
	return rc;
}

/* Every grapheme of a text that has other characters than ASCII. */
static int apply_graphemes(
	const struct charsmap *charsmap, const char *text, size_t len, struct buf *out)
{
	UErrorCode status = U_ZERO_ERROR;
	UText *utext = utext_openUTF8(NULL, text, (int64_t)len, &status);
	UBreakIterator *graphemes = ubrk_open(UBRK_CHARACTER, "", NULL, 0, &status);
	int rc = 0;

	ubrk_setUText(graphemes, utext, &status);
	if (U_FAILURE(status))
		rc = -ENOMEM;
	for (int32_t start = 0, end; !rc && (end = ubrk_next(graphemes)) != UBRK_DONE; start = end)
		rc = apply_grapheme(charsmap, text + start, (size_t)(end - start), out);
	ubrk_close(graphemes);
	utext_close(utext);
	return rc;
}

int charsmap_apply(const struct charsmap *charsmap, const char *text, size_t len, struct buf *out)
{
	int rc = 0;

	for (size_t i = 0; i < len; i++)
		if ((uint8_t)text[i] >= 0x80)
			return apply_graphemes(charsmap, text, len, out);
	for (size_t i = 0; i < len && !rc; i++) {
		size_t width = text[i] == '\r' && i + 1 < len && text[i + 1] == '\n' ? 2 : 1;
		rc = apply_grapheme(charsmap, text + i, width, out);
		i += width - 1;
	}
	return rc;
}

static int garbled(struct charsmap *charsmap, struct err *err)
{
	charsmap_free(charsmap);
	return err_set(err, -EBADMSG, "the tokeniser's table of normalisation is garbled");
}

int charsmap_new(struct charsmap **out, const char *base64, struct err *err)
{
	size_t len = strlen(base64), padding = len - strcspn(base64, "=");
	struct charsmap *charsmap = calloc(1, sizeof(*charsmap));
	uint32_t trie_bytes;

	if (charsmap)
		charsmap->bytes = malloc(len / 4 * 3 + 4);
	if (!charsmap || !charsmap->bytes) {
		charsmap_free(charsmap);
		return err_set(err, -ENOMEM, "out of memory");
	}
	int decoded = len > INT32_MAX || padding > 2
		? -1
		: EVP_DecodeBlock(charsmap->bytes, (const uint8_t *)base64, (int)len);
	if (decoded < (int)(sizeof(trie_bytes) + padding))
		return garbled(charsmap, err);
	size_t size = (size_t)decoded - padding, rest = size - sizeof(trie_bytes);
	memcpy(&trie_bytes, charsmap->bytes, sizeof(trie_bytes));
	if (trie_bytes > rest || trie_bytes % 4 || trie_bytes == 0)
		return garbled(charsmap, err);
	charsmap->units = charsmap->bytes + sizeof(trie_bytes);
	charsmap->unit_count = trie_bytes / 4;
	charsmap->strings = (const char *)charsmap->units + trie_bytes;
	charsmap->strings_len = rest - trie_bytes;
	/* Every string ends; what it holds is text. */
	if (!charsmap->strings_len || charsmap->strings[charsmap->strings_len - 1] ||
		!utf8_is_valid(charsmap->strings, charsmap->strings_len))
		return garbled(charsmap, err);
	*out = charsmap;
	return 0;
}

void charsmap_free(struct charsmap *charsmap)
{
	if (!charsmap)
		return;
	free(charsmap->bytes);
	free(charsmap);
}
