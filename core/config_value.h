/* SPDX-License-Identifier: Apache-2.0 */
/* How the value of a setting is written: sizes, times, choices and their bounds. */
#ifndef ASKFS_CORE_CONFIG_VALUE_H
#define ASKFS_CORE_CONFIG_VALUE_H

#include <stdint.h>

#include "core/buf.h"

enum value_type {
	VALUE_CHOICE, /* char *: one of the words in choices */
	VALUE_PATH, /* char *: absolute, or empty */
	VALUE_NAME, /* char *: letters, digits and . _ - @, or empty */
	VALUE_PLACE, /* char *: a name or a path as these two */
	VALUE_TEXT, /* char *: anything in one line */
	VALUE_URL, /* char *: http:// or https://, or empty */
	VALUE_SECRET, /* char *: as a text, but never shown */
	VALUE_SIZE, /* uint64_t bytes: 4096, 64K, 512M, 4G, 1T */
	VALUE_TIME, /* int64_t nanoseconds: 200ms, 5s, 10m, 1h; a bare number is seconds */
	VALUE_SECONDS, /* uint64_t: a time of whole seconds */
	VALUE_COUNT, /* uint64_t */
	VALUE_RATIO, /* double from 0 to 1; auto is negative */
	VALUE_FLAG, /* bool: yes or no */
};

/* What a value may be. Bounds are in the unit of the field. A VALUE_TIME whose minimum is
 * -1 may be "never", which is stored as -1. */
struct value_rule {
	enum value_type type;
	int64_t min, max;
	const char *choices; /* words with a blank between them */
};

/* Parse @text into the field of the rule's type; an earlier string there is freed.
 * 0, -EINVAL (the field is as it was), -ENOMEM. */
int value_parse(const struct value_rule *rule, const char *text, void *field);

/* The field as value_parse reads it back. 0 or -errno. */
int value_render(const struct value_rule *rule, const void *field, struct buf *out);

/* What is accepted, to follow the word "expected": "a size from 1M to 16T". 0 or -errno. */
int value_expected(const struct value_rule *rule, struct buf *out);

/* True where the field is a string of its own. */
bool value_is_text(const struct value_rule *rule);

#endif
