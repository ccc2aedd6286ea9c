# SPDX-License-Identifier: Apache-2.0
"""After a restart everything is what it was: bytes, inode numbers, times, rights."""
import os
import stat

from harness import NOISE, check, equal, read, setting, walk, write


def picture(kb):
    """What one sees of every path but system/, whose content moves."""
    found = {}
    for path in walk(kb.mount):
        name = os.path.relpath(path, kb.mount)
        if name.startswith("system"):
            continue
        s = os.lstat(path)
        content = os.readlink(path) if stat.S_ISLNK(s.st_mode) else \
            read(path) if stat.S_ISREG(s.st_mode) else None
        found[name] = (s.st_ino, s.st_mode, s.st_uid, s.st_gid, s.st_size, s.st_mtime_ns, content)
    return found


def differences(before, after):
    wrong = []
    fields = ("inode", "mode", "uid", "gid", "size", "mtime", "content")
    for name in sorted({*before, *after}):
        if name not in before or name not in after:
            wrong.append(f"{name}: {'gone' if name in before else 'new'}")
            continue
        wrong += [f"{name}: {field} was {was}, is {now}" for field, was, now in
                  zip(fields, before[name], after[name]) if was != now]
    return wrong


def touch_in_every_way(kb):
    """Files that are never ingested, whose times came about in other ways than by a write."""
    def name(what):
        return kb.drop(what + ".part", "words\n")
    own = name("own")
    os.utime(own, ns=(10**18, 10**18))
    with open(own, "a") as f:
        f.write("more\n")
    for _ in range(2):
        os.close(os.open(name("cut"), os.O_WRONLY | os.O_TRUNC))
        os.close(os.open(os.path.join(kb.inbox, "cut.part"), os.O_WRONLY | os.O_TRUNC))
    fd = os.open(name("long"), os.O_WRONLY)
    os.posix_fallocate(fd, 0, 10000)
    os.close(fd)
    os.truncate(name("short"), 2)


def fill(kb):
    os.makedirs(os.path.join(kb.inbox, "a/b"))
    kb.add_many({"one.txt": "The first note.\n", "a/two.txt": "The second note.\n",
                 "a/b/three.html": "<p>The third note.</p>"})
    kb.drop("one.txt", "The first note, revised.\n")
    kb.indexed("one.txt", "The first note, revised.\n")
    kb.drop("noise.bin", NOISE)
    kb.failed("noise.bin")
    kb.drop("empty.txt", b"")
    touch_in_every_way(kb)
    os.symlink("one.txt", os.path.join(kb.inbox, "link"))
    kb.ask("What is the first note?", "talk"), kb.ask("And the second?", "talk")
    os.mkdir(kb.path("search", "note"))
    os.listdir(kb.path("search", "note"))


def test_a_restart_changes_nothing(kb):
    fill(kb)
    before = picture(kb)
    kb.restart()
    wrong = differences(before, picture(kb))
    check(not wrong, "\n".join(wrong[:40]))


def test_a_kill_changes_nothing(kb):
    fill(kb)
    before = picture(kb)
    kb.kill()
    kb.start()
    kb.wait_status()
    wrong = differences(before, picture(kb))
    check(not wrong, "\n".join(wrong[:40]))


@setting(config={"inbox.settle": "5s", "inbox.drain": "never"})
def test_what_was_said_of_a_file_that_had_not_settled(kb):
    """After a rename it settles anew; what is said of it meanwhile survives an orderly end."""
    kb.drop("a.txt", "The first note.\n")
    kb.wait_status()
    path = os.path.join(kb.inbox, "b.txt")
    os.rename(os.path.join(kb.inbox, "a.txt"), path)
    os.setxattr(path, "user.askfs.title", b"A note")
    os.chmod(path, 0o600)
    kb.restart()
    kb.wait_status()
    meta = kb.find("b.txt").meta
    equal((meta["title"], meta["mode"]), ("A note", "0600"), "title and mode")


def test_inode_numbers_are_distinct(kb):
    fill(kb)
    seen = {}
    for path in walk(kb.mount):
        s = os.lstat(path)
        if s.st_nlink == 1 or stat.S_ISDIR(s.st_mode):
            check(s.st_ino not in seen, f"{path} and {seen.get(s.st_ino)} are both {s.st_ino}")
            seen[s.st_ino] = path
    with os.scandir(kb.inbox) as entries:
        for entry in entries:
            equal(entry.inode(), os.lstat(entry.path).st_ino, f"d_ino of {entry.name}")
    for folder in ("docs", "ask", "by/name"):
        with os.scandir(kb.path(folder)) as entries:
            for entry in entries:
                equal(entry.inode(), os.lstat(entry.path).st_ino, f"d_ino of {folder}/{entry.name}")


def test_times_of_documents_are_those_of_the_originals(kb):
    path = os.path.join(kb.inbox, "a.txt")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, b"Words of long ago.\n")
    os.utime(fd, (1_000_000_000, 1_000_000_000))
    os.close(fd)
    document = kb.indexed("a.txt")
    equal(int(os.stat(document.file("original", "a.txt")).st_mtime), 1_000_000_000, "original")


@setting(config={"inbox.settle": "10s", "inbox.settle_max": "10s"})
def test_what_had_not_settled_is_ingested_after_a_restart(kb):
    kb.drop("a.txt", "Words in a hurry.\n")
    write(os.path.join(kb.inbox, "b.txt.part"), "Half of the words")
    kb.stop()
    kb.config["inbox.settle"] = "100ms"
    kb.start()
    kb.indexed("a.txt")
    equal(read(os.path.join(kb.inbox, "b.txt.part")), b"Half of the words", "the unfinished file")
    equal(kb.paths(), ["a.txt"], "documents")
