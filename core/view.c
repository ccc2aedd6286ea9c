/* SPDX-License-Identifier: Apache-2.0 */
/* About 120 bytes a name, three names a document: made when somebody first looks into by/. */
#include "core/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

#define FIRST_CAP 256

struct view {
	struct library_watch watch; /* first */
	struct view_node *root, *status, *by_name, *type;
	struct view_node **slots; /* by folder and name */
	struct view_node **documents; /* leaves by folder and document */
	size_t count, cap;
	bool is_dead; /* memory ran out: names may be missing */
};

static size_t hash(const struct view_node *folder, const char *name)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325) ^ (uintptr_t)folder;

	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return (size_t)(value ^ value >> 32);
}

static struct view_node **slot_of(
	const struct view *view, const struct view_node *folder, const char *name)
{
	return &view->slots[hash(folder, name) & (view->cap - 1)];
}

static struct view_node **document_slot(
	const struct view *view, const struct view_node *folder, const struct uuid *document)
{
	uint64_t value;

	memcpy(&value, document->bytes + 8, sizeof(value));
	value ^= (uintptr_t)folder * UINT64_C(0x9e3779b97f4a7c15);
	return &view->documents[(value ^ value >> 32) & (view->cap - 1)];
}

static struct view_node *find_leaf(
	const struct view *view, const struct view_node *folder, const struct uuid *document)
{
	struct view_node *node = *document_slot(view, folder, document);

	while (node && (node->parent != folder || !uuid_equal(&node->document, document)))
		node = node->next_document;
	return node;
}

struct view_node *view_root(struct view *view)
{
	return view->root;
}

struct view_node *view_lookup(struct view *view, const struct view_node *folder, const char *name)
{
	struct view_node *node = *slot_of(view, folder, name);

	while (node && (node->parent != folder || strcmp(node->name, name) != 0))
		node = node->next_hash;
	return node;
}

static void hash_in(struct view *view, struct view_node *node)
{
	struct view_node **slot = slot_of(view, node->parent, node->name);
	node->next_hash = *slot;
	*slot = node;
	if (uuid_is_nil(&node->document))
		return;
	slot = document_slot(view, node->parent, &node->document);
	node->next_document = *slot;
	*slot = node;
}

static void hash_out(struct view *view, struct view_node *node)
{
	struct view_node **slot = slot_of(view, node->parent, node->name);
	while (*slot != node)
		slot = &(*slot)->next_hash;
	*slot = node->next_hash;
	if (uuid_is_nil(&node->document))
		return;
	slot = document_slot(view, node->parent, &node->document);
	while (*slot != node)
		slot = &(*slot)->next_document;
	*slot = node->next_document;
}

static void grow(struct view *view)
{
	struct view bigger = *view;

	if (view->count < view->cap)
		return;
	bigger.cap *= 2;
	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	bigger.documents = calloc(bigger.cap, sizeof(*bigger.documents));
	if (!bigger.slots || !bigger.documents) {
		free(bigger.slots);
		free(bigger.documents);
		return; /* longer chains, nothing worse */
	}
	for (size_t i = 0; i < view->cap; i++)
		while (view->slots[i]) {
			struct view_node *node = view->slots[i];
			view->slots[i] = node->next_hash;
			hash_in(&bigger, node);
		}
	free(view->slots);
	free(view->documents);
	*view = bigger;
}

static struct view_node *add(
	struct view *view, struct view_node *folder, const char *name, const struct uuid *document)
{
	size_t len = strlen(name) + 1;
	struct view_node *node = calloc(1, sizeof(*node) + len);

	if (!node) {
		view->is_dead = true;
		return NULL;
	}
	memcpy(node->name, name, len);
	if (document)
		node->document = *document;
	node->parent = folder;
	grow(view);
	hash_in(view, node);
	view->count++;
	if (folder) {
		node->next = folder->children;
		if (node->next)
			node->next->before = node;
		folder->children = node;
	}
	return node;
}

static void drop(struct view *view, struct view_node *node)
{
	hash_out(view, node);
	view->count--;
	if (node->parent)
		*(node->before ? &node->before->next : &node->parent->children) = node->next;
	if (node->next)
		node->next->before = node->before;
	free(node);
}

/* "name (2).ext": before the extension, cut so that it still is a file name. */
static void number_name(const char *name, unsigned number, char out[256])
{
	char suffix[16];
	const char *dot = strrchr(name, '.');
	size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
	size_t extension = strlen(name + stem);
	size_t more = (size_t)snprintf(suffix, sizeof(suffix), " (%u)", number);

	if (extension > 100)
		extension = 0;
	while (stem + more + extension > 255)
		do
			stem--;
		while (stem > 0 && ((unsigned char)name[stem] & 0xc0) == 0x80);
	snprintf(out, 256, "%.*s%s%.*s", (int)stem, name, suffix, (int)extension,
		name + strlen(name) - extension);
}

/* The name number @n of a document called @name, 1 being the name itself. */
static const char *variant(const char *name, unsigned n, char out[256])
{
	if (n == 1)
		return name;
	number_name(name, n, out);
	return out;
}

