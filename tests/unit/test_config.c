/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/config_table.h"

/* A configuration and a folder for the files of one test. */
struct fixture {
	struct config config;
	struct err err;
	char folder[32];
	char file[64];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	if (!fixture)
		return -1;
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/askfs-config-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	snprintf(fixture->file, sizeof(fixture->file), "%s/test.conf", fixture->folder);
	return config_init(&fixture->config);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	config_release(&fixture->config);
	unlink(fixture->file);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static void write_file(const char *path, const char *text, size_t len)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
}

static int read_text(struct fixture *fixture, const char *text)
{
	write_file(fixture->file, text, strlen(text));
	return config_read_file(&fixture->config, fixture->file, &fixture->err);
}

/* A file that must be refused with a sentence that begins with the place and holds @words. */
static void assert_refused(
	struct fixture *fixture, const char *text, unsigned line, const char *words)
{
	char place[96];

	assert_int_equal(read_text(fixture, text), -EINVAL);
	snprintf(place, sizeof(place), "%s:%u: ", fixture->file, line);
	if (strncmp(fixture->err.text, place, strlen(place)) || !strstr(fixture->err.text, words))
		fail_msg("refused with: %s", fixture->err.text);
}

static void defaults_are_those_of_the_manual(void **state)
{
	const struct config *config = &((struct fixture *)*state)->config;

	assert_string_equal(config->catalog, "auto");
	assert_string_equal(config->parse_program, "");
	assert_int_equal(config->max_file_bytes, UINT64_C(4) << 30);
	assert_string_equal(config->sync, "group");
	assert_int_equal(config->settle_ns, 200 * NS_PER_MS);
	assert_int_equal(config->settle_max_ns, 5 * NS_PER_SEC);
	assert_int_equal(config->drain_ns, 5 * NS_PER_SEC);
	assert_int_equal(config->folder_drain_ns, 60 * NS_PER_SEC);
	assert_int_equal(config->keep_versions, 10);
	assert_int_equal(config->parse_memory, 512 << 20);
	assert_int_equal(config->parse_cpu_s, 60);
	assert_int_equal(config->parse_wall_s, 120);
	assert_int_equal(config->chunk_size, 1000);
	assert_int_equal(config->chunk_overlap, 200);
	assert_int_equal(config->top_k, 5);
	assert_true(config->similarity_threshold < 0);
	assert_int_equal(config->ask_wait_ns, 300 * NS_PER_SEC);
	assert_int_equal(config->ask_max_question_bytes, 64 << 10);
	assert_int_equal(config->io_threads, 4);
	assert_false(config->allow_other);
	assert_int_equal(config_check(config, NULL), 0);
}

static void a_file_sets_what_it_names(void **state)
{
	struct fixture *fixture = *state;
	struct config *config = &fixture->config;

	assert_int_equal(
		read_text(fixture,
			"# a comment\n"
			"[inbox]\n"
			"max_file = 64k ; of the disk\n"
			"   settle=1500ms\n" /* indented: a setting of its own all the same */
			"drain = never\n"
			"\n"
			"[parse]\n"
			"cpu = 2m\n"
			"program = /opt/askfs parse\n"
			"[retrieve]\n"
			"similarity_threshold = 0.25\n"
			"[realm]\n"
			"name = example.org"),
		0);
	assert_int_equal(config->max_file_bytes, 65536);
	assert_int_equal(config->settle_ns, 1500 * NS_PER_MS);
	assert_int_equal(config->drain_ns, -1);
	assert_int_equal(config->parse_cpu_s, 120);
	assert_string_equal(config->parse_program, "/opt/askfs parse");
	assert_float_equal(config->similarity_threshold, 0.25, 1e-9);
	assert_string_equal(config->realm, "example.org");
	assert_int_equal(config->chunk_size, 1000);
}

