/* SPDX-License-Identifier: Apache-2.0 */
/* The server goes when its control socket closes, so it never outlives the daemon; a signal
 * at our death (PR_SET_PDEATHSIG) would come at the death of the thread that started it. */
#include "core/parser_server.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/parse/files.h"
#include "core/parse/protocol.h"
#include "core/parser.h"

#define READY_MS	 10000
#define DEATHS_MAX	 3 /* in DEATHS_WITHIN_NS; then it rests */
#define DEATHS_WITHIN_NS (60 * NS_PER_SEC)
#define REST_MIN_NS	 (5 * NS_PER_SEC)
#define REST_MAX_NS	 (300 * NS_PER_SEC)

struct parser_server {
	char *program;
	char *languages; /* its argument; NULL: none */
	pthread_mutex_t lock;
	pid_t pid; /* lock; 0: none */
	int control; /* lock; -1: none */
	unsigned generation; /* lock */
	struct parser_about about; /* lock */
	int64_t started_ns; /* lock */
	int64_t deaths[DEATHS_MAX]; /* lock; a ring: when the last ones were */
	size_t death_count; /* lock */
	size_t rest_count; /* lock; in a row, without a minute of life between them */
	int64_t rests_until_ns; /* lock; 0: it does not */
};

/* askfs-parse beside the running program, else where it is installed. */
static char *find_program(const char *program)
{
	char path[PATH_MAX];

	if (program && *program)
		return strdup(program);
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("askfs-parse"));
	char *slash = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;
	if (slash) {
		memcpy(slash + 1, "askfs-parse", sizeof("askfs-parse"));
		if (!access(path, X_OK))
			return strdup(path);
	}
	return strdup(ASKFS_LIBEXEC "/askfs-parse");
}

/* askfs-parse-ocr beside @program. Takes and gives a string of the caller's. */
static char *find_ocr(char *program)
{
	char *slash = program ? strrchr(program, '/') : NULL;
	char *path = NULL;

	if (program &&
		asprintf(&path, "%.*saskfs-parse-ocr", slash ? (int)(slash + 1 - program) : 0,
			program) < 0)
		path = NULL;
	free(program);
	return path;
}

