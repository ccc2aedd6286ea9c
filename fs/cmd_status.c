/* SPDX-License-Identifier: Apache-2.0 */
/* `askfs status`: counts by status. What waits is asked for again and again, because nothing
 * in the tree tells a program that the work is done; one look costs the daemon microseconds. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "core/auto.h"
#include "core/clock.h"
#include "fs/cmd.h"
#include "fs/mounts.h"

#define LOOK_AGAIN_NS  (100 * NS_PER_MS)
#define FAILURES_SHOWN 10
#define PACE_NS	       (2 * NS_PER_SEC) /* what a rate is measured over */

struct request {
	const char *path;
	bool wants_watch, wants_wait;
	int64_t wait_s; /* negative: as long as it takes */
};

static bool is_number(const char *text)
{
	return text[0] && strspn(text, "0123456789") == strlen(text) && strlen(text) < 10;
}

/* --wait and --wait=SECONDS; "--wait SECONDS" only where an argument is left for MOUNT. */
static int parse(int argc, char **argv, struct request *request)
{
	*request = (struct request){.wait_s = -1};
	for (int i = 1; i < argc; i++) {
		const char *argument = argv[i];
		if (strcmp(argument, "--watch") == 0) {
			request->wants_watch = true;
		} else if (strcmp(argument, "--wait") == 0) {
			request->wants_wait = true;
			if (i + 2 < argc && is_number(argv[i + 1]))
				request->wait_s = strtol(argv[++i], NULL, 10);
		} else if (strncmp(argument, "--wait=", 7) == 0 && is_number(argument + 7)) {
			request->wants_wait = true;
			request->wait_s = strtol(argument + 7, NULL, 10);
		} else if (argument[0] == '-' && strcmp(argument, "--")) {
			return cmd_usage(&cmd_status, "%s is not expected", argument);
		} else if (strcmp(argument, "--") && request->path) {
			return cmd_usage(&cmd_status, "%s is one argument too many", argument);
		} else if (strcmp(argument, "--")) {
			request->path = argument;
		}
	}
	if (!request->path)
		return cmd_usage(&cmd_status, "where askfs is mounted is missing");
	return CMD_OK;
}

static void print_counts(const struct mounts_health *health)
{
	printf("INDEXED %" PRIu64 "\nPROCESSING %" PRIu64 "\nPENDING %" PRIu64 "\nFAILED %" PRIu64
	       "\n",
		health->indexed, health->processing, health->pending, health->failed);
	if (health->settling)
		printf("settling %" PRIu64 "\n", health->settling);
	if (health->chunks_left)
		printf("chunks without vectors %" PRIu64 "\n", health->chunks_left);
	if (health->failing[0])
		printf("failing:\n%s", health->failing);
}

/* A name or a message of a document, which may hold what would steer a terminal. */
static void escape_controls(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++)
		if (*at < ' ' || *at == 0x7f)
			*at = '?';
}

/* The document's folder that by/status/FAILED/NAME leads into; the caller frees it. */
static char *find_document(const char *mount_point, const char *name)
{
	static const char docs[] = "/docs/";
	AUTO_FREE char *link = NULL;

	if (asprintf(&link, "%s/by/status/FAILED/%s", mount_point, name) < 0)
		return NULL;
	AUTO_FREE char *target = realpath(link, NULL);
	size_t len = strlen(mount_point);
	if (!target || strncmp(target, mount_point, len) || strncmp(target + len, docs, 6))
		return NULL;
	char *end = target + len + strlen(docs);
	end[strcspn(end, "/")] = '\0';
	return TAKE_PTR(target);
}

/* The first line of a failed document's error, behind its name. */
static void print_failure(const char *mount_point, const char *name)
{
	AUTO_FREE char *document = find_document(mount_point, name);
	AUTO_FREE char *shown = strdup(name);
	AUTO_FREE char *path = NULL, *line = NULL;
	size_t size = 0;

	if (!document || !shown || asprintf(&path, "%s/error", document) < 0)
		return;
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	if (!file || getline(&line, &size, file) < 0)
		return;
	line[strcspn(line, "\n")] = '\0';
	escape_controls(shown);
	escape_controls(line);
	printf("  %s: %s\n", shown, line);
}

static void print_failures(const char *mount_point, const struct mounts_health *health)
{
	AUTO_FREE char *folder = NULL;
	const struct dirent *entry;
	unsigned shown = 0;

	if (!health->failed || asprintf(&folder, "%s/by/status/FAILED", mount_point) < 0)
		return;
	DIR *dir = opendir(folder);
	while (dir && shown < FAILURES_SHOWN && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		print_failure(mount_point, entry->d_name);
		shown++;
	}
	if (dir)
		closedir(dir);
	if (health->failed > shown && shown == FAILURES_SHOWN)
		printf("  and %" PRIu64 " more in %s\n", health->failed - shown, folder);
}

/* --- the progress ----------------------------------------------------------------- */

/* A look some seconds ago, for how much is done a second. */
struct pace {
	int64_t since_ns;
	uint64_t done, chunks, vectors;
	double documents_s, chunks_s, vectors_s; /* a second */
};

static void pace_look(struct pace *pace, const struct mounts_health *health)
{
	int64_t now = clock_mono_ns(), past = now - pace->since_ns;
	uint64_t done = health->indexed + health->failed;

	if (pace->since_ns && past < PACE_NS)
		return;
	if (pace->since_ns && done >= pace->done && health->chunks >= pace->chunks) {
		double seconds = (double)past / NS_PER_SEC;
		pace->documents_s = (double)(done - pace->done) / seconds;
		pace->chunks_s = (double)(health->chunks - pace->chunks) / seconds;
		pace->vectors_s = (double)(health->vectors - pace->vectors) / seconds;
	}
	pace->since_ns = now;
	pace->done = done;
	pace->chunks = health->chunks;
	pace->vectors = health->vectors;
}

