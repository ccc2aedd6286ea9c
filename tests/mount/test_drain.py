# SPDX-License-Identifier: Apache-2.0
"""The inbox drains: what is safe in the knowledge base leaves it, what failed stays and says
why."""
import os
import time

from harness import NOISE, check, contains, equal, eventually, read, setting, stays, text_of, walk, write

SUFFIX = ".askfs-error.txt"


@setting(config={"inbox.settle": None, "inbox.drain": None}, seconds=60)
def test_a_file_leaves_five_seconds_after_it_is_indexed(kb):
    path = kb.drop("a.txt", "Words to keep.\n")
    document = kb.indexed("a.txt")
    began = time.monotonic()
    os.utime(path, (1_000_000_000, 1_000_000_000))
    os.chmod(path, 0o640)
    stays(lambda: os.path.exists(path), "it left too early", 4)
    eventually(lambda: not os.path.exists(path), "it leaves the inbox", 10)
    check(time.monotonic() - began < 9 or os.environ.get("ASKFS_SLOW"), "it left late")
    equal(document.original, b"Words to keep.\n", "original")
    equal(document.meta["mode"], "0640", "mode set after the close")
    equal(int(os.stat(document.file("original", "a.txt")).st_mtime), 1_000_000_000,
          "time set after the close")


@setting(config={"inbox.drain": "200ms", "inbox.folder_drain": "1s"})
def test_an_emptied_folder_goes(kb):
    os.makedirs(os.path.join(kb.inbox, "a/b"))
    kb.drop("a/b/c.txt", "Words.\n")
    kb.indexed("a/b/c.txt")
    eventually(lambda: os.listdir(kb.inbox) == [], "the inbox is empty", 15)
    equal(kb.paths(), ["a/b/c.txt"], "documents")


@setting(config={"inbox.drain": "200ms", "inbox.folder_drain": "3s"})
def test_a_folder_that_is_opened_at_the_end_of_a_copy(kb):
    """cp -a and tar fill a folder of 0700, and set its mode when they are through."""
    folder = os.path.join(kb.inbox, "public")
    os.mkdir(folder, 0o700)
    kb.drop("public/a.txt", "Words for everybody.\n")
    document = kb.indexed("public/a.txt")
    equal(document.meta["mode"], "0600", "mode while the folder is closed")
    stays(lambda: os.path.exists(os.path.join(folder, "a.txt")), "it left too early", 1)
    os.chmod(folder, 0o755)
    equal(document.meta["mode"], "0644", "mode when it was opened")
    eventually(lambda: os.listdir(kb.inbox) == [], "the inbox is empty", 15)
    equal(document.meta["mode"], "0644", "mode in the end")


@setting(config={"inbox.drain": "200ms", "inbox.folder_drain": "1500ms"})
def test_a_folder_stays_while_its_owner_writes(kb):
    os.mkdir(os.path.join(kb.inbox, "a"))
    kb.drop("a/0.txt", "Words.\n")
    kb.indexed("a/0.txt")
    for n in range(1, 7):
        time.sleep(0.5)
        kb.drop(f"{n}.txt", f"Other words {n}.\n")
        check(os.path.isdir(os.path.join(kb.inbox, "a")), f"the folder went after {n / 2} s")
    eventually(lambda: os.listdir(kb.inbox) == [], "the inbox is empty", 15)


@setting(config={"inbox.drain": "200ms", "inbox.folder_drain": "500ms"})
def test_a_folder_that_was_always_empty_or_holds_something_stays_usable(kb):
    os.mkdir(os.path.join(kb.inbox, "keep"))
    kb.drop("keep/empty.txt", b"")
    kb.add("x.txt", "Words.\n")
    stays(lambda: os.path.exists(os.path.join(kb.inbox, "keep/empty.txt")), "it went", 1.5)


@setting(config={"inbox.drain": "200ms", "inbox.folder_drain": "1500ms"})
def test_a_folder_that_was_emptied_before_a_restart_goes_after_it(kb):
    for folder in ("a/b", "a/mine", "mine"):
        os.makedirs(os.path.join(kb.inbox, folder))
    path = kb.drop("a/b/c.txt", "Words.\n")
    kb.indexed("a/b/c.txt")
    eventually(lambda: not os.path.exists(path), "the file leaves", 15)
    kb.daemon.kill()
    kb.daemon.wait()
    kb.start()
    eventually(lambda: not os.path.exists(os.path.join(kb.inbox, "a/b")), "the folder goes", 15)
    stays(lambda: [os.path.relpath(p, kb.inbox) for p in walk(kb.inbox)] ==
          ["a", "mine", "a/mine"], "another one went", 2)


def test_drain_never(kb):
    path = kb.drop("a.txt", "Words.\n")
    kb.indexed("a.txt")
    stays(lambda: os.path.exists(path), "it was drained", 2)
    kb.restart()
    stays(lambda: os.path.exists(path), "it was drained after a restart", 1)


