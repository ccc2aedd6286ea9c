/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the catalog as rows of its SQLite database. */
#ifndef ASKFS_CORE_LOCAL_CATALOG_ROW_H
#define ASKFS_CORE_LOCAL_CATALOG_ROW_H

#include <sqlite3.h>

#include "core/buf.h"
#include "core/catalog.h"

/* The names of a document's columns, "id, parent, ...", in the order in which the functions
 * below bind and read them; and as many "?, ?, ...". */
int row_document_columns(struct buf *out);
int row_document_places(struct buf *out);

/* Bind a record to an insert of all its columns. What is bound points into it. 0 or -ENOMEM. */
int row_bind_document(sqlite3_stmt *statement, const struct document *document);

/* The record of the current row, which the caller releases; -ENOMEM, or -EBADMSG for a row
 * that askfs did not write (then *out is empty). */
int row_read_document(sqlite3_stmt *statement, struct document *out);

/* The same for sessions (name, conversation, owner, grp, mode, options, first_seq,
 * created_ns, updated_ns) and messages (conversation, seq, role, content, detail,
 * created_ns). */
int row_bind_session(sqlite3_stmt *statement, const struct session_record *record);
int row_read_session(sqlite3_stmt *statement, struct session_record *out);
int row_bind_message(sqlite3_stmt *statement, const struct message *message);
int row_read_message(sqlite3_stmt *statement, struct message *out);

#endif
