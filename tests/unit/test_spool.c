/* SPDX-License-Identifier: Apache-2.0 */
/* Every change of the spool is there again after it was opened anew. */
#include "core/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "tests/unit/spool_world.h"

static struct spool_inode *root(struct spool_world *world)
{
	return spool_root(world->spool);
}

static bool has(struct spool_world *world, const char *path)
{
	return sw_find(world, path) != NULL;
}

static off_t journal_bytes(const struct spool_world *world)
{
	struct stat attr;

	assert_int_equal(fstatat(world->dir_fd, "journal", &attr, 0), 0);
	return attr.st_size;
}

static bool has_backing(const struct spool_world *world, uint64_t ino)
{
	char name[24];

	return faccessat(world->dir_fd, spool_file(ino, name), F_OK, 0) == 0;
}

static void test_names_of_all_kinds(void **state)
{
	struct spool_world world;

	(void)state;
	sw_open(&world);
	struct spool_entry *folder = sw_make(&world, root(&world), "folder", SPOOL_FOLDER);
	sw_make(&world, folder->inode, "deep", SPOOL_FOLDER);
	struct spool_entry *file = sw_make(
		&world, sw_find(&world, "folder/deep")->inode, "-odd\n\xff name", SPOOL_FILE);
	sw_make(&world, root(&world), "link", SPOOL_LINK);
	uint64_t ino = file->inode->ino;

	sw_reopen(&world);
	file = sw_find(&world, "folder/deep/-odd\n\xff name");
	assert_non_null(file);
	assert_int_equal(file->inode->ino, ino);
	assert_int_equal(file->inode->kind, SPOOL_FILE);
	assert_int_equal(file->inode->mode, 0644);
	assert_int_equal(file->inode->uid, 1001);
	assert_int_equal(file->inode->gid, 1002);
	assert_int_equal(sw_find(&world, "folder")->inode->folders, 1);
	assert_string_equal(sw_find(&world, "link")->inode->target, "else/where");
	assert_int_equal(root(&world)->mode, 01777);
	AUTO_BUF struct buf path;
	buf_init(&path, BUF_MAX_DEFAULT);
	assert_int_equal(spool_path(file, &path), 0);
	assert_string_equal(path.data, "folder/deep/-odd\n\xff name");
	sw_close(&world);
}

static void test_inode_numbers_are_not_given_twice(void **state)
{
	struct spool_world world;

	(void)state;
	sw_open(&world);
	uint64_t first = sw_make(&world, root(&world), "a", SPOOL_FILE)->inode->ino;
	uint64_t last = sw_make(&world, root(&world), "b", SPOOL_FILE)->inode->ino;
	assert_true(last > first);
	assert_int_equal(spool_unlink(world.spool, sw_find(&world, "b"), false, NULL, NULL), 0);
	sw_reopen(&world);
	assert_true(sw_make(&world, root(&world), "c", SPOOL_FILE)->inode->ino > last);
	sw_close(&world);
}

static void test_attributes(void **state)
{
	const struct spool_attr attr = {
		.mode = 0600, .uid = 7, .gid = 8, .atime_ns = 111, .mtime_ns = 222};
	struct spool_world world;
	int result = 1;

	(void)state;
	sw_open(&world);
	struct spool_entry *a = sw_make(&world, root(&world), "a", SPOOL_FILE);
	spool_setattr(world.spool, a->inode, &attr,
		SPOOL_MODE | SPOOL_UID | SPOOL_GID | SPOOL_ATIME | SPOOL_MTIME, sw_note, &result);
	sw_settle(&world);
	assert_int_equal(result, 0);
	int64_t ctime_ns = a->inode->ctime_ns;

	sw_reopen(&world);
	const struct spool_inode *inode = sw_find(&world, "a")->inode;
	assert_int_equal(inode->mode, 0600);
	assert_int_equal(inode->uid, 7);
	assert_int_equal(inode->gid, 8);
	assert_int_equal(inode->atime_ns, 111);
	assert_int_equal(inode->mtime_ns, 222);
	assert_int_equal(inode->ctime_ns, ctime_ns);
	sw_close(&world);
}

