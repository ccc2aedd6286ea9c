/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the pipeline: a link that was dropped stands for the page that it leads to. */
#ifndef ASKFS_CORE_INGEST_LINK_H
#define ASKFS_CORE_INGEST_LINK_H

#include "core/ingest_attempt.h"

/* If the file is a link, and the network is allowed: fetch the page, which is what will be parsed.
 * Behind attempt_examine. The original stays the link. Blocks. */
void attempt_follow(struct attempt *attempt);

#endif
