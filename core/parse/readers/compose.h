/* SPDX-License-Identifier: Apache-2.0 */
/* Characters that typesetters' languages write as a letter and an accent. */
#ifndef ASKFS_CORE_PARSE_READERS_COMPOSE_H
#define ASKFS_CORE_PARSE_READERS_COMPOSE_H

#include <stdint.h>

#include "core/buf.h"

/* Append @base with the accent that TeX (and roff) calls @accent ('"', '\'', 'c' …) to @out: one
 * character where there is one, else the base and a combining accent. An accent that is unknown is
 * left out. */
void compose(struct buf *out, uint32_t base, char accent);

#endif
