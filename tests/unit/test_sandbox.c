/* SPDX-License-Identifier: Apache-2.0 */
/* What a parser that a document has taken over can and cannot do: askfs-parse-test, with
 * everything in place, does as the document says (tests/parse/misbehave.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/metrics.h"
#include "core/parser.h"
#include "tests/unit/parse_support.h"

#define FIXTURES  "tests/fixtures/parse/"
#define COLLECTED "../shared/eval/dev"

static struct parser *parser;

static struct parser_limits tight_limits(void)
{
	return (struct parser_limits){.memory = (uint64_t)128 << 20,
		.cpu_s = 1,
		.wall_s = 20, /* on a busy machine, a second of CPU time takes many */
		.text_bytes = (uint64_t)1 << 20};
}

static struct parser *parser_start(const struct parser_limits *limits)
{
	AUTO_FREE char *program = case_program("-test");
	struct parser *started = NULL;
	struct err err = ERR_NONE;

	if (parser_new(&started, program, limits, &err))
		print_error("%s: %s\n", program, err.text);
	return started;
}

/* In the place of the one that runs. */
static void restart(unsigned wall_s)
{
	struct parser_limits limits = tight_limits();

	limits.wall_s = wall_s;
	parser_free(parser);
	parser = parser_start(&limits);
}

static int start(void **state)
{
	(void)state;
	restart(tight_limits().wall_s);
	return parser ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	parser_free(parser);
	return 0;
}

/* The server's pid: the child of this process that is called askfs-parse. */
static pid_t server_pid(void)
{
	char path[64], line[512];
	struct dirent *entry;
	pid_t found = 0;
	DIR *proc = opendir("/proc");

	assert_non_null(proc);
	while ((entry = readdir(proc))) {
		int pid, parent;
		char name[64];
		snprintf(path, sizeof(path), "/proc/%.20s/stat", entry->d_name);
		AUTO_FCLOSE FILE *file = fopen(path, "re");
		if (file && fgets(line, sizeof(line), file) &&
			sscanf(line, "%d (%63[^)]) %*c %d", &pid, name, &parent) == 3 &&
			parent == getpid() && !strncmp(name, "askfs-parse", 11))
			found = pid;
	}
	closedir(proc);
	return found;
}

/* Run "!@order": what it says must be @outcome. */
static void outcome_is(const char *order, const char *outcome)
{
	struct parse_case c;

	case_init_text(&c, "order.txt", order);
	case_run(parser, &c);
	if (c.item.err.text[0])
		fail_msg("%s: %s", order, c.item.err.text);
	if (strcmp(case_text(&c), outcome))
		fail_msg("%s: %s, not %s", order, case_text(&c), outcome);
	case_release(&c);
}

/* Run "!@order": the document must fail with @result and a sentence that has @words. */
static void fails_with(const char *order, int result, const char *words)
{
	struct parse_case c;

	case_init_text(&c, "order.txt", order);
	case_run(parser, &c);
	assert_int_equal(c.item.result, result);
	if (!strstr(c.item.err.text, words))
		fail_msg("%s: \"%s\" lacks \"%s\"", order, c.item.err.text, words);
	case_release(&c);
}

static void files_are_out_of_reach(void **state)
{
	(void)state;
	outcome_is("!open /etc/passwd", "EACCES");
	outcome_is("!open /", "EACCES");
	outcome_is("!open /proc/self/maps", "EACCES");
	outcome_is("!open ../../../../../../../../etc/hostname", "EACCES");
	outcome_is("!create /tmp/askfs-parse-was-here", "EPERM");
	outcome_is("!create /usr/share/poppler/x", "EPERM");
	assert_int_equal(access("/tmp/askfs-parse-was-here", F_OK), -1);
}

static void what_readers_need_can_be_read(void **state)
{
	(void)state;
	outcome_is("!open /usr/share/poppler", "done");
}

