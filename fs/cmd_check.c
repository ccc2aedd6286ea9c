/* SPDX-License-Identifier: Apache-2.0 */
/* `askfs check`: has each adapter look its part of a state folder over. It takes the folder's
 * lock like a daemon, because adapters work on their files in the background. */
#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/config.h"
#include "fs/adapters.h"
#include "fs/cmd.h"
#include "fs/mounts.h"
#include "fs/state.h"

struct request {
	const char *config_path, *state_path, *mount;
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
			return cmd_usage(&cmd_check, "%s is not expected", argv[i]);
		else
			request->mount = argv[i];
	}
	if (!request->state_path == !request->mount)
		return cmd_usage(&cmd_check, "either a mount or a state folder is expected");
	return CMD_OK;
}

/* One part's check: what is wrong, or that nothing is. The number of things that are wrong. */
static unsigned print_part(const char *part, int rc, struct buf *report, const struct err *err)
{
	unsigned wrong = 0;
	char *rest = report->data;

	if (rc) {
		printf("FAIL %s: %s\n", part, err->text[0] ? err->text : strerror(-rc));
		return 1;
	}
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (!line[0])
			continue;
		printf("FAIL %s: %s\n", part, line);
		wrong++;
	}
	if (wrong == 0)
		printf("ok   %s\n", part);
	return wrong;
}

static unsigned check_parts(struct ports *ports)
{
	AUTO_BUF struct buf report;
	struct err err = ERR_NONE;
	unsigned wrong = 0;

	buf_init(&report, BUF_MAX_DEFAULT);
	int rc = catalog_check(ports->catalog, &report, &err);
	wrong += print_part("catalog", rc, &report, &err);
	buf_clear(&report);
	rc = blobs_check(ports->blobs, &report, &err);
	wrong += print_part("blobs", rc, &report, &err);
	buf_clear(&report);
	rc = vectors_check(ports->vectors, &report, &err);
	wrong += print_part("vectors", rc, &report, &err);
	return wrong;
}

static int check(const struct config *config, const char *path)
{
	struct ports ports = {0};
	struct state state;
	struct err err = ERR_NONE;
	unsigned wrong = 0;

	int rc = state_open(&state, path, config->realm, &err);
	if (rc)
		return cmd_fail(&cmd_check, CMD_FAILED, "%s", err.text);
	rc = adapters_open_stores(&ports, config, state.path, &err);
	if (!rc)
		wrong = check_parts(&ports);
	ports_release(&ports);
	state_release(&state);
	if (rc)
		return cmd_fail(&cmd_check, CMD_FAILED, "%s", err.text);
	return wrong ? CMD_FAILED : CMD_OK;
}

static int check_run(int argc, char **argv)
{
	struct request request;
	struct config config;
	struct err err = ERR_NONE;

	int status = parse(argc, argv, &request);
	if (status)
		return status;
	AUTO_FREE char *path = mounts_state(request.mount, request.state_path, &err);
	if (!path)
		return cmd_fail(&cmd_check, CMD_FAILED, "%s", err.text);
	if (config_init(&config))
		return cmd_fail(&cmd_check, CMD_FAILED, "out of memory");
	int rc = config_read_files(&config, request.config_path, &err);
	rc = rc ? rc : config_read_environment(&config, &err);
	rc = rc ? rc : config_check(&config, &err);
	status = rc ? cmd_fail(&cmd_check, CMD_USAGE, "%s", err.text) : check(&config, path);
	config_release(&config);
	return status;
}

const struct command cmd_check = {
	.name = "check",
	.synopsis = "[--config FILE] --state DIR | MOUNT",
	.summary = "Look a state folder over that no daemon is using.",
	.help = "MOUNT names the state folder that a mount there has if nobody says otherwise.\n\n"
		"  --config FILE   take the adapters from there\n"
		"  --state DIR     look at this folder\n\n"
		"The exit status is 1 if a line begins with FAIL.\n",
	.run = check_run,
};
