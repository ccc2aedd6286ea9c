/* SPDX-License-Identifier: Apache-2.0 */
/* The program, and the one place where adapters are chosen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
#include "core/prompt.h"
#include "core/remote/embedder_openai.h"
#include "core/remote/generator_openai.h"
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

/* --- a server that speaks OpenAI's interface ---------------------------------------- */

#define SECRET_MAX 4096
#define RULES_MAX  ((size_t)1 << 20)

/* A whole file, smaller than @max; the caller frees it. */
static int read_file(const char *path, size_t max, char **out, struct err *err)
{
	AUTO_BUF struct buf text;

	buf_init(&text, max - 1);
	int rc = buf_add_file(&text, path);
	if (rc == -EFBIG)
		return err_set(err, rc, "%s: it is larger than %zu bytes", path, max - 1);
	if (rc)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	*out = buf_take(&text, NULL);
	return *out ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* The file's first line; others must not be able to read it. */
static int read_key(const char *path, char **out, struct err *err)
{
	struct stat status;

	if (stat(path, &status))
		return err_set(
			err, -errno, "[openai] api_key_file = %s: %s", path, strerror(errno));
	if (status.st_mode & 077)
		return err_set(err, -EACCES,
			"[openai] api_key_file = %s: others can read it: chmod 600 it", path);
	int rc = read_file(path, SECRET_MAX, out, err);
	if (!rc)
		(*out)[strcspn(*out, "\r\n")] = '\0';
	return rc;
}

int adapters_open_server(struct openai **out, const struct config *config, struct err *err)
{
	AUTO_FREE char *key = NULL;
	int rc = config->openai_api_key_file[0] ? read_key(config->openai_api_key_file, &key, err)
						: 0;

	if (rc)
		return rc;
	rc = openai_new(out,
		&(struct openai_settings){
			.base_url = config->openai_base_url,
			.api_key = key ? key : config->openai_api_key,
			.idle_ns = config->openai_timeout_ns,
			.retries = (unsigned)config->openai_retries,
		},
		err);
	if (key)
		explicit_bzero(key, strlen(key));
	return rc;
}

/* One server, with its connections, for all that need it: opened by the first. */
static int share_server(
	struct openai **out, struct openai **shared, const struct config *config, struct err *err)
{
	int rc = *shared ? 0 : adapters_open_server(shared, config, err);

	if (!rc)
		*out = openai_ref(*shared);
	return rc;
}

static int open_remote_generator(
	struct ports *ports, const struct config *config, struct openai **shared, struct err *err)
{
	struct openai *server;
	int rc = config->answer_system_prompt[0]
		? read_file(config->answer_system_prompt, RULES_MAX, &ports->rules, err)
		: 0;

	if (rc)
		return err_prefix(err, rc, "[answer] system_prompt");
	rc = share_server(&server, shared, config, err);
	if (rc)
		return rc;
	rc = generator_openai_new(&ports->generator, server, config->openai_model, err);
	if (rc) {
		openai_free(server);
		return rc;
	}
	log_info("questions and passages are sent to %s, whose model %s answers",
		config->openai_base_url, config->openai_model);
	return 0;
}

/* In the state folder: the dimension that a server's model was seen to have, so that a start does
 * not need the server. "<dimension> <model>@<server>". */
#define NOTE_DIMENSION "dimension"

static size_t known_dimension(const char *state_path, const struct config *config)
{
	AUTO_FREE char *note = state_note_read(state_path, NOTE_DIMENSION);
	AUTO_FREE char *wanted = NULL;
	char *end;

	if (!note ||
		asprintf(&wanted, " %s@%s", config->openai_embedding_model,
			config->openai_base_url) < 0)
		return 0;
	size_t dimension = strtoul(note, &end, 10);
	return strcmp(end, wanted) == 0 ? dimension : 0;
}

static void note_dimension(const char *state_path, const struct config *config, size_t dimension)
{
	AUTO_FREE char *note = NULL;

	if (asprintf(&note, "%zu %s@%s", dimension, config->openai_embedding_model,
		    config->openai_base_url) < 0)
		note = NULL;
	if (!note || state_note_write(state_path, NOTE_DIMENSION, note))
		log_warn("%s: the vectors' dimension could not be written down", state_path);
}

static int open_remote_embedder(struct embedder **out, const struct config *config,
	const char *state_path, struct openai **shared, struct err *err)
{
	size_t set = config->openai_dimensions;
	size_t known = set ? set : known_dimension(state_path, config);
	struct openai *server;
	int rc = share_server(&server, shared, config, err);

	if (rc)
		return rc;
	rc = embedder_openai_new(out, server,
		&(struct embedder_openai_settings){
			.model = config->openai_embedding_model,
			.query_prefix = config->openai_query_prefix,
			.passage_prefix = config->openai_passage_prefix,
			.dimension = known,
			.is_shortened = set > 0,
			.chunk_chars = config->chunk_size,
		},
		err);
	if (rc) {
		openai_free(server);
		return rc;
	}
	if (!known)
		note_dimension(state_path, config, embedder_info(*out)->dimension);
	log_info("documents and questions are sent to %s, whose model %s embeds them",
		config->openai_base_url, config->openai_embedding_model);
	return 0;
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
static int open_named(struct embedder **out, char **path, const struct config *config,
	const char *state_path, struct openai **shared, struct err *err)
{
	*out = NULL;
	*path = NULL;
	if (is(config->embedder, "test"))
		return embedder_test_new(out, 0);
	if (is(config->embedder, "openai"))
		return open_remote_embedder(out, config, state_path, shared, err);
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

static int open_embedder(struct ports *ports, const struct config *config, const char *state_path,
	struct openai **shared, struct err *err)
{
	AUTO_FREE char *path = NULL;
	struct embedder *named;
	struct err why = ERR_NONE;
	int rc = open_named(&named, &path, config, state_path, shared, err);

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
	struct openai *shared = NULL;
	int rc = open_named(out, &path, config, state_path, &shared, err);

	openai_free(shared);
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

static int open_generator(
	struct ports *ports, const struct config *config, struct openai **shared, struct err *err)
{
	if (is(config->generator, "test"))
		return generator_test_new(&ports->generator, NULL, 50);
	if (is(config->generator, "openai"))
		return open_remote_generator(ports, config, shared, err);
	return generator_extractive_new(&ports->generator);
}

int adapters_open(
	struct ports *ports, const struct config *config, const char *state_path, struct err *err)
{
	struct openai *shared = NULL;
	int rc = adapters_open_stores(ports, config, state_path, err);

	if (!rc)
		rc = open_embedder(ports, config, state_path, &shared, err);
	if (!rc)
		rc = open_generator(ports, config, &shared, err);
	openai_free(shared);
	return rc && !err->text[0] ? err_set(err, rc, "adapters: %s", strerror(-rc)) : rc;
}

int main(int argc, char **argv)
{
	return cmd_main(argc, argv);
}
