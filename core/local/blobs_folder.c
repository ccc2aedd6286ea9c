/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs in a folder.
 *
 *	objects/<aa>/<sha256>                         the bytes, once
 *	refs/<bb>/<document>.<version>.<kind>         a hard link for each key
 *
 * The link count is the reference count. <aa> is the first byte of the hash, <bb> the last of
 * the document's id; no name that a user chose is ever a path here.
 *
 * New bytes go to a file without a name and are hashed on their way. Then the key is linked,
 * then the object; when the last key goes, the object goes first. So a process that dies in
 * between leaves a key without an object at worst: its bytes are still read through it, and
 * the next equal file is stored anew. An object that another process left (or that a loss of
 * power tore) is read and compared once before a key is linked to it.
 *
 * Nothing is fsynced before sync(), which fsyncs each file where few were put since the last
 * one, and the whole filesystem where it were many. */
#include "core/local/blobs_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/hash.h"

#define NAME_SIZE  128 /* holds the longest name above */
#define BLOCK_SIZE ((size_t)64 << 10)
#define KNOWN	   256 /* objects remembered as good: 8 KiB */
#define DIRTY	   8 /* more puts than that since the last sync: syncfs */
#define PUT_TRIES  3

struct dirty {
	uint8_t sha256[HASH_SIZE];
	uint8_t ref_folder;
};

struct folder {
	struct blobs blobs;
	int root;
	pthread_mutex_t lock; /* also: unlinking an object with its last key */
	uint8_t known[KNOWN][HASH_SIZE]; /* lock; by first byte of the hash */
	struct dirty dirty[DIRTY]; /* lock */
	size_t dirty_count; /* lock; more than DIRTY: not all are listed */
	pthread_mutex_t sync_lock; /* one sync at a time; held before lock */
};

static void close_dir(DIR *dir)
{
	if (dir)
		closedir(dir);
}
AUTO_DEFINE(close_dir, DIR *);

static struct folder *folder_of(struct blobs *blobs)
{
	return (struct folder *)blobs;
}

/* Names below the root. */

static const char *const kind_names[] = {[BLOB_ORIGINAL] = "original", [BLOB_TEXT] = "text"};

static void name_object(char out[NAME_SIZE], const uint8_t sha256[HASH_SIZE])
{
	char text[HASH_TEXT];

	snprintf(out, NAME_SIZE, "objects/%02x/%s", sha256[0], hash_format(sha256, text));
}

static void name_ref(char out[NAME_SIZE], const struct blob_key *key)
{
	char id[UUID_TEXT];

	snprintf(out, NAME_SIZE, "refs/%02x/%s.%" PRIu32 ".%s", key->document.bytes[15],
		uuid_format(&key->document, id), key->version, kind_names[key->kind]);
}

/* The key that a name in refs/<bb>/ stands for. */
static bool parse_ref(const char *name, struct blob_key *key)
{
	char id[UUID_TEXT], *end;

	if (strnlen(name, UUID_TEXT) < UUID_TEXT || name[UUID_TEXT - 1] != '.')
		return false;
	memcpy(id, name, UUID_TEXT - 1);
	id[UUID_TEXT - 1] = '\0';
	key->version = (uint32_t)strtoul(name + UUID_TEXT, &end, 10);
	if (!uuid_parse(id, &key->document) || key->version == 0 || *end != '.')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kind_names); i++) {
		if (strcmp(end + 1, kind_names[i]) == 0) {
			key->kind = (enum blob_kind)i;
			return true;
		}
	}
	return false;
}

/* What is known and what is dirty. */

static bool is_known(struct folder *folder, const uint8_t sha256[HASH_SIZE])
{
	pthread_mutex_lock(&folder->lock);
	bool known = memcmp(folder->known[sha256[0]], sha256, HASH_SIZE) == 0;
	pthread_mutex_unlock(&folder->lock);
	return known;
}