/* Run "!@order" over a document that is open for writing, too. */
static void change_is_refused(const char *order, const char *outcome, const char *error)
{
	char path[] = "/tmp/askfs-sandbox-XXXXXX", first = 0;
	struct parse_case c;

	int fd = mkstemp(path);
	assert_int_equal(write(fd, order, strlen(order)), strlen(order));
	case_init_text(&c, "order.txt", order);
	close(c.item.fd);
	c.item.fd = fd;
	case_run(parser, &c);
	assert_string_equal(case_text(&c), outcome);
	assert_non_null(strstr(c.item.err.text, error));
	assert_int_equal(pread(fd, &first, 1, 0), 1);
	assert_int_equal(first, '!');
	case_release(&c);
	unlink(path);
}

static void the_document_cannot_be_changed(void **state)
{
	(void)state;
	change_is_refused("!overwrite", "EPERM", "");
}

static void memory_is_never_code_nor_the_documents(void **state)
{
	(void)state;
	outcome_is("!code", "EPERM");
	outcome_is("!become-code", "EPERM");
	change_is_refused("!map-shared", "EPERM", "");
	/* a limit of no byte at all for what is written into a file */
	change_is_refused("!swap-descriptors", "", "File size limit exceeded");
}

static void system_calls_are_refused(void **state)
{
	(void)state;
	outcome_is("!connect", "EPERM");
	outcome_is("!exec /bin/true", "EPERM");
	outcome_is("!fork", "EPERM");
	outcome_is("!fork-bomb", "EPERM");
	outcome_is("!raise-limit", "EPERM");
	outcome_is("!control", "EBADF");
}

static void sockets_of_every_family_are_refused(void **state)
{
	static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_ALG,
		AF_KEY, AF_BLUETOOTH, AF_VSOCK, AF_XDP};
	char order[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		snprintf(order, sizeof(order), "!socket %d", families[i]);
		outcome_is(order, "EPERM");
	}
}

/* "!call @number @arguments" */
static void call_is_refused(long number, const char *arguments)
{
	char order[128];

	snprintf(order, sizeof(order), "!call %ld %s", number, arguments);
	outcome_is(order, "EPERM");
}

/* Those that are allowed with other arguments. */
static void arguments_of_calls_are_looked_at(void **state)
{
	(void)state;
	call_is_refused(SYS_write, "0 0 0"); /* the control socket's number */
	call_is_refused(SYS_write, "3 0 0"); /* the document's */
	call_is_refused(SYS_writev, "1 0 0");
	call_is_refused(SYS_tgkill, "parent parent 9");
	call_is_refused(SYS_tgkill, "1 1 9");
	call_is_refused(SYS_fcntl, "3 4 0"); /* F_SETFL */
	call_is_refused(SYS_fcntl, "3 8 1"); /* F_SETOWN: signals to others */
	call_is_refused(SYS_fcntl, "3 1033 1"); /* F_ADD_SEALS */
	call_is_refused(SYS_openat, "-100 0 2"); /* O_RDWR */
	call_is_refused(SYS_openat, "-100 0 0x40"); /* O_CREAT */
}

static const long allowed_calls[] = {
#define CALL(name) SYS_##name
	CALL(read),
	CALL(pread64),
	CALL(readv),
	CALL(preadv),
	CALL(lseek),
	CALL(close),
	CALL(fstat),
	CALL(newfstatat),
	CALL(statx),
	CALL(statfs),
	CALL(fstatfs),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(readlinkat),
	CALL(getdents64),
	CALL(getcwd),
	CALL(dup),
	CALL(fadvise64),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	CALL(brk),
	CALL(futex),
	CALL(sched_yield),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(sigaltstack),
	CALL(clock_gettime),
	CALL(clock_getres),
	CALL(gettimeofday),
	CALL(nanosleep),
	CALL(clock_nanosleep),
	CALL(getpid),
	CALL(gettid),
	CALL(getppid),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL(getrandom),
	CALL(getrusage),
	CALL(uname),
	CALL(sysinfo),
	CALL(sched_getaffinity),
	CALL(exit),
	CALL(exit_group),
	CALL(restart_syscall),
	CALL(mmap),
	CALL(mprotect),
	CALL(openat),
	CALL(write),
#ifdef SYS_open
	CALL(open),
	CALL(stat),
	CALL(lstat),
	CALL(access),
	CALL(readlink),
	CALL(time),
#endif
#undef CALL
};

