/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are made to harm whoever reads them, as bytes. */
#ifndef ASKFS_TESTS_HOSTILE_DOCUMENTS_H
#define ASKFS_TESTS_HOSTILE_DOCUMENTS_H

#include <stddef.h>

#include "core/buf.h"

struct hostile_document {
	const char *name; /* file name, whose extension tells what it claims to be */
	void (*make)(struct buf *out); /* adds its bytes; out of memory is the test's end */
};

extern const struct hostile_document hostile_documents[];
extern const size_t hostile_document_count;

/* What none of them may bring out: a line of this file, which some of them point at. */
#define HOSTILE_TARGET "/etc/passwd"

#endif
