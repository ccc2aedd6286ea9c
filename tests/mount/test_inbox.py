# SPDX-License-Identifier: Apache-2.0
"""The inbox is a real folder: whatever a program does to a file there works and is kept."""
import base64
import ctypes
import errno
import fcntl
import mmap
import os
import random
import stat
import subprocess
import sys
import time

from harness import (Failed, check, contains, equal, eventually, read, refused, setting, sha256,
                     walk, write, write_all)

TEXT = "".join(f"Line {n} of a file that is written in pieces.\n" for n in range(400)).encode()


def test_random_writes(kb):
    path = os.path.join(kb.inbox, "f.txt")
    pieces = [(at, TEXT[at:at + 700]) for at in range(0, len(TEXT), 700)]
    random.Random(1).shuffle(pieces)
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    for at, piece in pieces:
        equal(os.pwrite(fd, piece, at), len(piece), "bytes written")
        equal(os.pread(fd, len(piece), at), piece, "read back while open")
    equal(os.fstat(fd).st_size, len(TEXT), "size while open")
    os.close(fd)
    equal(read(path), TEXT, "read back")
    equal(kb.indexed("f.txt", TEXT).original, TEXT, "original")


def test_several_handles(kb):
    path = os.path.join(kb.inbox, "f.txt")
    first = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    second = os.open(path, os.O_RDWR)
    os.pwrite(first, TEXT[:1000], 0)
    equal(os.pread(second, 1000, 0), TEXT[:1000], "what the other handle sees")
    os.close(first)
    time.sleep(0.5)
    equal(kb.paths(), [], "documents while a handle is open for writing")
    os.pwrite(second, TEXT[1000:], 1000)
    os.close(second)
    kb.indexed("f.txt", TEXT)
    equal(kb.find("f.txt").meta["version"], 1, "version")


def test_append(kb):
    path = os.path.join(kb.inbox, "log.txt")
    for n in range(5):
        with open(path, "ab") as f:
            f.write(TEXT[n * 100:n * 100 + 100])
    with open(path, "ab") as one, open(path, "ab") as two:
        one.write(b"from one\n"), one.flush()
        two.write(b"from two\n"), two.flush()
        one.write(b"one again\n"), one.flush()
    expected = TEXT[:500] + b"from one\nfrom two\none again\n"
    equal(read(path), expected, "content")
    kb.indexed("log.txt", expected)


def test_truncate(kb):
    path = kb.drop("f.txt", TEXT)
    os.truncate(path, 1000)
    equal(read(path), TEXT[:1000], "shrunk")
    fd = os.open(path, os.O_RDWR)
    os.ftruncate(fd, 1200)
    equal(os.pread(fd, 4000, 0), TEXT[:1000] + bytes(200), "extended")
    os.ftruncate(fd, 600)
    os.close(fd)
    equal(os.stat(path).st_size, 600, "size")
    kb.indexed("f.txt", TEXT[:600])
    with open(path, "wb") as f:
        equal(os.stat(path).st_size, 0, "size after O_TRUNC")
        f.write(b"Anew.\n")
    kb.indexed("f.txt", b"Anew.\n")


def test_mmap(kb):
    path = os.path.join(kb.inbox, "f.txt")
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    os.ftruncate(fd, len(TEXT))
    with mmap.mmap(fd, len(TEXT)) as memory:
        os.close(fd)
        memory[:] = TEXT
        memory.flush()
    equal(read(path), TEXT, "read back")
    kb.indexed("f.txt", TEXT)
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as memory:
        equal(memory[:], TEXT, "mapped for reading")


def test_exclusive_create(kb):
    path = os.path.join(kb.inbox, "f.txt")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    with refused(errno.EEXIST):
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def test_flags_of_open(kb):
    page = mmap.mmap(-1, 4096)
    page.write(b"A whole page that bypasses the cache. ".ljust(4095, b".") + b"\n")
    for name, flags in (("direct.txt", os.O_DIRECT), ("sync.txt", os.O_SYNC),
                        ("dsync.txt", os.O_DSYNC), ("nofollow.txt", os.O_NOFOLLOW),
                        ("nonblock.txt", os.O_NONBLOCK), ("noatime.txt", os.O_NOATIME)):
        path = os.path.join(kb.inbox, name)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o644)
        equal(os.write(fd, page), 4096, f"bytes written with {name}")
        os.close(fd)
        equal(read(path), page[:], f"content of {name}")
    with refused(errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT):
        os.open(kb.inbox, os.O_TMPFILE | os.O_WRONLY)


