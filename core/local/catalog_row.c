/* SPDX-License-Identifier: Apache-2.0 */
/* A document has many members and one table that says how each is stored. Paths are blobs,
 * because they are bytes; whole numbers of 64 bits keep their bits. The kept originals are
 * packed into one blob: they are only ever read and written with their record. */
#include "core/local/catalog_row.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/sqlite.h"

enum column_type {
	COLUMN_UUID,
	COLUMN_TEXT,
	COLUMN_BYTES,
	COLUMN_INT32,
	COLUMN_INT64,
	COLUMN_HASH
};

struct column {
	const char *name;
	enum column_type type;
	size_t offset; /* in struct document */
};

#define COLUMN(name, type, member)                            \
	{                                                     \
		name, type, offsetof(struct document, member) \
	}

static const struct column columns[] = {
	COLUMN("id", COLUMN_UUID, id),
	COLUMN("parent", COLUMN_UUID, parent),
	COLUMN("path", COLUMN_BYTES, path),
	COLUMN("title", COLUMN_TEXT, title),
	COLUMN("source", COLUMN_TEXT, source),
	COLUMN("status", COLUMN_INT32, status),
	COLUMN("content_type", COLUMN_TEXT, content_type),
	COLUMN("size", COLUMN_INT64, size),
	COLUMN("mtime_ns", COLUMN_INT64, mtime_ns),
	COLUMN("sha256", COLUMN_HASH, sha256),
	COLUMN("text_size", COLUMN_INT64, text_size),
	COLUMN("text_sha256", COLUMN_HASH, text_sha256),
	COLUMN("chunk_count", COLUMN_INT32, chunk_count),
	COLUMN("token_count", COLUMN_INT64, token_count),
	COLUMN("chunks_size", COLUMN_INT64, chunks_size),
	COLUMN("created_ns", COLUMN_INT64, created_ns),
	COLUMN("updated_ns", COLUMN_INT64, updated_ns),
	COLUMN("indexed_ns", COLUMN_INT64, indexed_ns),
	COLUMN("s3_key", COLUMN_TEXT, s3_key),
	COLUMN("owner", COLUMN_INT32, access.owner),
	COLUMN("grp", COLUMN_INT32, access.group),
	COLUMN("mode", COLUMN_INT32, access.mode),
	COLUMN("realm", COLUMN_TEXT, realm),
	COLUMN("version", COLUMN_INT32, version),
	COLUMN("embedding_model", COLUMN_TEXT, embedding_model),
	COLUMN("error", COLUMN_TEXT, error),
	COLUMN("extra_metadata", COLUMN_TEXT, extra_metadata),
};
#define COLUMN_COUNT	((int)ARRAY_LEN(columns))
#define VERSIONS_COLUMN "versions" /* behind them, packed */

_Static_assert(sizeof(((struct document *)0)->status) == sizeof(uint32_t), "an int32 column");
_Static_assert(sizeof(uid_t) == sizeof(uint32_t), "an int32 column");
_Static_assert(sizeof(gid_t) == sizeof(uint32_t), "an int32 column");
_Static_assert(sizeof(mode_t) == sizeof(uint32_t), "an int32 column");

int row_document_columns(struct buf *out)
{
	for (int i = 0; i < COLUMN_COUNT; i++)
		buf_addf(out, "%s, ", columns[i].name);
	return buf_adds(out, VERSIONS_COLUMN);
}

int row_document_places(struct buf *out)
{
	for (int i = 0; i < COLUMN_COUNT; i++)
		buf_adds(out, "?, ");
	return buf_adds(out, "?");
}

/* Copy a column; NULL stays NULL. */
static int take_string(sqlite3_stmt *statement, int column, char **out, size_t *len)
{
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return 0;
	*out = db_copy(statement, column, len);
	return *out ? 0 : -ENOMEM;
}

/* Copy a column of a fixed size. */
static int take_fixed(sqlite3_stmt *statement, int column, void *out, int size)
{
	if (sqlite3_column_bytes(statement, column) != size)
		return -EBADMSG;
	memcpy(out, sqlite3_column_blob(statement, column), (size_t)size);
	return 0;
}

static uint32_t read_int32(sqlite3_stmt *statement, int column)
{
	return (uint32_t)sqlite3_column_int64(statement, column);
}

