/* SPDX-License-Identifier: Apache-2.0 */
/* The port's dispatchers: the only callers of an adapter's table. */
#include "core/catalog.h"

#include <assert.h>
#include <stdlib.h>

#include "core/health.h"

void session_record_release(struct session_record *record)
{
	if (!record)
		return;
	free(record->name);
	free(record->options);
	*record = (struct session_record){0};
}

void message_release(struct message *message)
{
	if (!message)
		return;
	free(message->content);
	free(message->detail);
	*message = (struct message){0};
}

int catalog_get(
	struct catalog *catalog, const struct uuid *id, struct document *out, struct err *err)
{
	return health_note(HEALTH_CATALOG, catalog->ops->get(catalog, id, out, err), err);
}

bool catalog_may_read(struct catalog *catalog, const struct uuid *id, const struct caller *caller)
{
	struct document document;
	struct err err = ERR_NONE;

	if (catalog_get(catalog, id, &document, &err))
		return false;
	bool may_read = access_may_read(&document.access, caller);
	document_release(&document);
	return may_read;
}

int catalog_write(struct catalog *catalog, const struct document *const *documents, size_t count,
	const struct uuid *gone, size_t gone_count, struct err *err)
{
	if (count + gone_count == 0)
		return 0;
	return health_note(HEALTH_CATALOG,
		catalog->ops->write(catalog, documents, count, gone, gone_count, err), err);
}

int catalog_put(struct catalog *catalog, const struct document *const *documents, size_t count,
	struct err *err)
{
	return catalog_write(catalog, documents, count, NULL, 0, err);
}

int catalog_remove(struct catalog *catalog, const struct uuid *id, struct err *err)
{
	return catalog_write(catalog, NULL, 0, id, 1, err);
}

int catalog_members(struct catalog *catalog, const struct uuid *parent,
	catalog_document_fn callback, void *context, struct err *err)
{
	return health_note(HEALTH_CATALOG,
		catalog->ops->members(catalog, parent, callback, context, err), err);
}

int catalog_each(
	struct catalog *catalog, catalog_document_fn callback, void *context, struct err *err)
{
	return health_note(
		HEALTH_CATALOG, catalog->ops->each(catalog, callback, context, err), err);
}

int catalog_session_put(
	struct catalog *catalog, const struct session_record *record, struct err *err)
{
	assert(record->name);
	return health_note(HEALTH_CATALOG, catalog->ops->session_put(catalog, record, err), err);
}

int catalog_session_remove(struct catalog *catalog, const char *name, struct err *err)
{
	return health_note(HEALTH_CATALOG, catalog->ops->session_remove(catalog, name, err), err);
}

int catalog_session_each(
	struct catalog *catalog, catalog_session_fn callback, void *context, struct err *err)
{
	return health_note(
		HEALTH_CATALOG, catalog->ops->session_each(catalog, callback, context, err), err);
}

int catalog_message_put(struct catalog *catalog, const struct message *message, struct err *err)
{
	assert(message->seq > 0 && message->content);
	return health_note(HEALTH_CATALOG, catalog->ops->message_put(catalog, message, err), err);
}

int catalog_message_remove(
	struct catalog *catalog, const struct uuid *conversation, uint32_t seq, struct err *err)
{
	return health_note(
		HEALTH_CATALOG, catalog->ops->message_remove(catalog, conversation, seq, err), err);
}

int catalog_message_each(struct catalog *catalog, const struct uuid *conversation,
	uint32_t from_seq, catalog_message_fn callback, void *context, struct err *err)
{
	return health_note(HEALTH_CATALOG,
		catalog->ops->message_each(catalog, conversation, from_seq, callback, context, err),
		err);
}

int catalog_sync(struct catalog *catalog, struct err *err)
{
	return health_note(HEALTH_CATALOG, catalog->ops->sync(catalog, err), err);
}

int catalog_check(struct catalog *catalog, struct buf *report, struct err *err)
{
	return health_note(HEALTH_CATALOG, catalog->ops->check(catalog, report, err), err);
}

void catalog_free(struct catalog *catalog)
{
	if (catalog)
		catalog->ops->free(catalog);
}
