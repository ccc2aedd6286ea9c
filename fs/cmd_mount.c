/* SPDX-License-Identifier: Apache-2.0 */
/* `askfs mount`: the daemon forks before it does anything, and its parent waits for one line:
 * empty when the folder is usable, else what is wrong, so that a shell sees it. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/config.h"
#include "core/log.h"
#include "fs/cmd.h"
#include "fs/daemon.h"
#include "fs/mounts.h"
#include "fs/state.h"

struct arguments {
	bool stays_in_front;
	const char *mount_point, *state_path, *config_path;
	struct buf fuse_options;
	char *options[16]; /* each -o, in order; borrowed */
	size_t option_count;
};

/* --- the command line ------------------------------------------------------------- */

static int parse_arguments(struct arguments *arguments, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		bool has_value = i + 1 < argc;
		if (strcmp(argv[i], "-f") == 0) {
			arguments->stays_in_front = true;
		} else if (strcmp(argv[i], "--state") == 0 && has_value) {
			arguments->state_path = argv[++i];
		} else if (strcmp(argv[i], "--config") == 0 && has_value) {
			arguments->config_path = argv[++i];
		} else if (strcmp(argv[i], "-o") == 0 && has_value) {
			if (arguments->option_count == ARRAY_LEN(arguments->options))
				return cmd_usage(&cmd_mount, "too many -o: join them with commas");
			arguments->options[arguments->option_count++] = argv[++i];
		} else if (argv[i][0] == '-' && argv[i][1]) {
			return cmd_usage(
				&cmd_mount, "%s: no such option, or its value is missing", argv[i]);
		} else if (arguments->mount_point) {
			return cmd_usage(&cmd_mount, "%s: one MOUNT only", argv[i]);
		} else {
			arguments->mount_point = argv[i];
		}
	}
	return arguments->mount_point ? 0 : cmd_usage(&cmd_mount, "MOUNT is missing");
}

/* Options that mount(8) and fstab add and that mean nothing to a FUSE mount. */
static bool is_ignored(const char *name)
{
	static const char *const names[] = {"rw", "auto", "noauto", "user", "nouser", "users",
		"owner", "group", "nofail", "defaults", "_netdev"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "x-", 2) == 0 || strncmp(name, "comment=", 8) == 0;
}

static int take_option(
	struct arguments *arguments, struct config *config, char *option, struct err *err)
{
	char *equals = strchr(option, '=');
	const char *value = equals ? equals + 1 : NULL;

	if (!option[0] || is_ignored(option))
		return 0;
	if (strncmp(option, "state=", 6) == 0) {
		arguments->state_path = value;
		return 0;
	}
	if (strncmp(option, "config=", 7) == 0)
		return 0; /* read before the others */
	if (equals)
		*equals = '\0';
	int rc = config_set_option(config, option, value, err);
	if (equals)
		*equals = '=';
	if (rc != -ENOENT && strcmp(option, "allow_other") != 0)
		return rc;
	buf_adds(&arguments->fuse_options, arguments->fuse_options.len ? "," : "");
	return buf_adds(&arguments->fuse_options, option);
}

/* Call for each option between commas; the strings stay changed in place. */
static int each_option(struct arguments *arguments, struct config *config, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < arguments->option_count && !rc; i++) {
		char *rest = arguments->options[i], *option;
		while (!rc && (option = strsep(&rest, ",")))
			rc = take_option(arguments, config, option, err);
	}
	return rc;
}

/* "config=FILE" among the options names the file, as --config does. The caller frees it. */
static char *find_config_option(const struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->option_count; i++)
		for (const char *at = arguments->options[i]; at; at = strchr(at, ',')) {
			at += *at == ',';
			if (strncmp(at, "config=", 7) == 0)
				return strndup(at + 7, strcspn(at + 7, ","));
		}
	return NULL;
}

static const char *fuse_options(const struct arguments *arguments)
{
	return arguments->fuse_options.data ? arguments->fuse_options.data : "";
}

static int read_config(struct config *config, struct arguments *arguments, struct err *err)
{
	AUTO_FREE char *named = find_config_option(arguments);
	const char *path = arguments->config_path ? arguments->config_path : named;
	int rc = config_init(config);

	if (!rc)
		rc = config_read_files(config, path, err);
	if (!rc)
		rc = config_read_environment(config, err);
	if (!rc)
		rc = each_option(arguments, config, err);
	if (!rc)
		rc = config_check(config, err);
	return rc ? rc : daemon_check_options(fuse_options(arguments), err);
}

/* --- telling that it is ready ----------------------------------------------------- */

/* sd_notify(3)'s protocol: one datagram to the socket that systemd names. */
static void notify_systemd(const char *message)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!path || strlen(path) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, strlen(path));
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (fd >= 0)
		sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address,
			len);
}

static int parse_level(const char *name)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return (int)i;
	return LOG_LEVEL_INFO;
}

