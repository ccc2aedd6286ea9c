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
#include <sys/wait.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
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
		.wall_s = 2,
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

static int start(void **state)
{
	struct parser_limits limits = tight_limits();

	(void)state;
	parser = parser_start(&limits);
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
	assert_string_equal(c.item.err.text, "");
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

static void the_document_cannot_be_changed(void **state)
{
	char path[] = "/tmp/askfs-sandbox-XXXXXX", first = 0;
	struct parse_case c;

	(void)state;
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "!overwrite", 10), 10);
	case_init_text(&c, "order.txt", "!overwrite");
	close(c.item.fd);
	c.item.fd = fd; /* open for writing, too */
	case_run(parser, &c);
	assert_string_equal(case_text(&c), "EPERM");
	assert_int_equal(pread(fd, &first, 1, 0), 1);
	assert_int_equal(first, '!');
	case_release(&c);
	unlink(path);
}

static void system_calls_are_refused(void **state)
{
	(void)state;
	outcome_is("!socket", "EPERM");
	outcome_is("!connect", "EPERM");
	outcome_is("!exec /bin/true", "EPERM");
	outcome_is("!ptrace", "EPERM");
	outcome_is("!fork", "EPERM");
	outcome_is("!kill", "EPERM");
	outcome_is("!abort-server", "EPERM");
	outcome_is("!raise-limit", "EPERM");
	outcome_is("!code", "EPERM");
	outcome_is("!control", "EBADF");
}

static void limits_end_a_document(void **state)
{
	int64_t begun = clock_mono_ns();

	(void)state;
	outcome_is("!allocate", "ENOMEM");
	fails_with("!fill", -ENOTRECOVERABLE, "128 MiB of memory");
	fails_with("!spin", -ENOTRECOVERABLE, "1 s of CPU time");
	fails_with("!sleep", -ENOTRECOVERABLE, "took more than 2 s");
	assert_true(clock_mono_ns() - begun < 10 * NS_PER_SEC);
	outcome_is("!open /", "EACCES"); /* and the next one is read */
}

/* Takes its first text, then three seconds of time. */
static int dawdle(void *context, const char *utf8, size_t len)
{
	size_t *total = context;

	(void)utf8;
	if (*total == 0)
		sleep(3);
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
	memset(text, 'x', LEN);
	case_init(&c, "a.txt", text, LEN);
	c.item.sink = (struct parse_sink){.text = dawdle, .context = &total};
	case_run(parser, &c);
	assert_int_equal(c.item.result, 0);
	assert_int_equal(total, LEN);
	case_release(&c);
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
	assert_int_equal(pthread_create(&killer, NULL, kill_server_soon, NULL), 0);
	fails_with("!sleep", -ENOTRECOVERABLE, "took more than 2 s");
	pthread_join(killer, NULL);
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
	outcome_is("!socket", "EPERM");
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

/* A result and, unless it is text, a sentence: within the limits. */
static void ends_well(const char *path)
{
	struct parse_case c;
	int64_t begun = clock_mono_ns();

	case_init_file(&c, path);
	case_run(parser, &c);
	if (c.item.result && !c.item.err.text[0])
		fail_msg("%s: %d without a reason", path, c.item.result);
	if (!c.item.parsed.content_type)
		fail_msg("%s: no type (%s)", path, c.item.err.text);
	assert_true(clock_mono_ns() - begun < 10 * NS_PER_SEC);
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
		cmocka_unit_test(system_calls_are_refused),
		cmocka_unit_test(limits_end_a_document),
		cmocka_unit_test(a_slow_sink_is_not_the_parsers_fault),
		cmocka_unit_test(endless_text_is_cut_off),
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
