/* SPDX-License-Identifier: Apache-2.0 */
/* A slow generator for tests: says what it was told to say, a token at a time. */
#ifndef ASKFS_CORE_LOCAL_GENERATOR_TEST_H
#define ASKFS_CORE_LOCAL_GENERATOR_TEST_H

#include "core/generator.h"

/* Streams @script (NULL: the question, then " [1]" if there is a passage) word by word with
 * @delay_ms before each, and cites nothing else than what the script says. Looks at
 * request->cancelled between words. A script that begins "error:" fails with -EIO and the rest
 * as its sentence, after one delay. 0 or -ENOMEM. */
int generator_test_new(struct generator **out, const char *script, unsigned delay_ms);

#endif