/* The kernel lets probes on x86-64 (uretprobe, uprobe) through any filter, and kills who makes
 * such a call himself. */
static bool is_allowed(long number)
{
#ifdef __x86_64__
	if (number == 335 || number == 336)
		return true;
#endif
	for (size_t i = 0; i < ARRAY_LEN(allowed_calls); i++)
		if (allowed_calls[i] == number)
			return true;
	return false;
}

/* ptrace, bpf, io_uring_setup, keyctl, userfaultfd, perf_event_open, process_vm_readv,
 * name_to_handle_at, personality, kill, unshare, mount ... and those that do not exist yet. */
static void every_other_call_is_refused(void **state)
{
	(void)state;
	for (long number = 0; number < 600; number++)
		if (!is_allowed(number))
			call_is_refused(number, "0 0 0 0 0 0");
	call_is_refused(SYS_ptrace, "16 parent 0 0"); /* PTRACE_ATTACH */
	call_is_refused(SYS_kill, "parent 9");
	call_is_refused(SYS_kill, "-1 9");
}

static void calls_of_another_architecture_kill(void **state)
{
	struct parse_case c;

	(void)state;
	case_init_text(&c, "order.txt", "!other-abi");
	case_run(parser, &c);
	assert_int_equal(c.item.result, -ENOTRECOVERABLE);
	/* a kernel without them knows no such instruction */
	assert_true(strstr(c.item.err.text, "Bad system call") ||
		strstr(c.item.err.text, "Segmentation fault"));
	case_release(&c);
#ifdef __x86_64__
	fails_with("!call 0x40000027", -ENOTRECOVERABLE, "Bad system call"); /* x32's getpid */
#endif
}

/* The name of a process's network namespace, "" if it can't be seen. */
static void network_of(pid_t pid, char *name, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	ssize_t n = readlink(path, name, size - 1);
	name[n > 0 ? n : 0] = '\0';
}

static void the_server_has_a_network_of_its_own(void **state)
{
	struct parser_about about;
	char ours[64], its[64];

	(void)state;
	parser_about(parser, &about);
	network_of(getpid(), ours, sizeof(ours));
	network_of(server_pid(), its, sizeof(its));
	if (about.has_network || !its[0]) {
		print_message("skipped: no network namespace can be made, or seen, here\n");
		skip();
	}
	assert_string_not_equal(ours, its);
}

static void limits_end_a_document(void **state)
{
	int64_t begun = clock_mono_ns();

	(void)state;
	outcome_is("!allocate", "ENOMEM");
	fails_with("!fill", -ENOTRECOVERABLE, "128 MiB of memory");
	fails_with("!recurse", -ENOTRECOVERABLE, "Segmentation fault");
	fails_with("!spin", -ENOTRECOVERABLE, "1 s of CPU time");
	fails_with("!spin-on", -ENOTRECOVERABLE, "1 s of CPU time");
	assert_true(clock_mono_ns() - begun < 60 * NS_PER_SEC);
	outcome_is("!open /", "EACCES"); /* and the next one is read */
}

static void waiting_ends_too(void **state)
{
	(void)state;
	restart(2);
	fails_with("!sleep", -ENOTRECOVERABLE, "took more than 2 s");
	restart(tight_limits().wall_s);
}

/* Takes its first text, then four seconds of time. */
static int dawdle(void *context, const char *utf8, size_t len)
{
	size_t *total = context;

	(void)utf8;
	if (*total == 0)
		sleep(4);
	*total += len;
	return 0;
}

