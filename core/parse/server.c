/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that polls: the control socket for requests, the reply sockets for daemons that
 * wait no longer, woken by SIGCHLD too. It reads no document itself. It keeps the reply socket
 * of each child to report how that ended, as the last record of the reply. */
#include "core/parse/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/parse/child.h"
#include "core/parse/protocol.h"

/* Children at a time; more requests wait in the control socket. */
#define CHILDREN_MAX 64

struct child {
	pid_t pid; /* 0: ended */
	int reply; /* -1: the slot is free */
	struct protocol_exit exit;
};

static struct child children[CHILDREN_MAX];
static struct request request; /* the current one */

/* poll must wake when a child ends: a handler that does nothing, let through by ppoll only. */
static void on_child(int signal)
{
	(void)signal;
}

static sigset_t block_child(void)
{
	struct sigaction action = {.sa_handler = on_child};
	sigset_t child, before;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	sigdelset(&before, SIGCHLD);
	sigaction(SIGCHLD, &action, NULL);
	return before;
}

static struct child *free_slot(void)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		if (children[i].reply < 0)
			return &children[i];
	return NULL;
}

static void request_close(void)
{
	if (request.reply >= 0)
		close(request.reply);
	for (size_t i = 0; i < PROTOCOL_ITEMS_MAX; i++)
		if (request.fds[i] >= 0)
			close(request.fds[i]);
}

static void take_fds(struct msghdr *message)
{
	request.reply = -1;
	memset(request.fds, -1, sizeof(request.fds));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fds[PROTOCOL_ITEMS_MAX + 1];
		count = count > ARRAY_LEN(fds) ? ARRAY_LEN(fds) : count;
		memcpy(fds, CMSG_DATA(c), count * sizeof(int));
		request.reply = count ? fds[0] : -1;
		for (size_t i = 1; i < count; i++)
			request.fds[i - 1] = fds[i];
	}
}

/* True if the packet is a request with all that belongs to it. */
static bool take_request(const char *data, size_t len)
{
	size_t at = sizeof(request.header);

	if (len < at)
		return false;
	memcpy(&request.header, data, at);
	uint32_t count = request.header.count;
	if (request.header.magic != PROTOCOL_MAGIC || count < 1 || count > PROTOCOL_ITEMS_MAX)
		return false;
	if (len - at < count * sizeof(struct protocol_item) || request.fds[count - 1] < 0)
		return false;
	memcpy(request.items, data + at, count * sizeof(struct protocol_item));
	at += count * sizeof(struct protocol_item);
	for (uint32_t i = 0; i < count; i++) {
		size_t name_len = request.items[i].name_len;
		if (name_len > PROTOCOL_NAME_MAX || name_len > len - at)
			return false;
		memcpy(request.names[i], data + at, name_len);
		request.names[i][name_len] = '\0';
		at += name_len;
	}
	return true;
}

/* 1: a request was taken; 0: the daemon is gone; -errno. */
static int receive(int control)
{
	static char data[PROTOCOL_REQUEST_MAX];
	union {
		char room[CMSG_SPACE(sizeof(int) * (PROTOCOL_ITEMS_MAX + 1))];
		struct cmsghdr align;
	} ancillary;
	struct iovec part = {.iov_base = data, .iov_len = sizeof(data)};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = ancillary.room,
		.msg_controllen = sizeof(ancillary.room)};

	ssize_t n = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? 0 : errno == EAGAIN ? -EAGAIN : -errno;
	take_fds(&message);
	if (take_request(data, (size_t)n))
		return 1;
	request_close();
	return -EBADMSG;
}

static void start_child(struct child *child)
{
	child->exit = (struct protocol_exit){.reason = REASON_ENDED};
	child->reply = TAKE_FD(request.reply);
	child->pid = fork();
	if (child->pid == 0) {
		request.reply = child->reply;
		child_run(&request);
	}
	if (child->pid < 0) {
		child->pid = 0;
		child->exit.reason = REASON_FORK;
	}
}

/* Say how the child ended. Later, if the daemon's socket is full. */
static void report(struct child *child)
{
	struct {
		struct protocol_record record;
		struct protocol_exit exit;
	} __attribute__((packed))
	last = {.record = {.kind = RECORD_EXIT, .len = sizeof(last.exit)}, .exit = child->exit};

	if (send(child->reply, &last, sizeof(last), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
		(errno == EAGAIN || errno == EINTR))
		return;
	close(child->reply);
	child->reply = -1;
}

static void reap(void)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		for (size_t i = 0; i < CHILDREN_MAX; i++) {
			if (children[i].reply < 0 || children[i].pid != pid)
				continue;
			children[i].pid = 0;
			children[i].exit.wait_status = status;
			children[i].exit.max_rss_kib = (uint64_t)usage.ru_maxrss;
		}
	}
}

/* The daemon waits no longer: it has shut down its end, or closed it. */
static void give_up(struct child *child)
{
	child->exit.reason = REASON_WALL;
	kill(child->pid, SIGKILL);
}

/* Look after the children; fill @fds with what to wait for on their replies, and @owners with
 * whose they are. Returns how many. */
static nfds_t tend(struct pollfd *fds, struct child **owners)
{
	nfds_t count = 0;

	reap();
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child *child = &children[i];
		if (child->reply >= 0 && !child->pid)
			report(child);
		if (child->reply < 0 || (child->pid && child->exit.reason == REASON_WALL))
			continue;
		owners[count] = child;
		fds[count++] = (struct pollfd){
			.fd = child->reply, .events = child->pid ? POLLRDHUP : POLLOUT};
	}
	return count;
}

static int accept_request(int control)
{
	struct child *child = free_slot();
	int rc = receive(control);

	if (rc == 1) {
		start_child(child);
		request_close();
		return 0;
	}
	return rc == 0 ? -ESHUTDOWN : rc == -EAGAIN || rc == -EINTR || rc == -EBADMSG ? 0 : rc;
}

int server_run(int control)
{
	sigset_t waiting = block_child();
	int rc = 0;

	for (size_t i = 0; i < CHILDREN_MAX; i++)
		children[i].reply = -1;
	while (!rc) {
		struct pollfd fds[CHILDREN_MAX + 1];
		struct child *owners[CHILDREN_MAX];
		nfds_t count = tend(fds + 1, owners);
		/* a negative descriptor is passed over: all slots are taken */
		fds[0] = (struct pollfd){.fd = free_slot() ? control : -1, .events = POLLIN};
		if (ppoll(fds, count + 1, NULL, &waiting) <= 0)
			continue;
		for (nfds_t i = 0; i < count; i++)
			if (owners[i]->pid && fds[i + 1].revents)
				give_up(owners[i]);
		if (fds[0].revents)
			rc = accept_request(control);
	}
	return rc == -ESHUTDOWN ? 0 : rc;
}
