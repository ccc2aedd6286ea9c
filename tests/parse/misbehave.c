/* SPDX-License-Identifier: Apache-2.0 */
/* What a parser might do that a document has taken over; linked into askfs-parse-test alone.
 * A document "!name argument" runs that entry with all confinement in place; the errno of
 * what was tried becomes the document's text. */
#include "core/parse/child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/auto.h"

static struct out *output;
static char *volatile kept;

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer shall let a child run out of memory and die of a signal like any other. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:handle_segv=0:handle_abort=0:detect_leaks=0";
}
#endif
#ifdef __SANITIZE_THREAD__
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1:handle_segv=0:handle_abort=0";
}
#endif

/* Each returns a negative number with errno set if it was refused. */
static int try_open(const char *path)
{
	return open(path, O_RDONLY);
}

static int try_create(const char *path)
{
	return open(path, O_WRONLY | O_CREAT, 0600);
}

/* The document itself, which the daemon may have opened for writing too. */
static int try_overwrite(const char *unused)
{
	(void)unused;
	return (int)pwrite(3, "x", 1, 0);
}

static int try_socket(const char *unused)
{
	(void)unused;
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int try_connect(const char *unused)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};

	(void)unused;
	return connect(1, (struct sockaddr *)&address, sizeof(address));
}

static int try_exec(const char *path)
{
	char *const argv[] = {"x", NULL};

	return execve(path, argv, NULL);
}

static int try_ptrace(const char *unused)
{
	(void)unused;
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int try_fork(const char *unused)
{
	(void)unused;
	return fork();
}

static int try_kill(const char *unused)
{
	(void)unused;
	return kill(getppid(), SIGKILL);
}

static int try_abort_server(const char *unused)
{
	(void)unused;
	return (int)syscall(SYS_tgkill, getppid(), getppid(), SIGABRT);
}

/* The control socket, over which other users' documents come. */
static int try_control(const char *unused)
{
	char c;

	(void)unused;
	return (int)read(PROTOCOL_CONTROL, &c, 1);
}

static int try_raise_limit(const char *unused)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	(void)unused;
	return setrlimit(RLIMIT_AS, &limit);
}

static int try_code(const char *unused)
{
	(void)unused;
	void *page = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED ? -1 : 0;
}

static int try_allocate(const char *unused)
{
	(void)unused;
	return malloc((size_t)10 << 30) ? 0 : -1;
}

/* Ever more, as a reader would that never checks. */
static int do_fill(const char *unused)
{
	(void)unused;
	for (;;) {
		char *more = malloc((size_t)1 << 20);
		more[0] = 1;
		kept = more;
	}
	return 0;
}

static int do_spin(const char *unused)
{
	(void)unused;
	for (volatile unsigned i = 0; i < UINT_MAX;)
		;
	return 0;
}

static int do_sleep(const char *unused)
{
	(void)unused;
	for (;;)
		usleep(100000);
	return 0;
}

static int do_crash(const char *unused)
{
	(void)unused;
	return raise(SIGSEGV);
}

static int do_abort(const char *unused)
{
	(void)unused;
	abort();
}

static int do_flood(const char *unused)
{
	(void)unused;
	while (out_text(output, "word ", 5) == 0)
		;
	return 0;
}

/* A packet that claims to hold more than it does. */
static int do_nonsense(const char *unused)
{
	struct protocol_record record = {.kind = RECORD_TEXT, .len = 1u << 30};

	(void)unused;
	return write(output->fd, &record, sizeof(record)) < 0;
}

/* Text that is no UTF-8, past the cleaning. */
static int do_invalid(const char *unused)
{
	struct {
		struct protocol_record record;
		char text[4];
	} packet = {.record = {.kind = RECORD_TEXT, .len = 4}, .text = "\xff\xfe\0"};

	(void)unused;
	return write(output->fd, &packet, sizeof(packet)) < 0;
}

static const struct {
	const char *name;
	int (*run)(const char *argument);
} entries[] = {
	{"open", try_open},
	{"create", try_create},
	{"overwrite", try_overwrite},
	{"socket", try_socket},
	{"connect", try_connect},
	{"exec", try_exec},
	{"ptrace", try_ptrace},
	{"fork", try_fork},
	{"kill", try_kill},
	{"abort-server", try_abort_server},
	{"control", try_control},
	{"raise-limit", try_raise_limit},
	{"code", try_code},
	{"allocate", try_allocate},
	{"fill", do_fill},
	{"spin", do_spin},
	{"sleep", do_sleep},
	{"crash", do_crash},
	{"abort", do_abort},
	{"flood", do_flood},
	{"nonsense", do_nonsense},
	{"invalid", do_invalid},
};

static bool is_name(const char *text, size_t len, const char *name)
{
	return len == strlen(name) && !memcmp(text, name, len);
}

bool child_misbehave(struct out *out, const char *text, size_t len)
{
	char argument[256] = "";

	if (!len || *text != '!')
		return false;
	output = out;
	size_t name_len = 0;
	while (1 + name_len < len && text[1 + name_len] != ' ' && text[1 + name_len] != '\n')
		name_len++;
	if (2 + name_len < len)
		snprintf(argument, sizeof(argument), "%.*s", (int)(len - 2 - name_len),
			text + 2 + name_len);
	argument[strcspn(argument, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		if (!is_name(text + 1, name_len, entries[i].name))
			continue;
		errno = 0;
		const char *how = entries[i].run(argument) < 0 ? strerrorname_np(errno) : "done";
		out_text(out, how, strlen(how));
		return true;
	}
	return false;
}
