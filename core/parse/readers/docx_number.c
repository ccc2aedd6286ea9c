/* SPDX-License-Identifier: Apache-2.0 */
/* numbering.xml: a list ("num") is an instance of a definition ("abstractNum") with up to nine
 * levels, whose numbers go on through all lists of the definition unless a list begins anew. A
 * label is the level's text with "%1" … "%9" for the numbers of the levels. */
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/docx.h"

#define LEVELS	   9
#define TEXT_MAX   32
#define NUMBER_MAX 1000000
#define LISTS_MAX  16384

enum format {
	FORMAT_DECIMAL,
	FORMAT_LETTER,
	FORMAT_ROMAN,
	FORMAT_ZERO,
	FORMAT_BULLET,
	FORMAT_NONE
};

struct level {
	enum format format;
	bool is_upper;
	long start, count; /* @count: the number that was given last */
	char text[TEXT_MAX];
};

struct definition {
	long id;
	struct level levels[LEVELS];
};

struct list {
	long id, definition; /* the definition's id */
	long starts[LEVELS]; /* where it begins anew, or -1 */
	bool is_begun;
};

struct docx_numbers {
	struct definition *definitions;
	struct list *lists;
	size_t definition_count, list_count;
	struct definition *definition; /* that is open; or NULL */
	struct list *list; /* the same */
	long level; /* of either, that is open */
};

/* Room for one more of @size bytes; doubles at powers of two. */
static void *more(void *at, size_t *count, size_t size)
{
	if (*count >= LISTS_MAX)
		return NULL;
	if ((*count & (*count - 1)) == 0)
		return realloc(at, (*count ? *count * 2 : 1) * size);
	return at;
}

static void begin_definition(struct docx_numbers *numbers, const struct xml_attributes *attributes)
{
	struct definition *at =
		more(numbers->definitions, &numbers->definition_count, sizeof(struct definition));

	if (!at)
		return;
	numbers->definitions = at;
	numbers->definition = &at[numbers->definition_count++];
	*numbers->definition =
		(struct definition){.id = xml_attribute_number(attributes, "abstractNumId", -1)};
}

static void begin_list(struct docx_numbers *numbers, const struct xml_attributes *attributes)
{
	struct list *at = more(numbers->lists, &numbers->list_count, sizeof(struct list));

	if (!at)
		return;
	numbers->lists = at;
	numbers->list = &at[numbers->list_count++];
	*numbers->list = (struct list){
		.id = xml_attribute_number(attributes, "numId", -1), .definition = -1};
	for (int i = 0; i < LEVELS; i++)
		numbers->list->starts[i] = -1;
}

static void set_format(struct level *level, const struct xml_attributes *attributes)
{
	static const struct {
		const char *name;
		enum format format;
		bool is_upper;
	} formats[] = {
		{"bullet", FORMAT_BULLET, false},
		{"none", FORMAT_NONE, false},
		{"lowerLetter", FORMAT_LETTER, false},
		{"upperLetter", FORMAT_LETTER, true},
		{"lowerRoman", FORMAT_ROMAN, false},
		{"upperRoman", FORMAT_ROMAN, true},
		{"decimalZero", FORMAT_ZERO, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (!xml_attribute_is(attributes, "val", formats[i].name))
			continue;
		level->format = formats[i].format;
		level->is_upper = formats[i].is_upper;
	}
}

static void set_text(struct level *level, const struct xml_attributes *attributes)
{
	AUTO_FREE char *text = xml_attribute_copy(attributes, "val");

	if (text && strlen(text) < TEXT_MAX)
		snprintf(level->text, TEXT_MAX, "%s", text);
}

static long bounded(long number)
{
	return number < 0 ? 0 : number > NUMBER_MAX ? NUMBER_MAX : number;
}

/* Inside a level of a definition. */
static void set_level(
	struct level *level, const char *name, const struct xml_attributes *attributes)
{
	if (!strcmp(name, "start"))
		level->start = bounded(xml_attribute_number(attributes, "val", 1));
	else if (!strcmp(name, "numFmt"))
		set_format(level, attributes);
	else if (!strcmp(name, "lvlText"))
		set_text(level, attributes);
	level->count = level->start - 1;
}

static void start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct docx_numbers *numbers = context;

	(void)space;
	if (!strcmp(name, "abstractNum"))
		begin_definition(numbers, attributes);
	else if (!strcmp(name, "num"))
		begin_list(numbers, attributes);
	else if (!strcmp(name, "lvl") || !strcmp(name, "lvlOverride"))
		numbers->level = xml_attribute_number(attributes, "ilvl", -1);
	else if (!strcmp(name, "abstractNumId") && numbers->list)
		numbers->list->definition = xml_attribute_number(attributes, "val", -1);
	else if (numbers->level < 0 || numbers->level >= LEVELS)
		return;
	else if (!strcmp(name, "startOverride") && numbers->list)
		numbers->list->starts[numbers->level] =
			bounded(xml_attribute_number(attributes, "val", 1));
	else if (numbers->definition)
		set_level(&numbers->definition->levels[numbers->level], name, attributes);
}