static void test_size_and_time_of_what_was_written(void **state)
{
	struct spool_world world;

	(void)state;
	sw_open(&world);
	sw_write(&world, sw_make(&world, root(&world), "a", SPOOL_FILE), "twelve bytes");
	sw_reopen(&world);
	const struct spool_inode *inode = sw_find(&world, "a")->inode;
	struct stat attr;
	char name[24];
	assert_int_equal(fstatat(world.dir_fd, spool_file(inode->ino, name), &attr, 0), 0);
	assert_int_equal(inode->size, 12);
	assert_int_equal(
		inode->mtime_ns, attr.st_mtim.tv_sec * INT64_C(1000000000) + attr.st_mtim.tv_nsec);
	sw_close(&world);
}

static void set_xattr(struct spool_world *world, const char *name, const char *value)
{
	struct spool_inode *inode = sw_find(world, "a")->inode;
	int result = 1;

	assert_int_equal(spool_setxattr(world->spool, inode, name, value, value ? strlen(value) : 0,
				 0, sw_note, &result),
		0);
	sw_settle(world);
	assert_int_equal(result, 0);
}

static void test_extended_attributes(void **state)
{
	struct spool_world world;

	(void)state;
	sw_open(&world);
	sw_make(&world, root(&world), "a", SPOOL_FILE);
	set_xattr(&world, "user.one", "first");
	set_xattr(&world, "user.two", "");
	set_xattr(&world, "user.three", "goes");
	set_xattr(&world, "user.one", "changed");
	set_xattr(&world, "user.three", NULL);

	sw_reopen(&world);
	struct spool_inode *inode = sw_find(&world, "a")->inode;
	const struct spool_xattr *one = spool_getxattr(inode, "user.one");
	assert_non_null(one);
	assert_int_equal(one->size, 7);
	assert_memory_equal(one->value, "changed", 7);
	assert_non_null(spool_getxattr(inode, "user.two"));
	assert_int_equal(spool_getxattr(inode, "user.two")->size, 0);
	assert_null(spool_getxattr(inode, "user.three"));

	assert_int_equal(
		spool_setxattr(world.spool, inode, "user.one", "x", 1, XATTR_CREATE, sw_note, NULL),
		-EEXIST);
	assert_int_equal(
		spool_setxattr(world.spool, inode, "user.no", "x", 1, XATTR_REPLACE, sw_note, NULL),
		-ENODATA);
	assert_int_equal(
		spool_setxattr(world.spool, inode, "user.no", NULL, 0, 0, sw_note, NULL), -ENODATA);
	static const char large[65 << 10];
	assert_int_equal(spool_setxattr(world.spool, inode, "user.no", large, sizeof(large), 0,
				 sw_note, NULL),
		-ENOSPC);
	sw_close(&world);
}

static int rename_to(struct spool_world *world, const char *from, const char *folder,
	const char *to, unsigned flags)
{
	int result = 1;
	struct spool_inode *to_folder = *folder ? sw_find(world, folder)->inode : root(world);

	int rc = spool_rename(
		world->spool, sw_find(world, from), to_folder, to, flags, sw_note, &result);
	sw_settle(world);
	assert_int_equal(result, rc ? 1 : 0);
	return rc;
}

