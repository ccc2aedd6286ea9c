/* SPDX-License-Identifier: Apache-2.0 */
/* One contract over every adapter of the blobs, then what only the folder promises. */
#include "core/blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/hash.h"
#include "core/local/blobs_folder.h"
#include "core/local/blobs_memory.h"
#include "tests/unit/scratch.h"

struct fixture {
	char *folder;
	struct blobs *blobs;
	struct err err;
};

static struct fixture *fixture_new(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->folder = scratch_new();
	return fixture;
}

static void open_folder(struct fixture *fixture)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/blobs", fixture->folder);
	assert_int_equal(blobs_folder_new(&fixture->blobs, path, &fixture->err), 0);
}

static int setup_folder(void **state)
{
	struct fixture *fixture = fixture_new();

	open_folder(fixture);
	*state = fixture;
	return 0;
}

static int setup_memory(void **state)
{
	struct fixture *fixture = fixture_new();

	assert_int_equal(blobs_memory_new(&fixture->blobs, &fixture->err), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	blobs_free(fixture->blobs);
	scratch_free(fixture->folder);
	free(fixture);
	return 0;
}

static struct blob_key new_key(uint32_t version, enum blob_kind kind)
{
	return (struct blob_key){
		.document = uuid_new(), .version = version, .kind = kind, .name = "../a\n/b"};
}

static void hash_text(const char *text, uint8_t out[HASH_SIZE])
{
	assert_int_equal(hash_bytes(text, strlen(text), out), 0);
}

/* Put @text, whose file has an offset that must not matter. */
static int put(struct fixture *fixture, const struct blob_key *key, const char *text)
{
	uint8_t hash[HASH_SIZE];
	int fd = scratch_file(fixture->folder, "source", text, strlen(text));

	hash_text(text, hash);
	int rc = blobs_put(fixture->blobs, key, fd, strlen(text), hash, &fixture->err);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), (off_t)strlen(text));
	close(fd);
	return rc;
}

static void assert_holds(struct fixture *fixture, const struct blob_key *key, const char *text)
{
	char data[64] = "";
	ssize_t got = blobs_read(fixture->blobs, key, data, sizeof(data) - 1, 0, &fixture->err);

	assert_int_equal(got, (ssize_t)strlen(text));
	assert_string_equal(data, text);
}

static void assert_absent(struct fixture *fixture, const struct blob_key *key)
{
	char data[8];

	assert_int_equal(blobs_read(fixture->blobs, key, data, sizeof(data), 0, NULL), -ENOENT);
}

static void assert_sound(struct fixture *fixture)
{
	struct buf report;

	buf_init(&report, BUF_MAX_DEFAULT);
	assert_int_equal(blobs_check(fixture->blobs, &report, &fixture->err), 0);
	assert_int_equal(report.len, 0);
	buf_release(&report);
}

static void test_put_and_read(void **state)
{
	struct fixture *fixture = *state;
	struct blob_key key = new_key(1, BLOB_ORIGINAL);
	char data[8];

	assert_absent(fixture, &key);
	assert_int_equal(put(fixture, &key, "hello world"), 0);
	assert_holds(fixture, &key, "hello world");
	assert_int_equal(blobs_read(fixture->blobs, &key, data, 3, 6, NULL), 3);
	assert_memory_equal(data, "wor", 3);
	assert_int_equal(blobs_read(fixture->blobs, &key, data, 8, 11, NULL), 0);
	assert_int_equal(blobs_read(fixture->blobs, &key, data, 8, 999, NULL), 0);
	assert_int_equal(blobs_sync(fixture->blobs, &fixture->err), 0);
	assert_sound(fixture);
}

static void test_put_replaces(void **state)
{
	struct fixture *fixture = *state;
	struct blob_key key = new_key(1, BLOB_TEXT);

	assert_int_equal(put(fixture, &key, "old"), 0);
	assert_int_equal(put(fixture, &key, "newer"), 0);
	assert_holds(fixture, &key, "newer");
	assert_int_equal(put(fixture, &key, "newer"), 0);
	assert_holds(fixture, &key, "newer");
	assert_int_equal(put(fixture, &key, ""), 0);
	assert_holds(fixture, &key, "");
	assert_sound(fixture);
}

static void test_equal_bytes_live_as_long_as_their_own_key(void **state)
{
	struct fixture *fixture = *state;
	struct blob_key a = new_key(1, BLOB_ORIGINAL), b = a, c = new_key(3, BLOB_ORIGINAL);

	b.kind = BLOB_TEXT;
	assert_int_equal(put(fixture, &a, "same"), 0);
	assert_int_equal(put(fixture, &b, "same"), 0);
	assert_int_equal(put(fixture, &c, "same"), 0);
	assert_int_equal(blobs_remove(fixture->blobs, &a, &fixture->err), 0);
	assert_absent(fixture, &a);
	assert_holds(fixture, &b, "same");
	assert_int_equal(blobs_remove_document(fixture->blobs, &b.document, &fixture->err), 0);
	assert_absent(fixture, &b);
	assert_holds(fixture, &c, "same");
	assert_int_equal(blobs_remove(fixture->blobs, &c, &fixture->err), 0);
	assert_int_equal(blobs_remove(fixture->blobs, &c, &fixture->err), 0);
	assert_absent(fixture, &c);
	assert_int_equal(put(fixture, &c, "same"), 0);
	assert_holds(fixture, &c, "same");
}

