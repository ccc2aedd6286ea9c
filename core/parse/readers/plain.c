/* SPDX-License-Identifier: Apache-2.0 */
/* Plain text in any encoding: as it is, in UTF-8. A stream: memory does not grow with it. */
#include "core/parse/reader.h"

static int add(void *context, const char *utf8, size_t len)
{
	return out_text(context, utf8, len);
}

int plain_read(const struct source *source, struct out *out, struct err *err)
{
	size_t skip;
	const char *charset = source_charset(source, out, &skip);

	return source_each(source, charset, skip, add, out, err);
}
