/* SPDX-License-Identifier: Apache-2.0 */
/* About 250 bytes a document, so that 10,000 documents cost 2.5 MB. The records in full are in
 * the catalog; this is only what a walk over the tree needs. */
#include "core/library.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/metrics.h"
#include "core/path_pool.h"

#define FIRST_CAP 256

/* A content type that some documents share. */
struct type_name {
	struct type_name *next;
	char text[];
};

/* Entries live long and come between much that does not: they have pages of their own, so that
 * what goes leaves whole pages free. */
#define SLAB_ENTRIES 1024
struct slab {
	struct slab *next;
	struct library_entry entries[SLAB_ENTRIES];
};

struct library {
	struct path_pool paths;
	struct slab *slabs;
	struct library_entry *spare; /* freed entries, by after */
	struct library_entry **by_id, **by_path;
	size_t count, cap;
	struct library_entry *first, *last;
	size_t status_count[DOC_STATUS_COUNT];
	struct type_name *types;
	struct library_watch *watches;
};

int library_new(struct library **out)
{
	struct library *library = calloc(1, sizeof(*library));

	if (!library)
		return -ENOMEM;
	library->cap = FIRST_CAP;
	library->by_id = calloc(FIRST_CAP, sizeof(*library->by_id));
	library->by_path = calloc(FIRST_CAP, sizeof(*library->by_path));
	if (!library->by_id || !library->by_path) {
		library_free(library);
		return -ENOMEM;
	}
	*out = library;
	return 0;
}

void library_free(struct library *library)
{
	if (!library)
		return;
	for (struct library_entry *entry = library->first, *after; entry; entry = after) {
		after = entry->after;
		path_pool_free(&library->paths, entry->path);
	}
	path_pool_release(&library->paths);
	while (library->slabs) {
		struct slab *slab = library->slabs;
		library->slabs = slab->next;
		free(slab);
	}
	while (library->types) {
		struct type_name *type = library->types;
		library->types = type->next;
		free(type);
	}
	free(library->by_id);
	free(library->by_path);
	free(library);
}

void library_watch(struct library *library, struct library_watch *watch)
{
	watch->next = library->watches;
	library->watches = watch;
}

static void tell(struct library *library, const struct library_entry *before,
	const struct library_entry *after)
{
	for (struct library_watch *watch = library->watches; watch; watch = watch->next)
		watch->changed(watch, before, after);
}

/* The last bytes of a version 7 UUID are random. */
static struct library_entry **id_slot(const struct library *library, const struct uuid *id)
{
	uint64_t hash;

	memcpy(&hash, id->bytes + 8, sizeof(hash));
	return &library->by_id[(hash ^ hash >> 32) & (library->cap - 1)];
}

static struct library_entry **path_slot(
	const struct library *library, uid_t owner, const char *path)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ owner;

	for (const char *p = path; *p; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	return &library->by_path[(hash ^ hash >> 32) & (library->cap - 1)];
}

struct library_entry *library_find(const struct library *library, const struct uuid *id)
{
	struct library_entry *entry = *id_slot(library, id);

	while (entry && !uuid_equal(&entry->id, id))
		entry = entry->next_id;
	return entry;
}

struct library_entry *library_by_path(const struct library *library, uid_t owner, const char *path)
{
	struct library_entry *entry = *path_slot(library, owner, path);

	while (entry &&
		(entry->is_member || entry->access.owner != owner ||
			strcmp(entry->path, path) != 0))
		entry = entry->next_path;
	return entry;
}

struct library_entry *library_first(const struct library *library)
{
	return library->first;
}

size_t library_count(const struct library *library, enum doc_status status)
{
	return library->status_count[status];
}

static void count(struct library *library, enum doc_status status, int by)
{
	static const enum metric_gauge gauges[] = {
		[DOC_PENDING] = GAUGE_DOCUMENTS_PENDING,
		[DOC_PROCESSING] = GAUGE_DOCUMENTS_PROCESSING,
		[DOC_INDEXED] = GAUGE_DOCUMENTS_INDEXED,
		[DOC_FAILED] = GAUGE_DOCUMENTS_FAILED,
	};

	library->status_count[status] += (size_t)by;
	metric_set(gauges[status], library->status_count[status]);
}

static const char *intern(struct library *library, const char *type)
{
	if (!type)
		return "";
	for (struct type_name *t = library->types; t; t = t->next)
		if (strcmp(t->text, type) == 0)
			return t->text;
	size_t len = strlen(type) + 1;
	struct type_name *new = malloc(sizeof(*new) + len);
	if (!new)
		return "";
	memcpy(new->text, type, len);
	new->next = library->types;
	library->types = new;
	return new->text;
}

static void hash_in(struct library *library, struct library_entry *entry)
{
	struct library_entry **slot = id_slot(library, &entry->id);
	entry->next_id = *slot;
	*slot = entry;
	slot = path_slot(library, entry->access.owner, entry->path);
	entry->next_path = *slot;
	*slot = entry;
}