def test_sparse_file(kb):
    path = os.path.join(kb.inbox, "sparse.dat")
    with open(path, "wb") as f:
        f.seek(1 << 20)
        f.write(b"the end")
    equal(os.stat(path).st_size, (1 << 20) + 7, "size")
    equal(sha256(read(path)), sha256(bytes(1 << 20) + b"the end"), "content")


def test_fallocate(kb):
    libc = ctypes.CDLL(None, use_errno=True)
    path = os.path.join(kb.inbox, "f.txt")
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    os.posix_fallocate(fd, 0, len(TEXT))
    equal(os.fstat(fd).st_size, len(TEXT), "size after fallocate")
    keep_size = 1
    equal(libc.fallocate(fd, keep_size, ctypes.c_long(0), ctypes.c_long(1 << 20)), 0,
          "fallocate that keeps the size")
    equal(os.fstat(fd).st_size, len(TEXT), "size kept")
    os.pwrite(fd, TEXT, 0)
    os.close(fd)
    kb.indexed("f.txt", TEXT)


def holds_lock(path, how):
    """Can another process take that lock now?"""
    script = ("import fcntl, sys\nf = open(sys.argv[1], 'r+b')\n"
              f"try: fcntl.{how}(f, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
              "except BlockingIOError: sys.exit(3)\n")
    status = subprocess.run([sys.executable, "-c", script, path]).returncode
    if status not in (0, 3):
        raise Failed(f"{how} in another process: {status}")
    return status == 3


def test_locks(kb):
    path = kb.drop("f.txt", TEXT)
    for how in ("lockf", "flock"):
        with open(path, "r+b") as f:
            getattr(fcntl, how)(f, fcntl.LOCK_EX)
            check(holds_lock(path, how), f"{how}: another process got the lock")
        check(not holds_lock(path, how), f"{how}: the lock stayed after close")


def test_attributes_are_kept(kb):
    path = kb.drop("f.txt", TEXT)
    os.setxattr(path, "user.color", b"blue")
    os.setxattr(path, "user.shape", b"round", os.XATTR_CREATE)
    with refused(errno.EEXIST):
        os.setxattr(path, "user.shape", b"square", os.XATTR_CREATE)
    with refused(errno.ENODATA):
        os.setxattr(path, "user.none", b"x", os.XATTR_REPLACE)
    with refused(errno.ENODATA):
        os.getxattr(path, "user.none")
    check({"user.color", "user.shape"} <= set(os.listxattr(path)), "listxattr")
    os.removexattr(path, "user.shape")
    os.mkdir(os.path.join(kb.inbox, "folder"))
    os.setxattr(os.path.join(kb.inbox, "folder"), "user.on", b"a folder")
    os.setxattr(path, "user.binary", bytes(range(256)))
    kb.restart()
    equal(os.getxattr(path, "user.color"), b"blue", "after a restart")
    equal(os.getxattr(path, "user.binary"), bytes(range(256)), "after a restart")
    equal(os.getxattr(os.path.join(kb.inbox, "folder"), "user.on"), b"a folder", "of a folder")
    check("user.shape" not in os.listxattr(path), "the removed one came back")


def test_what_askfs_takes_and_says_itself(kb):
    """The same on the file and on the document that came of it."""
    path = kb.drop("f.txt", TEXT)
    for place in (path, kb.indexed("f.txt").folder):
        for name in ("title", "source", "tag.kind"):
            for value in (b"caf\xe9", b"two\0parts"):
                with refused(errno.EINVAL):
                    os.setxattr(place, f"user.askfs.{name}", value)
        with refused(errno.ENODATA):
            os.setxattr(place, "user.askfs.tag.kind", b"x", os.XATTR_REPLACE)
        os.setxattr(place, "user.askfs.tag.kind", b"x", os.XATTR_CREATE)
        with refused(errno.EEXIST):
            os.setxattr(place, "user.askfs.tag.kind", b"y", os.XATTR_CREATE)
        equal(os.getxattr(place, "user.askfs.tag.kind"), b"x", "the tag")
        os.removexattr(place, "user.askfs.tag.kind")
        for name in ("id", "state", "error", "tag.", "other"):
            with refused(errno.EPERM):
                os.setxattr(place, f"user.askfs.{name}", b"x")