static void learn(struct folder *folder, const uint8_t sha256[HASH_SIZE])
{
	pthread_mutex_lock(&folder->lock);
	memcpy(folder->known[sha256[0]], sha256, HASH_SIZE);
	pthread_mutex_unlock(&folder->lock);
}

static void mark_dirty(
	struct folder *folder, const struct blob_key *key, const uint8_t sha256[HASH_SIZE])
{
	pthread_mutex_lock(&folder->lock);
	if (folder->dirty_count < DIRTY) {
		struct dirty *dirty = &folder->dirty[folder->dirty_count];
		memcpy(dirty->sha256, sha256, HASH_SIZE);
		dirty->ref_folder = key->document.bytes[15];
	}
	folder->dirty_count++;
	pthread_mutex_unlock(&folder->lock);
}

/* put */

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t put = write(fd, data, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

/* Copy the bytes of @from and make sure that they are the ones that were announced. */
static int copy_checked(
	int from, int to, uint64_t size, const uint8_t sha256[HASH_SIZE], struct err *err)
{
	AUTO_HASH struct hash hash;
	uint8_t found[HASH_SIZE];
	char block[BLOCK_SIZE];
	uint64_t offset = 0;

	if (hash_init(&hash))
		return err_set(err, -ENOMEM, "out of memory");
	while (offset < size) {
		ssize_t got = pread(from, block, sizeof(block), (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, -errno, "cannot read the file: %s", strerror(errno));
		if (got == 0)
			break;
		hash_add(&hash, block, (size_t)got);
		int rc = write_all(to, block, (size_t)got);
		if (rc)
			return err_set(err, rc, "cannot store the file: %s", strerror(-rc));
		offset += (uint64_t)got;
	}
	hash_end(&hash, found);
	if (offset != size || memcmp(found, sha256, HASH_SIZE) != 0)
		return err_set(err, -EAGAIN, "the file changed while it was being stored");
	return 0;
}

static void name_fd(char out[NAME_SIZE], int fd)
{
	snprintf(out, NAME_SIZE, "/proc/self/fd/%d", fd);
}

/* Store new bytes under the key and as an object. */
static int store(struct folder *folder, const char *ref, const char *object, int fd, uint64_t size,
	const uint8_t sha256[HASH_SIZE], struct err *err)
{
	char unnamed[NAME_SIZE];
	AUTO_CLOSE int file = openat(folder->root, "objects", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (file < 0)
		return err_set(err, -errno, "cannot store the file: %s", strerror(errno));
	int rc = copy_checked(fd, file, size, sha256, err);
	if (rc)
		return rc;
	name_fd(unnamed, file);
	if (linkat(AT_FDCWD, unnamed, folder->root, ref, AT_SYMLINK_FOLLOW))
		return err_set(err, -errno, "cannot store the file: %s", strerror(errno));
	if (linkat(AT_FDCWD, unnamed, folder->root, object, AT_SYMLINK_FOLLOW) && errno != EEXIST) {
		rc = err_set(err, -errno, "cannot store the file: %s", strerror(errno));
		unlinkat(folder->root, ref, 0);
		return rc;
	}
	return 0;
}

/* Is the object there, and does it hold what its name says? One that does not is removed. */
static bool has_object(struct folder *folder, const char *object, const uint8_t sha256[HASH_SIZE])
{
	uint8_t found[HASH_SIZE];
	uint64_t size;

	if (is_known(folder, sha256))
		return true;
	AUTO_CLOSE int fd = openat(folder->root, object, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (hash_fd(fd, found, &size, NULL) == 0 && memcmp(found, sha256, HASH_SIZE) == 0) {
		learn(folder, sha256);
		return true;
	}
	unlinkat(folder->root, object, 0);
	return false;
}

static int folder_remove(struct blobs *blobs, const struct blob_key *key, struct err *err);

/* Link the key to an object that is there, or store the bytes. A link that fails because the
 * object has just gone (-ENOENT) or has as many links as it can (-EMLINK) asks for new
 * bytes; one that fails with -EEXIST replaces a blob. */
static int put_once(struct folder *folder, const struct blob_key *key, int fd, uint64_t size,
	const uint8_t sha256[HASH_SIZE], struct err *err)
{
	char ref[NAME_SIZE], object[NAME_SIZE];

	name_ref(ref, key);
	name_object(object, sha256);
	if (has_object(folder, object, sha256)) {
		if (linkat(folder->root, object, folder->root, ref, 0) == 0)
			return 0;
		if (errno == EMLINK)
			unlinkat(folder->root, object, 0);
		else if (errno != ENOENT)
			return err_set(err, -errno, "cannot store the file: %s", strerror(errno));
	}
	int rc = store(folder, ref, object, fd, size, sha256, err);
	if (rc == 0)
		learn(folder, sha256);
	return rc;
}

static int folder_put(struct blobs *blobs, const struct blob_key *key, int fd, uint64_t size,
	const uint8_t sha256[HASH_SIZE], struct err *err)
{
	struct folder *folder = folder_of(blobs);
	int rc = put_once(folder, key, fd, size, sha256, err);

	for (int i = 0; rc == -EEXIST && i < PUT_TRIES; i++) {
		rc = folder_remove(blobs, key, err);
		if (rc == 0)
			rc = put_once(folder, key, fd, size, sha256, err);
	}
	if (rc == 0)
		mark_dirty(folder, key, sha256);
	return rc;
}

/* open, read */

static int open_ref(struct folder *folder, const char *ref, struct err *err)
{
	int fd = openat(folder->root, ref, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_set(err, -errno, "cannot open the blob %s: %s", ref, strerror(errno))
		      : fd;
}

static int folder_open(struct blobs *blobs, const struct blob_key *key, struct err *err)
{
	char ref[NAME_SIZE];

	name_ref(ref, key);
	return open_ref(folder_of(blobs), ref, err);
}

static ssize_t folder_read(struct blobs *blobs, const struct blob_key *key, void *data, size_t len,
	uint64_t offset, struct err *err)
{
	AUTO_CLOSE int fd = folder_open(blobs, key, err);

	if (fd < 0)
		return fd;
	ssize_t got = pread(fd, data, len, (off_t)offset);
	return got < 0 ? err_set(err, -errno, "cannot read the blob: %s", strerror(errno)) : got;
}

/* remove */

/* Unlink @ref, whose file is open as @fd; and @object before it, where it is the same file
 * and no other key has it. */
static int unlink_ref(struct folder *folder, const char *ref, int fd, const char *object)
{
	struct stat mine, other;
	int rc = 0;

	pthread_mutex_lock(&folder->lock);
	if (object && fstat(fd, &mine) == 0 && mine.st_nlink == 2 &&
		fstatat(folder->root, object, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
		other.st_ino == mine.st_ino)
		unlinkat(folder->root, object, 0);
	if (unlinkat(folder->root, ref, 0) && errno != ENOENT)
		rc = -errno;
	pthread_mutex_unlock(&folder->lock);
	return rc;
}

static int remove_ref(struct folder *folder, const char *ref, struct err *err)
{
	char object[NAME_SIZE];
	uint8_t sha256[HASH_SIZE];
	uint64_t size;
	struct stat status;
	AUTO_CLOSE int fd = open_ref(folder, ref, err);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	/* The name of the object is not kept anywhere: it is the hash of the bytes. */
	bool is_last = fstat(fd, &status) == 0 && status.st_nlink == 2 &&
		hash_fd(fd, sha256, &size, NULL) == 0;
	if (is_last)
		name_object(object, sha256);
	int rc = unlink_ref(folder, ref, fd, is_last ? object : NULL);
	return rc ? err_set(err, rc, "cannot remove the blob %s: %s", ref, strerror(-rc)) : 0;
}

static int folder_remove(struct blobs *blobs, const struct blob_key *key, struct err *err)
{
	char ref[NAME_SIZE];

	name_ref(ref, key);
	return remove_ref(folder_of(blobs), ref, err);
}

static DIR *open_dir(struct folder *folder, const char *top, unsigned byte)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "%s/%02x", top, byte);
	int fd = openat(folder->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

/* Walks over all names. */

/* Called with each name in a folder; non-zero stops. */
typedef int (*name_fn)(void *context, struct folder *folder, unsigned byte, const char *name);

static int walk_dir(
	struct folder *folder, const char *top, unsigned byte, name_fn callback, void *context)
{
	AUTO(close_dir) DIR *dir = open_dir(folder, top, byte);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		int rc = callback(context, folder, byte, entry->d_name);
		if (rc)
			return rc;
	}
	return 0;
}

static int walk(struct folder *folder, const char *top, name_fn callback, void *context)
{
	int rc = 0;

	for (unsigned byte = 0; byte < 256 && rc == 0; byte++)
		rc = walk_dir(folder, top, byte, callback, context);
	return rc;
}

struct removal {
	const struct uuid *document;
	struct err *err;
};

static int remove_if_of(void *context, struct folder *folder, unsigned byte, const char *name)
{
	struct removal *removal = context;
	struct blob_key key;
	char ref[NAME_SIZE];

	(void)byte;
	if (!parse_ref(name, &key) || !uuid_equal(&key.document, removal->document))
		return 0;
	name_ref(ref, &key);
	return remove_ref(folder, ref, removal->err);
}

static int folder_remove_document(struct blobs *blobs, const struct uuid *document, struct err *err)
{
	struct removal removal = {.document = document, .err = err};

	return walk_dir(folder_of(blobs), "refs", document->bytes[15], remove_if_of, &removal);
}

struct listing {
	blobs_each_fn callback;
	void *context;
};

static int list_ref(void *context, struct folder *folder, unsigned byte, const char *name)
{
	struct listing *listing = context;
	struct blob_key key;

	(void)folder;
	(void)byte;
	if (!parse_ref(name, &key))
		return 0;
	return listing->callback(listing->context, &key.document, key.version, key.kind);
}

static int folder_each(struct blobs *blobs, blobs_each_fn callback, void *context, struct err *err)
{
	struct listing listing = {.callback = callback, .context = context};

	(void)err; /* what fails is the callback's, and so is the sentence */
	return walk(folder_of(blobs), "refs", list_ref, &listing);
}

static int check_object(void *context, struct folder *folder, unsigned byte, const char *name)
{
	struct buf *report = context;
	char path[NAME_SIZE], text[HASH_TEXT];
	uint8_t found[HASH_SIZE];
	uint64_t size;
	struct err err = ERR_NONE;

	snprintf(path, sizeof(path), "objects/%02x/%.64s", byte, name);
	AUTO_CLOSE int fd = openat(folder->root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : buf_addf(report, "%s: %s\n", path, strerror(errno));
	if (hash_fd(fd, found, &size, &err))
		return buf_addf(report, "%s: %s\n", path, err.text);
	if (strcmp(hash_format(found, text), name) != 0)
		return buf_addf(report, "%s: holds other bytes than its name says\n", path);
	return 0;
}

static int check_ref(void *context, struct folder *folder, unsigned byte, const char *name)
{
	struct buf *report = context;
	struct blob_key key;

	(void)folder;
	if (!parse_ref(name, &key) || key.document.bytes[15] != byte)
		return buf_addf(report, "refs/%02x/%s: not the name of a blob\n", byte, name);
	return 0;
}

static int folder_check(struct blobs *blobs, struct buf *report, struct err *err)
{
	int rc = walk(folder_of(blobs), "objects", check_object, report);

	if (rc == 0)
		rc = walk(folder_of(blobs), "refs", check_ref, report);
	return rc ? err_set(err, rc, "cannot check the blobs: %s", strerror(-rc)) : 0;
}

/* sync */

static int sync_path(struct folder *folder, const char *path)
{
	AUTO_CLOSE int fd = openat(folder->root, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno; /* removed since */
	return fsync(fd) ? -errno : 0;
}

/* The bytes, and the two folders that name them. */
static int sync_dirty(struct folder *folder, const struct dirty *dirty)
{
	char object[NAME_SIZE], dir[NAME_SIZE];

	name_object(object, dirty->sha256);
	int rc = sync_path(folder, object);
	snprintf(dir, sizeof(dir), "objects/%02x", dirty->sha256[0]);
	if (rc == 0)
		rc = sync_path(folder, dir);
	snprintf(dir, sizeof(dir), "refs/%02x", dirty->ref_folder);
	return rc ? rc : sync_path(folder, dir);
}

static int sync_all(struct folder *folder, const struct dirty *dirty, size_t count)
{
	if (count > DIRTY)
		return syncfs(folder->root) ? -errno : 0;
	for (size_t i = 0; i < count; i++) {
		int rc = sync_dirty(folder, &dirty[i]);
		if (rc)
			return rc;
	}
	return 0;
}

static int folder_sync(struct blobs *blobs, struct err *err)
{
	struct folder *folder = folder_of(blobs);
	struct dirty dirty[DIRTY];

	pthread_mutex_lock(&folder->sync_lock);
	pthread_mutex_lock(&folder->lock);
	size_t count = folder->dirty_count;
	memcpy(dirty, folder->dirty, sizeof(dirty));
	folder->dirty_count = 0;
	pthread_mutex_unlock(&folder->lock);

	int rc = sync_all(folder, dirty, count);
	if (rc) { /* the next one makes up for it */
		pthread_mutex_lock(&folder->lock);
		folder->dirty_count = DIRTY + 1;
		pthread_mutex_unlock(&folder->lock);
	}
	pthread_mutex_unlock(&folder->sync_lock);
	return rc ? err_set(err, rc, "cannot sync the blobs: %s", strerror(-rc)) : 0;
}

static void folder_free(struct blobs *blobs)
{
	struct folder *folder = folder_of(blobs);

	if (folder->root >= 0)
		close(folder->root);
	pthread_mutex_destroy(&folder->lock);
	pthread_mutex_destroy(&folder->sync_lock);
	free(folder);
}

static const struct blobs_ops folder_ops = {
	.name = "folder",
	.put = folder_put,
	.read = folder_read,
	.open = folder_open,
	.remove = folder_remove,
	.remove_document = folder_remove_document,
	.each = folder_each,
	.sync = folder_sync,
	.check = folder_check,
	.free = folder_free,
};

static int make_dir(int at, const char *name)
{
	return mkdirat(at, name, 0700) && errno != EEXIST ? -errno : 0;
}

static int make_dirs(int root, const char *top)
{
	char name[NAME_SIZE];
	int rc = make_dir(root, top);

	for (unsigned byte = 0; byte < 256 && rc == 0; byte++) {
		snprintf(name, sizeof(name), "%s/%02x", top, byte);
		rc = make_dir(root, name);
	}
	return rc;
}

static int open_root(const char *path)
{
	int rc = make_dir(AT_FDCWD, path);

	if (rc)
		return rc;
	AUTO_CLOSE int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	rc = make_dirs(root, "objects");
	if (rc == 0)
		rc = make_dirs(root, "refs");
	return rc ? rc : TAKE_FD(root);
}

int blobs_folder_new(struct blobs **out, const char *path, struct err *err)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	if (!folder)
		return err_set(err, -ENOMEM, "out of memory");
	folder->blobs.ops = &folder_ops;
	pthread_mutex_init(&folder->lock, NULL);
	pthread_mutex_init(&folder->sync_lock, NULL);
	folder->root = open_root(path);
	if (folder->root < 0) {
		int rc = folder->root;
		folder_free(&folder->blobs);
		return err_set(err, rc, "cannot open the blobs in %s: %s", path, strerror(-rc));
	}
	*out = &folder->blobs;
	return 0;
}
