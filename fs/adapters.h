/* SPDX-License-Identifier: Apache-2.0 */
/* Which adapter each port gets. In fs/main.c: the only file that knows all of them. */
#ifndef ASKFS_FS_ADAPTERS_H
#define ASKFS_FS_ADAPTERS_H

#include "core/config.h"
#include "core/ports.h"

/* Open what the configuration names, below the state folder; not the parser. 0 or -errno with
 * *err set; what was opened is in *ports all the same, and ports_release closes it. */
int adapters_open(
	struct ports *ports, const struct config *config, const char *state_path, struct err *err);

#endif
