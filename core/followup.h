/* SPDX-License-Identifier: Apache-2.0 */
/* Questions that lean on the ones before: "and in Germany?" */
#ifndef ASKFS_CORE_FOLLOWUP_H
#define ASKFS_CORE_FOLLOWUP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buf.h"
#include "core/generator.h"

/* Append to @out what @question asks for when it stands alone: itself, and where it is
 * elliptic (begins with "and", has a pronoun for its subject, or hardly a word of its own) the
 * last question of the history (oldest first) that is not. 0, -ENOMEM, -EFBIG. Any thread. */
int followup_resolve(
	const char *question, const struct exchange *history, size_t count, struct buf *out);

/* Does a pronoun stand there for what was spoken of before? Any thread. */
bool followup_is_pronoun(const char *word, size_t len);

#endif
