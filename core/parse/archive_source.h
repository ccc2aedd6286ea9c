/* SPDX-License-Identifier: Apache-2.0 */
/* libarchive over a document: by position, without a file name, without a thread. */
#ifndef ASKFS_CORE_PARSE_ARCHIVE_SOURCE_H
#define ASKFS_CORE_PARSE_ARCHIVE_SOURCE_H

#include "core/parse/reader.h"

struct archive;

/* Lives as long as the archive. */
struct archive_source {
	const struct source *source;
	uint64_t at; /* the next byte to be read */
	char data[(size_t)64 << 10];
};

/* Open @archive, whose formats are set, over @source. What archive_read_open gives. */
int archive_source_open(
	struct archive_source *input, struct archive *archive, const struct source *source);

#endif
