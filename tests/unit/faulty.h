/* SPDX-License-Identifier: Apache-2.0 */
/* Adapters around others that fail at a chosen call: once, or from then on. */
#ifndef ASKFS_TESTS_UNIT_FAULTY_H
#define ASKFS_TESTS_UNIT_FAULTY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/blobs.h"
#include "core/catalog.h"
#include "core/vectors.h"

/* Shared by the three. @left counts down: the call that finds 1 fails with -EIO and reaches
 * nothing; 0: none fails. With @is_death every later call fails, too, as if the process had
 * been killed there. */
struct fault {
	atomic_int left;
	bool is_death;
	atomic_bool has_hit;
};

void fault_arm(struct fault *fault, int call, bool is_death);
void fault_disarm(struct fault *fault);

/* Those of the entries that a pipeline calls. The inner adapters and @fault stay the caller's
 * and outlive them; the three are plain data, not to be freed. */
struct faulty {
	struct faulty_catalog {
		struct catalog catalog;
		struct catalog *inner;
		struct fault *fault;
	} catalog;
	struct faulty_vectors {
		struct vectors vectors;
		struct vectors *inner;
		struct fault *fault;
	} vectors;
	struct faulty_blobs {
		struct blobs blobs;
		struct blobs *inner;
		struct fault *fault;
	} blobs;
};

void faulty_init(struct faulty *faulty, struct catalog *catalog, struct vectors *vectors,
	struct blobs *blobs, struct fault *fault);

#endif