static void a_slow_sink_is_not_the_parsers_fault(void **state)
{
	enum { LEN = 900000 };
	AUTO_FREE char *text = malloc(LEN);
	struct parse_case c;
	size_t total = 0;

	(void)state;
	restart(3);
	memset(text, 'x', LEN);
	case_init(&c, "a.txt", text, LEN);
	c.item.sink = (struct parse_sink){.text = dawdle, .context = &total};
	case_run(parser, &c);
	assert_int_equal(c.item.result, 0);
	assert_int_equal(total, LEN);
	case_release(&c);
	restart(tight_limits().wall_s);
}

static void endless_text_is_cut_off(void **state)
{
	struct parser_limits limits = tight_limits();
	struct parse_case c;

	(void)state;
	case_init_text(&c, "order.txt", "!flood");
	case_run(parser, &c);
	assert_int_equal(c.item.result, -EFBIG);
	assert_non_null(strstr(c.item.err.text, "more than 1048576 bytes of text"));
	assert_true(c.text.len <= limits.text_bytes);
	case_release(&c);
}

/* Takes a MiB of a member, and no more. */
static int take_some(void *context, const void *data, size_t len)
{
	size_t *total = context;

	(void)data;
	*total += len;
	return *total > 1u << 20 ? -EFBIG : 0;
}

static void an_endless_member_is_cut_off(void **state)
{
	struct parse_case c;
	size_t total = 0;

	(void)state;
	case_init_text(&c, "order.txt", "!flood-member");
	c.item.sink = (struct parse_sink){.member_data = take_some, .context = &total};
	case_run(parser, &c);
	assert_int_equal(c.item.result, -EFBIG);
	assert_true(total < 2u << 20);
	case_release(&c);
}

/* Where nobody says stop, time does. */
static void endless_records_are_cut_off(void **state)
{
	static const char *const orders[] = {"!flood-member", "!flood-members", "!flood-nothing"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct parse_case c;
		case_init_text(&c, "order.txt", orders[i]);
		c.item.sink = (struct parse_sink){.context = NULL};
		case_run(parser, &c);
		assert_int_equal(c.item.result, -ENOTRECOVERABLE);
		assert_non_null(strstr(c.item.err.text, "the parser was stopped"));
		case_release(&c);
	}
	fails_with("!flood-marks", -ENOTRECOVERABLE, "makes no sense");
}

/* It ends the document that says it, and that one's process. */
static void a_forged_end_ends_only_itself(void **state)
{
	int64_t begun = clock_mono_ns();

	(void)state;
	for (int i = 0; i < 70; i++) /* more than the server has children at a time */
		fails_with("!forge-exit", -ENOTRECOVERABLE, "gave up");
	assert_true(clock_mono_ns() - begun < 30 * NS_PER_SEC);
	outcome_is("!open /", "EACCES");
}

static void a_crash_is_told_by_its_name(void **state)
{
	(void)state;
	fails_with("!crash", -ENOTRECOVERABLE, "Segmentation fault");
	fails_with("!abort", -ENOTRECOVERABLE, "Aborted");
}

static void nonsense_is_not_believed(void **state)
{
	(void)state;
	fails_with("!nonsense", -ENOTRECOVERABLE, "makes no sense");
	fails_with("!invalid", -ENOTRECOVERABLE, "makes no sense");
}

enum { BATCH = 20 };

static void a_crash_in_a_batch_takes_only_its_item(void **state)
{
	static const char *const orders[] = {"!crash", "!nonsense", "!abort"};
	struct parse_case cases[BATCH];
	struct parse_item items[BATCH];

	(void)state;
	for (size_t i = 0; i < BATCH; i++) {
		case_init_text(&cases[i], "a.txt", i % 7 == 3 ? orders[i / 7] : "harmless");
		items[i] = cases[i].item;
	}
	parser_run(parser, items, BATCH);
	for (size_t i = 0; i < BATCH; i++) {
		cases[i].item = items[i];
		assert_int_equal(items[i].result, i % 7 == 3 ? -ENOTRECOVERABLE : 0);
		assert_string_equal(case_text(&cases[i]), i % 7 == 3 ? "" : "harmless");
		case_release(&cases[i]);
	}
}

