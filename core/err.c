/* SPDX-License-Identifier: Apache-2.0 */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Drop a UTF-8 sequence that was cut in half at the end of @text. */
static void trim_utf8(char *text)
{
	size_t len = strlen(text), start = len;

	while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (len - (start - 1) < want)
		text[start - 1] = '\0';
}

int err_set(struct err *err, int code, const char *format, ...)
{
	if (!err)
		return code;

	va_list args;
	va_start(args, format);
	int len = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (len >= (int)sizeof(err->text))
		trim_utf8(err->text);
	return code;
}

int err_prefix(struct err *err, int code, const char *prefix)
{
	if (!err)
		return code;

	struct err old = *err;
	return err_set(err, code, "%s: %s", prefix, old.text);
}