/* The child gets @end as descriptor 0, and default signals. */
static int spawn(const char *program, char *languages, int end, pid_t *pid)
{
	char *const argv[] = {languages ? "askfs-parse-ocr" : "askfs-parse", languages, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, end, PROTOCOL_CONTROL);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	int rc = posix_spawn(pid, program, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -rc;
}

static void take_text(char *to, size_t size, const char *from, size_t from_size)
{
	snprintf(to, size, "%.*s", (int)strnlen(from, from_size), from);
}

static int await_hello(int control, struct parser_about *about, struct err *err)
{
	struct pollfd fd = {.fd = control, .events = POLLIN};
	struct protocol_hello hello;

	if (poll(&fd, 1, READY_MS) != 1 ||
		recv(control, &hello, sizeof(hello), 0) != (ssize_t)sizeof(hello) ||
		hello.magic != PROTOCOL_MAGIC)
		return err_set(err, -EIO, "it does not answer as this version of askfs does");
	hello.error[sizeof(hello.error) - 1] = '\0';
	if (hello.result)
		return err_set(err, -EIO, "%s", hello.error);
	if (hello.confine == CONFINE_REFUSE)
		log_warn("this kernel has no Landlock and allows no mount namespace: PDF documents "
			 "whose fonts need poppler-data will fail");
	about->has_network = hello.has_network;
	take_text(about->reads, sizeof(about->reads), hello.reads, sizeof(hello.reads));
	take_text(about->lacks, sizeof(about->lacks), hello.lacks, sizeof(hello.lacks));
	take_text(about->ocr, sizeof(about->ocr), hello.ocr, sizeof(hello.ocr));
	take_text(about->ocr_lacks, sizeof(about->ocr_lacks), hello.ocr_lacks,
		sizeof(hello.ocr_lacks));
	return 0;
}

static void stop(struct parser_server *server)
{
	if (server->control >= 0)
		close(server->control);
	server->control = -1;
	if (server->pid > 0) {
		kill(server->pid, SIGKILL);
		while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	server->pid = 0;
}

/* With the lock. */
static int start(struct parser_server *server, struct err *err)
{
	int ends[2];

	server->started_ns = clock_mono_ns();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return err_set(err, -EIO, "no socket for the parser: %s", strerror(errno));
	int rc = spawn(server->program, server->languages, ends[1], &server->pid);
	close(ends[1]);
	server->control = ends[0];
	if (rc) {
		server->pid = 0;
		err_set(err, rc, "%s", strerror(-rc));
	} else {
		rc = await_hello(server->control, &server->about, err);
	}
	if (rc) {
		stop(server);
		err_prefix(err, rc, server->program);
		return rc;
	}
	server->generation++;
	if (!server->languages) /* the other one comes and goes */
		metric_add(METRIC_PARSER_STARTS, 1);
	return 0;
}

int parser_server_new(
	struct parser_server **out, const char *program, const char *ocr_languages, struct err *err)
{
	struct parser_server *server = calloc(1, sizeof(*server));

	if (!server)
		return err_set(err, -ENOMEM, "memory is short");
	server->control = -1;
	pthread_mutex_init(&server->lock, NULL);
	server->program = find_program(program);
	if (ocr_languages) {
		server->program = find_ocr(server->program);
		server->languages = strdup(ocr_languages);
	}
	bool is_whole = server->program && (server->languages || !ocr_languages);
	int rc = is_whole ? start(server, err) : err_set(err, -ENOMEM, "memory is short");
	if (rc) {
		parser_server_free(server);
		return rc;
	}
	*out = server;
	return 0;
}

/* With the lock: it has ended, or could not be started. Too often: it rests. */
static void note_end(struct parser_server *server)
{
	int64_t now = clock_mono_ns(), rest = REST_MIN_NS;

	if (now - server->started_ns >= DEATHS_WITHIN_NS)
		server->rest_count = 0;
	server->deaths[server->death_count++ % DEATHS_MAX] = now;
	bool is_often = server->death_count >= DEATHS_MAX &&
		now - server->deaths[server->death_count % DEATHS_MAX] < DEATHS_WITHIN_NS;
	if (!is_often && !server->rest_count)
		return;
	for (size_t i = 0; i < server->rest_count && rest < REST_MAX_NS; i++)
		rest *= 2;
	rest = rest < REST_MAX_NS ? rest : REST_MAX_NS;
	server->rest_count++;
	server->rests_until_ns = now + rest;
	log_warn("the parser's server keeps dying: it rests for %d s", (int)(rest / NS_PER_SEC));
}

/* With the lock. */
static void note_death(struct parser_server *server)
{
	log_warn("the parser's server (pid %d) has died", (int)server->pid);
	stop(server);
	note_end(server);
	metric_add(METRIC_PARSER_DEATHS, 1);
}

/* With the lock: start it, unless it rests. */
static int revive(struct parser_server *server, struct err *err)
{
	if (server->control >= 0)
		return 0;
	int64_t rest = server->rests_until_ns - clock_mono_ns();
	if (rest > 0)
		return err_set(err, -EIO,
			"the parser has died %d times in a minute; it is started again in %d s",
			DEATHS_MAX, (int)(rest / NS_PER_SEC) + 1);
	if (start(server, err)) {
		note_end(server);
		return -EIO;
	}
	return 0;
}

static int send_fds(int control, const void *data, size_t len, const int *fds, size_t fd_count)
{
	union {
		char room[CMSG_SPACE(sizeof(int) * (PROTOCOL_ITEMS_MAX + 1))];
		struct cmsghdr align;
	} ancillary = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = ancillary.room,
		.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count)};
	struct cmsghdr *control_message = CMSG_FIRSTHDR(&message);

	control_message->cmsg_level = SOL_SOCKET;
	control_message->cmsg_type = SCM_RIGHTS;
	control_message->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
	memcpy(CMSG_DATA(control_message), fds, sizeof(int) * fd_count);
	ssize_t n;
	do
		n = sendmsg(control, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int parser_server_send(struct parser_server *server, const void *data, size_t len, const int *fds,
	size_t fd_count, unsigned *generation, struct err *err)
{
	pthread_mutex_lock(&server->lock);
	int rc = revive(server, err);
	if (!rc && (rc = send_fds(server->control, data, len, fds, fd_count)) &&
		(rc == -EPIPE || rc == -ECONNRESET)) {
		/* it died while nobody was looking */
		note_death(server);
		rc = revive(server, err);
		if (!rc)
			rc = send_fds(server->control, data, len, fds, fd_count);
	}
	*generation = server->generation;
	pthread_mutex_unlock(&server->lock);
	if (rc && rc != -EIO)
		return err_set(err, -EIO, "the parser cannot be reached: %s", strerror(-rc));
	return rc;
}

void parser_server_died(struct parser_server *server, unsigned generation)
{
	pthread_mutex_lock(&server->lock);
	if (server->generation == generation && server->control >= 0)
		note_death(server);
	pthread_mutex_unlock(&server->lock);
}

void parser_server_about(struct parser_server *server, struct parser_about *out)
{
	pthread_mutex_lock(&server->lock);
	*out = server->about;
	pthread_mutex_unlock(&server->lock);
}

void parser_server_free(struct parser_server *server)
{
	if (!server)
		return;
	stop(server);
	pthread_mutex_destroy(&server->lock);
	free(server->program);
	free(server->languages);
	free(server);
}
