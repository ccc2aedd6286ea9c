/* SPDX-License-Identifier: Apache-2.0 */
/* The program, and the one place where adapters are chosen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/log.h"
#include "core/local/blobs_folder.h"
#include "core/local/blobs_memory.h"
#include "core/local/catalog_memory.h"
#include "core/local/catalog_sqlite.h"
#include "core/local/embedder_cached.h"
#include "core/local/embedder_model.h"
#include "core/local/embedder_test.h"
#include "core/local/generator_extractive.h"
#include "core/local/generator_test.h"
#include "core/local/vectors_memory.h"
#include "core/local/vectors_sqlite.h"
#include "fs/adapters.h"
#include "fs/cmd.h"

static bool is(const char *name, const char *adapter)
{
	return strcmp(name, adapter) == 0;
}

static int open_store(
	struct ports *ports, const struct config *config, const char *state_path, struct err *err)
{
	AUTO_FREE char *blobs_path = NULL;
	int rc;

	if (asprintf(&blobs_path, "%s/blobs", state_path) < 0)
		return err_set(err, -ENOMEM, "no memory");
	rc = is(config->catalog, "memory") ? catalog_memory_new(&ports->catalog, err)
					   : catalog_sqlite_new(&ports->catalog, state_path, err);
	if (rc)
		return rc;
	rc = is(config->blobs, "memory") ? blobs_memory_new(&ports->blobs, err)
					 : blobs_folder_new(&ports->blobs, blobs_path, err);
	if (rc)
		return rc;
	return is(config->vectors, "memory")
		? vectors_memory_new(&ports->vectors)
		: vectors_sqlite_new(&ports->vectors, state_path, NULL, err);
}

/* The model on this machine, if it is there; it must be where the configuration names it. */
static int open_model(struct ports *ports, const struct config *config, struct err *err)
{
	AUTO_FREE char *path = embedder_model_find(config->embedder_model);
	bool is_wanted = config->embedder_model[0] || is(config->embedder, "model");

	if (path)
		return embedder_model_new(&ports->embedder, path, config->embedder_threads, err);
	if (is_wanted)
		return err_set(err, -ENOENT,
			"the embedding model %s is not there: `make model` fetches the default "
			"one; "
			"[embedder] model names a file or a folder",
			config->embedder_model[0] ? config->embedder_model
						  : "multilingual-e5-small");
	log_info("no embedding model: documents are found by their words alone");
	return 0;
}

/* With a cache before it, unless the configuration wants none. */
static int open_embedder(
	struct ports *ports, const struct config *config, const char *state_path, struct err *err)
{
	struct embedder *cached;
	int rc = 0;

	if (is(config->embedder, "test"))
		rc = embedder_test_new(&ports->embedder, 0);
	else if (!is(config->embedder, "none"))
		rc = open_model(ports, config, err);
	if (rc || !ports->embedder || config->embedding_cache_bytes == 0)
		return rc;
	rc = embedder_cached_new(
		&cached, ports->embedder, state_path, config->embedding_cache_bytes, err);
	if (rc == 0)
		ports->embedder = cached;
	return rc;
}

int adapters_open(
	struct ports *ports, const struct config *config, const char *state_path, struct err *err)
{
	int rc = open_store(ports, config, state_path, err);

	if (!rc)
		rc = open_embedder(ports, config, state_path, err);
	if (!rc)
		rc = is(config->generator, "test") ? generator_test_new(&ports->generator, NULL, 50)
						   : generator_extractive_new(&ports->generator);
	return rc && !err->text[0] ? err_set(err, rc, "adapters: %s", strerror(-rc)) : rc;
}

int main(int argc, char **argv)
{
	return cmd_main(argc, argv);
}