static void test_rename(void **state)
{
	struct uuid document = uuid_new();
	struct spool_world world;

	(void)state;
	sw_open(&world);
	sw_make(&world, root(&world), "folder", SPOOL_FOLDER);
	struct spool_entry *a = sw_make(&world, root(&world), "a", SPOOL_FILE);
	uint64_t ino = a->inode->ino;
	uint64_t gone = sw_make(&world, root(&world), "b", SPOOL_FILE)->inode->ino;
	spool_assign(world.spool, a, &document);
	spool_clean(world.spool, a, a->inode->generation);

	assert_int_equal(rename_to(&world, "a", "", "b", RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(rename_to(&world, "a", "", "b", 0), 0);
	assert_int_equal(rename_to(&world, "b", "folder", "c", 0), 0);
	sw_reopen(&world);
	assert_false(has(&world, "a") || has(&world, "b"));
	struct spool_entry *c = sw_find(&world, "folder/c");
	assert_non_null(c);
	assert_int_equal(c->inode->ino, ino);
	assert_int_equal(c->inode->names, 1);
	assert_true(uuid_equal(&c->document, &document));
	assert_int_equal(c->clean, c->inode->generation);
	assert_null(spool_inode(world.spool, gone));
	assert_false(has_backing(&world, gone));
	assert_true(has_backing(&world, ino));
	sw_close(&world);
}

static void test_rename_that_is_refused_changes_nothing(void **state)
{
	struct spool_world world;

	(void)state;
	sw_open(&world);
	struct spool_entry *full = sw_make(&world, root(&world), "full", SPOOL_FOLDER);
	sw_make(&world, full->inode, "inside", SPOOL_FOLDER);
	sw_make(&world, root(&world), "empty", SPOOL_FOLDER);
	sw_make(&world, root(&world), "file", SPOOL_FILE);
	off_t before = journal_bytes(&world);

	assert_int_equal(rename_to(&world, "full", "full/inside", "x", 0), -EINVAL);
	assert_int_equal(rename_to(&world, "empty", "", "full", 0), -ENOTEMPTY);
	assert_int_equal(rename_to(&world, "file", "", "empty", 0), -EISDIR);
	assert_int_equal(rename_to(&world, "empty", "", "file", 0), -ENOTDIR);
	assert_int_equal(rename_to(&world, "file", "", "none", RENAME_EXCHANGE), -ENOENT);
	assert_int_equal(rename_to(&world, "full/inside", "", "full", RENAME_EXCHANGE), -EINVAL);
	assert_int_equal(
		spool_unlink(world.spool, sw_find(&world, "full"), false, NULL, NULL), -ENOTEMPTY);
	assert_int_equal(journal_bytes(&world), before);
	assert_int_equal(rename_to(&world, "empty", "full", "x", 0), 0);
	assert_true(has(&world, "full/x"));
	sw_close(&world);
}

static void test_exchange(void **state)
{
	struct uuid of_a = uuid_new(), of_b = uuid_new();
	struct spool_world world;

	(void)state;
	sw_open(&world);
	struct spool_entry *folder = sw_make(&world, root(&world), "folder", SPOOL_FOLDER);
	struct spool_entry *a = sw_make(&world, root(&world), "a", SPOOL_FILE);
	struct spool_entry *b = sw_make(&world, folder->inode, "b", SPOOL_FILE);
	uint64_t ino_a = a->inode->ino, ino_b = b->inode->ino;
	b->is_error_note = true;
	spool_assign(world.spool, a, &of_a);
	spool_clean(world.spool, a, a->inode->generation);
	spool_assign(world.spool, b, &of_b);
	spool_clean(world.spool, b, b->inode->generation);
	assert_int_equal(rename_to(&world, "a", "folder", "b", RENAME_EXCHANGE), 0);

	for (int i = 0; i < 2; i++, sw_reopen(&world)) {
		a = sw_find(&world, "a");
		b = sw_find(&world, "folder/b");
		assert_int_equal(a->inode->ino, ino_b);
		assert_int_equal(b->inode->ino, ino_a);
		assert_true(uuid_equal(&a->document, &of_b));
		assert_true(uuid_equal(&b->document, &of_a));
		assert_int_equal(a->clean, a->inode->generation);
		assert_int_equal(b->clean, b->inode->generation);
		assert_true(a->is_error_note && !b->is_error_note);
	}
	sw_close(&world);
}

static void test_links(void **state)
{
	struct spool_entry *entry;
	struct spool_world world;
	int result = 1;

	(void)state;
	sw_open(&world);
	struct spool_entry *folder = sw_make(&world, root(&world), "folder", SPOOL_FOLDER);
	struct spool_inode *inode = sw_make(&world, root(&world), "a", SPOOL_FILE)->inode;
	assert_int_equal(
		spool_link(world.spool, inode, folder->inode, "b", &entry, sw_note, &result), 0);
	sw_settle(&world);
	assert_int_equal(result, 0);
	assert_int_equal(spool_link(world.spool, inode, root(&world), "folder", &entry, NULL, NULL),
		-EEXIST);
	assert_int_equal(
		spool_link(world.spool, folder->inode, root(&world), "x", &entry, NULL, NULL),
		-EPERM);

	sw_reopen(&world);
	inode = sw_find(&world, "a")->inode;
	assert_ptr_equal(sw_find(&world, "folder/b")->inode, inode);
	assert_int_equal(inode->names, 2);
	uint64_t ino = inode->ino;
	assert_int_equal(rename_to(&world, "a", "folder", "b", 0), 0);
	sw_reopen(&world);
	assert_true(has(&world, "a") && has(&world, "folder/b"));
	assert_int_equal(spool_unlink(world.spool, sw_find(&world, "a"), false, NULL, NULL), 0);
	sw_reopen(&world);
	assert_false(has(&world, "a"));
	assert_int_equal(sw_find(&world, "folder/b")->inode->names, 1);
	assert_true(has_backing(&world, ino));
	sw_close(&world);
}

static void test_an_unlinked_file_lives_while_it_is_held(void **state)
{
	struct spool_world world;

	(void)state;
	sw_open(&world);
	struct spool_inode *inode = sw_make(&world, root(&world), "a", SPOOL_FILE)->inode;
	uint64_t ino = inode->ino;
	spool_ref(inode);
	assert_int_equal(spool_unlink(world.spool, inode->name, false, NULL, NULL), 0);
	sw_settle(&world);
	assert_true(has_backing(&world, ino));
	assert_ptr_equal(spool_inode(world.spool, ino), inode);
	spool_unref(world.spool, inode);
	sw_settle(&world);
	assert_false(has_backing(&world, ino));
	assert_null(spool_inode(world.spool, ino));
	sw_close(&world);
}

static void test_a_write_makes_a_clean_name_dirty(void **state)
{
	struct spool_world world;
	int result = 1;

	(void)state;
	sw_open(&world);
	struct spool_entry *a = sw_make(&world, root(&world), "a", SPOOL_FILE);
	sw_write(&world, a, "one");
	spool_clean(world.spool, a, a->inode->generation);
	sw_reopen(&world);
	a = sw_find(&world, "a");
	assert_int_equal(a->clean, a->inode->generation);

	spool_open_for_write(world.spool, a->inode, sw_note, &result);
	sw_settle(&world);
	assert_int_equal(result, 0);
	sw_write(&world, a, "two");
	sw_reopen(&world);
	a = sw_find(&world, "a");
	assert_int_not_equal(a->clean, a->inode->generation);
	sw_close(&world);
}

/* A program opens a file again while it is ingested, and writes when that is done. */
static void test_a_handle_from_before_makes_it_dirty(void **state)
{
	struct spool_world world;
	int result = 1;

	(void)state;
	sw_open(&world);
	struct spool_entry *a = sw_make(&world, root(&world), "a", SPOOL_FILE);
	spool_open_for_write(world.spool, a->inode, sw_note, &result);
	assert_int_equal(result, 0);
	spool_clean(world.spool, a, a->inode->generation);
	sw_write(&world, a, "late");
	sw_write(&world, a, "later");
	sw_reopen(&world);
	a = sw_find(&world, "a");
	assert_int_not_equal(a->clean, a->inode->generation);
	sw_close(&world);
}

/* Closing it waits until a kill can't make the new content pass for the old one. */
static void test_closing_waits_for_the_mark(void **state)
{
	struct spool_world world;
	int result = 1;

	(void)state;
	sw_open(&world);
	struct spool_entry *a = sw_make(&world, root(&world), "a", SPOOL_FILE);
	spool_clean(world.spool, a, a->inode->generation);
	sw_settle(&world);
	spool_wrote(world.spool, a->inode);
	spool_flush(world.spool, a->inode, sw_note, &result);
	assert_int_equal(result, 1);
	sw_settle(&world);
	assert_int_equal(result, 0);
	result = 1;
	spool_flush(world.spool, a->inode, sw_note, &result);
	assert_int_equal(result, 0); /* nothing is owed: at once */
	sw_reopen(&world);
	a = sw_find(&world, "a");
	assert_int_not_equal(a->clean, a->inode->generation);
	sw_close(&world);
}

static void test_a_backing_file_that_fails_leaves_no_name(void **state)
{
	const struct spool_new new = {.kind = SPOOL_FILE, .mode = 0644};
	struct spool_entry *entry;
	struct spool_world world;
	int result = 1, fd = -1;
	char name[24];

	(void)state;
	sw_open(&world);
	uint64_t ino = sw_make(&world, root(&world), "a", SPOOL_FILE)->inode->ino;
	assert_int_equal(mkdirat(world.dir_fd, spool_file(ino + 1, name), 0700), 0);
	assert_int_equal(
		spool_create(world.spool, root(&world), "b", &new, &entry, &fd, sw_note, &result),
		0);
	assert_true(has(&world, "b"));
	sw_settle(&world);
	assert_int_equal(result, -EISDIR);
	assert_int_equal(fd, -1);
	assert_false(has(&world, "b"));
	assert_true(has(&world, "a"));
	sw_reopen(&world);
	assert_false(has(&world, "b"));
	assert_true(has(&world, "a"));
	sw_close(&world);
}

static void test_what_belongs_to_nothing_is_swept_away(void **state)
{
	struct spool_world world;
	char name[24];

	(void)state;
	sw_open(&world);
	uint64_t lost = sw_make(&world, root(&world), "lost", SPOOL_FILE)->inode->ino;
	sw_make(&world, root(&world), "kept", SPOOL_FILE);
	assert_int_equal(unlinkat(world.dir_fd, spool_file(lost, name), 0), 0);
	close(openat(world.dir_fd, "9000", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	sw_reopen(&world);
	assert_false(has(&world, "lost"));
	assert_true(has(&world, "kept"));
	assert_false(has_backing(&world, 9000));
	sw_close(&world);
}

/* Free the spool, change the journal's end, open it again. */
static void cut_journal(struct spool_world *world, off_t len)
{
	spool_free(world->spool);
	AUTO_CLOSE int fd = openat(world->dir_fd, "journal", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, len), 0);
	struct err err = ERR_NONE;
	assert_int_equal(spool_open(&world->spool, world->dir_fd, 1000, 1000, world->loop,
				 world->pool, &err),
		0);
}

static void test_a_torn_record_is_cut_off(void **state)
{
	struct spool_world world;

	(void)state;
	sw_open(&world);
	sw_make(&world, root(&world), "a", SPOOL_FILE);
	off_t whole = journal_bytes(&world);
	sw_make(&world, root(&world), "b", SPOOL_FILE);
	cut_journal(&world, journal_bytes(&world) - 1);
	assert_true(has(&world, "a"));
	assert_false(has(&world, "b"));
	sw_make(&world, root(&world), "c", SPOOL_FILE);
	sw_reopen(&world);
	assert_true(has(&world, "a") && has(&world, "c"));
	cut_journal(&world, whole);
	assert_true(has(&world, "a"));
	assert_false(has(&world, "c"));
	sw_close(&world);
}

struct orphans {
	struct uuid last;
	int count;
};

static void count_orphan(void *context, const struct uuid *document)
{
	struct orphans *orphans = context;

	orphans->last = *document;
	orphans->count++;
}

static void unlink_document(
	struct spool_world *world, const char *name, const struct uuid *document, bool takes)
{
	struct spool_entry *entry = sw_make(world, root(world), name, SPOOL_FILE);

	spool_assign(world->spool, entry, document);
	assert_int_equal(spool_unlink(world->spool, entry, takes, NULL, NULL), 0);
}

static void test_a_rewrite_keeps_all(void **state)
{
	static char value[60 << 10];
	struct spool_world world;
	struct uuid document = uuid_new(), orphan = uuid_new(), drained = uuid_new();
	struct orphans orphans = {.count = 0};

	(void)state;
	sw_open(&world);
	struct spool_entry *folder = sw_make(&world, root(&world), "folder", SPOOL_FOLDER);
	struct spool_entry *a = sw_make(&world, folder->inode, "a", SPOOL_FILE);
	sw_make(&world, root(&world), "link", SPOOL_LINK);
	spool_assign(world.spool, sw_make(&world, root(&world), "goes", SPOOL_FILE), &orphan);
	unlink_document(&world, "drained", &drained, true); /* deleted, made again, drained */
	unlink_document(&world, "drained", &drained, false);
	spool_assign(world.spool, a, &document);
	spool_clean(world.spool, a, a->inode->generation);
	for (int i = 0; i < 20; i++) {
		memset(value, 'a' + i, sizeof(value));
		assert_int_equal(spool_setxattr(world.spool, a->inode, "user.x", value,
					 sizeof(value), 0, NULL, NULL),
			i == 0 ? 0 : -ENOSPC);
		assert_int_equal(
			spool_setxattr(world.spool, a->inode, "user.x", NULL, 0, 0, NULL, NULL), 0);
		assert_int_equal(spool_setxattr(world.spool, a->inode, "user.x", value,
					 sizeof(value), 0, NULL, NULL),
			0);
	}
	sw_settle(&world);
	assert_true(journal_bytes(&world) > 1 << 20);
	assert_int_equal(spool_unlink(world.spool, sw_find(&world, "goes"), true, NULL, NULL), 0);
	for (int i = 0; i < 300 && journal_bytes(&world) > 100 << 10; i++) {
		sw_settle(&world);
		usleep(10000); /* the group sync comes after a second */
	}
	assert_true(journal_bytes(&world) < 100 << 10);
	sw_settle(&world);

	sw_make(&world, root(&world), "after", SPOOL_FILE);
	sw_reopen(&world);
	a = sw_find(&world, "folder/a");
	assert_non_null(a);
	assert_true(uuid_equal(&a->document, &document));
	assert_int_equal(a->clean, a->inode->generation);
	assert_memory_equal(spool_getxattr(a->inode, "user.x")->value, value, sizeof(value));
	assert_string_equal(sw_find(&world, "link")->inode->target, "else/where");
	assert_true(has(&world, "after"));
	assert_false(has(&world, "goes"));
	spool_each_orphan(world.spool, count_orphan, &orphans); /* its deletion was under way */
	assert_int_equal(orphans.count, 1);
	assert_true(uuid_equal(&orphans.last, &orphan));
	sw_close(&world);
}

static void test_orphans_are_told_once(void **state)
{
	struct uuid gone = uuid_new(), stays = uuid_new(), again = uuid_new();
	struct orphans orphans = {.count = 0};
	struct spool_world world;

	(void)state;
	sw_open(&world);
	unlink_document(&world, "gone", &gone, true);
	unlink_document(&world, "drained", &stays, false);
	unlink_document(&world, "again", &again, true);
	spool_assign(world.spool, sw_make(&world, root(&world), "again", SPOOL_FILE), &again);
	sw_reopen(&world);
	spool_each_orphan(world.spool, count_orphan, &orphans);
	assert_int_equal(orphans.count, 1);
	assert_true(uuid_equal(&orphans.last, &gone));
	spool_each_orphan(world.spool, count_orphan, &orphans);
	assert_int_equal(orphans.count, 1);
	sw_close(&world);
}

static void test_a_document_let_go_of_is_an_orphan(void **state)
{
	struct uuid left = uuid_new(), taken = uuid_new();
	struct orphans orphans = {.count = 0};
	struct spool_world world;

	(void)state;
	sw_open(&world);
	struct spool_entry *backup = sw_make(&world, root(&world), "a.txt~", SPOOL_FILE);
	struct spool_entry *other = sw_make(&world, root(&world), "b.txt", SPOOL_FILE);
	spool_assign(world.spool, backup, &left);
	spool_assign(world.spool, other, &taken);
	spool_assign(world.spool, backup, &(struct uuid){0});
	sw_reopen(&world);
	spool_each_orphan(world.spool, count_orphan, &orphans);
	assert_int_equal(orphans.count, 1);
	assert_true(uuid_equal(&orphans.last, &left));
	assert_true(uuid_is_nil(&sw_find(&world, "a.txt~")->document));
	assert_true(uuid_equal(&sw_find(&world, "b.txt")->document, &taken));
	sw_close(&world);
}

static void test_sync(void **state)
{
	struct spool_world world;
	int all = 1, one = 1;

	(void)state;
	sw_open(&world);
	char name[16];
	for (int i = 0; i < 70; i++) {
		snprintf(name, sizeof(name), "%d", i);
		sw_write(&world, sw_make(&world, root(&world), name, SPOOL_FILE), "x");
	}
	spool_sync_inode(world.spool, sw_find(&world, "3")->inode, sw_note, &one);
	spool_sync(world.spool, sw_note, &all);
	sw_settle(&world);
	assert_int_equal(one, 0);
	assert_int_equal(all, 0);
	for (int i = 0; i < 70; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_false(sw_find(&world, name)->inode->is_unsynced);
	}
	sw_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_all_kinds),
		cmocka_unit_test(test_inode_numbers_are_not_given_twice),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_size_and_time_of_what_was_written),
		cmocka_unit_test(test_extended_attributes),
		cmocka_unit_test(test_rename),
		cmocka_unit_test(test_rename_that_is_refused_changes_nothing),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_an_unlinked_file_lives_while_it_is_held),
		cmocka_unit_test(test_a_write_makes_a_clean_name_dirty),
		cmocka_unit_test(test_a_handle_from_before_makes_it_dirty),
		cmocka_unit_test(test_closing_waits_for_the_mark),
		cmocka_unit_test(test_a_backing_file_that_fails_leaves_no_name),
		cmocka_unit_test(test_what_belongs_to_nothing_is_swept_away),
		cmocka_unit_test(test_a_torn_record_is_cut_off),
		cmocka_unit_test(test_a_rewrite_keeps_all),
		cmocka_unit_test(test_orphans_are_told_once),
		cmocka_unit_test(test_a_document_let_go_of_is_an_orphan),
		cmocka_unit_test(test_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