def test_what_is_said_of_a_file_leaves_the_rest_of_its_document(kb):
    path = kb.drop("page.html", "<html lang=en><head><title>Brought along</title></head>"
                                "<body><p>Words of a page.</p></body></html>")
    document = kb.indexed("page.html")
    before = document.meta["extra_metadata"]
    check(before, "the page brought nothing along")
    os.setxattr(path, "user.askfs.tag.kind", b"page")
    eventually(lambda: "tags" in document.meta["extra_metadata"], "the tag")
    equal(document.meta["extra_metadata"], {**before, "tags": {"kind": "page"}}, "metadata")
    os.removexattr(path, "user.askfs.tag.kind")
    eventually(lambda: not document.meta["extra_metadata"].get("tags"), "the tag went")
    os.setxattr(path, "user.askfs.title", b"Another")
    eventually(lambda: document.meta["title"] == "Another", "the title")
    os.removexattr(path, "user.askfs.title")
    eventually(lambda: document.meta["title"] == "Brought along", "its own title again")


def test_acls_are_refused(kb):
    """An ACL that nobody enforces must not be accepted."""
    path = kb.drop("f.txt", TEXT)
    acl = bytes.fromhex("02000000" "01000600ffffffff" "02000700e9030000" "04000400ffffffff"
                        "10000600ffffffff" "20000400ffffffff")
    with refused(errno.EOPNOTSUPP):
        os.setxattr(path, "system.posix_acl_access", acl)


def test_mode_owner_and_times_are_kept(kb):
    path = kb.drop("f.txt", TEXT)
    folder = os.path.join(kb.inbox, "folder")
    os.mkdir(folder, 0o750)
    os.chmod(path, 0o604)
    os.utime(path, ns=(1_000_000_000_123_456_789, 1_100_000_000_987_654_321))
    os.utime(folder, ns=(1_200_000_000_000_000_001, 1_300_000_000_000_000_002))
    if os.getuid() == 0:
        os.chown(path, 1234, 5678)
    for when in ("at once", "after a restart"):
        found = os.stat(path)
        equal(stat.S_IMODE(found.st_mode), 0o604, f"mode {when}")
        equal(found.st_mtime_ns, 1_100_000_000_987_654_321, f"mtime {when}")
        equal(found.st_atime_ns, 1_000_000_000_123_456_789, f"atime {when}")
        equal(os.stat(folder).st_mtime_ns, 1_300_000_000_000_000_002, f"mtime of a folder {when}")
        equal(stat.S_IMODE(os.stat(folder).st_mode), 0o750, f"mode of a folder {when}")
        if os.getuid() == 0:
            equal((found.st_uid, found.st_gid), (1234, 5678), f"owner {when}")
        if when == "at once":
            kb.restart()


def test_writing_moves_the_times(kb):
    path = kb.drop("f.txt", TEXT)
    os.utime(path, (1000, 1000))
    with open(path, "ab") as f:
        f.write(b"more")
    check(abs(os.stat(path).st_mtime - time.time()) < 30, "mtime after a write")
    os.utime(kb.inbox, (1000, 1000))
    kb.drop("g.txt", b"x")
    check(abs(os.stat(kb.inbox).st_mtime - time.time()) < 30, "mtime of the folder")


def test_hard_links(kb):
    path, other = os.path.join(kb.inbox, "f.txt"), os.path.join(kb.inbox, "g.txt")
    write(path, TEXT)
    os.link(path, other)
    equal((os.stat(path).st_nlink, os.stat(other).st_ino), (2, os.stat(path).st_ino), "links")
    with open(other, "ab") as f:
        f.write(b"more\n")
    equal(read(path), TEXT + b"more\n", "content through the first name")
    os.unlink(path)
    equal((os.stat(other).st_nlink, read(other)), (1, TEXT + b"more\n"), "the second name")
    kb.indexed("g.txt", TEXT + b"more\n")


