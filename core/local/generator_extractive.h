/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in answerer: no language model, it quotes. */
#ifndef ASKFS_CORE_LOCAL_GENERATOR_EXTRACTIVE_H
#define ASKFS_CORE_LOCAL_GENERATOR_EXTRACTIVE_H

#include "core/generator.h"

/* Answers with the one to three sentences of the passages that support an answer best,
 * verbatim but for line breaks, best first, each with its [n]. Holds no state: one is enough.
 * 0 or -ENOMEM. */
int generator_extractive_new(struct generator **out);

#endif
