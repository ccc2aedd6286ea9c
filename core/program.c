/* SPDX-License-Identifier: Apache-2.0 */
/* Between fork and exec the child makes system calls and nothing else: other threads may have held
 * any lock. For the same reason users are changed by the calls themselves: glibc's functions would
 * tell all threads. */
#include "core/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"

/* How often it is looked whether somebody wants it to end. */
#define NAP_MS 20

static char *const environment[] = {
	(char *)"PATH=/usr/local/bin:/usr/bin:/bin", (char *)"LANG=C.UTF-8", NULL};

void program_result_release(struct program_result *result)
{
	buf_release(&result->output);
	buf_release(&result->errors);
	*result = (struct program_result){0};
}

/* --- the child ---------------------------------------------------------------------- */

static bool become(const struct caller *user)
{
	gid_t group = user->group_count ? user->groups[0] : (gid_t)65534;

	if (geteuid() != 0)
		return user->uid == geteuid();
	return !syscall(SYS_setgroups, user->group_count, user->groups) &&
		!syscall(SYS_setresgid, group, group, group) &&
		!syscall(SYS_setresuid, user->uid, user->uid, user->uid);
}

/* Never returns. @ends: what becomes 0, 1 and 2. */
static void run_child(const struct program_request *request, const int ends[3])
{
	static const struct rlimit none = {0, 0};
	sigset_t nothing;

	setpgid(0, 0);
	sigemptyset(&nothing);
	sigprocmask(SIG_SETMASK, &nothing, NULL);
	signal(SIGPIPE, SIG_DFL);
	umask(077);
	bool is_ready = dup2(ends[0], 0) >= 0 && dup2(ends[1], 1) >= 0 && dup2(ends[2], 2) >= 0 &&
		!chdir("/") && !close_range(3, ~0U, 0) && !setrlimit(RLIMIT_CORE, &none) &&
		become(request->user) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (is_ready)
		execve(request->argv[0], request->argv, environment);
	static const char message[] = "it could not be started\n";
	if (write(2, message, sizeof(message) - 1) < 0)
		_exit(126);
	_exit(127);
}

/* --- the parent --------------------------------------------------------------------- */

struct running {
	const struct program_request *request;
	struct program_result *out;
	pid_t pid;
	int in, output, errors; /* our ends; -1: closed */
	size_t written;
	bool has_ended;
};

static void shut(int *fd)
{
	close(*fd);
	*fd = -1;
}

static void give(struct running *running)
{
	const struct program_request *request = running->request;
	ssize_t n = send(running->in, request->input + running->written,
		request->input_len - running->written, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0)
		running->written += (size_t)n;
	bool is_over = running->written == request->input_len ||
		(n < 0 && errno != EAGAIN && errno != EINTR);
	if (is_over)
		shut(&running->in);
}

/* 0, or -EFBIG. */
static int take(int *fd, struct buf *to)
{
	char data[16384];
	ssize_t n = read(*fd, data, sizeof(data));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		shut(fd);
	return n > 0 ? buf_add(to, data, (size_t)n) : 0;
}

static int wait_a_moment(struct running *running)
{
	struct pollfd fds[] = {
		{running->in, POLLOUT, 0},
		{running->output, POLLIN, 0},
		{running->errors, POLLIN, 0},
	};
	int rc = 0;

	poll(fds, ARRAY_LEN(fds), NAP_MS);
	if (running->in >= 0 && fds[0].revents)
		give(running);
	if (running->output >= 0 && fds[1].revents)
		rc = take(&running->output, &running->out->output);
	if (!rc && running->errors >= 0 && fds[2].revents)
		rc = take(&running->errors, &running->out->errors);
	return rc;
}

/* Until it ended and all that it said was read: what it started may hold its outputs open, and is
 * not waited for. */
static int follow(struct running *running, struct err *err)
{
	const struct program_request *request = running->request;
	int64_t end_ns = clock_mono_ns() + request->timeout_ns;

	for (;;) {
		if (request->cancelled && atomic_load(request->cancelled))
			return err_set(err, -ECANCELED, "cancelled");
		if (clock_mono_ns() > end_ns)
			return err_set(err, -ETIMEDOUT, "it took longer than %.0f s",
				(double)request->timeout_ns / NS_PER_SEC);
		if (wait_a_moment(running))
			return err_set(
				err, -EFBIG, "it said more than %zu bytes", request->output_max);
		bool is_silent = running->output < 0 && running->errors < 0;
		bool had_ended = running->has_ended;
		if (!running->has_ended)
			running->has_ended = waitpid(running->pid, &running->out->status,
						     WNOHANG) == running->pid;
		if (running->has_ended && (is_silent || had_ended))
			return 0;
	}
}

static void end(struct running *running)
{
	kill(-running->pid, SIGKILL);
	if (!running->has_ended)
		while (waitpid(running->pid, &running->out->status, 0) < 0 && errno == EINTR)
			;
	int *const ours[] = {&running->in, &running->output, &running->errors};
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (*ours[i] >= 0)
			shut(ours[i]);
}

/* Two ends of a line: [0] is ours. */
static int make_line(int ends[2], bool is_input)
{
	if (is_input)
		return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ? -errno : 0;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) ? -errno : 0;
}

static int start(struct running *running, struct err *err)
{
	int lines[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
	int rc = 0;

	for (int i = 0; i < 3 && !rc; i++)
		rc = make_line(lines[i], i == 0);
	if (!rc) {
		running->pid = fork();
		rc = running->pid < 0 ? -errno : 0;
	}
	if (!rc && running->pid == 0)
		run_child(running->request, (const int[]){lines[0][1], lines[1][1], lines[2][1]});
	for (int i = 0; i < 3; i++) {
		if (lines[i][1] >= 0)
			close(lines[i][1]);
		if (rc && lines[i][0] >= 0)
			close(lines[i][0]);
	}
	if (rc)
		return err_set(err, rc, "it could not be started: %s", strerror(-rc));
	setpgid(running->pid, running->pid);
	running->in = lines[0][0];
	running->output = lines[1][0];
	running->errors = lines[2][0];
	return 0;
}

int program_run(const struct program_request *request, struct program_result *out, struct err *err)
{
	struct running running = {.request = request, .out = out};

	buf_init(&out->output, request->output_max);
	buf_init(&out->errors, request->output_max);
	if (geteuid() != 0 && request->user->uid != geteuid())
		return err_set(err, -EPERM,
			"it runs as whoever asks, and the daemon is not root: it runs for the "
			"daemon's own user alone");
	int rc = start(&running, err);
	if (rc)
		return rc;
	rc = follow(&running, err);
	end(&running);
	return rc;
}
