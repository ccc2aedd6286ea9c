/* SPDX-License-Identifier: Apache-2.0 */
/* The parts stand in order of the ids they cover: segments, then full parts in memory that
 * wait to be written out, then the part that grows. Together they cover every id from 1 on
 * without a gap once lexical_gap says so; that is how a lost file is noticed. After a crash
 * between the rename of a merged segment and the removal of its sources, the sources are the
 * ones whose ids lie within another segment's. */
#include "core/local/lexical/lexical.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/local/lexical/lexical_inside.h"
#include "core/local/lexical/segment.h"
#include "core/log.h"

static int insert_part(struct lexical *lexical, struct part *part)
{
	if (lexical->count == lexical->cap) {
		size_t cap = lexical->cap ? lexical->cap * 2 : 16;
		struct part **parts = reallocarray(lexical->parts, cap, sizeof(struct part *));
		if (!parts)
			return -ENOMEM;
		lexical->parts = parts;
		lexical->cap = cap;
	}
	size_t at = lexical->count;
	while (at > 0 && lexical->parts[at - 1]->first > part->first)
		at--;
	memmove(lexical->parts + at + 1, lexical->parts + at,
		(lexical->count++ - at) * sizeof(struct part *));
	lexical->parts[at] = part;
	return 0;
}

static void delete_file(const struct lexical *lexical, const char *name)
{
	AUTO_BUF struct buf path;

	buf_init(&path, BUF_MAX_DEFAULT);
	if (!buf_addf(&path, "%s/%s", lexical->folder, name))
		unlink(path.data);
}

static int load_segment(struct lexical *lexical, const char *name)
{
	AUTO_BUF struct buf path;
	struct err err = ERR_NONE;
	struct part *part;

	buf_init(&path, BUF_MAX_DEFAULT);
	if (buf_addf(&path, "%s/%s", lexical->folder, name))
		return -ENOMEM;
	int rc = segment_open(&part, path.data, &err);
	if (rc == -EBADMSG) {
		log_warn("words' index: %s; it will be made again", err.text);
		unlink(path.data);
		return 0;
	}
	if (!rc && (rc = insert_part(lexical, part)))
		part_free(part);
	return rc;
}

static int load_segments(struct lexical *lexical)
{
	DIR *folder = opendir(lexical->folder);
	struct dirent *entry;
	uint64_t first, last;
	int rc = 0;

	if (!folder)
		return -errno;
	while (!rc && (entry = readdir(folder))) {
		if (segment_parse_name(entry->d_name, &first, &last))
			rc = load_segment(lexical, entry->d_name);
		else if (entry->d_name[0] != '.')
			delete_file(lexical, entry->d_name);
	}
	closedir(folder);
	return rc;
}

static void remove_segment(struct lexical *lexical, size_t at)
{
	AUTO_BUF struct buf path;
	struct part *part = lexical->parts[at];

	buf_init(&path, BUF_MAX_DEFAULT);
	if (!segment_path(&path, lexical->folder, part->first, part->last))
		unlink(path.data);
	part_free(part);
	memmove(lexical->parts + at, lexical->parts + at + 1,
		(--lexical->count - at) * sizeof(struct part *));
}

/* Segments whose ids another one covers are left over from a merge. */
static void remove_covered(struct lexical *lexical)
{
	for (size_t i = 0; i + 1 < lexical->count;) {
		const struct part *here = lexical->parts[i], *next = lexical->parts[i + 1];
		if (here->last < next->first)
			i++;
		else if (here->last >= next->last)
			remove_segment(lexical, i + 1);
		else
			remove_segment(lexical, i);
	}
}

/* After a segment that begins with the same id as a shorter one, and similar cases, one pass
 * may not be enough. */
static void remove_all_covered(struct lexical *lexical)
{
	size_t before;

	do {
		before = lexical->count;
		remove_covered(lexical);
	} while (lexical->count != before);
}