static void a_killed_server_is_started_again(void **state)
{
	struct parser *before = parser;
	struct parser_limits limits = tight_limits();

	(void)state;
	parser_free(before);
	parser = parser_start(&limits);
	uint64_t starts = metric_get(METRIC_PARSER_STARTS);
	for (int i = 0; i < 3; i++) {
		pid_t pid = server_pid();
		assert_true(pid > 0);
		assert_int_equal(kill(pid, SIGKILL), 0);
		if (i < 2)
			outcome_is("!open /etc/passwd", "EACCES");
	}
	assert_int_equal(metric_get(METRIC_PARSER_STARTS), starts + 2);
	/* the third death within a minute: a rest, and a failure that may pass */
	fails_with("harmless", -EIO, "died 3 times in a minute");
	struct health health = health_get(HEALTH_PARSER);
	assert_true(health.is_failing);
	assert_non_null(strstr(health.err.text, "it is started again in"));
	assert_int_equal(metric_get(METRIC_PARSER_STARTS), starts + 2);
	/* five seconds later it is there again; the fourth death costs ten */
	sleep(6);
	outcome_is("!open /etc/passwd", "EACCES");
	assert_false(health_get(HEALTH_PARSER).is_failing);
	assert_int_equal(kill(server_pid(), SIGKILL), 0);
	fails_with("harmless", -EIO, "it is started again in 10 s");
	parser_free(parser);
	parser = parser_start(&limits);
}

static void *kill_server_soon(void *unused)
{
	(void)unused;
	usleep(200000);
	kill(server_pid(), SIGKILL);
	return NULL;
}

/* It dies under a document: that is tried once more, with the new server. */
static void a_server_that_dies_under_a_document(void **state)
{
	pthread_t killer;

	(void)state;
	restart(3);
	assert_int_equal(pthread_create(&killer, NULL, kill_server_soon, NULL), 0);
	fails_with("!sleep", -ENOTRECOVERABLE, "took more than 3 s");
	pthread_join(killer, NULL);
	restart(tight_limits().wall_s);
}

static void the_server_goes_with_its_client(void **state)
{
	struct parser_limits limits = tight_limits();
	struct parser *second;

	(void)state;
	parser_free(parser);
	second = parser_start(&limits);
	pid_t pid = server_pid();
	assert_true(pid > 0);
	parser_free(second);
	assert_int_equal(kill(pid, 0), -1);
	parser = parser_start(&limits);
}

/* Without Landlock the other two ways hold as well. */
static void other_confinements_hold(const char *without, const char *refusal)
{
	struct parser_limits limits = tight_limits();

	setenv("ASKFS_PARSE_WITHOUT", without, 1);
	parser_free(parser);
	parser = parser_start(&limits);
	unsetenv("ASKFS_PARSE_WITHOUT");
	assert_non_null(parser);
	outcome_is("!open /etc/passwd", refusal);
	outcome_is("!open /proc/self/maps", refusal);
	outcome_is("!socket 2", "EPERM");
}

/* In a chroot one can be made, and its mounts cannot be made private. */
static bool has_namespaces(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) ||
			mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	waitpid(pid, &status, 0);
	return status == 0;
}

static void a_namespace_holds_nothing_else(void **state)
{
	struct parse_case c;

	(void)state;
	if (!has_namespaces()) {
		print_message("skipped: no mount namespace can be made here\n");
		skip();
	}
	other_confinements_hold("landlock", "ENOENT");
	case_init_file(&c, FIXTURES "shift-jis.pdf");
	case_run(parser, &c);
	assert_string_equal(c.item.err.text, "");
	assert_string_equal(case_text(&c), "返金は十四日以内に支払われます");
	case_release(&c);
}