@setting(config={"inbox.drain": "200ms"})
def test_a_file_that_failed_stays_and_says_why(kb):
    path = kb.drop("noise.bin", NOISE)
    document = kb.failed("noise.bin")
    note = eventually(lambda: os.path.exists(path + SUFFIX) and text_of(path + SUFFIX),
                      "the error file")
    contains(note, "no text can be extracted from application/octet-stream", "the error file")
    equal(os.stat(path + SUFFIX).st_size, len(note.encode()), "its size")
    equal(os.getxattr(path, "user.askfs.state"), b"FAILED", "user.askfs.state")
    contains(os.getxattr(path, "user.askfs.error").decode(), "no text", "user.askfs.error")
    stays(lambda: os.path.exists(path), "it was drained", 1)
    equal(read(path), NOISE, "the file")
    kb.nothing_new(["noise.bin"])

    os.unlink(path + SUFFIX)
    stays(lambda: os.path.exists(path) and os.path.exists(document.folder),
          "deleting the error file did more", 0.6)
    os.unlink(path)
    eventually(lambda: not os.path.exists(document.folder), "the failed document is gone")


def test_renaming_the_failed_file_takes_its_error_file_along(kb):
    os.mkdir(os.path.join(kb.inbox, "sub"))
    kb.drop("noise.bin", NOISE)
    kb.failed("noise.bin")
    name = "noise.bin"
    for to in ("other.bin", "sub/third.bin"):
        os.rename(os.path.join(kb.inbox, name), os.path.join(kb.inbox, to))
        name = to
        check(not os.path.exists(os.path.join(kb.inbox, "noise.bin" + SUFFIX)), "a note stayed")
        contains(text_of(os.path.join(kb.inbox, to + SUFFIX)), "no text can be", f"note of {to}")
        eventually(lambda: kb.paths() == [to], lambda: f"paths {kb.paths()}")
    os.rename(os.path.join(kb.inbox, name), os.path.join(kb.inbox, "sub/.hidden"))
    eventually(lambda: sorted(os.listdir(os.path.join(kb.inbox, "sub"))) == [".hidden"],
               lambda: f"{os.listdir(os.path.join(kb.inbox, 'sub'))}")


def test_deleting_the_failed_file_takes_its_error_file(kb):
    path = kb.drop("noise.bin", NOISE)
    kb.failed("noise.bin")
    eventually(lambda: os.path.exists(path + SUFFIX), "the error file")
    os.unlink(path)
    eventually(lambda: kb.paths() == [], "no documents")
    eventually(lambda: os.listdir(kb.inbox) == [], lambda: f"empty: {os.listdir(kb.inbox)}")


def test_rewriting_a_failed_file_tries_again(kb):
    path = kb.drop("notes.txt", NOISE)
    document = kb.failed("notes.txt")
    eventually(lambda: os.path.exists(path + SUFFIX), "the error file")
    kb.drop("notes.txt", "Now these are words.\n")
    equal(kb.indexed("notes.txt").id, document.id, "id")
    eventually(lambda: not os.path.exists(path + SUFFIX), "the error file is gone")
    check(not os.path.exists(document.file("error")), "docs/<id>/error is still there")
    equal(document.meta["error"], None, "error in metadata.json")


def test_names_of_error_files_fit(kb):
    for name in ("n" * 251 + ".bin", "é" * 125 + ".bin"):
        kb.drop(name, NOISE)
        kb.failed(name)
    names = eventually(
        lambda: len(os.listdir(kb.inbox)) == 4 and os.listdir(os.fsencode(kb.inbox)),
        lambda: f"two error files: {os.listdir(kb.inbox)}")
    notes = [n for n in names if n.endswith(SUFFIX.encode())]
    equal(len(notes), 2, "error files")
    for name in notes:
        check(len(name) <= 255, f"{len(name)} bytes")
        name.decode()  # cut between characters


def test_error_files_survive_a_restart(kb):
    path = kb.drop("noise.bin", NOISE)
    kb.failed("noise.bin")
    note = eventually(lambda: os.path.exists(path + SUFFIX) and text_of(path + SUFFIX), "note")
    kb.restart()
    equal((read(path), text_of(path + SUFFIX)), (NOISE, note), "after a restart")
    kb.nothing_new(["noise.bin"])


@setting(config={"inbox.drain": "200ms"})
def test_draining_waits_for_open_handles(kb):
    """A file that somebody writes again in the last moment is not lost."""
    path = kb.drop("a.txt", "Old words.\n")
    kb.indexed("a.txt")
    for n in range(12):
        text = f"New words {n}.\n"
        write(path, text)
        time.sleep(0.15 + 0.02 * n)
    kb.indexed("a.txt", text)
    eventually(lambda: os.listdir(kb.inbox) == [], "drained", 20)
    equal(kb.find("a.txt").original, text.encode(), "original")
