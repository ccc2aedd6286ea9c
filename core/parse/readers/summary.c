/* SPDX-License-Identifier: Apache-2.0 */
/* Property sets: a list of numbers and offsets, each with a typed value. */
#include <string.h>
#include <time.h>

#include "core/auto.h"
#include "core/parse/codepage.h"
#include "core/parse/readers/ole.h"

#define STREAM		"\005SummaryInformation"
#define SUMMARY_MAX	((size_t)1 << 20) /* a thumbnail may be in it */
#define PROPERTIES_MAX	256
#define EPOCH_OF_1601_S INT64_C(11644473600)

enum { TYPE_SHORT = 2, TYPE_STRING = 30, TYPE_WIDE_STRING = 31, TYPE_TIME = 64 };
enum { PROPERTY_CODEPAGE = 1, PROPERTY_TITLE = 2 };

static const struct {
	uint32_t id;
	const char *name;
} properties[] = {
	{PROPERTY_TITLE, "title"},
	{3, "subject"},
	{4, "author"},
	{5, "keywords"},
	{6, "description"},
	{12, "created"},
	{13, "modified"},
};

struct summary {
	struct bytes section;
	unsigned codepage;
	struct meta *meta;
	struct out *out;
};

bool ole_time(uint64_t filetime, char text[OLE_TIME_MAX])
{
	time_t seconds = (time_t)((int64_t)(filetime / 10000000) - EPOCH_OF_1601_S);
	struct tm tm;

	/* Below a year it is a duration, or nothing. */
	if (filetime / 10000000 < 366 * 86400 || !gmtime_r(&seconds, &tm) || tm.tm_year > 8099)
		return false;
	return strftime(text, OLE_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}

static void add_time(struct summary *summary, const char *name, size_t at)
{
	char text[OLE_TIME_MAX];

	if (ole_time(bytes_u64(summary->section, at + 4), text))
		meta_add(summary->meta, name, text);
}

/* The offset of a property's value, or 0. */
static size_t find(const struct summary *summary, uint32_t id)
{
	uint32_t count = bytes_u32(summary->section, 4);

	for (uint32_t i = 0; i < count && i < PROPERTIES_MAX; i++)
		if (bytes_u32(summary->section, 8 + i * 8) == id)
			return bytes_u32(summary->section, 12 + i * 8);
	return 0;
}

static void add_string(struct summary *summary, const char *name, size_t at, bool is_wide)
{
	bool is_units = is_wide || summary->codepage == CODEPAGE_UTF16;
	size_t len = bytes_u32(summary->section, at + 4);
	struct bytes text =
		bytes_part(summary->section, at + 8, is_wide && len < SUMMARY_MAX ? len * 2 : len);
	AUTO_BUF struct buf utf8;

	buf_init(&utf8, SUMMARY_MAX);
	codepage_text(is_units ? CODEPAGE_UTF16 : summary->codepage, text, &utf8);
	size_t end = utf8.len ? strnlen(utf8.data, utf8.len) : 0;
	if (end && !strcmp(name, "title"))
		out_field(summary->out, FIELD_TITLE, utf8.data, end);
	else if (end)
		meta_add_text(summary->meta, name, utf8.data, end);
}

static void add_property(struct summary *summary, uint32_t id, const char *name)
{
	size_t at = find(summary, id);

	if (!at)
		return;
	switch (bytes_u32(summary->section, at)) {
	case TYPE_STRING: add_string(summary, name, at, false); break;
	case TYPE_WIDE_STRING: add_string(summary, name, at, true); break;
	case TYPE_TIME: add_time(summary, name, at); break;
	default: break;
	}
}

void ole_summary(const struct cfb *cfb, struct meta *meta, struct out *out)
{
	AUTO_BUF struct buf stream;
	struct summary summary = {.meta = meta, .out = out, .codepage = CODEPAGE_WESTERN};

	buf_init(&stream, SUMMARY_MAX);
	cfb_read(cfb, cfb_find(cfb, CFB_ROOT, STREAM), &stream);
	struct bytes all = bytes_of(&stream);
	if (bytes_u16(all, 0) != 0xfffe)
		return;
	summary.section = bytes_from(all, bytes_u32(all, 44));
	size_t codepage = find(&summary, PROPERTY_CODEPAGE);
	if (codepage && bytes_u32(summary.section, codepage) == TYPE_SHORT)
		summary.codepage = bytes_u16(summary.section, codepage + 4);
	for (size_t i = 0; i < ARRAY_LEN(properties); i++)
		add_property(&summary, properties[i].id, properties[i].name);
}