static void end(void *context, const char *name, const char *space)
{
	struct docx_numbers *numbers = context;

	(void)space;
	if (!strcmp(name, "abstractNum"))
		numbers->definition = NULL;
	else if (!strcmp(name, "num"))
		numbers->list = NULL;
	else if (!strcmp(name, "lvl"))
		numbers->level = -1;
}

struct docx_numbers *docx_numbers_read(struct package *package, const char *part)
{
	static const struct xml_handler handler = {.start = start, .end = end};
	struct docx_numbers *numbers = part ? calloc(1, sizeof(*numbers)) : NULL;
	struct err ignored = ERR_NONE;

	if (!numbers)
		return NULL;
	numbers->level = -1;
	xml_part(package, part, &handler, numbers, &ignored);
	return numbers;
}

void docx_numbers_free(struct docx_numbers *numbers)
{
	if (!numbers)
		return;
	free(numbers->definitions);
	free(numbers->lists);
	free(numbers);
}

/* Labels. */

static void add_roman(struct buf *label, long number, bool is_upper)
{
	static const struct {
		long value;
		const char *lower, *upper;
	} digits[] = {{1000, "m", "M"}, {900, "cm", "CM"}, {500, "d", "D"}, {400, "cd", "CD"},
		{100, "c", "C"}, {90, "xc", "XC"}, {50, "l", "L"}, {40, "xl", "XL"}, {10, "x", "X"},
		{9, "ix", "IX"}, {5, "v", "V"}, {4, "iv", "IV"}, {1, "i", "I"}};

	if (number > 9999) {
		buf_addf(label, "%ld", number);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(digits); i++)
		for (; number >= digits[i].value; number -= digits[i].value)
			buf_adds(label, is_upper ? digits[i].upper : digits[i].lower);
}

/* a … z, aa, bb …: the letter as often as the alphabet went by. */
static void add_letter(struct buf *label, long number, bool is_upper)
{
	if (number < 1 || number > 26 * 8) {
		buf_addf(label, "%ld", number);
		return;
	}
	for (long i = 0; i <= (number - 1) / 26; i++)
		buf_addc(label, (char)((is_upper ? 'A' : 'a') + (number - 1) % 26));
}

static void add_number(struct buf *label, const struct level *level)
{
	switch (level->format) {
	case FORMAT_LETTER: add_letter(label, level->count, level->is_upper); break;
	case FORMAT_ROMAN: add_roman(label, level->count, level->is_upper); break;
	case FORMAT_ZERO: buf_addf(label, "%02ld", level->count); break;
	case FORMAT_NONE: break;
	default: buf_addf(label, "%ld", level->count); break;
	}
}

static struct definition *begin(struct docx_numbers *numbers, long number)
{
	struct list *list = NULL;
	struct definition *definition = NULL;

	for (size_t i = 0; i < numbers->list_count && !list; i++)
		if (numbers->lists[i].id == number)
			list = &numbers->lists[i];
	for (size_t i = 0; list && i < numbers->definition_count && !definition; i++)
		if (numbers->definitions[i].id == list->definition)
			definition = &numbers->definitions[i];
	for (int i = 0; definition && !list->is_begun && i < LEVELS; i++)
		if (list->starts[i] >= 0)
			definition->levels[i].count = list->starts[i] - 1;
	if (list)
		list->is_begun = true;
	return definition;
}

void docx_number_next(struct docx_numbers *numbers, long number, long level, char *label)
{
	struct definition *definition = numbers ? begin(numbers, number) : NULL;
	AUTO_BUF struct buf text;

	buf_init(&text, DOCX_LABEL_MAX - 1);
	*label = '\0';
	if (number <= 0 || level < 0 || level >= LEVELS)
		return;
	if (!definition || definition->levels[level].format == FORMAT_BULLET) {
		snprintf(label, DOCX_LABEL_MAX, "-");
		return;
	}
	struct level *levels = definition->levels;
	levels[level].count += levels[level].count < NUMBER_MAX;
	for (long i = 0; i < level; i++) /* a level that was passed over counts as begun */
		levels[i].count += levels[i].count < levels[i].start;
	for (long i = level + 1; i < LEVELS; i++)
		levels[i].count = levels[i].start - 1;
	for (const char *at = levels[level].text; *at; at++) {
		if (at[0] == '%' && at[1] >= '1' && at[1] <= '9')
			add_number(&text, &levels[*++at - '1']);
		else
			buf_addc(&text, *at);
	}
	if (!text.failed && text.len)
		snprintf(label, DOCX_LABEL_MAX, "%s", text.data);
}