/* Fork; the child goes on with *report, the parent returns what the child reported. */
static int fork_daemon(int *report)
{
	int pipe_fds[2];
	char message[1024];

	if (pipe2(pipe_fds, O_CLOEXEC))
		return cmd_fail(&cmd_mount, CMD_FAILED, "pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid < 0)
		return cmd_fail(&cmd_mount, CMD_FAILED, "fork: %s", strerror(errno));
	if (pid == 0) {
		close(pipe_fds[0]);
		*report = pipe_fds[1];
		setsid();
		if (chdir("/"))
			return cmd_fail(&cmd_mount, CMD_FAILED, "/: %s", strerror(errno));
		return -1;
	}
	close(pipe_fds[1]);
	ssize_t n = read(pipe_fds[0], message, sizeof(message) - 1);
	close(pipe_fds[0]);
	if (n == 1)
		return CMD_OK;
	message[n > 0 ? n : 0] = '\0';
	return cmd_fail(&cmd_mount, CMD_FAILED, "%s",
		n > 0 ? message : "the daemon ended before the folder was usable");
}

/* Let go of the terminal: nothing that the daemon starts keeps it open. What goes wrong until
 * the folder is usable is reported to the parent, who has it still. */
static void detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
}

/* The folder is usable. */
static void report_success(int report)
{
	if (write(report, "", 1) != 1)
		log_warn("nobody waits for this daemon any more");
	close(report);
}

static int serve(const struct arguments *arguments, const struct config *config,
	const char *mount_point, int report)
{
	AUTO_FREE char *state_path = arguments->state_path ? strdup(arguments->state_path)
							   : state_default_path(mount_point);
	struct daemon_options options = {
		.config = config,
		.mount_point = mount_point,
		.state_path = state_path,
		.fuse_options = fuse_options(arguments),
	};
	struct err err = ERR_NONE;
	struct daemon *daemon;

	umask(077);
	log_open(report >= 0, (enum log_level)parse_level(config->log_level));
	if (report >= 0)
		detach();
	if (!state_path || daemon_new(&daemon, &options, &err)) {
		if (report < 0)
			return cmd_fail(&cmd_mount, CMD_FAILED, "%s", err.text);
		dprintf(report, "%s", err.text);
		return CMD_FAILED;
	}
	if (report >= 0)
		report_success(report);
	notify_systemd("READY=1");
	daemon_run(daemon);
	notify_systemd("STOPPING=1");
	daemon_free(daemon);
	return CMD_OK;
}

/* Is an askfs that answers mounted just there? (What stat says of a dead one may be in the
 * kernel's cache.) */
static bool is_live(const char *mount_point)
{
	AUTO_FREE char *found = NULL;
	struct err err = ERR_NONE;

	if (mounts_find(mount_point, &found, &err) || strcmp(found, mount_point) != 0)
		return false;
	AUTO_CLOSE int fd = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0;
}

static int mount_with(struct arguments *arguments, struct config *config)
{
	AUTO_FREE char *mount_point = realpath(arguments->mount_point, NULL);
	AUTO_FREE char *state_path = NULL;
	int report = -1;

	if (!mount_point && errno == ENOTCONN)
		mount_point = strdup(arguments->mount_point); /* a dead mount; it will be removed */
	if (!mount_point)
		return cmd_fail(&cmd_mount, CMD_FAILED, "%s: %s", arguments->mount_point,
			errno == ENOENT ? "there is no such folder: make it first"
					: strerror(errno));
	if (is_live(mount_point))
		return cmd_fail(&cmd_mount, CMD_FAILED,
			"an askfs is mounted on %s already: askfs unmount %s first", mount_point,
			mount_point);
	struct stat attr;
	if (stat(mount_point, &attr) == 0 && !S_ISDIR(attr.st_mode))
		return cmd_fail(&cmd_mount, CMD_FAILED, "%s is no folder", arguments->mount_point);
	if (arguments->state_path && arguments->state_path[0] != '/') {
		AUTO_FREE char *here = getcwd(NULL, 0);
		if (!here || asprintf(&state_path, "%s/%s", here, arguments->state_path) < 0)
			return cmd_fail(&cmd_mount, CMD_FAILED, "no memory");
		arguments->state_path = state_path;
	}
	if (!arguments->stays_in_front) {
		int status = fork_daemon(&report);
		if (status >= 0)
			return status;
	}
	return serve(arguments, config, mount_point, report);
}

static int run_mount(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct config config = {0};
	struct err err = ERR_NONE;

	buf_init(&arguments.fuse_options, 4096);
	int status = parse_arguments(&arguments, argc, argv);
	if (!status) {
		status = read_config(&config, &arguments, &err)
			? cmd_fail(&cmd_mount, CMD_USAGE, "%s", err.text)
			: mount_with(&arguments, &config);
		config_release(&config);
	}
	buf_release(&arguments.fuse_options);
	return status;
}

const struct command cmd_mount = {
	.name = "mount",
	.synopsis = "[-f] [-o OPTIONS] [--state DIR] [--config FILE] MOUNT",
	.summary = "Start the daemon, and mount on the folder MOUNT.",
	.help = "  -f             stay in front, log to standard error\n"
		"  -o OPTIONS     settings and mount options, with commas between them\n"
		"  --state DIR    keep the state there, not below ~/.local/state/askfs "
		"(root: /var/lib/askfs)\n"
		"  --config FILE  read this file, not /etc/askfs/askfs.conf and "
		"~/.config/askfs/askfs.conf\n"
		"\nSettings:\n",
	.run = run_mount,
	.more_help = config_help,
};
