/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/spool_world.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/clock.h"
#include "tests/unit/scratch.h"

static void open_spool(struct spool_world *world)
{
	struct err err = ERR_NONE;

	int rc = spool_open(
		&world->spool, world->dir_fd, 1000, 1000, world->loop, world->pool, &err);
	if (rc)
		fail_msg("spool_open: %s", err.text);
}

void sw_open(struct spool_world *world)
{
	*world = (struct spool_world){.folder = scratch_new()};
	world->dir_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(world->dir_fd >= 0);
	assert_int_equal(loop_new(&world->loop), 0);
	assert_int_equal(pool_new(&world->pool, "io", 2, 0), 0);
	open_spool(world);
	sw_settle(world);
}

void sw_settle(struct spool_world *world)
{
	int64_t end_ns = clock_mono_ns() + 20 * NS_PER_SEC;

	loop_drain(world->loop);
	while (spool_is_busy(world->spool)) {
		assert_true(clock_mono_ns() < end_ns);
		usleep(100);
		loop_drain(world->loop);
	}
}

void sw_reopen(struct spool_world *world)
{
	sw_settle(world);
	spool_free(world->spool);
	open_spool(world);
	sw_settle(world);
}

void sw_close(struct spool_world *world)
{
	sw_settle(world);
	spool_free(world->spool);
	pool_free(world->pool);
	loop_free(world->loop);
	close(world->dir_fd);
	scratch_free(world->folder);
}

void sw_note(void *context, int result)
{
	*(int *)context = result;
}

struct spool_entry *sw_make(struct spool_world *world, struct spool_inode *folder, const char *name,
	enum spool_kind kind)
{
	const struct spool_new new = {
		.kind = kind,
		.mode = kind == SPOOL_FOLDER ? 0755 : 0644,
		.uid = 1001,
		.gid = 1002,
		.target = kind == SPOOL_LINK ? "else/where" : NULL,
	};
	struct spool_entry *entry = NULL;
	int result = 1;

	assert_int_equal(
		spool_create(world->spool, folder, name, &new, &entry, NULL, sw_note, &result), 0);
	sw_settle(world);
	assert_int_equal(result, 0);
	return entry;
}

struct spool_entry *sw_find(struct spool_world *world, const char *path)
{
	struct spool_inode *folder = spool_root(world->spool);
	AUTO_FREE char *copy = strdup(path);
	struct spool_entry *entry = NULL;
	char *rest = copy;

	for (char *name; folder && (name = strsep(&rest, "/"));) {
		entry = spool_lookup(world->spool, folder, name);
		folder = entry ? entry->inode : NULL;
	}
	return entry;
}

void sw_write(struct spool_world *world, struct spool_entry *entry, const char *bytes)
{
	char name[24];
	AUTO_CLOSE int fd = openat(
		world->dir_fd, spool_file(entry->inode->ino, name), O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
	entry->inode->size = strlen(bytes);
	spool_wrote(world->spool, entry->inode);
}