/* Versions: number, sha256, size, mtime_ns, length of the name, name; numbers little-endian. */
struct packed_version {
	uint32_t number;
	uint8_t sha256[32];
	uint64_t size;
	uint64_t mtime_ns;
	uint16_t name_len;
} __attribute__((packed));

static int pack_versions(const struct document *document, struct buf *out)
{
	for (size_t i = 0; i < document->version_count; i++) {
		const struct doc_version *version = &document->versions[i];
		size_t len = version->name ? strlen(version->name) : 0;
		struct packed_version packed = {
			.number = htole32(version->number),
			.size = htole64(version->size),
			.mtime_ns = htole64((uint64_t)version->mtime_ns),
			.name_len = htole16((uint16_t)len),
		};
		memcpy(packed.sha256, version->sha256, sizeof(packed.sha256));
		buf_add(out, &packed, sizeof(packed));
		buf_add(out, version->name ? version->name : "", len);
	}
	return out->failed;
}

/* One version from the front of what is left; the bytes it took, or -errno. */
static ssize_t unpack_version(const char *bytes, size_t left, struct doc_version *out)
{
	struct packed_version packed;

	if (left < sizeof(packed))
		return -EBADMSG;
	memcpy(&packed, bytes, sizeof(packed));
	size_t len = le16toh(packed.name_len);
	if (left - sizeof(packed) < len)
		return -EBADMSG;
	out->number = le32toh(packed.number);
	out->size = le64toh(packed.size);
	out->mtime_ns = (int64_t)le64toh(packed.mtime_ns);
	memcpy(out->sha256, packed.sha256, sizeof(out->sha256));
	out->name = strndup(bytes + sizeof(packed), len);
	return out->name ? (ssize_t)(sizeof(packed) + len) : -ENOMEM;
}

static int unpack_versions(const char *bytes, size_t size, struct document *document)
{
	for (size_t done = 0; done < size;) {
		struct doc_version *versions = realloc(
			document->versions, (document->version_count + 1) * sizeof(*versions));
		if (!versions)
			return -ENOMEM;
		document->versions = versions;
		ssize_t took = unpack_version(
			bytes + done, size - done, &versions[document->version_count]);
		if (took < 0)
			return (int)took;
		document->version_count++;
		done += (size_t)took;
	}
	return 0;
}

/* Documents. */