static void what_is_wrong_is_refused_with_its_place(void **state)
{
	struct fixture *fixture = *state;

	assert_refused(fixture, "[inbox]\n\nsetle = 1s\n", 3, "unknown key setle in [inbox]");
	assert_refused(fixture, "[inbox]\nsetle = 1s\n", 2, "keep_versions");
	assert_refused(fixture, "[inboxes]\nsettle = 1s\n", 2, "unknown section [inboxes]");
	assert_refused(fixture, "settle = 1s\n", 1, "unknown section []");
	assert_refused(fixture, "[inbox]\nsettle\n", 2, "expected [section] or key = value");
	assert_refused(fixture, "[inbox\n", 1, "expected [section] or key = value");
	assert_refused(fixture, "[inbox]\nsettle = soon\n", 2, "a time from 0s to 1h");
	assert_refused(fixture, "[inbox]\nsettle = never\n", 2, "a time from 0s to 1h");
	assert_refused(fixture, "[inbox]\ndrain = -1\n", 2, "or never");
	assert_refused(fixture, "[inbox]\nmax_file = 17T\n", 2, "a size from 1 to 16T");
	assert_refused(fixture, "[inbox]\nmax_file = 1.5G\n", 2, "a size from 1 to 16T");
	assert_refused(fixture, "[inbox]\nmax_file = 9999999999G\n", 2, "a size");
	assert_refused(fixture, "[inbox]\nmax_file =\n", 2, "a size");
	assert_refused(fixture, "[retrieve]\ntop_k = 0\n", 2, "a whole number from 1 to 100");
	assert_refused(fixture, "[retrieve]\ntop_k = 5 5\n", 2, "a whole number from 1 to 100");
	assert_refused(fixture, "[retrieve]\ntop_k = 99999999999999999999\n", 2, "a whole number");
	assert_refused(fixture, "[retrieve]\nsimilarity_threshold = nan\n", 2, "from 0 to 1");
	assert_refused(fixture, "[retrieve]\nsimilarity_threshold = 1.01\n", 2, "or auto");
	assert_refused(fixture, "[parse]\ncpu = 500ms\n", 2, "whole seconds from 1s to 24h");
	assert_refused(fixture, "[parse]\nprogram = askfs-parse\n", 2, "an absolute path");
	assert_refused(fixture, "[realm]\nname = a#b\n", 2, "letters, digits");
	assert_refused(
		fixture, "[ports]\ncatalog = dynamodb\n", 2, "expected one of: auto sqlite memory");
}

/* inih would hand the second half of such a line over as a line of its own. */
static void a_line_that_does_not_fit_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char text[600];

	int len = snprintf(text, sizeof(text), "[inbox]\n# %0250d\n", 7);
	assert_true(len > 250);
	assert_refused(fixture, text, 2, "expected a line of at most");

	const char with_nul[] = "[inbox]\nsettle = 1s\0\n[retrieve]\ntop_k = 7\n";
	write_file(fixture->file, with_nul, sizeof(with_nul) - 1);
	assert_int_equal(config_read_file(&fixture->config, fixture->file, &fixture->err), -EINVAL);
}

static void the_first_error_is_the_one_told(void **state)
{
	assert_refused(*state, "[inbox]\nsettle = x\nmax_file = y\n[nothing]\nz\n", 2, "settle");
}

static void a_file_that_is_not_there(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(config_read_file(&fixture->config, fixture->file, &fixture->err), -ENOENT);
	assert_non_null(strstr(fixture->err.text, fixture->file));
	assert_int_equal(
		config_read_files(&fixture->config, fixture->file, &fixture->err), -ENOENT);
}

