/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes with a label that is not to be trusted: mail, calendars, contacts.
 *
 * What goes wrong in practice: UTF-8 that is called Latin-1, bytes beyond ASCII that are called
 * ASCII, names that no converter knows. Bytes that are UTF-8 are hardly ever anything else, and
 * those that are not can't be. */
#include "core/parse/charset.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/text/utf8.h"

int charset_convert(const char *name, const char *data, size_t len, struct buf *out)
{
	struct charset_stream *stream;

	if (!strcasecmp(name, "UTF-8"))
		return buf_add(out, data, len);
	int rc = charset_stream_new(&stream, name);
	if (rc)
		return rc;
	rc = charset_stream_add(stream, data, len, true, out);
	charset_stream_free(stream);
	return rc;
}

static bool is_ascii(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] & 0x80 || data[i] == 0x1b)
			return false;
	return true;
}

/* A byte a character, any byte: decodes whatever it is. */
static bool is_single_byte(const char *name)
{
	static const char *const families[] = {"windows-125", "iso-8859-", "us-ascii", "macintosh"};

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (!strncasecmp(name, families[i], strlen(families[i])))
			return true;
	return false;
}

static const char *name_for(const char *label, const char *data, size_t len, size_t *bom)
{
	const char *name = label ? charset_find(label) : NULL;
	bool is_plain = !name || !strcasecmp(name, "UTF-8") || !strcasecmp(label, "us-ascii") ||
		!strcasecmp(label, "ascii");

	if (is_plain || (is_single_byte(name) && utf8_is_valid(data, len)))
		return charset_detect(data, len, true, bom);
	return name;
}

int charset_convert_labelled(const char *label, const char *data, size_t len, struct buf *out)
{
	size_t bom = 0;

	if (is_ascii(data, len) && !memchr(data, 0, len) &&
		(!label || is_single_byte(label) || !strcasecmp(label, "utf-8")))
		return buf_add(out, data, len);
	const char *name = name_for(label, data, len, &bom);
	return charset_convert(name, data + bom, len - bom, out);
}
