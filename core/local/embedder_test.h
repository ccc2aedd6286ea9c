/* SPDX-License-Identifier: Apache-2.0 */
/* A deterministic embedder for tests: no model, no meaning, only words. */
#ifndef ASKFS_CORE_LOCAL_EMBEDDER_TEST_H
#define ASKFS_CORE_LOCAL_EMBEDDER_TEST_H

#include "core/embedder.h"

/* Each word of a text adds a direction of its own to a vector of 64 floats, so that texts
 * which share words are near each other. @fail_every > 0: each call of that number fails
 * with -EAGAIN. 0 or -ENOMEM. */
int embedder_test_new(struct embedder **out, unsigned fail_every);

#endif