static void the_users_file_is_found(void **state)
{
	struct fixture *fixture = *state;
	char folder[64], file[96];

	snprintf(folder, sizeof(folder), "%s/askfs", fixture->folder);
	snprintf(file, sizeof(file), "%s/askfs.conf", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	write_file(file, "[retrieve]\ntop_k = 9\n", 21);
	setenv("XDG_CONFIG_HOME", fixture->folder, 1);
	int rc = config_read_files(&fixture->config, NULL, &fixture->err);
	unsetenv("XDG_CONFIG_HOME");
	unlink(file);
	rmdir(folder);
	assert_int_equal(rc, 0);
	assert_int_equal(fixture->config.top_k, 9);
}

/* Each source overrules the one before it, and the rendering says which one won. */
static void the_later_source_wins(void **state)
{
	struct fixture *fixture = *state;
	struct config *config = &fixture->config;
	AUTO_BUF struct buf out;
	char line[160];

	buf_init(&out, BUF_MAX_DEFAULT);
	assert_int_equal(read_text(fixture, "[retrieve]\ntop_k = 7\n[ask]\nhistory = 3\n"), 0);
	assert_int_equal(config->top_k, 7);
	setenv("VECTOR_TOP_K", "8", 1);
	setenv("SIMILARITY_THRESHOLD", "", 1);
	int rc = config_read_environment(config, &fixture->err);
	unsetenv("SIMILARITY_THRESHOLD");
	unsetenv("VECTOR_TOP_K");
	assert_int_equal(rc, 0);
	assert_int_equal(config->top_k, 8);
	assert_int_equal(config_set_option(config, "settle", "1s", &fixture->err), 0);

	assert_int_equal(config_render(config, &out), 0);
	assert_non_null(strstr(out.data, "\ntop_k = 8 ; the variable VECTOR_TOP_K\n"));
	assert_non_null(strstr(out.data, "\nsettle = 1s ; -o settle\n"));
	assert_non_null(strstr(out.data, "\nsimilarity_threshold = auto ; default\n"));
	snprintf(line, sizeof(line), "\nhistory = 3 ; %s:4\n", fixture->file);
	assert_non_null(strstr(out.data, line));
}

static void a_wrong_variable_is_refused(void **state)
{
	struct fixture *fixture = *state;

	setenv("VECTOR_TOP_K", "many", 1);
	int rc = config_read_environment(&fixture->config, &fixture->err);
	unsetenv("VECTOR_TOP_K");
	assert_int_equal(rc, -EINVAL);
	assert_string_equal(fixture->err.text,
		"the variable VECTOR_TOP_K: top_k = many: expected a "
		"whole number from 1 to 100");
	assert_int_equal(fixture->config.top_k, 5);
}

static void options_with_and_without_a_value(void **state)
{
	struct fixture *fixture = *state;
	struct config *config = &fixture->config;
	struct err *err = &fixture->err;

	assert_int_equal(config_set_option(config, "allow_other", NULL, err), 0);
	assert_true(config->allow_other);
	assert_int_equal(config_set_option(config, "allow_other", "no", err), 0);
	assert_false(config->allow_other);
	assert_int_equal(config_set_option(config, "drain", "0", err), 0);
	assert_int_equal(config->drain_ns, 0);
	assert_int_equal(config_set_option(config, "generator", "extractive", err), 0);
	assert_string_equal(config->generator, "extractive");
	assert_int_equal(config_set_option(config, "top_k", NULL, err), -EINVAL);
	assert_int_equal(config_set_option(config, "top_k", "0", err), -EINVAL);
	assert_int_equal(config_set_option(config, "noatime", NULL, err), -ENOENT);
}

static void settings_that_contradict_each_other(void **state)
{
	struct fixture *fixture = *state;
	struct config *config = &fixture->config;

	config->chunk_overlap = 501;
	assert_int_equal(config_check(config, &fixture->err), -EINVAL);
	assert_non_null(strstr(fixture->err.text, "half of the chunk size, which is 1000"));
	config->chunk_overlap = 500;
	assert_int_equal(config_check(config, &fixture->err), 0);
	config->parse_cpu_s = 121;
	assert_int_equal(config_check(config, &fixture->err), -EINVAL);
}

/* What is rendered is a configuration file that means the same. */
static void a_rendering_reads_back(void **state)
{
	struct fixture *fixture = *state;
	AUTO_BUF struct buf first, second;

	buf_init(&first, BUF_MAX_DEFAULT);
	buf_init(&second, BUF_MAX_DEFAULT);
	assert_int_equal(
		read_text(fixture,
			"[inbox]\nmax_file=1536M\nsettle=0\nsettle_max=90s\ndrain=never\n"
			"[parse]\nmemory=33M\nwall=2h\n[retrieve]\nsimilarity_threshold=0.315\n"
			"[daemon]\nlog_level=debug\n"),
		0);
	assert_int_equal(config_render(&fixture->config, &first), 0);
	config_release(&fixture->config);
	assert_int_equal(config_init(&fixture->config), 0);
	assert_int_equal(read_text(fixture, first.data), 0);
	assert_int_equal(config_render(&fixture->config, &second), 0);

	char *from_first = first.data, *from_second = second.data;
	while (*from_first && *from_second) {
		size_t one = strcspn(from_first, ";\n"), two = strcspn(from_second, ";\n");
		assert_int_equal(one, two);
		assert_memory_equal(from_first, from_second, one);
		from_first += strcspn(from_first, "\n") + 1;
		from_second += strcspn(from_second, "\n") + 1;
	}
	assert_int_equal(*from_first, *from_second);
	assert_non_null(strstr(first.data, "max_file = 1536M ;"));
	assert_non_null(strstr(first.data, "settle_max = 90s ;"));
}

static void help_names_each_setting(void **state)
{
	AUTO_BUF struct buf help;
	size_t lines = 0, options = 0;

	(void)state;
	buf_init(&help, BUF_MAX_DEFAULT);
	assert_int_equal(config_help(&help), 0);
	for (const char *at = help.data; *at; at += strcspn(at, "\n") + 1)
		lines++;
	for (size_t i = 0; i < CONFIG_SETTINGS; i++)
		options += config_settings[i].option != NULL;
	assert_int_equal(lines, options);
	assert_non_null(strstr(help.data, "-o settle=200ms"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_are_those_of_the_manual),
		TEST(a_file_sets_what_it_names),
		TEST(what_is_wrong_is_refused_with_its_place),
		TEST(a_line_that_does_not_fit_is_refused),
		TEST(the_first_error_is_the_one_told),
		TEST(a_file_that_is_not_there),
		TEST(the_users_file_is_found),
		TEST(the_later_source_wins),
		TEST(a_wrong_variable_is_refused),
		TEST(options_with_and_without_a_value),
		TEST(settings_that_contradict_each_other),
		TEST(a_rendering_reads_back),
		TEST(help_names_each_setting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
