/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of words; each has a chain of slices, which grow as the list does, so that a
 * word that occurs once takes some 80 bytes. All of it lies in an arena of mapped blocks,
 * which go back to the system as a whole when the part has been written out. */
#include "core/local/lexical/memory_part.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_BLOCK ((size_t)256 << 10)
#define SLICE_FIRST 12
#define SLICE_MAX   244

struct arena_block {
	struct arena_block *next;
	size_t used;
};

struct word {
	struct word *next; /* of the same bucket */
	struct slice *head, *tail;
	struct bounds bounds;
	uint32_t hash;
	uint32_t chunk_count;
	uint32_t last; /* ordinal */
	uint16_t len;
	char text[];
};

struct memory_part {
	struct part part;
	struct arena_block *arena;
	size_t arena_bytes;
	struct word **buckets;
	size_t bucket_count; /* a power of two */
	size_t word_count;
	struct word **sorted; /* NULL until memory_part_sort */
	uint64_t *ids;
	uint32_t *editions, *indexes, *lengths;
	uint32_t chunk_cap;
};

static void *arena_alloc(struct memory_part *memory, size_t size)
{
	struct arena_block *block = memory->arena;

	size = (size + 7) & ~(size_t)7;
	if (!block || block->used + size > ARENA_BLOCK) {
		block = mmap(NULL, ARENA_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
		if (block == MAP_FAILED)
			return NULL;
		block->next = memory->arena;
		block->used = sizeof(*block);
		memory->arena = block;
		memory->arena_bytes += ARENA_BLOCK;
	}
	void *result = (char *)block + block->used;
	block->used += size;
	return result;
}

static int grow_buckets(struct memory_part *memory)
{
	size_t count = memory->bucket_count ? memory->bucket_count * 2 : 1024;
	struct word **buckets = calloc(count, sizeof(struct word *));

	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < memory->bucket_count; i++) {
		struct word *word = memory->buckets[i], *next;
		for (; word; word = next) {
			next = word->next;
			word->next = buckets[word->hash & (count - 1)];
			buckets[word->hash & (count - 1)] = word;
		}
	}
	free(memory->buckets);
	memory->buckets = buckets;
	memory->bucket_count = count;
	return 0;
}

static struct word *find_word(
	const struct memory_part *memory, const char *text, size_t len, uint32_t hash)
{
	if (!memory->bucket_count)
		return NULL;
	struct word *word = memory->buckets[hash & (memory->bucket_count - 1)];
	while (word &&
		!(word->hash == hash && word->len == len && memcmp(word->text, text, len) == 0))
		word = word->next;
	return word;
}

static struct word *make_word(
	struct memory_part *memory, const char *text, size_t len, uint32_t hash)
{
	if (memory->word_count == memory->bucket_count && grow_buckets(memory))
		return NULL;
	struct word *word = arena_alloc(memory, sizeof(*word) + len);
	if (!word)
		return NULL;
	struct word **bucket = &memory->buckets[hash & (memory->bucket_count - 1)];
	*word = (struct word){.next = *bucket, .hash = hash, .len = (uint16_t)len};
	bounds_init(&word->bounds);
	memcpy(word->text, text, len);
	*bucket = word;
	memory->word_count++;
	return word;
}

static int put_byte(struct memory_part *memory, struct word *word, uint8_t byte)
{
	struct slice *tail = word->tail;

	if (!tail || tail->len == tail->cap) {
		uint16_t cap = tail ? (uint16_t)(tail->cap * 2) : SLICE_FIRST;
		if (cap > SLICE_MAX)
			cap = SLICE_MAX;
		struct slice *slice = arena_alloc(memory, sizeof(*slice) + cap);
		if (!slice)
			return -ENOMEM;
		*slice = (struct slice){.cap = cap};
		if (tail)
			tail->next = slice;
		else
			word->head = slice;
		word->tail = tail = slice;
	}
	tail->bytes[tail->len++] = byte;
	return 0;
}

static int put_number(struct memory_part *memory, struct word *word, uint32_t value)
{
	for (; value >= 128; value >>= 7)
		if (put_byte(memory, word, (uint8_t)(value | 128)))
			return -ENOMEM;
	return put_byte(memory, word, (uint8_t)value);
}

/* Half a posting would spoil the word's next one: its list ends where it did before. */
static void take_back(struct word *word, struct slice *tail, uint16_t len)
{
	word->tail = tail;
	if (!tail) {
		word->head = NULL;
		return;
	}
	tail->len = len;
	tail->next = NULL;
}

static int put_posting(struct memory_part *memory, const struct bag *bag,
	const struct bag_word *from, uint32_t ordinal)
{
	const char *text = bag_text(bag, from);
	struct word *word = find_word(memory, text, from->len, from->hash);

	if (!word)
		word = make_word(memory, text, from->len, from->hash);
	if (!word)
		return -ENOMEM;
	struct slice *tail = word->tail;
	uint16_t len = tail ? tail->len : 0;
	if (put_number(memory, word, ordinal - word->last) ||
		put_number(memory, word, from->count)) {
		take_back(word, tail, len);
		return -ENOMEM;
	}
	word->last = ordinal;
	word->chunk_count++;
	bounds_add(&word->bounds, from->count, bag->length);
	return 0;
}