static bool is_taken(
	struct view *view, const struct view_node *folder, const char *name, unsigned n)
{
	char out[256];

	return view_lookup(view, folder, variant(name, n, out)) != NULL;
}

/* A number that is free: the first one, where no name in between has gone. Found by doubling and
 * halving, since ten thousand documents may have one name. */
static unsigned free_number(struct view *view, const struct view_node *folder, const char *name)
{
	unsigned taken = 0, free_one = 1;

	while (is_taken(view, folder, name, free_one)) {
		taken = free_one;
		free_one *= 2;
	}
	while (free_one - taken > 1) {
		unsigned middle = taken + (free_one - taken) / 2;
		if (is_taken(view, folder, name, middle))
			taken = middle;
		else
			free_one = middle;
	}
	return free_one;
}

static void add_leaf(
	struct view *view, struct view_node *folder, const char *name, const struct uuid *document)
{
	char out[256];

	if (folder)
		add(view, folder, variant(name, free_number(view, folder, name), out), document);
}

/* Folders that have become empty go with the last name, up to the three trees' roots. */
static void drop_leaf(struct view *view, struct view_node *folder, const struct uuid *document)
{
	struct view_node *leaf = folder ? find_leaf(view, folder, document) : NULL;

	if (leaf)
		drop(view, leaf);
	while (folder && !folder->children && folder->parent && folder->parent != view->root &&
		folder->parent != view->status) {
		struct view_node *parent = folder->parent;
		drop(view, folder);
		folder = parent;
	}
}

/* A folder in the place of a document of that name, which gets a number. */
static struct view_node *make_way(struct view *view, struct view_node *leaf)
{
	struct view_node *folder = leaf->parent;
	struct uuid document = leaf->document;
	char name[256];

	snprintf(name, sizeof(name), "%s", leaf->name);
	drop(view, leaf);
	struct view_node *made = add(view, folder, name, NULL);
	add_leaf(view, folder, name, &document);
	return made;
}

/* The folder of that path (@len bytes) below @folder; made if @makes, else NULL if absent. */
static struct view_node *walk(
	struct view *view, struct view_node *folder, const char *path, size_t len, bool makes)
{
	const char *end = path + len;
	char name[256];

	while (folder && path < end) {
		size_t n = strcspn(path, "/");
		if (n > (size_t)(end - path))
			n = (size_t)(end - path);
		snprintf(name, sizeof(name), "%.*s", (int)(n < 255 ? n : 255), path);
		struct view_node *next = view_lookup(view, folder, name);
		if (next && !uuid_is_nil(&next->document))
			next = makes ? make_way(view, next) : NULL;
		folder = next || !makes ? next : add(view, folder, name, NULL);
		path += n + 1;
	}
	return folder;
}

static void change(struct view *view, const struct library_entry *entry, bool comes)
{
	const char *name = library_entry_name(entry);
	const char *status = doc_status_name(entry->status);
	const char *type = entry->content_type;
	size_t dir_len = (size_t)(name - entry->path);
	struct view_node *folders[] = {
		walk(view, view->status, status, strlen(status), comes),
		walk(view, view->by_name, entry->path, dir_len ? dir_len - 1 : 0, comes),
		*type ? walk(view, view->type, type, strlen(type), comes) : NULL,
	};

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (comes)
			add_leaf(view, folders[i], name, &entry->id);
		else
			drop_leaf(view, folders[i], &entry->id);
}

static bool is_same(const struct library_entry *a, const struct library_entry *b)
{
	return a->status == b->status && a->content_type == b->content_type &&
		strcmp(a->path, b->path) == 0;
}

static void changed(struct library_watch *watch, const struct library_entry *before,
	const struct library_entry *after)
{
	struct view *view = (struct view *)watch;

	if (before && after && is_same(before, after))
		return;
	if (before)
		change(view, before, false);
	if (after)
		change(view, after, true);
}

int view_new(struct view **out, struct library *library)
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return -ENOMEM;
	view->cap = FIRST_CAP;
	view->slots = calloc(FIRST_CAP, sizeof(*view->slots));
	view->documents = calloc(FIRST_CAP, sizeof(*view->documents));
	view->root = view->slots && view->documents ? add(view, NULL, "", NULL) : NULL;
	if (view->root) {
		view->status = add(view, view->root, "status", NULL);
		view->by_name = add(view, view->root, "name", NULL);
		view->type = add(view, view->root, "type", NULL);
		for (int i = 0; i < DOC_STATUS_COUNT && view->status; i++)
			add(view, view->status, doc_status_name((enum doc_status)i), NULL);
	}
	if (!view->root || view->is_dead) {
		view_free(view);
		return -ENOMEM;
	}
	for (struct library_entry *entry = library_first(library); entry; entry = entry->after)
		change(view, entry, true);
	view->watch.changed = changed;
	library_watch(library, &view->watch);
	*out = view;
	return 0;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	for (size_t i = 0; view->slots && i < view->cap; i++)
		while (view->slots[i]) {
			struct view_node *node = view->slots[i];
			view->slots[i] = node->next_hash;
			free(node);
		}
	free(view->slots);
	free(view->documents);
	free(view);
}
