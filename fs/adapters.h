/* SPDX-License-Identifier: Apache-2.0 */
/* Which adapter each port gets. In fs/main.c: the only file that knows all of them. */
#ifndef ASKFS_FS_ADAPTERS_H
#define ASKFS_FS_ADAPTERS_H

#include "core/config.h"
#include "core/ports.h"
#include "core/remote/openai.h"

/* Open what the configuration names, below the state folder; not the parser. Where the index was
 * made with another model, that one stays the embedder (none, if it is not there any more) until
 * adapters_change_model. 0 or -errno with *err set; what was opened is in *ports all the same, and
 * ports_release closes it. */
int adapters_open(
	struct ports *ports, const struct config *config, const char *state_path, struct err *err);

/* Catalog, blobs and vectors alone. */
int adapters_open_stores(
	struct ports *ports, const struct config *config, const char *state_path, struct err *err);

/* The embedder that the configuration names, whatever the index holds, behind a cache in the
 * state folder that forgets nothing; NULL: it names none. The caller frees it. */
int adapters_open_embedder(struct embedder **out, const struct config *config,
	const char *state_path, struct err *err);

/* The server that [openai] names; nothing is sent. 0 or -errno with *err set. */
int adapters_open_server(struct openai **out, const struct config *config, struct err *err);

/* All texts are in that cache: from the next adapters_open on it is the embedder. 0 or -errno. */
int adapters_change_model(const char *state_path, const char *model);

#endif
