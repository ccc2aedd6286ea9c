/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in one array, two chained hash tables of numbers over it. Paths are not here: they
 * would be most of the memory, and a search that filters by path looks them up in SQLite. */
#include "core/local/vectors/roster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void roster_release(struct roster *roster)
{
	for (size_t i = 0; i < roster->type_count; i++)
		free(roster->types[i]);
	free(roster->types);
	free(roster->entries);
	free(roster->by_document);
	free(roster->by_edition);
	free(roster->pending);
	*roster = (struct roster){0};
}

/* The last bytes of a version 7 UUID are random. */
static uint32_t *document_bucket(const struct roster *roster, const struct uuid *document)
{
	uint32_t hash, more;

	memcpy(&hash, document->bytes + 12, sizeof(hash));
	memcpy(&more, document->bytes + 4, sizeof(more));
	return &roster->by_document[(hash ^ more) & (roster->bucket_count - 1)];
}

static uint32_t *edition_bucket(const struct roster *roster, uint32_t edition)
{
	return &roster->by_edition[edition & (roster->bucket_count - 1)];
}

static void link_entry(struct roster *roster, uint32_t number)
{
	struct roster_entry *entry = &roster->entries[number];
	uint32_t *document = document_bucket(roster, &entry->document);
	uint32_t *edition = edition_bucket(roster, entry->edition);

	entry->next_document = *document;
	entry->next_edition = *edition;
	*document = *edition = number + 1;
}

static void unlink_entry(struct roster *roster, uint32_t number)
{
	struct roster_entry *entry = &roster->entries[number];
	uint32_t *at = document_bucket(roster, &entry->document);

	while (*at != number + 1)
		at = &roster->entries[*at - 1].next_document;
	*at = entry->next_document;
	at = edition_bucket(roster, entry->edition);
	while (*at != number + 1)
		at = &roster->entries[*at - 1].next_edition;
	*at = entry->next_edition;
}

static int rehash(struct roster *roster, uint32_t bucket_count)
{
	uint32_t *by_document = calloc(bucket_count, sizeof(*by_document));
	uint32_t *by_edition = calloc(bucket_count, sizeof(*by_edition));

	if (!by_document || !by_edition) {
		free(by_document);
		free(by_edition);
		return -ENOMEM;
	}
	free(roster->by_document);
	free(roster->by_edition);
	roster->by_document = by_document;
	roster->by_edition = by_edition;
	roster->bucket_count = bucket_count;
	for (uint32_t i = 0; i < roster->count; i++)
		if (roster->entries[i].edition)
			link_entry(roster, i);
	return 0;
}

