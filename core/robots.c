/* SPDX-License-Identifier: Apache-2.0 */
#include "core/robots.h"

#include <string.h>
#include <strings.h>

/* A longer path is not asked for, and a longer pattern is none: to match them takes long. */
#define LENGTH_MAX 2048

/* One line, without its comment and the blanks around its parts. */
struct line {
	const char *key, *value;
	size_t key_len, value_len;
};

static void trim(const char **text, size_t *len)
{
	while (*len && strchr(" \t\r", **text)) {
		(*text)++;
		(*len)--;
	}
	while (*len && strchr(" \t\r", (*text)[*len - 1]))
		(*len)--;
}

/* The next line of [*text, end) that has a key; false at the end. */
static bool next_line(const char **text, const char *end, struct line *out)
{
	while (*text < end) {
		const char *start = *text, *stop = memchr(start, '\n', (size_t)(end - start));
		stop = stop ? stop : end;
		*text = stop < end ? stop + 1 : end;
		const char *comment = memchr(start, '#', (size_t)(stop - start));
		stop = comment ? comment : stop;
		const char *colon = memchr(start, ':', (size_t)(stop - start));
		if (!colon)
			continue;
		*out = (struct line){
			start, colon + 1, (size_t)(colon - start), (size_t)(stop - colon - 1)};
		trim(&out->key, &out->key_len);
		trim(&out->value, &out->value_len);
		return true;
	}
	return false;
}

static bool is_key(const struct line *line, const char *key)
{
	return line->key_len == strlen(key) && !strncasecmp(line->key, key, line->key_len);
}

static bool names(const struct line *line, const char *agent)
{
	return line->value_len == strlen(agent) &&
		!strncasecmp(line->value, agent, line->value_len);
}

/* A pattern with * for anything and $ at its end for the path's end. */
static bool matches(const char *pattern, size_t len, const char *path)
{
	const char *star = NULL, *back = NULL;
	size_t i = 0, after = 0;

	while (i < len || star) {
		if (i < len && pattern[i] == '*') {
			after = ++i;
			star = pattern;
			back = path;
		} else if (i == len) {
			return true; /* a pattern matches what begins with it */
		} else if (pattern[i] == '$' && i + 1 == len && !*path) {
			return true;
		} else if (*path && pattern[i] == *path) {
			i++;
			path++;
		} else if (star && *back) {
			i = after;
			path = ++back;
		} else {
			return false;
		}
	}
	return true;
}

/* Whether a group of the file is for @agent; groups for the same agent are one. */
static bool has_group(const char *text, const char *end, const char *agent)
{
	struct line line;

	while (next_line(&text, end, &line))
		if (is_key(&line, "user-agent") && names(&line, agent))
			return true;
	return false;
}

bool robots_allow(const char *text, size_t len, const char *agent, const char *path)
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t skip = len >= 3 && !memcmp(text, bom, 3) ? 3 : 0;
	const char *end = text + len;

	text += skip;
	if (strlen(path) > LENGTH_MAX)
		return false;
	const char *wanted = has_group(text, end, agent) ? agent : "*";
	bool is_ours = false, was_agent = false, allows = true;
	size_t longest = 0;
	struct line line;

	while (next_line(&text, end, &line)) {
		bool is_agent = is_key(&line, "user-agent");
		if (is_agent)
			is_ours = (was_agent && is_ours) || names(&line, wanted);
		was_agent = is_agent;
		bool is_allow = is_key(&line, "allow");
		if (!is_ours || (!is_allow && !is_key(&line, "disallow")) || !line.value_len ||
			line.value_len > LENGTH_MAX || !matches(line.value, line.value_len, path))
			continue;
		if (line.value_len > longest || (line.value_len == longest && is_allow)) {
			longest = line.value_len;
			allows = is_allow;
		}
	}
	return allows;
}
