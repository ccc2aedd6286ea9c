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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/parse/member.h"

static struct out *output;
static char *volatile kept;
static volatile int goes_deeper = 1; /* so that the compiler sees an end */

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

/* @family: a number. */
static int try_socket(const char *family)
{
	return socket((int)strtol(family, NULL, 10), SOCK_DGRAM, 0);
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

static int try_fork(const char *unused)
{
	(void)unused;
	return fork();
}

/* One that goes on when it is refused; its children would do the same. */
static int try_fork_bomb(const char *unused)
{
	int rc = 0;

	(void)unused;
	for (int i = 0; i < 100000; i++)
		rc = fork() < 0 ? -1 : 0;
	return rc;
}

/* Any system call: its number and up to six arguments, or "parent" for the server's pid. */
static int try_call(const char *text)
{
	long numbers[7] = {0};
	char *end;

	for (size_t i = 0; i < ARRAY_LEN(numbers) && *text; i++) {
		bool is_parent = !strncmp(text, "parent", 6);
		numbers[i] = is_parent ? getppid() : strtol(text, &end, 0);
		text = is_parent ? text + 6 : end;
		text += *text == ' ';
	}
	return (int)syscall(
		numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]);
}

/* The calls of a 32-bit program, whose numbers mean other things. */
static int do_other_abi(const char *unused)
{
	(void)unused;
#ifdef __x86_64__
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
#else
	return raise(SIGSYS);
#endif
}

/* The document as descriptor 1, which is the one that may be written to. */
static int do_swap_descriptors(const char *unused)
{
	int reply = dup(1);

	(void)unused;
	close(1);
	if (dup(3) != 1)
		return 0;
	int rc = (int)write(1, "x", 1);
	close(1);
	if (dup(reply) != 1)
		_exit(0);
	return rc;
}

/* A memory of the document's file, where writing would change it. */
static int try_map_shared(const char *unused)
{
	(void)unused;
	char *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
	if (page == MAP_FAILED)
		return -1;
	*page = 'x';
	return 0;
}

/* Memory that was data turns into code. */
static int try_become_code(const char *unused)
{
	(void)unused;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page == MAP_FAILED ? 0 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
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

/* Past the first signal of the limit. */
static int do_spin_on(const char *unused)
{
	signal(SIGXCPU, SIG_IGN);
	return do_spin(unused);
}

static int do_recurse(const char *text)
{
	volatile char frame[4096];

	frame[0] = *text;
	if (!goes_deeper)
		return 0;
	return do_recurse((const char *)(uintptr_t)frame) + frame[0];
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

/* A file in an archive that never ends; whose path may lead out of it. */
static int do_flood_member(const char *unused)
{
	static char data[32768];

	(void)unused;
	member_begin(output, "../../etc/passwd", 16, 0);
	while (member_data(output, data, sizeof(data)) == 0)
		;
	return 0;
}

static int do_flood_members(const char *unused)
{
	(void)unused;
	while (member_begin(output, "a", 1, 0) == 0)
		member_end(output, 0, &(struct err)ERR_NONE);
	return 0;
}

/* A member of that path, whole. */
static int do_give_member(const char *path)
{
	static const char words[] = "words of a member";

	member_begin(output, path, strlen(path), 0);
	member_data(output, words, sizeof(words) - 1);
	return member_end(output, 0, &(struct err)ERR_NONE);
}

/* One whose end nobody hears of. */
static int do_leave_member(const char *path)
{
	static const char words[] = "words left behind";

	member_begin(output, path, strlen(path), 0);
	member_data(output, words, sizeof(words) - 1);
	out_flush(output);
	return raise(SIGSEGV);
}

/* Packets full of marks, past the ceiling that out_mark knows, or of nothing at all. */
static int flood_records(enum protocol_kind kind, size_t len)
{
	struct {
		struct protocol_record record;
		struct protocol_mark mark;
	} __attribute__((packed)) one = {.record = {.kind = kind, .len = (uint32_t)len},
		.mark = {.kind = MARK_PAGE, .value = 1}};
	size_t size = sizeof(one.record) + len, used = 0;

	while (used + size <= sizeof(output->packet)) {
		memcpy(output->packet + used, &one, size);
		used += size;
	}
	while (write(output->fd, output->packet, used) > 0)
		;
	return 0;
}

static int do_flood_marks(const char *unused)
{
	(void)unused;
	return flood_records(RECORD_MARK, sizeof(struct protocol_mark));
}

static int do_flood_nothing(const char *unused)
{
	(void)unused;
	return flood_records(RECORD_TEXT, 0);
}

/* What only the server says. */
static int do_forge_exit(const char *unused)
{
	struct {
		struct protocol_record record;
		struct protocol_exit exit;
	} __attribute__((packed))
	last = {.record = {.kind = RECORD_EXIT, .len = sizeof(last.exit)}};

	if (write(output->fd, &last, sizeof(last)) < 0)
		return -1;
	return do_sleep(unused);
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
	{"fork", try_fork},
	{"fork-bomb", try_fork_bomb},
	{"call", try_call},
	{"other-abi", do_other_abi},
	{"swap-descriptors", do_swap_descriptors},
	{"map-shared", try_map_shared},
	{"become-code", try_become_code},
	{"control", try_control},
	{"raise-limit", try_raise_limit},
	{"code", try_code},
	{"allocate", try_allocate},
	{"fill", do_fill},
	{"spin", do_spin},
	{"spin-on", do_spin_on},
	{"recurse", do_recurse},
	{"sleep", do_sleep},
	{"crash", do_crash},
	{"abort", do_abort},
	{"flood", do_flood},
	{"flood-member", do_flood_member},
	{"flood-members", do_flood_members},
	{"give-member", do_give_member},
	{"leave-member", do_leave_member},
	{"flood-marks", do_flood_marks},
	{"flood-nothing", do_flood_nothing},
	{"forge-exit", do_forge_exit},
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