void lexical_mark(struct lexical *lexical, struct part *part)
{
	for (uint32_t i = 0; i < part->chunk_count; i++) {
		bool is_live = lexical_state(lexical, part->editions[i]) == EDITION_LIVE &&
			!lexical_is_dead(lexical, part->ids[i]);
		part_set_live(part, i, is_live);
		if (is_live) {
			lexical->live_chunks++;
			lexical->live_length += part->lengths[i];
		}
	}
}

int lexical_open(struct lexical **out, const char *folder, const struct lexical_owner *owner,
	struct err *err)
{
	struct lexical *lexical = calloc(1, sizeof(*lexical));
	int rc = 0;

	if (!lexical || !(lexical->folder = strdup(folder))) {
		free(lexical);
		return err_set(err, -ENOMEM, "out of memory");
	}
	lexical->owner = *owner;
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		rc = -errno;
	if (!rc)
		rc = load_segments(lexical);
	if (rc) {
		lexical_free(lexical);
		return err_set(err, rc, "%s: %s", folder, strerror(-rc));
	}
	remove_all_covered(lexical);
	for (size_t i = 0; i < lexical->count; i++)
		lexical_mark(lexical, lexical->parts[i]);
	*out = lexical;
	return 0;
}

void lexical_free(struct lexical *lexical)
{
	if (!lexical)
		return;
	for (size_t i = 0; i < lexical->count; i++)
		part_free(lexical->parts[i]);
	free(lexical->parts);
	free(lexical->dead);
	free(lexical->folder);
	free(lexical);
}

uint64_t lexical_last_id(const struct lexical *lexical)
{
	return lexical->count ? lexical->parts[lexical->count - 1]->last : 0;
}

uint32_t lexical_max_edition(const struct lexical *lexical)
{
	uint32_t max = 0;

	for (size_t i = 0; i < lexical->count; i++)
		if (lexical->parts[i]->max_edition > max)
			max = lexical->parts[i]->max_edition;
	return max;
}

int lexical_start(struct lexical *lexical, uint64_t first)
{
	struct memory_part *growing;
	int rc = memory_part_new(&growing, first);

	if (!rc && (rc = insert_part(lexical, memory_part_part(growing))))
		part_free(memory_part_part(growing));
	if (!rc)
		lexical->growing = growing;
	return rc;
}

bool lexical_gap(const struct lexical *lexical, uint64_t *first, uint64_t *last)
{
	uint64_t covered = 0;

	for (size_t i = 0; i < lexical->count; i++) {
		if (lexical->parts[i]->first > covered + 1) {
			*first = covered + 1;
			*last = lexical->parts[i]->first - 1;
			return true;
		}
		covered = lexical->parts[i]->last;
	}
	return false;
}

int lexical_fill(struct lexical *lexical, struct memory_part *memory, uint64_t last)
{
	struct part *part = memory_part_part(memory);
	int rc = insert_part(lexical, part);

	if (rc) {
		part_free(part);
		return rc;
	}
	part->last = last;
	lexical_mark(lexical, part);
	lexical->sealed++;
	return 0;
}

int lexical_add(struct lexical *lexical, uint64_t id, uint32_t edition, uint32_t index,
	const struct bag *bag)
{
	struct indexed_chunk chunk = {
		.id = id,
		.edition = edition,
		.index = index,
		.is_live = lexical_state(lexical, edition) == EDITION_LIVE,
	};
	int rc = memory_part_add(lexical->growing, &chunk, bag);

	if (!rc && chunk.is_live) {
		lexical->live_chunks++;
		lexical->live_length += bag->length;
	}
	return rc;
}

static void set_live(struct lexical *lexical, struct part *part, uint32_t at, bool is_live)
{
	if (!part_set_live(part, at, is_live))
		return;
	lexical->live_chunks += is_live ? 1 : UINT64_MAX;
	lexical->live_length += is_live ? part->lengths[at] : -(uint64_t)part->lengths[at];
}