static void a_document_that_misses_a_file_has_failed(void **state)
{
	struct parse_case c;

	(void)state;
	other_confinements_hold("landlock, namespace", "EACCES");
	case_init_file(&c, FIXTURES "shift-jis.pdf");
	case_run(parser, &c);
	assert_int_equal(c.item.result, -ENODATA);
	assert_non_null(strstr(c.item.err.text, "poppler-data"));
	case_release(&c);
	case_init_file(&c, FIXTURES "three-pages.pdf");
	case_run(parser, &c);
	assert_int_equal(c.item.result, 0);
	case_release(&c);
}

/* A result and, unless it is text, a sentence: within the limits. What our sink has too much of
 * needs none. */
static void ends_well(const char *path)
{
	struct parse_case c;
	int64_t begun = clock_mono_ns();

	case_init_file(&c, path);
	case_run(parser, &c);
	bool is_too_much = c.item.result == -EFBIG || c.item.result == -E2BIG;
	if (c.item.result && !is_too_much && !c.item.err.text[0])
		fail_msg("%s: %d without a reason", path, c.item.result);
	if (!c.item.parsed.content_type)
		fail_msg("%s: no type (%s)", path, c.item.err.text);
	assert_true(clock_mono_ns() - begun < 30 * NS_PER_SEC);
	case_release(&c);
}

static size_t walk(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t count = 0;

	while (dir && (entry = readdir(dir))) {
		char path[1024];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_type == DT_DIR) {
			count += walk(path);
		} else if (entry->d_type == DT_REG) {
			ends_well(path);
			count++;
		}
	}
	if (dir)
		closedir(dir);
	return count;
}

static void bombs_and_loops_end(void **state)
{
	struct parser_limits limits = tight_limits();

	(void)state;
	parser_free(parser);
	parser = parser_start(&limits);
	ends_well(FIXTURES "bomb.pdf");
	ends_well(FIXTURES "page-loop.pdf");
}

static void collected_documents_end(void **state)
{
	(void)state;
	if (access(COLLECTED, R_OK)) {
		print_message("skipped: %s is not there\n", COLLECTED);
		skip();
	}
	assert_true(walk(COLLECTED "/hostile/files") > 0);
	assert_true(walk(COLLECTED "/formats/files") > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_out_of_reach),
		cmocka_unit_test(what_readers_need_can_be_read),
		cmocka_unit_test(the_document_cannot_be_changed),
		cmocka_unit_test(memory_is_never_code_nor_the_documents),
		cmocka_unit_test(system_calls_are_refused),
		cmocka_unit_test(sockets_of_every_family_are_refused),
		cmocka_unit_test(arguments_of_calls_are_looked_at),
		cmocka_unit_test(every_other_call_is_refused),
		cmocka_unit_test(calls_of_another_architecture_kill),
		cmocka_unit_test(the_server_has_a_network_of_its_own),
		cmocka_unit_test(limits_end_a_document),
		cmocka_unit_test(waiting_ends_too),
		cmocka_unit_test(a_slow_sink_is_not_the_parsers_fault),
		cmocka_unit_test(endless_text_is_cut_off),
		cmocka_unit_test(an_endless_member_is_cut_off),
		cmocka_unit_test(endless_records_are_cut_off),
		cmocka_unit_test(a_forged_end_ends_only_itself),
		cmocka_unit_test(a_crash_is_told_by_its_name),
		cmocka_unit_test(nonsense_is_not_believed),
		cmocka_unit_test(a_crash_in_a_batch_takes_only_its_item),
		cmocka_unit_test(a_server_that_dies_under_a_document),
		cmocka_unit_test(a_killed_server_is_started_again),
		cmocka_unit_test(the_server_goes_with_its_client),
		cmocka_unit_test(a_namespace_holds_nothing_else),
		cmocka_unit_test(a_document_that_misses_a_file_has_failed),
		cmocka_unit_test(bombs_and_loops_end),
		cmocka_unit_test(collected_documents_end),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
