# SPDX-License-Identifier: Apache-2.0
"""Deleted is deleted: rm -r of a document's folder, from a shell or a file manager."""
import errno
import os
import shutil
import time

from harness import (check, contains, equal, eventually, needs, read, refused, run, setting, shell,
                     text_of)

FACT = "The anchor of the museum weighs nine tons.\n"
QUESTION = "What does the anchor weigh?"


@setting(config={"inbox.settle": "1s", "inbox.drain": "never"})
def test_a_file_that_was_the_documents_once_is_spared(kb):
    """A log that was rotated: its new path has not settled when the document goes."""
    document = kb.add("log.txt", "The first log.\n")
    path = os.path.join(kb.inbox, "log.txt")
    os.rename(path, path + ".1.txt")
    kb.drop("log.txt", "The second log.\n")
    shutil.rmtree(document.folder)
    check(os.path.exists(path + ".1.txt"), "the rotated file is gone")
    kb.indexed("log.txt.1.txt", "The first log.\n")


def test_ways_to_delete(kb):
    needs("busybox", "find", "gio")
    for n, remove in enumerate((
            lambda path: run("rm", "-r", path),
            lambda path: run("rm", "-rf", path),
            lambda path: shutil.rmtree(path),
            lambda path: run("find", path, "-delete"),
            lambda path: run("busybox", "rm", "-r", path),
            lambda path: run("gio", "remove", "-f", *bottom_up(path)),
            lambda path: shell(f"cd '{path}' && rm -r * && cd .. && rmdir '{path}'"))):
        document = kb.add(f"{n}.txt", FACT)
        contains(kb.ask(QUESTION, f"before{n}"), "nine tons", "the answer before")
        remove(document.folder)
        check(not os.path.exists(document.folder), f"way {n}: the folder is still there")
        equal(os.listdir(kb.path("docs")), [], f"way {n}: docs/")
        check("nine tons" not in kb.ask(QUESTION, f"after{n}"), f"way {n}: it still answers")
        equal(os.listdir(kb.path("by", "status", "INDEXED")), [], f"way {n}: by/status/INDEXED")
        check(not os.path.lexists(kb.path("by", "name", f"{n}.txt")), f"way {n}: by/name")
    kb.restart()
    equal(os.listdir(kb.path("docs")), [], "docs/ after a restart")
    check("nine tons" not in kb.ask(QUESTION, "late"), "it answers after a restart")


def bottom_up(path):
    found = [path]
    for folder, folders, files in os.walk(path):
        found += [os.path.join(folder, n) for n in folders + files]
    return sorted(found, key=lambda p: -p.count("/"))


def test_rmdir_of_a_full_one(kb):
    document = kb.add("a.txt", FACT)
    with refused(errno.ENOTEMPTY):
        os.rmdir(document.folder)
    check(document.text == FACT, "the document suffered")
    contains(kb.ask(QUESTION), "nine tons")


def test_unlinking_hides_and_changes_nothing(kb):
    document = kb.add("a.txt", FACT)
    for name in ("text.txt", "metadata.json", "chunks.jsonl"):
        os.unlink(document.file(name))
        check(not os.path.exists(document.file(name)), f"{name} is still seen")
        check(name not in os.listdir(document.folder), f"{name} is still listed")
    contains(kb.ask(QUESTION), "nine tons", "it answers on")
    kb.restart()
    equal(document.text, FACT, "after a restart nothing is hidden")


@setting(seconds=100)
def test_what_was_unlinked_comes_back_after_a_minute(kb):
    document = kb.add("a.txt", FACT)
    os.unlink(document.file("text.txt"))
    time.sleep(40)
    check(not os.path.exists(document.file("text.txt")), "it came back too early")
    eventually(lambda: os.path.exists(document.file("text.txt")), "it comes back", 40, step=0.5)
    equal(document.text, FACT, "its content")


def test_the_bytes_are_gone_from_the_state(kb):
    """Nothing of a deleted document stays on the disk in the clear, the log of SQLite aside."""
    secret = "quetzalcoatl-" * 4
    document = kb.add("a.txt", f"The word is {secret}.\n")
    shutil.rmtree(document.folder)
    kb.stop()
    kept = [p for p, _, files in os.walk(kb.state) for f in files
            if not f.endswith(("-wal", ".db")) and
            secret.encode() in read(os.path.join(p, f))]
    equal(kept, [], "files that still hold the deleted words")
    kb.start()


