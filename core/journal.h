/* SPDX-License-Identifier: Apache-2.0 */
/* A file of records that is only appended to: what a folder of the user looks like, kept so
 * that a kill loses nothing that was acknowledged. */
#ifndef ASKFS_CORE_JOURNAL_H
#define ASKFS_CORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/pool.h"

struct journal;

/* Somebody who waits until his record is written, embedded in whatever he is. */
struct journal_wait {
	struct journal_wait *next;
	/* Work that belongs to the record, done before it is written; NULL: none. I/O pool. */
	int (*prepare)(struct journal_wait *wait);
	/* The record is in the kernel's hands (or, after journal_sync, on disk): a kill of this
	 * process can't lose it. @result: 0, what prepare returned, or -errno of the write; the
	 * record is written later all the same. Loop thread. */
	void (*done)(struct journal_wait *wait, int result);
	int result;
};

/* Called for each record in order. Non-zero: the record is not understood; opening fails. */
typedef int (*journal_fn)(void *context, const void *record, size_t len);

/* Open @name in the folder @dir_fd, made if absent, and replay it. A torn record at its end
 * (the process or the machine died while it was written) is cut off. Blocks: before the loop
 * runs. Writes happen on @pool, completions on @loop. */
int journal_open(struct journal **out, int dir_fd, const char *name, struct loop *loop,
	struct pool *pool, journal_fn replay, void *context, struct err *err);

/* Append a record (1 byte to 1 MiB); @wait may be NULL. Records are written in the order of the
 * calls, many in one write. Loop thread; never blocks. */
void journal_append(
	struct journal *journal, const void *record, size_t len, struct journal_wait *wait);

/* All appended so far is on disk when done is called. Loop thread. */
void journal_sync(struct journal *journal, struct journal_wait *wait);

/* Replace all records that were appended so far by those in @records (a sequence that
 * journal_frame made), atomically. Takes its content. Loop thread. */
void journal_rewrite(struct journal *journal, struct buf *records);
void journal_frame(struct buf *records, const void *record, size_t len);

/* Bytes in the file, for deciding when to rewrite. Loop thread. */
uint64_t journal_size(const struct journal *journal);

/* False once the disk has no room to spare for what comes: refuse what is new, so that what
 * frees space can still be written. Any thread. */
bool journal_has_room(const struct journal *journal);

/* True while something is appended and not yet written. Loop thread; for shutdown. */
bool journal_is_busy(const struct journal *journal);

/* Nothing may be under way (see journal_is_busy). */
void journal_free(struct journal *journal);

#endif
