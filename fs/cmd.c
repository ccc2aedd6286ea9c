/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands and what they have in common: --help, --version and the words of a
 * failure. mount(8) knows no commands: it runs `mount.fuse.askfs SOURCE MOUNT -o OPTIONS`, or
 * through libfuse's mount.fuse `askfs SOURCE MOUNT -o OPTIONS`, without SOURCE if it is empty.
 * A SOURCE that is a path is taken for the state folder, any other one is only a name. */
#include "fs/cmd.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/auto.h"

static const struct command *const commands[] = {
	&cmd_mount,
	&cmd_unmount,
	&cmd_status,
	&cmd_ask,
	&cmd_doctor,
	&cmd_check,
	&cmd_reindex,
	&cmd_extract,
	&cmd_eval,
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int print_overview(FILE *to)
{
	fputs("askfs: a knowledge base that is mounted: copy files in, ask, read the answer\n\n"
	      "Usage:\n",
		to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  askfs %-8s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n`askfs COMMAND --help` says more. Manuals: askfs(1), askfs(5), askfs.conf(5).\n",
		to);
	return CMD_OK;
}

static int print_version(void)
{
	puts("askfs " ASKFS_VERSION);
	return CMD_OK;
}

static int print_help(const struct command *command)
{
	AUTO_BUF struct buf more;

	buf_init(&more, BUF_MAX_DEFAULT);
	printf("Usage: askfs %s %s\n\n%s\n%s%s", command->name, command->synopsis, command->summary,
		command->help[0] ? "\n" : "", command->help);
	if (command->more_help && command->more_help(&more) == 0 && more.data)
		fputs(more.data, stdout);
	return CMD_OK;
}

/* True if @option stands among the options: before a "--". */
static bool has_option(int argc, char **argv, const char *option)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (strcmp(argv[i], option) == 0)
			return true;
	return false;
}

static int run(const struct command *command, int argc, char **argv)
{
	if (has_option(argc, argv, "--help"))
		return print_help(command);
	if (has_option(argc, argv, "--version"))
		return print_version();
	return command->run(argc, argv);
}

/* What mount(8) passes on of its own options, without an argument. */
static bool is_mount_flag(const char *argument)
{
	return argument[0] == '-' && argument[1] &&
		strspn(argument + 1, "vns") == strlen(argument + 1);
}

/* [SOURCE] MOUNT [-v] [-n] [-s] [-f] [-o OPTIONS] as arguments of `askfs mount`. */
static int run_for_mount(int argc, char **argv)
{
	/* Room for "mount", "--state" and the NULL. */
	AUTO_FREE char **arguments = calloc((size_t)argc + 3, sizeof(char *));
	const char *names[2] = {NULL, NULL};
	int count = 0, name_count = 0;
	static char mount[] = "mount", state[] = "--state", option[] = "-o";

	if (!arguments)
		return CMD_FAILED;
	arguments[count++] = mount;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-f") == 0) /* to mount(8): only pretend */
			return CMD_OK;
		if (is_mount_flag(argv[i]))
			continue;
		if (strcmp(argv[i], option) == 0 && i + 1 < argc) {
			arguments[count++] = option;
			arguments[count++] = argv[++i];
		} else if (name_count < 2 && argv[i][0] != '-') {
			names[name_count++] = argv[i];
		} else {
			return cmd_usage(&cmd_mount, "%s is not expected here", argv[i]);
		}
	}
	if (name_count == 0)
		return cmd_usage(&cmd_mount, "where to mount is missing");
	if (name_count == 2 && names[0][0] == '/') {
		arguments[count++] = state;
		arguments[count++] = (char *)names[0];
	}
	arguments[count++] = (char *)names[name_count - 1];
	return run(&cmd_mount, count, arguments);
}

int cmd_main(int argc, char **argv)
{
	const char *program = argc > 0 ? strrchr(argv[0], '/') : NULL;

	program = program ? program + 1 : argc > 0 ? argv[0] : "";
	if (strncmp(program, "mount.", 6) == 0)
		return run_for_mount(argc, argv);
	if (argc < 2) {
		print_overview(stderr);
		return CMD_USAGE;
	}
	const struct command *command = find_command(argv[1]);
	if (command)
		return run(command, argc - 1, argv + 1);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return print_overview(stdout);
	if (strcmp(argv[1], "--version") == 0)
		return print_version();
	if (argv[1][0] == '/' || has_option(argc, argv, "-o"))
		return run_for_mount(argc, argv);
	fprintf(stderr, "askfs: there is no command %s\n\n", argv[1]);
	print_overview(stderr);
	return CMD_USAGE;
}

int cmd_usage(const struct command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "askfs %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nUsage: askfs %s %s\n", command->name, command->synopsis);
	return CMD_USAGE;
}

int cmd_fail(const struct command *command, int status, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "askfs %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}
