/* SPDX-License-Identifier: Apache-2.0 */
/* A calendar that lies within something else: an invitation by mail. */
#ifndef ASKFS_CORE_PARSE_READERS_CALENDAR_H
#define ASKFS_CORE_PARSE_READERS_CALENDAR_H

#include <stddef.h>

#include "core/parse/flow.h"

/* Add the events and tasks in @data to @flow, each with its heading. As content_lines_of. */
int calendar_flow(struct flow *flow, const char *data, size_t len);

#endif
