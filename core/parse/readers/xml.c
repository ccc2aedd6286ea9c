/* SPDX-License-Identifier: Apache-2.0 */
/* XML of no format that is known. Which elements are paragraphs is seen from how they lie: an
 * element that comes within running text is a part of it, any other stands on a line of its own.
 * Attributes are kept where they are words: those that are named as such, or hold several.
 *
 * It is first seen whether it is well-formed; if not, it is the plain text that it is. */
#include "core/parse/xml.h"

#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/flow.h"

#define DEPTH_MAX 512 /* xml.h bounds it lower */

struct tree {
	struct flow flow;
	unsigned depth;
	bool has_text
		[DEPTH_MAX]; /* of the element at that depth: running text, not just elements */
	bool is_inline[DEPTH_MAX];
	bool has_blocks[DEPTH_MAX]; /* elements on lines of their own */
};

static bool is_space(const char *utf8, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", utf8[i]) || !utf8[i])
			return false;
	return true;
}

static bool is_letter(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c & 0x80);
}

/* Two words at least, of letters. */
static bool is_words(const char *value)
{
	for (const char *space = strchr(value, ' '); space; space = strchr(space + 1, ' '))
		if (space > value && is_letter(space[-1]) && is_letter(space[1]))
			return true;
	return false;
}

static void add_attributes(struct tree *tree, const struct xml_attributes *attributes)
{
	static const char *const named[] = {
		"title", "name", "label", "caption", "alt", "summary", "description", "text"};

	for (size_t i = 0; i < attributes->count; i++) {
		const char *name = (const char *)attributes->at[5 * i];
		AUTO_FREE char *value = xml_attribute_copy(attributes, name);
		bool is_named = false;
		for (size_t j = 0; j < ARRAY_LEN(named); j++)
			is_named = is_named || !strcmp(name, named[j]);
		if (!value || (!is_named && !is_words(value)) || !strcmp(name, "schemaLocation"))
			continue;
		flow_line(&tree->flow);
		flow_words(&tree->flow, value, strlen(value));
		flow_line(&tree->flow);
	}
}

static void on_start(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct tree *tree = context;
	unsigned depth = tree->depth++;

	(void)name, (void)space;
	if (depth + 1 >= DEPTH_MAX)
		return;
	tree->is_inline[depth + 1] = depth > 0 && (tree->has_text[depth] || tree->is_inline[depth]);
	tree->has_text[depth + 1] = tree->has_blocks[depth + 1] = false;
	if (tree->is_inline[depth + 1])
		return;
	tree->has_blocks[depth] = true;
	flow_line(&tree->flow);
	add_attributes(tree, attributes);
}

static void on_end(void *context, const char *name, const char *space)
{
	struct tree *tree = context;
	unsigned depth = tree->depth--;

	(void)name, (void)space;
	if (depth >= DEPTH_MAX || tree->is_inline[depth])
		return;
	if (tree->has_blocks[depth])
		flow_paragraph(&tree->flow);
	else
		flow_line(&tree->flow);
}

static void on_text(void *context, const char *utf8, size_t len)
{
	struct tree *tree = context;

	if (tree->depth < DEPTH_MAX && !is_space(utf8, len))
		tree->has_text[tree->depth] = true;
	flow_words(&tree->flow, utf8, len);
}

int xml_read(const struct source *source, struct out *out, struct err *err)
{
	static const struct xml_handler nothing,
		handler = {.start = on_start, .end = on_end, .text = on_text};
	struct err broken = ERR_NONE;
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return err_set(err, -ENOMEM, "memory is short");
	if (xml_source(source, &nothing, NULL, &broken) == -EBADMSG) {
		free(tree);
		return plain_read(source, out, err);
	}
	flow_init(&tree->flow, out);
	int rc = xml_source(source, &handler, tree, err);
	int failed = flow_finish(&tree->flow);
	free(tree);
	return rc ? rc : failed;
}
