/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Snowball stemmer takes some 300 ns a word and ICU's folding as much again, but half of a
 * text consists of a few hundred words. So what a word became is kept in a direct-mapped
 * table: 64 bytes a slot, a newer word pushes the older one out.
 */
#include "core/text/stem.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libstemmer.h>

#define CACHE_SLOTS 2048
#define CACHE_WORD  30

struct cached {
	uint8_t language; /* + 1; 0: the slot is free */
	uint8_t word_len, token_len;
	char word[CACHE_WORD], token[CACHE_WORD + 1];
};

struct stemmer {
	struct sb_stemmer *snowball[LANG_COUNT];
	struct cached cache[CACHE_SLOTS];
};

static const char *const snowball_names[LANG_COUNT] = {
	"english",
	"german",
	"french",
	"spanish",
	"italian",
	"portuguese",
	"dutch",
	"swedish",
	"danish",
	"norwegian",
	"finnish",
	"turkish",
	"romanian",
	"hungarian",
	"catalan",
	"indonesian",
	"russian",
	"arabic",
	"greek",
	"hindi",
	"armenian",
	"tamil",
};

int stemmer_new(struct stemmer **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void stemmer_free(struct stemmer *stemmer)
{
	if (!stemmer)
		return;
	for (size_t i = 0; i < LANG_COUNT; i++)
		sb_stemmer_delete(stemmer->snowball[i]);
	free(stemmer);
}

static void snowball_run(struct stemmer *stemmer, enum language language, struct folded *word)
{
	struct sb_stemmer **slot = &stemmer->snowball[language];
	const sb_symbol *stem;
	size_t len;

	if (!*slot)
		*slot = sb_stemmer_new(snowball_names[language], "UTF_8");
	if (!*slot)
		return;
	stem = sb_stemmer_stem(*slot, (const sb_symbol *)word->text, (int)word->len);
	len = stem ? (size_t)sb_stemmer_length(*slot) : 0;
	if (len == 0 || len > FOLD_MAX)
		return;
	memcpy(word->text, stem, len);
	word->len = len;
}

static void stem_now(struct stemmer *stemmer, enum language language, const char *word, size_t len,
	struct folded *out)
{
	fold_word(word, len, out);
	if (language != LANG_NONE)
		snowball_run(stemmer, language, out);
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->text[i] >= 0x80) {
			fold_accents(out);
			break;
		}
}

void stemmer_run(struct stemmer *stemmer, enum language language, const char *word, size_t len,
	struct folded *out)
{
	uint32_t hash = (uint32_t)language;
	struct cached *slot;

	if (len > CACHE_WORD) {
		stem_now(stemmer, language, word, len, out);
		return;
	}
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)word[i]) * UINT32_C(16777619);
	slot = &stemmer->cache[(hash ^ hash >> 15) % CACHE_SLOTS];
	if (slot->language == language + 1 && slot->word_len == len &&
		memcmp(slot->word, word, len) == 0) {
		memcpy(out->text, slot->token, slot->token_len);
		out->len = slot->token_len;
		return;
	}
	stem_now(stemmer, language, word, len, out);
	if (out->len > sizeof(slot->token))
		return;
	slot->language = (uint8_t)(language + 1);
	slot->word_len = (uint8_t)len;
	slot->token_len = (uint8_t)out->len;
	memcpy(slot->word, word, len);
	memcpy(slot->token, out->text, out->len);
}
