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
#include "fs/state.h"

static bool is(const char *name, const char *adapter)
{
	return strcmp(name, adapter) == 0;
}

int adapters_open_stores(
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

/* --- the embedder ----------------------------------------------------------------- */

/* In the state folder: where the model is that the index was made with; and the name of the one
 * that `askfs reindex` has made ready. */
#define NOTE_MODEL "model"
#define NOTE_READY "reindexed"

/* The model on this machine, if it is there; it must be where the configuration names it. */
static int open_model(
	struct embedder **out, char **path, const struct config *config, struct err *err)
{
	bool is_wanted = config->embedder_model[0] || is(config->embedder, "model");

	*path = embedder_model_find(config->embedder_model);
	if (*path)
		return embedder_model_new(out, *path, config->embedder_threads, err);
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

/* What the configuration names; NULL: none. *path: where it is, NULL if it is no file. */
static int open_named(
	struct embedder **out, char **path, const struct config *config, struct err *err)
{
	*out = NULL;
	*path = NULL;
	if (is(config->embedder, "test"))
		return embedder_test_new(out, 0);
	return is(config->embedder, "none") ? 0 : open_model(out, path, config, err);
}

/* With a cache before it. */
static int open_cache(
	struct embedder **embedder, const char *state_path, uint64_t bytes, struct err *err)
{
	struct embedder *cached;
	int rc = embedder_cached_new(&cached, *embedder, state_path, bytes, err);

	if (rc == 0)
		*embedder = cached;
	return rc;
}

static int accepts(struct vectors *vectors, struct embedder *embedder, struct err *err)
{
	const struct embedder_info *info = embedder_info(embedder);

	return vectors_accepts(vectors, info->model, info->dimension, err);
}

static bool is_ready(const char *state_path, const char *model)
{
	AUTO_FREE char *ready = state_note_read(state_path, NOTE_READY);

	return ready && strcmp(ready, model) == 0;
}

/* The model that the index was made with, where it was; NULL: it is not there. */
static struct embedder *open_former(
	struct vectors *vectors, const struct config *config, const char *state_path)
{
	AUTO_FREE char *path = state_note_read(state_path, NOTE_MODEL);
	struct embedder *embedder = NULL;

	if (!path || embedder_model_new(&embedder, path, config->embedder_threads, NULL))
		return NULL;
	if (accepts(vectors, embedder, NULL)) {
		embedder_free(embedder);
		return NULL;
	}
	return embedder;
}

/* The index holds embeddings of another model than @named: forget them if everything is ready for
 * it, or else go on with the other one. */
static int change_or_stay(struct ports *ports, struct embedder *named, const struct config *config,
	const char *state_path, const struct err *why, struct err *err)
{
	const char *model = embedder_info(named)->model;

	if (is_ready(state_path, model)) {
		log_info("the index is made with %s from now on", model);
		ports->embedder = named;
		return vectors_unembed(ports->vectors, err);
	}
	ports->embedder = open_former(ports->vectors, config, state_path);
	log_warn("%s: `askfs reindex` changes the model; until then %s", why->text,
		ports->embedder ? "the former one goes on answering"
				: "documents are found by their words alone, since the former one "
				  "is not there");
	embedder_free(named);
	return 0;
}

static int open_embedder(
	struct ports *ports, const struct config *config, const char *state_path, struct err *err)
{
	AUTO_FREE char *path = NULL;
	struct embedder *named;
	struct err why = ERR_NONE;
	int rc = open_named(&named, &path, config, err);

	if (rc || !named)
		return rc;
	if (accepts(ports->vectors, named, &why))
		rc = change_or_stay(ports, named, config, state_path, &why, err);
	else
		ports->embedder = named;
	if (rc || !ports->embedder)
		return rc;
	if (ports->embedder == named) {
		state_note_write(state_path, NOTE_READY, NULL);
		AUTO_FREE char *absolute = path ? realpath(path, NULL) : NULL;
		if (state_note_write(state_path, NOTE_MODEL, absolute))
			log_warn("%s: where the model is could not be written down", state_path);
	}
	return config->embedding_cache_bytes
		? open_cache(&ports->embedder, state_path, config->embedding_cache_bytes, err)
		: 0;
}

int adapters_open_embedder(
	struct embedder **out, const struct config *config, const char *state_path, struct err *err)
{
	AUTO_FREE char *path = NULL;
	int rc = open_named(out, &path, config, err);

	if (!rc && *out)
		rc = open_cache(out, state_path, UINT64_MAX, err);
	if (rc && *out)
		embedder_free(TAKE_PTR(*out));
	return rc;
}

int adapters_change_model(const char *state_path, const char *model)
{
	return state_note_write(state_path, NOTE_READY, model);
}

int adapters_open(
	struct ports *ports, const struct config *config, const char *state_path, struct err *err)
{
	int rc = adapters_open_stores(ports, config, state_path, err);

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