static int bind_column(sqlite3_stmt *statement, int i, const struct document *document)
{
	const char *member = (const char *)document + columns[i].offset;
	const char *string;

	switch (columns[i].type) {
	case COLUMN_UUID: return sqlite3_bind_blob(statement, i + 1, member, 16, SQLITE_STATIC);
	case COLUMN_HASH: return sqlite3_bind_blob(statement, i + 1, member, 32, SQLITE_STATIC);
	case COLUMN_INT32: return sqlite3_bind_int64(statement, i + 1, *(const uint32_t *)member);
	case COLUMN_INT64: return sqlite3_bind_int64(statement, i + 1, *(const int64_t *)member);
	case COLUMN_TEXT:
		string = *(char *const *)member;
		return sqlite3_bind_text(statement, i + 1, string, -1, SQLITE_STATIC);
	case COLUMN_BYTES:
		string = *(char *const *)member;
		return sqlite3_bind_blob(
			statement, i + 1, string, string ? (int)strlen(string) : 0, SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

int row_bind_document(sqlite3_stmt *statement, const struct document *document)
{
	AUTO_BUF struct buf versions;
	int rc = SQLITE_OK;

	for (int i = 0; i < COLUMN_COUNT && rc == SQLITE_OK; i++)
		rc = bind_column(statement, i, document);
	buf_init(&versions, BUF_MAX_DEFAULT);
	if (rc != SQLITE_OK || pack_versions(document, &versions))
		return -ENOMEM;
	rc = sqlite3_bind_blob(
		statement, COLUMN_COUNT + 1, versions.data, (int)versions.len, SQLITE_TRANSIENT);
	return rc == SQLITE_OK ? 0 : -ENOMEM;
}

static int read_column(sqlite3_stmt *statement, int i, struct document *document)
{
	char *member = (char *)document + columns[i].offset;

	switch (columns[i].type) {
	case COLUMN_UUID: return take_fixed(statement, i, member, 16);
	case COLUMN_HASH: return take_fixed(statement, i, member, 32);
	case COLUMN_INT32: *(uint32_t *)member = read_int32(statement, i); return 0;
	case COLUMN_INT64: *(int64_t *)member = sqlite3_column_int64(statement, i); return 0;
	case COLUMN_TEXT:
	case COLUMN_BYTES: return take_string(statement, i, (char **)member, NULL);
	}
	return -EBADMSG;
}

int row_read_document(sqlite3_stmt *statement, struct document *out)
{
	int rc = 0;

	document_init(out);
	for (int i = 0; i < COLUMN_COUNT && rc == 0; i++)
		rc = read_column(statement, i, out);
	if (rc == 0 && out->status >= DOC_STATUS_COUNT)
		rc = -EBADMSG;
	if (rc == 0)
		rc = unpack_versions(sqlite3_column_blob(statement, COLUMN_COUNT),
			(size_t)sqlite3_column_bytes(statement, COLUMN_COUNT), out);
	if (rc)
		document_release(out);
	return rc;
}

/* Sessions. */

int row_bind_session(sqlite3_stmt *statement, const struct session_record *record)
{
	int rc = sqlite3_bind_blob(
		statement, 1, record->name, (int)strlen(record->name), SQLITE_STATIC);

	rc |= sqlite3_bind_blob(statement, 2, record->conversation.bytes, 16, SQLITE_STATIC);
	rc |= sqlite3_bind_int64(statement, 3, record->access.owner);
	rc |= sqlite3_bind_int64(statement, 4, record->access.group);
	rc |= sqlite3_bind_int64(statement, 5, record->access.mode);
	rc |= sqlite3_bind_text(statement, 6, record->options, -1, SQLITE_STATIC);
	rc |= sqlite3_bind_int64(statement, 7, record->first_seq);
	rc |= sqlite3_bind_int64(statement, 8, record->created_ns);
	rc |= sqlite3_bind_int64(statement, 9, record->updated_ns);
	return rc == SQLITE_OK ? 0 : -ENOMEM;
}

int row_read_session(sqlite3_stmt *statement, struct session_record *out)
{
	*out = (struct session_record){
		.access.owner = read_int32(statement, 2),
		.access.group = read_int32(statement, 3),
		.access.mode = read_int32(statement, 4),
		.first_seq = read_int32(statement, 6),
		.created_ns = sqlite3_column_int64(statement, 7),
		.updated_ns = sqlite3_column_int64(statement, 8),
	};
	int rc = take_string(statement, 0, &out->name, NULL);
	if (rc == 0)
		rc = take_fixed(statement, 1, out->conversation.bytes, 16);
	if (rc == 0)
		rc = take_string(statement, 5, &out->options, NULL);
	if (rc)
		session_record_release(out);
	return rc;
}

/* Messages. */

int row_bind_message(sqlite3_stmt *statement, const struct message *message)
{
	int rc = sqlite3_bind_blob(statement, 1, message->conversation.bytes, 16, SQLITE_STATIC);

	rc |= sqlite3_bind_int64(statement, 2, message->seq);
	rc |= sqlite3_bind_int64(statement, 3, message->role);
	rc |= sqlite3_bind_blob64(
		statement, 4, message->content, message->content_len, SQLITE_STATIC);
	rc |= sqlite3_bind_text(statement, 5, message->detail, -1, SQLITE_STATIC);
	rc |= sqlite3_bind_int64(statement, 6, message->created_ns);
	return rc == SQLITE_OK ? 0 : -ENOMEM;
}

int row_read_message(sqlite3_stmt *statement, struct message *out)
{
	*out = (struct message){
		.seq = read_int32(statement, 1),
		.role = read_int32(statement, 2) == MESSAGE_USER ? MESSAGE_USER : MESSAGE_ASSISTANT,
		.created_ns = sqlite3_column_int64(statement, 5),
	};
	int rc = take_fixed(statement, 0, out->conversation.bytes, 16);
	if (rc == 0)
		rc = take_string(statement, 3, &out->content, &out->content_len);
	if (rc == 0)
		rc = take_string(statement, 4, &out->detail, NULL);
	if (rc)
		message_release(out);
	return rc;
}
