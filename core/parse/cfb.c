/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of our own, not libgsf: that one walks the directory by recursion, a call a sibling,
 * so that a file of a few megabytes overflows the stack, and it would load GObject for what is
 * arithmetic on three tables.
 *
 * Every chain is followed at most as long as the file has sectors, and a stream gives at most
 * as many bytes as the file has: circles cost time once, and no memory. */
#include "core/parse/cfb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/bytes.h"

#define HEADER_SIZE  512
#define ENTRY_SIZE   128
#define MINI_SHIFT   6
#define MINI_CUTOFF  4096
#define SECTORS_MAX  ((size_t)1 << 25) /* 16 GiB of 512 bytes each */
#define ENTRIES_MAX  ((size_t)1 << 18)
#define PIECE_MAX    ((size_t)64 << 10)
#define SECTOR_LAST  UINT32_C(0xfffffffa) /* what is above is no sector */
#define DIFAT_HEADER 109

enum { ENTRY_STORAGE = 1, ENTRY_STREAM = 2, ENTRY_ROOT = 5 };

struct entry {
	char name[32];
	unsigned char class[16];
	uint64_t size;
	uint32_t start; /* sector */
	uint32_t left, right, child; /* as they lie in the file */
	uint32_t first, last, next; /* children in order; the next sibling */
	uint8_t type;
	bool is_placed;
};

struct cfb {
	const struct source *source;
	unsigned shift; /* of a sector's size */
	uint32_t *fat, *mini_fat, *mini_sectors; /* the last: the root's stream, in order */
	size_t fat_len, mini_fat_len, mini_sectors_len;
	struct entry *entries;
	size_t count;
};

