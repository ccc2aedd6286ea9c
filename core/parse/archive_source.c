/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/archive_source.h"

#include <errno.h>
#include <stdio.h>

#include <archive.h>

static la_ssize_t read_block(struct archive *archive, void *context, const void **data)
{
	struct archive_source *input = context;
	ssize_t n = source_read(input->source, input->data, sizeof(input->data), input->at);

	if (n < 0) {
		archive_set_error(archive, (int)-n, "the file cannot be read");
		return ARCHIVE_FATAL;
	}
	input->at += (uint64_t)n;
	*data = input->data;
	return n;
}

static la_int64_t skip(struct archive *archive, void *context, la_int64_t request)
{
	struct archive_source *input = context;
	uint64_t left = input->source->size > input->at ? input->source->size - input->at : 0;
	uint64_t step = request > 0 ? (uint64_t)request : 0;

	(void)archive;
	step = step < left ? step : left;
	input->at += step;
	return (la_int64_t)step;
}

static la_int64_t seek(struct archive *archive, void *context, la_int64_t offset, int whence)
{
	struct archive_source *input = context;
	la_int64_t from = whence == SEEK_SET ? 0
		: whence == SEEK_CUR	     ? (la_int64_t)input->at
					     : (la_int64_t)input->source->size;

	if (from + offset < 0) {
		archive_set_error(archive, EINVAL, "it points before its beginning");
		return ARCHIVE_FATAL;
	}
	input->at = (uint64_t)(from + offset);
	return from + offset;
}

int archive_source_open(
	struct archive_source *input, struct archive *archive, const struct source *source)
{
	input->source = source;
	input->at = 0;
	archive_read_set_read_callback(archive, read_block);
	archive_read_set_skip_callback(archive, skip);
	archive_read_set_seek_callback(archive, seek);
	archive_read_set_callback_data(archive, input);
	return archive_read_open1(archive);
}
