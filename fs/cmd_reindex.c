/* SPDX-License-Identifier: Apache-2.0 */
/* `askfs reindex`: go over to another embedding model. Every text is embedded with it into the
 * cache of embeddings, beside the daemon, whose old index goes on answering meanwhile; the next
 * daemon forgets the old embeddings and takes the new ones from there. What was interrupted goes
 * on where it was. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/chunk_parts.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/local/vectors/walk.h"
#include "fs/adapters.h"
#include "fs/cmd.h"
#include "fs/mounts.h"

/* Texts a call, and how often the progress is shown. */
#define TEXTS	256
#define SHOW_NS (NS_PER_SEC / 5)

struct request {
	const char *config_path, *state_path, *mount;
};

struct reindex {
	struct embedder *embedder;
	const struct embedder_info *info;
	char *texts[TEXTS]; /* owned */
	size_t text_count;
	float *vectors; /* of TEXTS texts; only the cache keeps them */
	uint64_t done, count; /* chunks */
	int64_t shown_ns;
	struct err err;
};

static int parse(int argc, char **argv, struct request *request)
{
	*request = (struct request){0};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			request->config_path = argv[++i];
		else if (strcmp(argv[i], "--state") == 0 && i + 1 < argc)
			request->state_path = argv[++i];
		else if (argv[i][0] == '-' || request->mount)
			return cmd_usage(&cmd_reindex, "%s is not expected", argv[i]);
		else
			request->mount = argv[i];
	}
	if (!request->state_path == !request->mount)
		return cmd_usage(&cmd_reindex, "either a mount or a state folder is expected");
	return CMD_OK;
}

static int embed(struct reindex *reindex)
{
	int rc = reindex->text_count ? embedder_embed(reindex->embedder, EMBED_PASSAGE,
					       (const char *const *)reindex->texts,
					       reindex->text_count, reindex->vectors, &reindex->err)
				     : 0;

	for (size_t i = 0; i < reindex->text_count; i++)
		free(reindex->texts[i]);
	reindex->text_count = 0;
	return rc;
}

static int take_text(void *context, const char *text, size_t len, const struct span *span)
{
	struct reindex *reindex = context;
	int rc = reindex->text_count == TEXTS ? embed(reindex) : 0;
	char *copy = rc ? NULL : strndup(text, len);

	(void)span;
	if (!copy)
		return rc ? rc : err_set(&reindex->err, -ENOMEM, "out of memory");
	reindex->texts[reindex->text_count++] = copy;
	return 0;
}

static void show(struct reindex *reindex, bool is_end)
{
	int64_t now = clock_mono_ns();

	if (!isatty(STDERR_FILENO) || (!is_end && now - reindex->shown_ns < SHOW_NS))
		return;
	reindex->shown_ns = now;
	fprintf(stderr, "\r\033[K%" PRIu64 " of %" PRIu64 " chunks%s", reindex->done,
		reindex->count, is_end ? "\n" : "");
}

static int take_chunk(void *context, const struct chunk *chunk)
{
	struct reindex *reindex = context;

	if (reindex->err.text[0])
		return 1;
	if (chunk_parts(chunk, reindex->info->unit, take_text, reindex) && !reindex->err.text[0])
		err_set(&reindex->err, -ENOMEM, "out of memory");
	reindex->done++;
	show(reindex, false);
	return 0;
}

static int embed_all(struct reindex *reindex, const char *state_path, struct err *err)
{
	struct chunk_walk *walk;
	int rc = chunk_walk_open(&walk, state_path, &reindex->count, err);

	if (rc)
		return rc;
	while ((rc = chunk_walk_next(walk, take_chunk, reindex, err)) > 0 && !reindex->err.text[0])
		;
	chunk_walk_free(walk);
	if (!rc && !reindex->err.text[0])
		embed(reindex);
	if (reindex->err.text[0])
		rc = err_set(err, -EIO, "%s", reindex->err.text);
	show(reindex, true);
	return rc < 0 ? rc : 0;
}

/* Only the owner of the folder has business in it. */
static int check_owner(const char *state_path, struct err *err)
{
	struct stat attr;

	if (stat(state_path, &attr) == 0 && attr.st_uid == geteuid())
		return 0;
	return err_set(
		err, -EACCES, "%s belongs to another user: run this as that one", state_path);
}

static int reindex(const struct config *config, const char *state_path, struct err *err)
{
	struct reindex reindex = {.err = ERR_NONE};
	int rc = check_owner(state_path, err);

	rc = rc ? rc : adapters_open_embedder(&reindex.embedder, config, state_path, err);
	if (rc)
		return rc;
	if (!reindex.embedder)
		return err_set(err, -ENOENT,
			"there is no embedding model to change to: `make model` fetches the "
			"default one, [embedder] model names another");
	reindex.info = embedder_info(reindex.embedder);
	reindex.vectors = calloc(TEXTS * reindex.info->dimension, sizeof(*reindex.vectors));
	rc = reindex.vectors ? embed_all(&reindex, state_path, err)
			     : err_set(err, -ENOMEM, "out of memory");
	if (!rc) {
		rc = adapters_change_model(state_path, reindex.info->model);
		if (rc)
			err_set(err, rc, "%s: %s", state_path, strerror(-rc));
	}
	if (!rc)
		printf("%" PRIu64 " chunks are embedded with %s: it answers from the next mount "
		       "on\n",
			reindex.done, reindex.info->model);
	for (size_t i = 0; i < reindex.text_count; i++)
		free(reindex.texts[i]);
	free(reindex.vectors);
	embedder_free(reindex.embedder);
	return rc;
}

static int reindex_run(int argc, char **argv)
{
	struct request request;
	struct config config;
	struct err err = ERR_NONE;

	int status = parse(argc, argv, &request);
	if (status)
		return status;
	AUTO_FREE char *path = mounts_state(request.mount, request.state_path, &err);
	if (!path)
		return cmd_fail(&cmd_reindex, CMD_FAILED, "%s", err.text);
	if (config_init(&config))
		return cmd_fail(&cmd_reindex, CMD_FAILED, "out of memory");
	int rc = config_read_files(&config, request.config_path, &err);
	rc = rc ? rc : config_read_environment(&config, &err);
	rc = rc ? rc : config_check(&config, &err);
	if (rc)
		status = cmd_fail(&cmd_reindex, CMD_USAGE, "%s", err.text);
	else if (reindex(&config, path, &err))
		status = cmd_fail(&cmd_reindex, CMD_FAILED, "%s", err.text);
	config_release(&config);
	return status;
}

const struct command cmd_reindex = {
	.name = "reindex",
	.synopsis = "[--config FILE] --state DIR | MOUNT",
	.summary = "Go over to the embedding model that the configuration names now.",
	.help = "Embeds every document with it, while the former model goes on answering. The\n"
		"next mount takes over, within seconds. It may be interrupted: it goes on where\n"
		"it was.\n\n"
		"  --config FILE   take the model from there\n"
		"  --state DIR     the state folder, mounted or not\n",
	.run = reindex_run,
};
