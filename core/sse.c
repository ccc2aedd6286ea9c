/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sse.h"

#include <string.h>

void sse_init(struct sse *sse, size_t max_bytes)
{
	*sse = (struct sse){0};
	buf_init(&sse->line, max_bytes);
	buf_init(&sse->data, max_bytes);
}

void sse_release(struct sse *sse)
{
	buf_release(&sse->line);
	buf_release(&sse->data);
}

static int end_event(struct sse *sse, sse_fn each, void *context)
{
	int rc = sse->has_data ? each(context, sse->data.data ? sse->data.data : "", sse->data.len)
			       : 0;

	sse->has_data = false;
	buf_clear(&sse->data);
	return rc;
}

/* "data: text", the blank being part of the form. */
static int take_field(struct sse *sse, const char *line, size_t len)
{
	static const char name[] = "data";
	size_t n = sizeof(name) - 1;

	if (len < n || memcmp(line, name, n) != 0 || (len > n && line[n] != ':'))
		return 0;
	n += len > n;
	n += len > n && line[n] == ' ';
	if (sse->has_data)
		buf_addc(&sse->data, '\n');
	sse->has_data = true;
	return buf_add(&sse->data, line + n, len - n);
}

static int end_line(struct sse *sse, sse_fn each, void *context)
{
	int rc = sse->line.len ? take_field(sse, sse->line.data, sse->line.len)
			       : end_event(sse, each, context);

	buf_clear(&sse->line);
	return rc;
}

int sse_feed(struct sse *sse, const char *bytes, size_t len, sse_fn each, void *context)
{
	int rc = 0;

	while (len && !rc) {
		size_t part = 0;

		if (sse->ends_in_cr && *bytes == '\n') {
			bytes++;
			len--;
			sse->ends_in_cr = false;
			continue;
		}
		sse->ends_in_cr = false;
		while (part < len && bytes[part] != '\n' && bytes[part] != '\r')
			part++;
		rc = buf_add(&sse->line, bytes, part);
		if (!rc && part < len) {
			sse->ends_in_cr = bytes[part++] == '\r';
			rc = end_line(sse, each, context);
		}
		bytes += part;
		len -= part;
	}
	return rc;
}
