/* SPDX-License-Identifier: Apache-2.0 */
/* `askfs extract`: a file's text, as ingestion would see it, through the same confined program
 * and under the same limits. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/auto.h"
#include "core/config.h"
#include "core/parser.h"
#include "fs/cmd.h"
#include "fs/extract.h"

/* An enum cmd_status, with *err set unless CMD_OK. */
static int start_parser(struct parser **out, struct archive_limits *inside, const char *config_path,
	struct err *err)
{
	struct config config;

	int rc = config_init(&config);
	if (rc) {
		err_set(err, rc, "out of memory");
		return CMD_FAILED;
	}
	rc = config_read_files(&config, config_path, err);
	if (!rc)
		rc = config_read_environment(&config, err);
	if (!rc)
		rc = config_check(&config, err);
	int status = rc ? CMD_USAGE : CMD_OK;
	struct parser_limits limits = {
		.memory = config.parse_memory,
		.cpu_s = (unsigned)config.parse_cpu_s,
		.wall_s = (unsigned)config.parse_wall_s,
		.text_bytes = config.parse_text_bytes,
		.ocr_cpu_s = (unsigned)config.ocr_cpu_s,
		.ocr_languages = config.ocr_languages,
	};
	if (!rc)
		rc = parser_new(
			out, config.parse_program[0] ? config.parse_program : NULL, &limits, err);
	*inside = archive_limits_of(&config);
	config_release(&config);
	return rc && !status ? CMD_FAILED : status;
}

static int extract(struct parser *parser, const struct archive_limits *limits, const char *path,
	struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *slash = strrchr(path, '/');
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat))
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(stat.st_mode))
		return err_set(err, -EINVAL, "%s: it is not a file", path);

	int rc = extract_print(
		parser, limits, fd, (uint64_t)stat.st_size, slash ? slash + 1 : path, err);
	return rc ? err_prefix(err, rc, path) : 0;
}

static int extract_run(int argc, char **argv)
{
	const char *path = NULL, *config_path = NULL;
	struct archive_limits limits;
	struct parser *parser;
	struct err err = ERR_NONE;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			config_path = argv[++i];
		else if (strcmp(argv[i], "--") == 0 && i + 2 == argc && !path)
			path = argv[++i];
		else if (argv[i][0] == '-')
			return cmd_usage(&cmd_extract, "%s is not expected", argv[i]);
		else if (path)
			return cmd_usage(&cmd_extract, "%s is one argument too many", argv[i]);
		else
			path = argv[i];
	}
	if (!path)
		return cmd_usage(&cmd_extract, "the file is missing");
	int status = start_parser(&parser, &limits, config_path, &err);
	if (status)
		return cmd_fail(&cmd_extract, status, "%s", err.text);
	int rc = extract(parser, &limits, path, &err);
	parser_free(parser);
	return rc ? cmd_fail(&cmd_extract, CMD_FAILED, "%s", err.text) : CMD_OK;
}

const struct command cmd_extract = {
	.name = "extract",
	.synopsis = "[--config FILE] FILE",
	.summary = "Print the text of a file, as it would be ingested.",
	.help = "The file is read by askfs-parse, confined and limited as in the daemon. If there "
		"is\n"
		"no text to be had, the reason goes to standard error and the exit status is 1.\n"
		"The text of each document in it (an archive's file, a mail's attachment) follows\n"
		"behind a line \"== path\".\n\n"
		"  --config FILE   take the limits from there\n",
	.run = extract_run,
};