static void hash_out(struct library *library, struct library_entry *entry)
{
	struct library_entry **slot = id_slot(library, &entry->id);
	while (*slot != entry)
		slot = &(*slot)->next_id;
	*slot = entry->next_id;
	slot = path_slot(library, entry->access.owner, entry->path);
	while (*slot != entry)
		slot = &(*slot)->next_path;
	*slot = entry->next_path;
}

static void grow(struct library *library)
{
	if (library->count < library->cap)
		return;
	size_t cap = 2 * library->cap;
	struct library_entry **by_id = calloc(cap, sizeof(*by_id));
	struct library_entry **by_path = calloc(cap, sizeof(*by_path));
	if (!by_id || !by_path) {
		free(by_id);
		free(by_path);
		return; /* longer chains, nothing worse */
	}
	free(library->by_id);
	free(library->by_path);
	library->by_id = by_id;
	library->by_path = by_path;
	library->cap = cap;
	for (struct library_entry *entry = library->first; entry; entry = entry->after)
		hash_in(library, entry);
}

static bool add_slab(struct library *library)
{
	struct slab *slab = calloc(1, sizeof(*slab));

	if (!slab)
		return false;
	slab->next = library->slabs;
	library->slabs = slab;
	for (size_t i = 0; i < SLAB_ENTRIES; i++) {
		slab->entries[i].after = library->spare;
		library->spare = &slab->entries[i];
	}
	return true;
}

static struct library_entry *entry_new(struct library *library)
{
	if (!library->spare && !add_slab(library))
		return NULL;
	struct library_entry *entry = library->spare;
	library->spare = entry->after;
	*entry = (struct library_entry){0};
	return entry;
}

/* Link a new entry in behind the others. */
static struct library_entry *add(struct library *library, const struct document *document)
{
	struct library_entry *entry = entry_new(library);

	if (!entry)
		return NULL;
	grow(library);
	entry->id = document->id;
	entry->before = library->last;
	if (library->last)
		library->last->after = entry;
	else
		library->first = entry;
	library->last = entry;
	library->count++;
	return entry;
}

static void fill(struct library *library, struct library_entry *entry,
	const struct document *document, char *path)
{
	entry->access = document->access;
	entry->is_member = !uuid_is_nil(&document->parent);
	entry->version = document->version;
	entry->chunk_count = document->chunk_count;
	entry->status = document->status;
	entry->size = document->size;
	entry->text_size = document->text_size;
	entry->chunks_size = document->chunks_size;
	entry->mtime_ns = document->mtime_ns;
	entry->created_ns = document->created_ns;
	entry->updated_ns = document->updated_ns;
	entry->content_type = intern(library, document->content_type);
	entry->path = path;
}

struct library_entry *library_put(struct library *library, const struct document *document)
{
	struct library_entry *entry = library_find(library, &document->id);
	struct library_entry before;
	bool is_new = !entry;

	if (!is_new && document->updated_ns < entry->updated_ns)
		return entry; /* a later change has overtaken this one on its way */
	bool is_moved = is_new || strcmp(entry->path, document->path) != 0;
	char *path = is_moved ? path_pool_copy(&library->paths, document->path) : entry->path;
	if (is_new && path)
		entry = add(library, document);
	if (!path || !entry) {
		path_pool_free(&library->paths, path);
		return NULL;
	}
	before = *entry;
	if (!is_new) {
		hash_out(library, entry);
		count(library, entry->status, -1);
	}
	fill(library, entry, document, path);
	hash_in(library, entry);
	count(library, entry->status, 1);
	tell(library, is_new ? NULL : &before, entry);
	if (is_moved)
		path_pool_free(&library->paths, before.path);
	return entry;
}

void library_set_status(
	struct library *library, struct library_entry *entry, enum doc_status status)
{
	struct library_entry before = *entry;

	if (entry->status == status)
		return;
	count(library, entry->status, -1);
	entry->status = status;
	count(library, status, 1);
	tell(library, &before, entry);
}

int library_set_place(struct library *library, struct library_entry *entry,
	const struct access *access, const char *path)
{
	struct library_entry before = *entry;
	char *copy = path_pool_copy(&library->paths, path);

	if (!copy)
		return -ENOMEM;
	hash_out(library, entry);
	entry->access = *access;
	entry->path = copy;
	hash_in(library, entry);
	tell(library, &before, entry);
	path_pool_free(&library->paths, before.path);
	return 0;
}

void library_remove(struct library *library, struct library_entry *entry)
{
	hash_out(library, entry);
	count(library, entry->status, -1);
	library->count--;
	*(entry->before ? &entry->before->after : &library->first) = entry->after;
	*(entry->after ? &entry->after->before : &library->last) = entry->before;
	tell(library, entry, NULL);
	path_pool_free(&library->paths, entry->path);
	entry->after = library->spare;
	library->spare = entry;
}

static int load_one(void *context, const struct document *document)
{
	return library_put(context, document) ? 0 : -ENOMEM;
}

int library_load(struct library *library, struct catalog *catalog, struct err *err)
{
	return catalog_each(catalog, load_one, library, err);
}

const char *library_entry_name(const struct library_entry *entry)
{
	const char *slash = strrchr(entry->path, '/');

	return slash ? slash + 1 : entry->path;
}
