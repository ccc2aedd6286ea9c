/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NFKC_Casefold (Unicode Standard, 3.13) does the bulk; ICU is asked only for words that are
 * not ASCII. What a word loses beyond that is listed here, script by script.
 */
#include "core/text/fold.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "core/auto.h"
#include "core/text/utf8.h"

static bool fold_ascii(const char *word, size_t len, struct folded *out)
{
	size_t n = len < FOLD_MAX ? len : FOLD_MAX;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)word[i];

		if (c >= 0x80)
			return false;
		out->text[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
	out->len = n;
	return true;
}

static void append(struct folded *out, uint32_t c)
{
	char bytes[4];
	size_t len = utf8_encode(c, bytes);

	if (out->len + len > FOLD_MAX)
		return;
	memcpy(out->text + out->len, bytes, len);
	out->len += len;
}

static bool is_left_out(uint32_t c)
{
	return (c >= 0x0300 && c <= 0x036f) || /* combining accents that compose with nothing */
		(c >= 0x0591 && c <= 0x05c7) || /* Hebrew points */
		(c >= 0x0610 && c <= 0x061a) || c == 0x0640 || /* Arabic signs, tatweel */
		(c >= 0x064b && c <= 0x065f) || c == 0x0670 || (c >= 0x06d6 && c <= 0x06ed) ||
		c == 0x093c; /* Devanagari nukta */
}

/* Letters that are written one way or the other in the same word. */
static uint32_t same_letter(uint32_t c)
{
	switch (c) {
	case 0x0622:
	case 0x0623:
	case 0x0625:
	case 0x0671: return 0x0627; /* alef */
	case 0x06a9: return 0x0643; /* Persian kaf */
	case 0x06cc:
	case 0x0649: return 0x064a; /* Persian yeh, alef maksura */
	case 0x0901: return 0x0902; /* chandrabindu, anusvara */
	default: return c;
	}
}

/* NFKC_Casefold of UTF-8 to UTF-8 of at most FOLD_MAX * 4 bytes; 0 if ICU refuses. */
static size_t casefold(const char *word, size_t len, char out[FOLD_MAX * 4])
{
	UChar wide[FOLD_MAX], plain[FOLD_MAX];
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = 0;

	len = len < FOLD_MAX ? len : utf8_valid_prefix(word, FOLD_MAX);
	u_strFromUTF8(wide, FOLD_MAX, &n, word, (int32_t)len, &status);
	const UNormalizer2 *folding = unorm2_getNFKCCasefoldInstance(&status);
	n = unorm2_normalize(folding, wide, n, plain, FOLD_MAX, &status);
	u_strToUTF8(out, FOLD_MAX * 4, &n, plain, n, &status);
	return U_FAILURE(status) ? 0 : (size_t)n;
}

void fold_word(const char *word, size_t len, struct folded *out)
{
	char plain[FOLD_MAX * 4];
	size_t plain_len;

	if (fold_ascii(word, len, out))
		return;
	out->len = 0;
	plain_len = casefold(word, len, plain);
	for (size_t at = 0; at < plain_len;) {
		uint32_t c = utf8_next(plain, plain_len, &at);
		int32_t digit = c < 0x80 ? -1 : u_charDigitValue((UChar32)c);

		if (digit >= 0)
			append(out, '0' + (uint32_t)digit);
		else if (c != UTF8_INVALID && !is_left_out(c))
			append(out, same_letter(c));
	}
}

/* Letters without a decomposition, and what people type for them. */
static const char *plain_spelling(uint32_t c)
{
	switch (c) {
	case 0x00e6: return "ae";
	case 0x00f0: return "d";
	case 0x00f8: return "o";
	case 0x00fe: return "th";
	case 0x0111: return "d";
	case 0x0127: return "h";
	case 0x0131: return "i";
	case 0x0142: return "l";
	case 0x0153: return "oe";
	default: return NULL;
	}
}

static uint32_t without_accent(uint32_t c)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar parts[8];
	int32_t n;

	if (c == 0x0451)
		return 0x0435; /* yo is written as ye */
	if (c >= 0x0400 && c <= 0x052f)
		return c;
	n = unorm2_getDecomposition(unorm2_getNFDInstance(&status), (UChar32)c, parts,
		(int32_t)ARRAY_LEN(parts), &status);
	/* All of these letters lie in the basic plane. */
	return U_FAILURE(status) || n <= 0 ? c : parts[0];
}

static bool has_accents(uint32_t c)
{
	return c < 0x0250 || (c >= 0x0370 && c <= 0x052f) || (c >= 0x1e00 && c <= 0x1fff);
}

void fold_accents(struct folded *folded)
{
	struct folded from = *folded;

	folded->len = 0;
	for (size_t at = 0; at < from.len;) {
		uint32_t c = utf8_next(from.text, from.len, &at);
		const char *plain = c < 0x80 ? NULL : plain_spelling(c);

		if (plain)
			for (; *plain; plain++)
				append(folded, (unsigned char)*plain);
		else if (c >= 0x80 && has_accents(c))
			append(folded, without_accent(c));
		else if (c != UTF8_INVALID)
			append(folded, c);
	}
}