def test_an_older_answer_says_so(kb):
    document = kb.add("a.txt", FACT)
    kb.ask(QUESTION)
    shutil.rmtree(document.folder)
    contains(text_of(kb.path("ask", "s")), "deleted", "the older answer")
    check("nine tons" not in kb.ask("And in pounds?"), "from the history")


def test_under_by_and_at_the_top_every_change_is_refused(kb):
    kb.add("a.txt", FACT)
    link = kb.path("by", "status", "INDEXED", "a.txt")

    def create(*where):
        os.close(os.open(kb.path(*where), os.O_CREAT | os.O_WRONLY))
    wrong = []
    for what, attempt in {
            "unlink a view": lambda: os.unlink(link),
            "rename a view": lambda: os.rename(link, link + "2"),
            "symlink in by/name": lambda: os.symlink("x", kb.path("by", "name", "x")),
            "mkdir in by": lambda: os.mkdir(kb.path("by", "x")),
            "rmdir in by": lambda: os.rmdir(kb.path("by", "status", "FAILED")),
            "create in by": lambda: create("by", "new"),
            "mkdir of a trash folder": lambda: os.mkdir(kb.path(".Trash-0")),
            "mkdir at the top": lambda: os.mkdir(kb.path("folder")),
            "create at the top": lambda: create("new"),
            "symlink at the top": lambda: os.symlink("x", kb.path("x")),
            "link at the top": lambda: os.link(kb.path("README.txt"), kb.path("x")),
            "rmdir search": lambda: os.rmdir(kb.path("search")),
            "rename inbox": lambda: os.rename(kb.path("inbox"), kb.path("outbox")),
            "unlink README.txt": lambda: os.unlink(kb.path("README.txt")),
            "chmod by": lambda: os.chmod(kb.path("by"), 0o777),
            "chmod docs": lambda: os.chmod(kb.path("docs"), 0o700)}.items():
        try:
            attempt()
            wrong.append(f"{what} worked")
        except OSError as e:
            if e.errno != errno.EPERM:
                wrong.append(f"{what}: {errno.errorcode[e.errno]}")
    check(not wrong, "; ".join(wrong))
    equal(kb.find("a.txt").text, FACT, "the document")


def test_moving_to_a_trash_folder_is_refused(kb):
    needs("gio")
    document = kb.add("a.txt", FACT)
    run("gio", "trash", document.folder, status=1)
    with refused(errno.EPERM, errno.EXDEV, errno.EACCES):
        os.rename(document.folder, os.path.join(kb.inbox, "thrown"))
    equal(document.text, FACT, "the document")


def test_mv_out_takes_a_copy_and_deletes(kb):
    document = kb.add("a.txt", FACT)
    target = os.path.join(kb.folder, "moved")
    run("mv", document.folder, target)
    equal(text_of(os.path.join(target, "text.txt")), FACT, "the copy")
    check(not os.path.exists(document.folder), "the document is still there")


def test_deleting_many(kb):
    kb.add_many({f"{n}.txt": f"Anchor number {n} weighs {n} tons.\n" for n in range(60)})
    shell(f"rm -r '{kb.path('docs')}'/*")
    equal(os.listdir(kb.path("docs")), [], "docs/")
    equal(os.listdir(kb.inbox), [], "the inbox")
    contains(kb.ask(QUESTION), "The documents do not say.")


def test_deleting_while_it_is_ingested(kb):
    """Whatever moment it is: after rmdir returned, it is gone for good."""
    text = "".join(f"Anchor paragraph {n} is about the weight of ships.\n\n" for n in range(3000))
    for n in range(12):
        kb.drop(f"{n}.txt", text)
        time.sleep(0.1 + 0.03 * n)
        for id in os.listdir(kb.path("docs")):
            shutil.rmtree(kb.path("docs", id))
    kb.wait_status()
    time.sleep(0.5)
    left = [m["path"] for d, m in kb.documents()]
    equal(sorted(left), sorted(os.listdir(kb.inbox)), "a document a file that is left")
