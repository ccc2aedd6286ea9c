/* SPDX-License-Identifier: Apache-2.0 */
/* Maintenance in three steps, so that no search waits for a file: what to keep is noted under
 * the lock, the new segment is written without it, and it takes its sources' place under the
 * lock again. Chunks that go meanwhile come into the new segment, and are not live in it.
 *
 * Merging goes by tiers: neighbours are merged when there are MERGE_RUN of them and none is
 * larger than all newer ones of the run together, so that a chunk is written anew a number
 * of times that grows with the logarithm of the index. A segment of which a third is dead is
 * written anew alone. */
#include "core/local/lexical/lexical.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/local/lexical/lexical_inside.h"
#include "core/local/lexical/segment.h"

#define MERGE_RUN 4

/* The most parts that one plan takes. */
#define PLAN_PARTS 32

struct lexical_plan {
	char *folder;
	struct part *parts[PLAN_PARTS];
	uint64_t *keep[PLAN_PARTS]; /* a bit a chunk */
	size_t count;
	bool is_from_memory;
	struct part *made;
};

static bool keeps(void *context, const struct part *part, uint32_t ordinal)
{
	const struct lexical_plan *plan = context;
	size_t i = 0;

	while (plan->parts[i] != part)
		i++;
	return plan->keep[i][ordinal / 64] >> (ordinal % 64) & 1;
}

static int note_kept(const struct lexical *lexical, struct lexical_plan *plan, size_t i)
{
	const struct part *part = plan->parts[i];

	plan->keep[i] = calloc(part->chunk_count / 64 + 1, sizeof(uint64_t));
	if (!plan->keep[i])
		return -ENOMEM;
	for (uint32_t k = 0; k < part->chunk_count; k++)
		if (lexical_state(lexical, part->editions[k]) != EDITION_GONE &&
			!lexical_is_dead(lexical, part->ids[k]))
			plan->keep[i][k / 64] |= UINT64_C(1) << (k % 64);
	return 0;
}

static struct lexical_plan *make_plan(const struct lexical *lexical, size_t first, size_t count)
{
	struct lexical_plan *plan = calloc(1, sizeof(*plan));

	if (!plan || !(plan->folder = strdup(lexical->folder))) {
		free(plan);
		return NULL;
	}
	for (; plan->count < count; plan->count++) {
		plan->parts[plan->count] = lexical->parts[first + plan->count];
		if (note_kept(lexical, plan, plan->count)) {
			lexical_plan_free(plan);
			return NULL;
		}
	}
	plan->is_from_memory = !lexical_is_segment(lexical, first);
	return plan;
}

/* How many chunks of a segment belong to nobody any more. Pending ones count as used. */
static uint32_t gone_count(const struct lexical *lexical, const struct part *part)
{
	uint32_t count = 0;

	if (part->live_count == part->chunk_count)
		return 0;
	for (uint32_t i = 0; i < part->chunk_count; i++)
		count += lexical_state(lexical, part->editions[i]) == EDITION_GONE;
	return count;
}

/* The longest run of neighbouring segments, from the newest one back, that shall be merged. */
static size_t find_run(const struct lexical *lexical, size_t end, size_t *first)
{
	uint64_t newer = 0;
	size_t at = end;

	while (at > 0 && end - at < PLAN_PARTS && lexical_is_segment(lexical, at - 1)) {
		const struct part *part = lexical->parts[at - 1];
		if (newer && part->chunk_count > 2 * newer)
			break;
		newer += part->chunk_count;
		at--;
	}
	*first = at;
	return end - at;
}

bool lexical_plan(const struct lexical *lexical, struct lexical_plan **out)
{
	size_t first, run, i;

	for (i = 0; i + 1 < lexical->count; i++)
		if (!lexical_is_segment(lexical, i)) {
			*out = make_plan(lexical, i, 1);
			return true;
		}
	for (i = lexical->count - 1; i >= MERGE_RUN; i--) {
		run = find_run(lexical, i, &first);
		if (run >= MERGE_RUN) {
			*out = make_plan(lexical, first, run);
			return true;
		}
	}
	for (i = 0; i + 1 < lexical->count; i++)
		if (gone_count(lexical, lexical->parts[i]) * 3 > lexical->parts[i]->chunk_count) {
			*out = make_plan(lexical, i, 1);
			return true;
		}
	return false;
}

int lexical_plan_make(struct lexical_plan *plan, struct err *err)
{
	AUTO_BUF struct buf path;
	const struct part *const *parts = (const struct part *const *)plan->parts;
	uint64_t first = parts[0]->first, last = parts[plan->count - 1]->last;

	buf_init(&path, BUF_MAX_DEFAULT);
	if (segment_path(&path, plan->folder, first, last) ||
		(plan->is_from_memory && memory_part_sort((struct memory_part *)plan->parts[0])))
		return err_set(err, -ENOMEM, "out of memory");
	int rc = segment_write(plan->folder, parts, plan->count, keeps, plan, err);
	return rc ? rc : segment_open(&plan->made, path.data, err);
}

void lexical_plan_install(struct lexical *lexical, struct lexical_plan *plan)
{
	size_t at = 0;

	while (lexical->parts[at] != plan->parts[0])
		at++;
	for (size_t i = 0; i < plan->count; i++) {
		const struct part *part = plan->parts[i];
		for (uint32_t k = 0; part->live_count && k < part->chunk_count; k++)
			if (part_is_live(part, k))
				lexical->live_length -= part->lengths[k];
		lexical->live_chunks -= part->live_count;
	}
	lexical->parts[at] = plan->made;
	memmove(lexical->parts + at + 1, lexical->parts + at + plan->count,
		(lexical->count - at - plan->count) * sizeof(struct part *));
	lexical->count -= plan->count - 1;
	if (plan->is_from_memory)
		lexical->sealed--;
	lexical_mark(lexical, plan->made);
}

/* The files of the sources go, unless the new one has taken the name of its only source. */
static void delete_sources(struct lexical_plan *plan)
{
	AUTO_BUF struct buf path;

	buf_init(&path, BUF_MAX_DEFAULT);
	for (size_t i = 0; i < plan->count; i++) {
		const struct part *part = plan->parts[i];
		buf_clear(&path);
		if (plan->count > 1 && !segment_path(&path, plan->folder, part->first, part->last))
			unlink(path.data);
	}
}

void lexical_plan_free(struct lexical_plan *plan)
{
	if (!plan)
		return;
	if (plan->made)
		delete_sources(plan);
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->made)
			part_free(plan->parts[i]);
		free(plan->keep[i]);
	}
	free(plan->folder);
	free(plan);
}