void lexical_set_live(
	struct lexical *lexical, uint32_t edition, uint64_t first, uint64_t last, bool is_live)
{
	for (size_t i = 0; i < lexical->count; i++) {
		struct part *part = lexical->parts[i];
		if (part->last < first || part->first > last)
			continue;
		for (uint32_t at = part_seek(part, first);
			at < part->chunk_count && part->ids[at] <= last; at++)
			if (part->editions[at] == edition &&
				!(is_live && lexical_is_dead(lexical, part->ids[at])))
				set_live(lexical, part, at, is_live);
	}
}

/* Where the id stands among the dead, or belongs. */
static size_t find_dead(const struct lexical *lexical, uint64_t id)
{
	size_t low = 0, high = lexical->dead_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (lexical->dead[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool lexical_is_dead(const struct lexical *lexical, uint64_t id)
{
	size_t at = find_dead(lexical, id);

	return at < lexical->dead_count && lexical->dead[at] == id;
}

static int bury(struct lexical *lexical, uint64_t id)
{
	size_t at = find_dead(lexical, id);

	if (lexical->dead_count == lexical->dead_cap) {
		size_t cap = lexical->dead_cap ? lexical->dead_cap * 2 : 64;
		uint64_t *dead = reallocarray(lexical->dead, cap, sizeof(*dead));
		if (!dead)
			return -ENOMEM;
		lexical->dead = dead;
		lexical->dead_cap = cap;
	}
	memmove(lexical->dead + at + 1, lexical->dead + at,
		(lexical->dead_count++ - at) * sizeof(*lexical->dead));
	lexical->dead[at] = id;
	return 0;
}

int lexical_kill(struct lexical *lexical, uint64_t id)
{
	if (bury(lexical, id))
		return -ENOMEM;
	for (size_t i = 0; i < lexical->count; i++) {
		uint32_t at = part_seek(lexical->parts[i], id);
		if (at < lexical->parts[i]->chunk_count && lexical->parts[i]->ids[at] == id)
			set_live(lexical, lexical->parts[i], at, false);
	}
	return 0;
}

size_t lexical_growing_bytes(const struct lexical *lexical)
{
	return memory_part_bytes(lexical->growing);
}

size_t lexical_sealed_count(const struct lexical *lexical)
{
	return lexical->sealed;
}

int lexical_seal(struct lexical *lexical)
{
	if (memory_part_part(lexical->growing)->chunk_count == 0)
		return 0;
	int rc = lexical_start(lexical, lexical_last_id(lexical) + 1);
	if (!rc)
		lexical->sealed++;
	return rc;
}

uint64_t lexical_live_chunks(const struct lexical *lexical)
{
	return lexical->live_chunks;
}

int lexical_search(const struct lexical *lexical, struct rank_query *query, struct best *best)
{
	query->chunk_count = lexical->live_chunks;
	query->mean_length = lexical->live_chunks
		? (double)lexical->live_length / (double)lexical->live_chunks
		: 1;
	if (query->mean_length == 0)
		query->mean_length = 1;
	return rank_words((const struct part *const *)lexical->parts, lexical->count, query, best);
}

int lexical_check(const struct lexical *lexical, struct buf *report)
{
	uint64_t first, last;

	for (size_t i = 0; i < lexical->count; i++)
		if (lexical_is_segment(lexical, i) && segment_verify(lexical->parts[i]))
			buf_addf(report,
				"words' index: wrong checksum over chunks %llu to %llu: delete"
				" the files in %s, they are made again\n",
				(unsigned long long)lexical->parts[i]->first,
				(unsigned long long)lexical->parts[i]->last, lexical->folder);
	if (lexical_gap(lexical, &first, &last))
		buf_addf(report, "words' index: chunks %llu to %llu are missing\n",
			(unsigned long long)first, (unsigned long long)last);
	return report->failed;
}
