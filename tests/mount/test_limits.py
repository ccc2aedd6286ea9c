# SPDX-License-Identifier: Apache-2.0
"""What does not fit: into a file, into a limit, onto the disk."""
import errno
import json
import os
import subprocess
import time

import tiny_model
from harness import (ASKFS, Failed, another, check, contains, equal, eventually, needs_root, read,
                     refused, run, setting, sha256, shell, write_all)


@setting(config={"inbox.max_file": "1M"})
def test_a_file_beyond_the_limit(kb):
    path = os.path.join(kb.inbox, "a.txt")
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    write_all(fd, b"x" * (1 << 20))
    for attempt in (lambda: os.write(fd, b"y"),
                    lambda: os.pwrite(fd, b"y", 1 << 30),
                    lambda: os.ftruncate(fd, (1 << 20) + 1),
                    lambda: os.posix_fallocate(fd, 0, 2 << 20)):
        with refused(errno.EFBIG):
            attempt()
    equal(os.fstat(fd).st_size, 1 << 20, "size")
    os.pwrite(fd, b"z", 0)
    os.close(fd)
    done = subprocess.run(["cp", "/bin/bash", os.path.join(kb.inbox, "b.txt")],
                          stderr=subprocess.PIPE)
    equal(done.returncode, 1, "exit status of cp")
    contains(done.stderr.decode(), "File too large", "what cp says")


def test_a_sparse_terabyte(kb):
    path = kb.drop("a.txt", "Words.\n")
    with refused(errno.EFBIG):
        os.truncate(path, 1 << 40)
    done = subprocess.run(["truncate", "-s", "1T", os.path.join(kb.inbox, "b.txt")],
                          stderr=subprocess.PIPE)
    equal(done.returncode, 1, "exit status of truncate")
    contains(done.stderr.decode(), "File too large", "what truncate says")
    equal(os.stat(path).st_size, 7, "size")
    kb.indexed("a.txt", "Words.\n")