def test_symbolic_links_are_not_followed(kb):
    secret = os.path.join(kb.folder, "secret.txt")
    write(secret, b"This lies outside.\n")
    link = os.path.join(kb.inbox, "link.txt")
    os.symlink(secret, link)
    os.symlink("nowhere", os.path.join(kb.inbox, "dangling"))
    os.symlink("..", os.path.join(kb.inbox, "up"))
    equal((os.readlink(link), os.lstat(link).st_size), (secret, len(secret)), "the link")
    kb.nothing_new([])
    os.unlink(link)
    check(not os.path.lexists(link), "the link is still there")


def test_folders(kb):
    deep = os.path.join(kb.inbox, "a/b/c/d/e")
    os.makedirs(deep)
    write(os.path.join(deep, "f.txt"), TEXT)
    with refused(errno.ENOTEMPTY):
        os.rmdir(os.path.join(kb.inbox, "a"))
    with refused(errno.ENOTDIR):
        os.rmdir(os.path.join(deep, "f.txt"))
    with refused(errno.EISDIR, errno.EPERM):
        os.unlink(os.path.join(kb.inbox, "a"))
    with refused(errno.EEXIST):
        os.mkdir(os.path.join(kb.inbox, "a"))
    with refused(errno.EINVAL):
        os.rename(os.path.join(kb.inbox, "a"), os.path.join(kb.inbox, "a/b/z"))
    equal(os.stat(os.path.join(kb.inbox, "a")).st_nlink, 3, "links of a folder with a folder")
    document = kb.indexed("a/b/c/d/e/f.txt", TEXT)
    os.rename(os.path.join(kb.inbox, "a/b"), os.path.join(kb.inbox, "moved"))
    equal(kb.indexed("moved/c/d/e/f.txt").id, document.id, "the document went along")
    equal(kb.paths(), ["moved/c/d/e/f.txt"], "documents")


def test_renames(kb):
    a, b = os.path.join(kb.inbox, "a.txt"), os.path.join(kb.inbox, "b.txt")
    write(a, b"first\n"), write(b, b"second\n")
    libc = ctypes.CDLL(None, use_errno=True)
    no_replace, exchange = 1, 2
    done = libc.renameat2(-100, a.encode(), -100, b.encode(), no_replace)
    check(done == -1 and ctypes.get_errno() == errno.EEXIST, "RENAME_NOREPLACE replaced")
    done = libc.renameat2(-100, a.encode(), -100, b.encode(), exchange)
    if done == 0:
        equal((read(a), read(b)), (b"second\n", b"first\n"), "exchanged")
        write(a, b"first\n"), write(b, b"second\n")
    else:
        check(ctypes.get_errno() in (errno.EINVAL, errno.EOPNOTSUPP), "RENAME_EXCHANGE")
    with open(b, "rb") as old:
        os.rename(a, b)
        equal((read(b), old.read()), (b"first\n", b"second\n"), "the name, and the old handle")
    check(not os.path.exists(a), "the old name is still there")
    with refused(errno.EXDEV, errno.EPERM):
        os.rename(b, kb.path("docs", "b.txt"))


def test_unlinked_but_open(kb):
    path = kb.drop("f.txt", TEXT)
    fd = os.open(path, os.O_RDWR)
    os.unlink(path)
    os.pwrite(fd, b"still here", 0)
    equal(os.pread(fd, 10, 0), b"still here", "content of an unlinked file")
    equal(os.fstat(fd).st_nlink, 0, "links")
    os.close(fd)
    kb.nothing_new([])
    equal(os.listdir(kb.inbox), ["zz-sentinel.txt"], "the inbox")


def test_statfs_is_that_of_the_spool(kb):
    mine, real = os.statvfs(kb.inbox), os.statvfs(kb.state)
    equal((mine.f_blocks * mine.f_frsize, mine.f_namemax),
          (real.f_blocks * real.f_frsize, 255), "size and longest name")
    free, real_free = mine.f_bavail * mine.f_frsize, real.f_bavail * real.f_frsize
    check(abs(free - real_free) < 1 << 30, f"free {free}, the disk has {real_free}")