bool cfb_is_one(const char *head, size_t len)
{
	return len >= HEADER_SIZE && !memcmp(head, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
}

static uint64_t offset_of(const struct cfb *cfb, uint32_t sector)
{
	return ((uint64_t)sector + 1) << cfb->shift;
}

/* A sector of numbers, appended to a table of @max. The number read. */
static size_t add_sector(
	const struct cfb *cfb, uint32_t sector, uint32_t *table, size_t at, size_t max)
{
	unsigned char data[4096];
	size_t size = (size_t)1 << cfb->shift;
	ssize_t n = source_read(cfb->source, data, size, offset_of(cfb, sector));
	size_t count = n > 0 ? (size_t)n / 4 : 0;

	if (count > max - at)
		count = max - at;
	for (size_t i = 0; i < count; i++)
		table[at + i] = bytes_u32((struct bytes){data, (size_t)n}, i * 4);
	return count;
}

/* The FAT's own sectors are listed in the header, then in a chain of lists. */
static void load_fat(struct cfb *cfb, struct bytes header)
{
	size_t per_sector = ((size_t)1 << cfb->shift) / 4, max = cfb->fat_len;
	uint32_t list[1024], next = bytes_u32(header, 0x44);

	cfb->fat_len = 0;
	for (size_t i = 0; i < DIFAT_HEADER && cfb->fat_len < max; i++) {
		uint32_t sector = bytes_u32(header, 0x4c + i * 4);
		if (sector >= max)
			break;
		cfb->fat_len += add_sector(cfb, sector, cfb->fat, cfb->fat_len, max);
	}
	for (size_t lists = 0; next < max && lists < max && cfb->fat_len < max; lists++) {
		size_t count = add_sector(cfb, next, list, 0, per_sector);
		for (size_t i = 0; i + 1 < count && list[i] < max && cfb->fat_len < max; i++)
			cfb->fat_len += add_sector(cfb, list[i], cfb->fat, cfb->fat_len, max);
		next = count == per_sector ? list[count - 1] : CFB_NONE;
	}
}

static uint32_t next_sector(const struct cfb *cfb, uint32_t sector)
{
	return sector < cfb->fat_len ? cfb->fat[sector] : CFB_NONE;
}

static size_t chain_len(const struct cfb *cfb, uint32_t sector, size_t max)
{
	size_t len = 0;

	while (sector < cfb->fat_len && len < max) {
		sector = next_sector(cfb, sector);
		len++;
	}
	return len;
}

static int load_mini_fat(struct cfb *cfb, struct bytes header)
{
	size_t per_sector = ((size_t)1 << cfb->shift) / 4;
	uint32_t sector = bytes_u32(header, 0x3c);
	size_t sectors = chain_len(cfb, sector, cfb->fat_len), max = sectors * per_sector;

	if (!(cfb->mini_fat = calloc(max + 1, sizeof(*cfb->mini_fat))))
		return -ENOMEM;
	for (size_t i = 0; i < sectors; i++, sector = next_sector(cfb, sector))
		cfb->mini_fat_len += add_sector(cfb, sector, cfb->mini_fat, cfb->mini_fat_len, max);
	return 0;
}

/* Where the sectors of the small streams lie. */
static int load_mini_sectors(struct cfb *cfb)
{
	uint32_t sector = cfb->entries[CFB_ROOT].start;
	size_t sectors = chain_len(cfb, sector, cfb->fat_len);

	if (!(cfb->mini_sectors = calloc(sectors + 1, sizeof(*cfb->mini_sectors))))
		return -ENOMEM;
	for (; cfb->mini_sectors_len < sectors; sector = next_sector(cfb, sector))
		cfb->mini_sectors[cfb->mini_sectors_len++] = sector;
	return 0;
}

static void parse_entry(const struct cfb *cfb, struct bytes data, struct entry *entry)
{
	size_t name_len = bytes_u16(data, 64) / 2;

	for (size_t i = 0; i + 1 < name_len && i < sizeof(entry->name) - 1; i++) {
		uint16_t c = bytes_u16(data, i * 2);
		entry->name[i] = (char)(c < 0x80 ? c : '?');
	}
	entry->type = bytes_u8(data, 66);
	entry->left = bytes_u32(data, 68);
	entry->right = bytes_u32(data, 72);
	entry->child = bytes_u32(data, 76);
	memcpy(entry->class, data.data + 80, sizeof(entry->class));
	entry->start = bytes_u32(data, 116);
	entry->size = cfb->shift == 9 ? bytes_u32(data, 120) : bytes_u64(data, 120);
	entry->first = entry->last = entry->next = CFB_NONE;
}

static int load_entries(struct cfb *cfb, struct bytes header)
{
	unsigned char data[4096];
	size_t size = (size_t)1 << cfb->shift, per_sector = size / ENTRY_SIZE;
	uint32_t sector = bytes_u32(header, 0x30);
	size_t sectors = chain_len(cfb, sector, ENTRIES_MAX / per_sector);

	if (!(cfb->entries = calloc(sectors * per_sector + 1, sizeof(*cfb->entries))))
		return -ENOMEM;
	for (size_t i = 0; i < sectors; i++, sector = next_sector(cfb, sector)) {
		ssize_t n = source_read(cfb->source, data, size, offset_of(cfb, sector));
		for (ssize_t at = 0; at + ENTRY_SIZE <= n; at += ENTRY_SIZE)
			parse_entry(cfb, (struct bytes){data + at, ENTRY_SIZE},
				&cfb->entries[cfb->count++]);
	}
	return cfb->count && cfb->entries[CFB_ROOT].type == ENTRY_ROOT ? 0 : -EBADMSG;
}

static void place(struct cfb *cfb, uint32_t storage, uint32_t child)
{
	struct entry *parent = &cfb->entries[storage];

	if (parent->first == CFB_NONE)
		parent->first = child;
	else
		cfb->entries[parent->last].next = child;
	parent->last = child;
}

/* The children of a storage are a tree by their names: in order, without recursion. */
static void place_children(struct cfb *cfb, uint32_t storage, uint32_t *stack)
{
	uint32_t at = cfb->entries[storage].child;
	size_t depth = 0;

	for (;;) {
		while (at < cfb->count && !cfb->entries[at].is_placed) {
			cfb->entries[at].is_placed = true;
			stack[depth++] = at;
			at = cfb->entries[at].left;
		}
		if (!depth)
			return;
		at = stack[--depth];
		if (cfb->entries[at].type == ENTRY_STORAGE || cfb->entries[at].type == ENTRY_STREAM)
			place(cfb, storage, at);
		at = cfb->entries[at].right;
	}
}

/* Streams that a damaged tree does not lead to are taken for the root's. */
static int build_tree(struct cfb *cfb)
{
	AUTO_FREE uint32_t *stack = calloc(cfb->count, sizeof(*stack));

	if (!stack)
		return -ENOMEM;
	cfb->entries[CFB_ROOT].is_placed = true;
	place_children(cfb, CFB_ROOT, stack);
	for (uint32_t i = 1; i < cfb->count; i++)
		if (cfb->entries[i].type == ENTRY_STORAGE)
			place_children(cfb, i, stack);
	for (uint32_t i = 1; i < cfb->count; i++)
		if (!cfb->entries[i].is_placed && cfb->entries[i].type == ENTRY_STREAM)
			place(cfb, CFB_ROOT, i);
	return 0;
}

static int load(struct cfb *cfb)
{
	struct bytes header = {(const unsigned char *)cfb->source->head, HEADER_SIZE};

	cfb->shift = bytes_u16(header, 0x1e);
	if (cfb->shift != 9 && cfb->shift != 12)
		return -EBADMSG;
	uint64_t sectors = cfb->source->size >> cfb->shift;
	if (sectors > SECTORS_MAX)
		return -EFBIG;
	cfb->fat_len = (size_t)sectors + 1;
	if (!(cfb->fat = calloc(cfb->fat_len, sizeof(*cfb->fat))))
		return -ENOMEM;
	load_fat(cfb, header);
	int rc = load_entries(cfb, header);
	rc = rc ? rc : load_mini_fat(cfb, header);
	rc = rc ? rc : load_mini_sectors(cfb);
	return rc ? rc : build_tree(cfb);
}

int cfb_open(struct cfb **out, const struct source *source, struct err *err)
{
	struct cfb *cfb = calloc(1, sizeof(*cfb));

	if (!cfb)
		return err_set(err, -ENOMEM, "memory is short");
	cfb->source = source;
	int rc = cfb_is_one(source->head, source->head_len) ? load(cfb) : -EBADMSG;
	if (rc) {
		cfb_close(cfb);
		return err_set(err, rc,
			rc == -EFBIG ? "the document is too large"
				     : "the document is damaged: its list of parts cannot be read");
	}
	*out = cfb;
	return 0;
}

void cfb_close(struct cfb *cfb)
{
	if (!cfb)
		return;
	free(cfb->fat);
	free(cfb->mini_fat);
	free(cfb->mini_sectors);
	free(cfb->entries);
	free(cfb);
}

uint32_t cfb_first(const struct cfb *cfb, uint32_t storage)
{
	return cfb->entries[storage].first;
}

uint32_t cfb_next(const struct cfb *cfb, uint32_t entry)
{
	return cfb->entries[entry].next;
}

uint32_t cfb_find(const struct cfb *cfb, uint32_t storage, const char *name)
{
	uint32_t at = cfb_first(cfb, storage);

	while (at != CFB_NONE && strcasecmp(cfb->entries[at].name, name))
		at = cfb_next(cfb, at);
	return at;
}

const char *cfb_name(const struct cfb *cfb, uint32_t entry)
{
	return cfb->entries[entry].name;
}

bool cfb_is_storage(const struct cfb *cfb, uint32_t entry)
{
	return cfb->entries[entry].type != ENTRY_STREAM;
}

uint64_t cfb_size(const struct cfb *cfb, uint32_t entry)
{
	return cfb->entries[entry].size;
}

const unsigned char *cfb_class(const struct cfb *cfb, uint32_t entry)
{
	return cfb->entries[entry].class;
}

/* How far a stream is being read: the next sector, and how much is left. */
struct walk {
	const struct cfb *cfb;
	uint32_t sector;
	uint64_t left;
	bool is_mini;
};

static uint32_t next_of(const struct walk *walk)
{
	if (!walk->is_mini)
		return next_sector(walk->cfb, walk->sector);
	return walk->sector < walk->cfb->mini_fat_len ? walk->cfb->mini_fat[walk->sector]
						      : CFB_NONE;
}

/* False: there is no such sector. */
static bool place_of(const struct walk *walk, uint64_t *offset)
{
	const struct cfb *cfb = walk->cfb;

	if (!walk->is_mini) {
		*offset = offset_of(cfb, walk->sector);
		return walk->sector < SECTOR_LAST;
	}
	uint64_t at = (uint64_t)walk->sector << MINI_SHIFT;
	if (at >> cfb->shift >= cfb->mini_sectors_len)
		return false;
	*offset = offset_of(cfb, cfb->mini_sectors[at >> cfb->shift]) +
		(at & ((UINT64_C(1) << cfb->shift) - 1));
	return true;
}

/* Sectors that follow each other in the file are read at once. The bytes read. */
static ssize_t read_run(struct walk *walk, char *room)
{
	size_t size = (size_t)1 << (walk->is_mini ? MINI_SHIFT : walk->cfb->shift), len = 0;
	uint64_t begin, offset;

	if (!place_of(walk, &begin))
		return 0;
	do {
		len += size < walk->left - len ? size : (size_t)(walk->left - len);
		walk->sector = next_of(walk);
	} while (len < walk->left && len + size <= PIECE_MAX && place_of(walk, &offset) &&
		offset == begin + len);
	ssize_t n = source_read(walk->cfb->source, room, len, begin);
	if (n >= 0 && (size_t)n < len)
		walk->sector = CFB_NONE; /* the file ends here */
	return n;
}

int cfb_each(const struct cfb *cfb, uint32_t entry, source_fn *each, void *context)
{
	const struct entry *stream = &cfb->entries[entry];
	struct walk walk = {.cfb = cfb, .sector = stream->start, .left = stream->size};
	char room[PIECE_MAX];

	walk.is_mini = stream->size < MINI_CUTOFF;
	if (walk.left > cfb->source->size)
		walk.left = cfb->source->size;
	while (walk.left) {
		ssize_t n = read_run(&walk, room);
		if (n <= 0)
			return (int)n;
		int rc = each(context, room, (size_t)n);
		if (rc)
			return rc;
		walk.left -= (uint64_t)n;
	}
	return 0;
}

static int append(void *context, const char *data, size_t len)
{
	return buf_add(context, data, len);
}

int cfb_read(const struct cfb *cfb, uint32_t entry, struct buf *out)
{
	return entry == CFB_NONE || cfb_is_storage(cfb, entry) ? 0
							       : cfb_each(cfb, entry, append, out);
}
