/* SPDX-License-Identifier: Apache-2.0 */
/* Office documents whose parts are stored, not packed (store_office writes them): what the driver
 * changes is the XML itself, and the zip around it, whose checksums nobody compares. */
#include "core/parse/format.h"
#include "tests/fuzz/fuzz.h"

static int read_any(const struct source *source, struct out *out, struct err *err)
{
	struct source typed = *source;
	const char *type = type_of_office(source);
	const struct format *format = type ? format_find(type) : NULL;

	if (!format || !format->read)
		return err_set(err, -1, "it is no office document any more");
	typed.type = type;
	return format->read(&typed, out, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_reader(read_any, data, size);
	return 0;
}