def test_synchronised(kb):
    path = kb.drop("f.txt", TEXT)
    fd = os.open(path, os.O_RDWR)
    os.fsync(fd), os.fdatasync(fd), os.close(fd)
    fd = os.open(kb.inbox, os.O_RDONLY)
    os.fsync(fd), os.close(fd)
    fd = os.open(kb.mount, os.O_RDONLY)
    check(ctypes.CDLL(None).syncfs(fd) == 0, "syncfs")
    os.close(fd)


@setting(config={"inbox.sync": "close"})
def test_every_close_is_a_sync(kb):
    for n in range(20):
        kb.drop(f"{n}.txt", TEXT)
    kb.all_indexed([f"{n}.txt" for n in range(20)])


NAMES = {"newline": b"two\nlines.txt", "long": b"n" * 251 + b".txt", "utf8": "ü漢.txt".encode(),
         "invalid": b"caf\xe9 \xff.txt", "dash": b"-rf.txt", "emoji": "😀🚀.txt".encode(),
         "blank": b" leading and trailing ", "quote": b"it's \"quoted\" $(x) `y` \\z.txt",
         "control": b"bell\x07\x1b[31m.txt", "dots": b"...txt", "percent": b"%s%n 100%.txt",
         "colon": b"a:b|c?d*e.txt", "long utf8": "漢".encode() * 85}


def test_names(kb):
    inbox = os.fsencode(kb.inbox)
    for name in NAMES.values():
        write(os.path.join(inbox, name), b"Words in " + name.hex().encode() + b".\n")
    kept = {name for name in NAMES.values() if not name.startswith(b".")}
    equal(set(os.listdir(inbox)), set(NAMES.values()), "names in the inbox")

    def originals():
        names = {}
        for document, meta in kb.documents():
            if meta["status"] == "INDEXED":
                names[os.listdir(os.fsencode(document.file("original")))[0]] = document
        return names if len(names) == len(kept) else None
    found = eventually(originals, lambda: f"{len(kept)} documents; there are {kb.paths()}")
    equal(set(found), kept, "names in original/")
    for name, document in found.items():
        meta = document.meta
        equal(meta["path"], readable(name), "path")
        if readable(name).encode() != name:
            equal(base64.b64decode(meta["path_base64"]), name, "path_base64")
        link = os.path.join(os.fsencode(kb.path("by", "name")), name)
        contains(os.path.realpath(link), os.fsencode(document.folder), "by/name")
        contains_name = kb.ask(f"Which words are in {name.hex()}?", "n")
        check("\x1b" not in contains_name and "\x07" not in contains_name,
              "control characters of a name in an answer")


def readable(name):
    """Each invalid byte becomes U+FFFD."""
    return name.decode(errors="replace")


def test_names_that_are_too_long(kb):
    for name in ("n" * 256, "é" * 128):
        path = os.path.join(kb.inbox, name)
        with refused(errno.ENAMETOOLONG):
            os.open(path, os.O_CREAT | os.O_WRONLY)
        with refused(errno.ENAMETOOLONG):
            os.mkdir(path)


def test_no_name_of_a_user_is_a_path_on_the_host(kb):
    os.mkdir(os.path.join(kb.inbox, "quetzalcoatl"))
    kb.add("quetzalcoatl/popocatepetl.txt", TEXT)
    bad = [p for p in walk(kb.state) if "quetzalcoatl" in p or "popocatepetl" in p]
    equal(bad, [], "host paths with names of the user")


def test_copies_within(kb):
    path, copy = kb.drop("f.txt", TEXT), os.path.join(kb.inbox, "g.txt")
    with open(path, "rb") as source, open(copy, "wb") as target:
        try:
            sent = os.copy_file_range(source.fileno(), target.fileno(), len(TEXT))
        except OSError as e:
            check(e.errno in (errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS), str(e))
            sent = 0
        write_all(target.fileno(), TEXT[sent:])
    kb.indexed("g.txt", TEXT)