/* ", 12 documents/s, 400 vectors/s, 3:05 left" */
static void describe_pace(
	const struct pace *pace, const struct mounts_health *health, struct buf *out)
{
	double left = pace->chunks_s > 0 ? (double)health->chunks_left / pace->chunks_s : 0;
	double by_documents =
		pace->documents_s > 0 ? (double)mounts_pending(health) / pace->documents_s : 0;

	left = left > by_documents || health->chunks_left ? left : by_documents;
	if (pace->documents_s > 0)
		buf_addf(out, ", %.*f documents/s", pace->documents_s < 10, pace->documents_s);
	if (pace->vectors_s > 0)
		buf_addf(out, ", %.0f vectors/s", pace->vectors_s);
	if (left >= 1 && mounts_pending(health))
		buf_addf(out, ", %d:%02d left", (int)left / 60, (int)left % 60);
}

static int columns_of(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* One line, however narrow the terminal is. */
static void print_bar(const struct mounts_health *health, const struct pace *pace)
{
	static const char full[] = "################################";
	uint64_t pending = mounts_pending(health), done = health->indexed + health->failed;
	uint64_t total = done + pending;
	AUTO_BUF struct buf text;
	int room = columns_of(STDOUT_FILENO) - 1;

	buf_init(&text, 4096);
	buf_addf(&text, " %" PRIu64 " of %" PRIu64, done, total);
	if (health->failed)
		buf_addf(&text, ", %" PRIu64 " failed", health->failed);
	if (health->settling)
		buf_addf(&text, ", %" PRIu64 " settling", health->settling);
	describe_pace(pace, health, &text);
	int width = room - (int)text.len - 2;
	width = width > (int)strlen(full) ? (int)strlen(full) : width;
	printf("\r\033[K");
	if (width >= 4) {
		int filled = total ? (int)(done * (uint64_t)width / total) : width;
		printf("[%.*s%*s]", filled, full, width - filled, "");
		room -= width + 2;
	}
	printf("%.*s", room, text.data ? text.data : "");
	fflush(stdout);
}

/* Where the output is no terminal: a line whenever something has changed. */
static void print_line(const struct mounts_health *health)
{
	static uint64_t last_done = UINT64_MAX, last_pending;
	uint64_t pending = mounts_pending(health), done = health->indexed + health->failed;

	if (done == last_done && pending == last_pending)
		return;
	last_done = done;
	last_pending = pending;
	printf("%" PRIu64 " of %" PRIu64 ", %" PRIu64 " failed\n", done, done + pending,
		health->failed);
	fflush(stdout);
}

static void pause_ns(int64_t ns)
{
	struct timespec time = clock_timespec(ns);

	nanosleep(&time, NULL);
}

/* What somebody has only listed, and nobody read, may be a second old: it goes to the first
 * reader. The second reading is of now. */
static int look(const char *mount_point, struct mounts_health *health, struct err *err)
{
	int rc = mounts_health_read(mount_point, health, err);

	if (rc)
		return rc;
	mounts_health_release(health);
	return mounts_health_read(mount_point, health, err);
}

/* Look until nothing is pending, the time is over, or (without --wait) for ever. @health holds
 * the last look. An enum cmd_status, or -errno with *err set. */
static int follow(const char *mount_point, const struct request *request,
	struct mounts_health *health, struct err *err)
{
	int64_t begun = clock_mono_ns();
	bool is_terminal = isatty(STDOUT_FILENO);
	struct pace pace = {0};

	for (;;) {
		int rc = look(mount_point, health, err);
		if (rc)
			return rc;
		pace_look(&pace, health);
		if (request->wants_watch && is_terminal)
			print_bar(health, &pace);
		else if (request->wants_watch)
			print_line(health);
		if (request->wants_wait && mounts_pending(health) == 0)
			return CMD_OK;
		if (request->wants_wait && request->wait_s >= 0 &&
			clock_mono_ns() - begun >= request->wait_s * NS_PER_SEC)
			return CMD_TIMED_OUT;
		mounts_health_release(health);
		pause_ns(LOOK_AGAIN_NS);
	}
}

static int status_run(int argc, char **argv)
{
	struct request request;
	struct mounts_health health = {0};
	struct err err = ERR_NONE;
	AUTO_FREE char *mount_point = NULL;

	int status = parse(argc, argv, &request);
	if (status)
		return status;
	if (mounts_find(request.path, &mount_point, &err))
		return cmd_fail(&cmd_status, CMD_UNREACHABLE, "%s", err.text);
	if (request.wants_watch || request.wants_wait)
		status = follow(mount_point, &request, &health, &err);
	else
		status = look(mount_point, &health, &err);
	if (request.wants_watch && isatty(STDOUT_FILENO))
		putchar('\n');
	if (status < 0)
		return cmd_fail(&cmd_status, CMD_UNREACHABLE, "%s", err.text);
	print_counts(&health);
	print_failures(mount_point, &health);
	if (status == CMD_TIMED_OUT)
		cmd_fail(&cmd_status, status, "%" PRIu64 " files are still pending",
			mounts_pending(&health));
	mounts_health_release(&health);
	return status;
}

const struct command cmd_status = {
	.name = "status",
	.synopsis = "[--watch] [--wait [SECONDS]] MOUNT",
	.summary = "Show how many documents there are by status, and what fails.",
	.help = "  --watch            show the progress until interrupted, or until --wait is "
		"over\n"
		"  --wait [SECONDS]   return when every file that was dropped is INDEXED or "
		"FAILED;\n"
		"                     4 if that takes longer than SECONDS\n",
	.run = status_run,
};