/* Each array of the part grows; after a failure those that grew stay usable. */
static int grow_chunks(struct memory_part *memory)
{
	uint32_t cap = memory->chunk_cap ? memory->chunk_cap * 2 : 256;
	struct part *part = &memory->part;

#define GROW(array, n)                                                       \
	do {                                                                 \
		void *grown_ = reallocarray((array), (n), sizeof(*(array))); \
		if (!grown_)                                                 \
			return -ENOMEM;                                      \
		(array) = grown_;                                            \
	} while (0)
	GROW(memory->ids, cap);
	part->ids = memory->ids;
	GROW(memory->editions, cap);
	part->editions = memory->editions;
	GROW(memory->indexes, cap);
	part->indexes = memory->indexes;
	GROW(memory->lengths, cap);
	part->lengths = memory->lengths;
	GROW(part->live, cap / 64);
#undef GROW
	memset(part->live + memory->chunk_cap / 64, 0, (cap - memory->chunk_cap) / 8);
	memory->chunk_cap = cap;
	return 0;
}

int memory_part_add(
	struct memory_part *memory, const struct indexed_chunk *chunk, const struct bag *bag)
{
	struct part *part = &memory->part;
	uint32_t ordinal = part->chunk_count;
	int rc = 0;

	if (ordinal == memory->chunk_cap && grow_chunks(memory))
		return -ENOMEM;
	memory->ids[ordinal] = chunk->id;
	memory->editions[ordinal] = chunk->edition;
	memory->indexes[ordinal] = chunk->index;
	memory->lengths[ordinal] = bag->length;
	part->chunk_count++;
	part->last = chunk->id;
	if (chunk->edition > part->max_edition)
		part->max_edition = chunk->edition;
	for (size_t i = 0; i < bag->word_count && !rc; i++)
		rc = put_posting(memory, bag, &bag->words[i], ordinal);
	if (rc)
		memory->editions[ordinal] = 0;
	else
		part_set_live(part, ordinal, chunk->is_live);
	return rc;
}

static void list_of(const struct word *word, struct term_list *out)
{
	*out = (struct term_list){
		.chunk_count = word->chunk_count,
		.bounds = word->bounds,
		.slices = word->head,
	};
}

static void memory_find(
	const struct part *part, const char *text, size_t len, struct term_list *out)
{
	const struct memory_part *memory = (const struct memory_part *)part;
	const struct word *word = find_word(memory, text, len, word_hash(text, len));

	*out = (struct term_list){0};
	if (word)
		list_of(word, out);
}

static bool memory_term(const struct part *part, size_t number, const char **text, size_t *len,
	struct term_list *out)
{
	const struct memory_part *memory = (const struct memory_part *)part;

	if (number >= memory->word_count)
		return false;
	*text = memory->sorted[number]->text;
	*len = memory->sorted[number]->len;
	list_of(memory->sorted[number], out);
	return true;
}

static void memory_free(struct part *part)
{
	struct memory_part *memory = (struct memory_part *)part;
	struct arena_block *block = memory->arena, *next;

	for (; block; block = next) {
		next = block->next;
		munmap(block, ARENA_BLOCK);
	}
	free(memory->buckets);
	free(memory->sorted);
	free(memory->ids);
	free(memory->editions);
	free(memory->indexes);
	free(memory->lengths);
	free(part->live);
	free(memory);
}

static const struct part_ops memory_ops = {memory_find, memory_term, memory_free};

int memory_part_new(struct memory_part **out, uint64_t first)
{
	struct memory_part *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	memory->part.ops = &memory_ops;
	memory->part.first = first;
	memory->part.last = first - 1;
	*out = memory;
	return 0;
}

struct part *memory_part_part(struct memory_part *memory)
{
	return &memory->part;
}

size_t memory_part_bytes(const struct memory_part *memory)
{
	return memory->arena_bytes + memory->bucket_count * sizeof(struct word *) +
		memory->chunk_cap * 21u;
}

static int compare_words(const void *left, const void *right)
{
	const struct word *a = *(struct word *const *)left, *b = *(struct word *const *)right;
	int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

	return order ? order : (int)a->len - (int)b->len;
}

int memory_part_sort(struct memory_part *memory)
{
	size_t count = 0;
	struct word **sorted = calloc(memory->word_count + 1, sizeof(struct word *));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < memory->bucket_count; i++)
		for (struct word *word = memory->buckets[i]; word; word = word->next)
			sorted[count++] = word;
	qsort(sorted, count, sizeof(struct word *), compare_words);
	free(memory->sorted);
	memory->sorted = sorted;
	return 0;
}