int roster_reserve(struct roster *roster, size_t count)
{
	size_t need = roster->count + count;

	if (need > UINT32_MAX / 2)
		return -ENOMEM;
	if (need > roster->cap) {
		uint32_t cap = roster->cap ? roster->cap : 64;
		while (cap < need)
			cap += cap / 2;
		struct roster_entry *entries = reallocarray(roster->entries, cap, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		roster->entries = entries;
		roster->cap = cap;
	}
	uint32_t buckets = roster->bucket_count ? roster->bucket_count : 64;
	while (buckets < need)
		buckets *= 2;
	return buckets > roster->bucket_count ? rehash(roster, buckets) : 0;
}

int roster_type(struct roster *roster, const char *content_type, uint16_t *out)
{
	uint16_t i = 0;

	while (i < roster->type_count && strcmp(roster->types[i], content_type) != 0)
		i++;
	*out = i;
	if (i < roster->type_count)
		return 0;
	if (i == UINT16_MAX)
		return -ENOSPC;
	char **types = reallocarray(roster->types, i + 1u, sizeof(char *));
	if (types)
		roster->types = types;
	char *copy = types ? strdup(content_type) : NULL;
	if (!copy)
		return -ENOMEM;
	types[i] = copy;
	roster->type_count++;
	return 0;
}

struct roster_entry *roster_find(const struct roster *roster, const struct uuid *document)
{
	if (!roster->bucket_count)
		return NULL;
	uint32_t at = *document_bucket(roster, document);
	while (at && !uuid_equal(&roster->entries[at - 1].document, document))
		at = roster->entries[at - 1].next_document;
	return at ? &roster->entries[at - 1] : NULL;
}

struct roster_entry *roster_find_edition(const struct roster *roster, uint32_t edition)
{
	if (!roster->bucket_count || !edition)
		return NULL;
	uint32_t at = *edition_bucket(roster, edition);
	while (at && roster->entries[at - 1].edition != edition)
		at = roster->entries[at - 1].next_edition;
	return at ? &roster->entries[at - 1] : NULL;
}

static uint32_t take_place(struct roster *roster)
{
	uint32_t number = roster->free ? roster->free - 1 : roster->count++;

	if (roster->free)
		roster->free = roster->entries[number].next_document;
	return number;
}

void roster_put(struct roster *roster, const struct roster_entry *entry)
{
	struct roster_entry *have = roster_find(roster, &entry->document);
	uint32_t number;

	if (have) {
		number = roster_number(roster, have);
		unlink_entry(roster, number);
	} else {
		number = take_place(roster);
	}
	roster->entries[number] = *entry;
	link_entry(roster, number);
}

void roster_remove(struct roster *roster, const struct uuid *document)
{
	struct roster_entry *have = roster_find(roster, document);

	if (!have)
		return;
	uint32_t number = roster_number(roster, have);
	unlink_entry(roster, number);
	*have = (struct roster_entry){.next_document = roster->free};
	roster->free = number + 1;
}

enum edition_state roster_state(const struct roster *roster, uint32_t edition)
{
	if (roster_find_edition(roster, edition))
		return EDITION_LIVE;
	for (size_t i = 0; i < roster->pending_count; i++)
		if (roster->pending[i].edition == edition)
			return EDITION_PENDING;
	return EDITION_GONE;
}

struct pending *roster_pending(
	const struct roster *roster, const struct uuid *document, uint32_t version)
{
	for (size_t i = 0; i < roster->pending_count; i++)
		if (roster->pending[i].version == version &&
			uuid_equal(&roster->pending[i].document, document))
			return &roster->pending[i];
	return NULL;
}

int roster_pending_add(struct roster *roster, const struct pending *pending)
{
	if (roster->pending_count == roster->pending_cap) {
		size_t cap = roster->pending_cap ? roster->pending_cap * 2 : 16;
		struct pending *grown = reallocarray(roster->pending, cap, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		roster->pending = grown;
		roster->pending_cap = cap;
	}
	roster->pending[roster->pending_count++] = *pending;
	return 0;
}

void roster_pending_remove(struct roster *roster, struct pending *pending)
{
	*pending = roster->pending[--roster->pending_count];
}

uint64_t *roster_bits_new(const struct roster *roster)
{
	return calloc(roster->count / 64 + 1, sizeof(uint64_t));
}

void roster_bits_set(const struct roster *roster, uint64_t *bits, const struct uuid *document)
{
	const struct roster_entry *entry = roster_find(roster, document);
	uint32_t number = entry ? roster_number(roster, entry) : 0;

	if (entry)
		bits[number / 64] |= UINT64_C(1) << (number % 64);
}

void roster_filter_and(struct roster_filter *filter, uint64_t *bits)
{
	if (!filter->listed) {
		filter->listed = bits;
		return;
	}
	for (uint32_t i = 0; i < filter->roster->count / 64 + 1; i++)
		filter->listed[i] &= bits[i];
	free(bits);
}

int roster_filter_init(
	struct roster_filter *filter, const struct roster *roster, const struct search_query *query)
{
	*filter = (struct roster_filter){.roster = roster, .query = query};
	if (query->content_type) {
		size_t len = strlen(query->content_type);
		filter->types = calloc(roster->type_count + 1u, sizeof(bool));
		if (!filter->types)
			return -ENOMEM;
		for (uint16_t i = 0; i < roster->type_count; i++)
			filter->types[i] = strncmp(roster->types[i], query->content_type, len) == 0;
	}
	if (!query->documents)
		return 0;
	filter->listed = roster_bits_new(roster);
	if (!filter->listed)
		return -ENOMEM;
	for (size_t i = 0; i < query->document_count; i++)
		roster_bits_set(roster, filter->listed, &query->documents[i]);
	return 0;
}

void roster_filter_release(struct roster_filter *filter)
{
	free(filter->types);
	free(filter->listed);
}

bool roster_admits(void *context, uint32_t edition, struct found *found)
{
	const struct roster_filter *filter = context;
	const struct roster_entry *entry = roster_find_edition(filter->roster, edition);
	uint32_t number = entry ? roster_number(filter->roster, entry) : 0;

	if (!entry || (filter->types && !filter->types[entry->type]) ||
		(filter->listed && !(filter->listed[number / 64] >> (number % 64) & 1)) ||
		!access_may_read(&entry->access, filter->query->caller))
		return false;
	found->document = entry->document;
	found->version = entry->version;
	return true;
}
