/* SPDX-License-Identifier: Apache-2.0 */
/* What a session may change about its answers: options.json. */
#ifndef ASKFS_CORE_OPTIONS_H
#define ASKFS_CORE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/err.h"

#define OPTIONS_MAX_BYTES 65536
#define OPTIONS_MAX_TOP_K 100

/* When a language model may call tools. */
enum agent_mode {
	AGENT_DEFAULT, /* as configured */
	AGENT_OFF, /* never: one retrieval, one answer */
	AGENT_AUTO, /* when the passages do not hold the answer */
	AGENT_ALWAYS, /* it gets no passages, and searches itself */
};

/* "off" …; -EINVAL: another word. */
int agent_mode_parse(const char *word, enum agent_mode *out);

/* Strings owned, NULL: the default. Zero-initialised it is all defaults but for the
 * threshold: use options_init. */
struct options {
	size_t top_k; /* 0: the configuration's */
	double threshold; /* of the dense cosine; negative: the configuration's */
	char *type, *path; /* filter: how content type and path begin */
	char *name, *tag; /* likewise: what a name or title holds; "key" or "key=value" */
	char *model;
	enum agent_mode agent;
};

void options_init(struct options *options);
void options_release(struct options *options);

/* A deep copy. 0 or -ENOMEM (then @to is initialised and empty). */
int options_copy(struct options *to, const struct options *from);

/* Read options.json. White space alone is all defaults, and so is null for a member.
 * @model is the only name that "model" may have besides null; NULL: any. -EINVAL with *err set for
 * anything else that it does not know; then @out is initialised and empty. */
int options_parse(
	const char *json, size_t len, const char *model, struct options *out, struct err *err);

/* All members, one a line, newline at the end; options_parse reads it back. 0 or -errno. */
int options_render(const struct options *options, struct buf *out);

/* Nothing differs from the defaults. */
bool options_are_default(const struct options *options);

#endif