static void test_a_file_that_changes_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct blob_key key = new_key(1, BLOB_ORIGINAL);
	uint8_t hash[HASH_SIZE];
	int fd = scratch_file(fixture->folder, "source", "abcX", 4);

	hash_text("abcd", hash);
	assert_int_equal(blobs_put(fixture->blobs, &key, fd, 4, hash, NULL), -EAGAIN);
	assert_absent(fixture, &key);
	hash_text("abcXYZ", hash);
	assert_int_equal(blobs_put(fixture->blobs, &key, fd, 6, hash, NULL), -EAGAIN);
	assert_absent(fixture, &key);
	close(fd);
	assert_sound(fixture);
}

struct seen {
	struct fixture *fixture;
	size_t count, texts;
	uint32_t versions;
};

static int see(void *context, const struct uuid *document, uint32_t version, enum blob_kind kind)
{
	struct seen *seen = context;
	struct blob_key key = {.document = *document, .version = version, .kind = kind};

	seen->count++;
	seen->texts += kind == BLOB_TEXT;
	seen->versions += version;
	return blobs_remove(seen->fixture->blobs, &key, NULL);
}

static void test_each_shows_all_and_lets_remove(void **state)
{
	struct fixture *fixture = *state;
	struct seen seen = {.fixture = fixture};

	for (uint32_t i = 1; i <= 10; i++) {
		struct blob_key key = new_key(i, i % 2 ? BLOB_TEXT : BLOB_ORIGINAL);
		assert_int_equal(put(fixture, &key, "x"), 0);
	}
	assert_int_equal(blobs_each(fixture->blobs, see, &seen, &fixture->err), 0);
	assert_int_equal(seen.count, 10);
	assert_int_equal(seen.texts, 5);
	assert_int_equal(seen.versions, 55);
	assert_int_equal(blobs_each(fixture->blobs, see, &seen, &fixture->err), 0);
	assert_int_equal(seen.count, 10);
}

/* The folder alone. */

static size_t objects_found;

static int count_object(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)where;
	objects_found += type == FTW_F && strstr(path, "/objects/");
	return 0;
}

static size_t count_objects(const struct fixture *fixture)
{
	objects_found = 0;
	nftw(fixture->folder, count_object, 16, FTW_PHYS);
	return objects_found;
}

static void test_folder_stores_equal_bytes_once_and_keeps_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct blob_key a = new_key(1, BLOB_ORIGINAL), b = new_key(2, BLOB_ORIGINAL);

	assert_int_equal(put(fixture, &a, "same"), 0);
	assert_int_equal(put(fixture, &b, "same"), 0);
	assert_int_equal(count_objects(fixture), 1);
	assert_int_equal(blobs_remove(fixture->blobs, &a, NULL), 0);
	assert_int_equal(count_objects(fixture), 1);
	assert_int_equal(blobs_remove(fixture->blobs, &b, NULL), 0);
	assert_int_equal(count_objects(fixture), 0);
}

static void test_folder_opens_again(void **state)
{
	struct fixture *fixture = *state;
	struct blob_key key = new_key(7, BLOB_TEXT);

	assert_int_equal(put(fixture, &key, "kept"), 0);
	blobs_free(fixture->blobs);
	open_folder(fixture);
	assert_holds(fixture, &key, "kept");
	int fd = blobs_open(fixture->blobs, &key, &fixture->err);
	assert_true(fd >= 0);
	close(fd);
}

/* What a loss of power makes of a file that was never synced. */
static void tear_object(struct fixture *fixture, const char *text)
{
	char path[512], name[HASH_TEXT];
	uint8_t hash[HASH_SIZE];

	hash_text(text, hash);
	snprintf(path, sizeof(path), "%s/blobs/objects/%02x/%s", fixture->folder, hash[0],
		hash_format(hash, name));
	assert_int_equal(truncate(path, 0), 0);
}

static void test_folder_does_not_trust_a_torn_object(void **state)
{
	struct fixture *fixture = *state;
	struct blob_key a = new_key(1, BLOB_ORIGINAL), b = new_key(1, BLOB_ORIGINAL);
	struct buf report;

	assert_int_equal(put(fixture, &a, "precious"), 0);
	blobs_free(fixture->blobs);
	tear_object(fixture, "precious");
	open_folder(fixture);
	buf_init(&report, BUF_MAX_DEFAULT);
	assert_int_equal(blobs_check(fixture->blobs, &report, NULL), 0);
	assert_non_null(strstr(report.data, "holds other bytes"));
	buf_release(&report);
	assert_int_equal(put(fixture, &b, "precious"), 0);
	assert_holds(fixture, &b, "precious");
	assert_sound(fixture);
}

#define ON(setup, test)                                                           \
	{                                                                         \
		.name = #test "/" #setup, .test_func = test, .setup_func = setup, \
		.teardown_func = teardown                                         \
	}
#define ON_ALL(test) ON(setup_folder, test), ON(setup_memory, test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ALL(test_put_and_read),
		ON_ALL(test_put_replaces),
		ON_ALL(test_equal_bytes_live_as_long_as_their_own_key),
		ON_ALL(test_a_file_that_changes_is_refused),
		ON_ALL(test_each_shows_all_and_lets_remove),
		ON(setup_folder, test_folder_stores_equal_bytes_once_and_keeps_nothing),
		ON(setup_folder, test_folder_opens_again),
		ON(setup_folder, test_folder_does_not_trust_a_torn_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