def on_small_disk(kb, size):
    """Put the state of a KB that has not started onto a file system of that size."""
    needs_root()
    os.makedirs(kb.state, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", kb.state)


def fill_disk(kb, leave=0):
    """Take the rest of the state's disk; the file to delete for space."""
    ballast = os.path.join(kb.state, "ballast")
    stat = os.statvfs(kb.state)
    with open(ballast, "wb") as f:
        try:
            f.write(bytes(max(0, stat.f_bavail * stat.f_frsize - leave)))
        except OSError as e:
            equal(e.errno, errno.ENOSPC, "errno while the disk is filled")
    return ballast


def with_small_disk(test):
    """Run test(kb) on a KB whose state lies on a disk of 48 MiB."""
    def wrapped(kb):
        small = another(kb, "small")
        on_small_disk(small, "48m")
        test(small.start())
    wrapped.__name__, wrapped.__doc__, wrapped.seconds = test.__name__, test.__doc__, 90
    return wrapped


@with_small_disk
def test_a_full_disk_says_so(kb):
    """ENOSPC at write or at close, nothing that was accepted is lost, and it recovers."""
    kept = {}
    for n in range(5):
        kept[f"before{n}.txt"] = f"Note {n} was taken before the flood.\n" * 20
        kb.drop(f"before{n}.txt", kept[f"before{n}.txt"])
    kb.all_indexed(kept)
    kb.ask("When was note 3 taken?", "old")
    ballast = fill_disk(kb)
    refusals = 0
    for n in range(40):
        name, data = f"during{n}.txt", f"Note {n} was taken during the flood.\n" * 400
        try:
            kb.drop(name, data)
            kept[name] = data
        except OSError as e:
            equal(e.errno, errno.ENOSPC, "errno on a full disk")
            refusals += 1
    check(refusals > 0, "a full disk took 40 files")
    for name in ("before0.txt", "before4.txt"):
        equal(kb.find(name).text, kept[name], f"{name} on a full disk")
    os.unlink(ballast)
    kb.drop("after.txt", "Note 99 was taken after the flood.\n")
    kept["after.txt"] = "Note 99 was taken after the flood.\n"
    kb.all_indexed(kept, 40)
    by_name = kb.docs_by_name()
    for name, data in kept.items():
        equal(by_name[name][0].original, data.encode(), f"original of {name}")
    contains(kb.ask("When was note 99 taken?"), "Note 99")


def test_a_disk_without_inodes(kb):
    """A file that cannot be made is refused, and nothing of it stays; the rest goes on."""
    kb = another(kb, "small")
    on_small_disk(kb, "48m,nr_inodes=800")
    kb.start()
    kb.add("before.txt", "The dam holds ninety tons.\n")
    made, refusals = [], 0
    for n in range(1000):
        try:
            os.close(os.open(os.path.join(kb.inbox, f"{n}.txt"), os.O_CREAT | os.O_WRONLY))
            made.append(f"{n}.txt")
        except OSError as e:
            equal(e.errno, errno.ENOSPC, "errno without inodes")
            refusals += 1
    check(refusals > 0, "1000 files were made of 800 inodes")
    time.sleep(1)  # the inbox would look at them now
    equal(sorted(os.listdir(kb.inbox)), sorted(["before.txt", *made]), "the inbox")
    for name in made:
        os.unlink(os.path.join(kb.inbox, name))
    eventually(lambda: os.statvfs(kb.state).f_favail > 100, "inodes are free again")
    kb.add("after.txt", "The dam was built in 1911.\n")


@with_small_disk
def test_a_question_on_a_full_disk(kb):
    """It is accepted and kept, or refused; never accepted and lost."""
    kb.add("a.txt", "The dam holds ninety tons.\n")
    shown = kb.ask("What does the dam hold?", "old")
    ballast = fill_disk(kb)
    accepted = []
    for n in range(60):
        question = f"What does the dam hold, {n}? " + "words " * 500
        path = kb.path("ask", f"s{n}")
        try:
            with open(path, "wb", buffering=0) as f:
                f.write(question.encode())
            accepted.append((f"s{n}", question))
        except OSError as e:
            check(e.errno in (errno.ENOSPC, errno.EDQUOT), f"{e}")
    equal(read(kb.path("ask", "old")).decode(), shown, "the old answer on a full disk")
    os.unlink(ballast)
    kb.restart()
    for session, question in accepted:
        read(kb.path("ask", session))
        transcript = read(kb.path("sessions", session, "transcript.md")).decode()
        contains(transcript, question.split("?")[0], f"transcript of {session}")
    contains(kb.ask("What does the dam hold?", "new"), "ninety tons")


def vectors_left(kb):
    return json.loads(read(kb.path("system/health")))["embedding"]["chunks_left"]


def test_a_disk_that_fills_while_vectors_are_written(kb):
    """The document waits, found by its words; with space it gets all its vectors."""
    kb = another(kb, "small")
    on_small_disk(kb, "96m")
    kb.config.update({"ports.embedder": "model", "embedder.threads": "1",
                      "embedder.model": tiny_model.make(os.path.join(kb.folder, "tiny"), 1)})
    kb.start()
    kb.add("first.txt", "Kestrel nests in the tower.\n")
    kb.drop("book.txt", "".join(f"Keeper {n} of the lighthouse lit the lamp in year {n}.\n\n"
                                for n in range(30000)))
    eventually(lambda: vectors_left(kb) > 500, "the book is being embedded")
    ballast = fill_disk(kb)
    eventually(lambda: "No space left" in kb.log(), "the disk is full")
    time.sleep(2)
    equal(kb.find("book.txt").status, "PROCESSING", "status on a full disk")
    equal(kb.find("book.txt").meta["embedding_model"], None, "embedding_model on a full disk")
    contains(kb.find("first.txt").text, "Kestrel", "another document meanwhile")
    os.unlink(ballast)
    kb.indexed("book.txt", None, 60)
    equal(vectors_left(kb), 0, "chunks without vectors")
    contains(kb.find("book.txt").meta["embedding_model"], "tiny", "embedding_model")
    kb.stop()
    contains(run(ASKFS, "check", "--state", kb.state), "ok   vectors", "check")


test_a_disk_that_fills_while_vectors_are_written.seconds = 120


@with_small_disk
def test_a_copy_that_does_not_fit(kb):
    big = os.path.join(kb.folder, "big")
    shell(f"head -c 80M /dev/urandom > '{big}'")
    done = subprocess.run(["cp", big, kb.inbox], stderr=subprocess.PIPE)
    equal(done.returncode, 1, "exit status of cp")
    contains(done.stderr.decode(), "No space left", "what cp says")
    run("rm", "-f", os.path.join(kb.inbox, "big"))
    eventually(lambda: os.statvfs(kb.inbox).f_bavail * os.statvfs(kb.inbox).f_frsize > 30 << 20,
               "the space of the deleted file is free again")
    data = os.urandom(1 << 20)
    path = kb.drop("fits.bin", data)
    equal(sha256(read(path)), sha256(data), "a file that fits")


@with_small_disk
def test_statfs_shows_the_small_disk(kb):
    stat = os.statvfs(kb.inbox)
    check(stat.f_blocks * stat.f_frsize == 48 << 20, f"{stat.f_blocks * stat.f_frsize} bytes")
    fill_disk(kb)
    check(os.statvfs(kb.inbox).f_bavail * stat.f_frsize < 1 << 20, "it still shows free space")


@setting(config={"ask.max_question": "1K"})
def test_the_limit_of_questions_is_a_setting(kb):
    kb.add("a.txt", "The dam holds ninety tons.\n")
    contains(kb.ask("What does the dam hold?" + " " * 900), "ninety tons")
    fd = os.open(kb.path("ask", "s"), os.O_WRONLY | os.O_TRUNC)
    with refused(errno.EFBIG):
        os.write(fd, b"x" * 1025)
    try:
        os.close(fd)
    except OSError:
        pass


@setting(config={"parse.text": "1M"})
def test_too_much_text_fails_in_words(kb):
    kb.drop("a.txt", "Too many words for one document.\n" * 40000)
    check(len(kb.failed("a.txt").error) > 20, "error says little")


def test_deep_folders(kb):
    """Paths as long as the kernel lets them be."""
    folder = os.path.join(kb.inbox, *["d" * 200] * 15)
    os.makedirs(folder)
    fd = os.open(folder, os.O_RDONLY)
    try:
        file = os.open("f.txt", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=fd)
        os.write(file, b"Words in the deep.\n")
        os.close(file)
    finally:
        os.close(fd)
    kb.indexed("/".join(["d" * 200] * 15 + ["f.txt"]))


def test_many_files_in_one_folder(kb):
    os.mkdir(os.path.join(kb.inbox, "many"))
    for n in range(1500):
        with open(os.path.join(kb.inbox, "many", f"{n:05}.txt"), "wb") as f:
            f.write(b"Number %d.\n" % n)
    names = os.listdir(os.path.join(kb.inbox, "many"))
    equal(sorted(names), [f"{n:05}.txt" for n in range(1500)], "names")
    metric = 'askfs_documents{status="INDEXED"}'
    try:
        eventually(lambda: kb.metrics()[metric] >= 1500, "1500 documents are INDEXED", 40)
    except KeyError as e:
        raise Failed(f"system/metrics has no {e}") from e
    equal(len(os.listdir(kb.path("docs"))), 1500, "docs/")
    equal(len(os.listdir(kb.path("by", "status", "INDEXED"))), 1500, "by/status/INDEXED")
