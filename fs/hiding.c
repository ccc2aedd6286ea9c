/* SPDX-License-Identifier: Apache-2.0 */
/* A name costs eight bytes, its hash: a document may have a million chunks. Two names of one
 * hash would hide each other for a minute, which does no harm. */
#include "fs/hiding.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

#define HIDING_NS (60 * NS_PER_SEC)

struct hidden_folder {
	struct hidden_folder *next;
	uint64_t *names; /* open addressing; 0: free */
	size_t count, cap;
	char path[];
};

struct hidden_document {
	struct hidden_document *next;
	struct uuid id;
	int64_t until_ns; /* monotonic; a minute after the last name */
	struct hiding_seen seen;
	struct hidden_folder *folders;
};

struct hiding {
	struct loop *loop;
	struct timer timer;
	struct hidden_document *documents; /* few: those that are being deleted now */
};

static uint64_t hash(const char *name)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return value ? value : 1;
}

static void free_document(struct hidden_document *document)
{
	while (document->folders) {
		struct hidden_folder *folder = document->folders;
		document->folders = folder->next;
		free(folder->names);
		free(folder);
	}
	free(document);
}

static void on_timer(struct timer *timer)
{
	struct hiding *hiding = (struct hiding *)((char *)timer - offsetof(struct hiding, timer));
	struct hidden_document **slot = &hiding->documents;
	int64_t now = clock_mono_ns(), next = INT64_MAX;

	while (*slot) {
		struct hidden_document *document = *slot;
		if (document->until_ns <= now) {
			*slot = document->next;
			free_document(document);
			continue;
		}
		if (document->until_ns < next)
			next = document->until_ns;
		slot = &document->next;
	}
	if (hiding->documents)
		loop_timer(hiding->loop, &hiding->timer, next);
}

int hiding_new(struct hiding **out, struct loop *loop)
{
	struct hiding *hiding = calloc(1, sizeof(*hiding));

	if (!hiding)
		return -ENOMEM;
	hiding->loop = loop;
	hiding->timer.fire = on_timer;
	*out = hiding;
	return 0;
}

void hiding_free(struct hiding *hiding)
{
	if (!hiding)
		return;
	loop_timer_cancel(hiding->loop, &hiding->timer);
	while (hiding->documents) {
		struct hidden_document *document = hiding->documents;
		hiding->documents = document->next;
		free_document(document);
	}
	free(hiding);
}

static struct hidden_folder *find(
	const struct hiding *hiding, const struct uuid *id, const char *path)
{
	const struct hidden_document *document = hiding->documents;

	while (document && !uuid_equal(&document->id, id))
		document = document->next;
	struct hidden_folder *folder = document ? document->folders : NULL;
	while (folder && strcmp(folder->path, path) != 0)
		folder = folder->next;
	return folder;
}

/* The slot of @value, or the free one where it would go. */
static uint64_t *slot_of(uint64_t *names, size_t cap, uint64_t value)
{
	size_t at = value & (cap - 1);

	while (names[at] && names[at] != value)
		at = (at + 1) & (cap - 1);
	return &names[at];
}

static int grow(struct hidden_folder *folder)
{
	size_t cap = folder->cap ? 2 * folder->cap : 16;
	uint64_t *names;

	if (2 * folder->count < folder->cap)
		return 0;
	names = calloc(cap, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < folder->cap; i++)
		if (folder->names[i])
			*slot_of(names, cap, folder->names[i]) = folder->names[i];
	free(folder->names);
	folder->names = names;
	folder->cap = cap;
	return 0;
}

static struct hidden_document *make_document(
	struct hiding *hiding, const struct uuid *id, const struct hiding_seen *now)
{
	struct hidden_document *document = hiding->documents;

	while (document && !uuid_equal(&document->id, id))
		document = document->next;
	if (document)
		return document;
	document = calloc(1, sizeof(*document));
	if (!document)
		return NULL;
	document->id = *id;
	document->seen = *now;
	document->next = hiding->documents;
	hiding->documents = document;
	return document;
}

static struct hidden_folder *make_folder(struct hiding *hiding, const struct uuid *id,
	const char *path, const struct hiding_seen *now)
{
	struct hidden_document *document = make_document(hiding, id, now);
	struct hidden_folder *folder = document ? find(hiding, id, path) : NULL;
	size_t len = strlen(path) + 1;

	if (!document)
		return NULL;
	document->until_ns = clock_mono_ns() + HIDING_NS;
	if (!hiding->timer.slot)
		loop_timer(hiding->loop, &hiding->timer, document->until_ns);
	if (folder)
		return folder;
	folder = calloc(1, sizeof(*folder) + len);
	if (!folder)
		return NULL;
	memcpy(folder->path, path, len);
	folder->next = document->folders;
	document->folders = folder;
	return folder;
}

void hiding_seen(const struct hiding *hiding, const struct uuid *document, struct hiding_seen *seen)
{
	for (const struct hidden_document *d = hiding->documents; d; d = d->next)
		if (uuid_equal(&d->id, document))
			*seen = d->seen;
}

int hiding_add(struct hiding *hiding, const struct uuid *document, const char *path,
	const char *name, const struct hiding_seen *now)
{
	struct hidden_folder *folder = make_folder(hiding, document, path, now);

	if (!folder || grow(folder))
		return -ENOMEM;
	uint64_t value = hash(name), *slot = slot_of(folder->names, folder->cap, value);
	if (!*slot) {
		*slot = value;
		folder->count++;
	}
	return 0;
}

bool hiding_has(const struct hiding *hiding, const struct uuid *document, const char *path,
	const char *name)
{
	const struct hidden_folder *folder =
		hiding->documents ? find(hiding, document, path) : NULL;

	return folder && folder->cap && *slot_of(folder->names, folder->cap, hash(name));
}

size_t hiding_count(const struct hiding *hiding, const struct uuid *document, const char *path)
{
	const struct hidden_folder *folder = find(hiding, document, path);

	return folder ? folder->count : 0;
}

void hiding_forget(struct hiding *hiding, const struct uuid *document)
{
	struct hidden_document **slot = &hiding->documents;

	while (*slot && !uuid_equal(&(*slot)->id, document))
		slot = &(*slot)->next;
	if (!*slot)
		return;
	struct hidden_document *gone = *slot;
	*slot = gone->next;
	free_document(gone);
}
