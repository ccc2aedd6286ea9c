# SPDX-License-Identifier: Apache-2.0
"""A document is (owner, path in the inbox): what is written there again is a new version of
it, and what counts is how the inbox looks once the writer is done."""
import errno
import os
import shutil
import time

from harness import (ALICE, BOB, NOISE, as_user, check, contains, equal, eventually, needs_root,
                     read, refused, setting, stays, write)

ONE = "The mascot of the club is a badger.\n"
TWO = "The mascot of the club is a heron since May.\n"
THREE = "The mascot of the club is an otter by now.\n"


def settle(kb):
    kb.wait_status()
    time.sleep(0.3)


def test_the_same_bytes_change_nothing(kb):
    document = kb.add("a.txt", ONE)
    before = document.meta
    kb.drop("a.txt", ONE)
    settle(kb)
    equal(document.meta, before, "metadata.json")
    equal(os.listdir(document.file("versions")), [], "versions/")
    equal(len(kb.documents()), 1, "documents")


def test_other_bytes_make_a_version(kb):
    document = kb.add("a.txt", ONE)
    kb.drop("a.txt", TWO)
    again = kb.indexed("a.txt", TWO)
    equal(again.id, document.id, "id")
    equal(document.meta["version"], 2, "version")
    equal(document.versions, {1: ONE.encode()}, "versions/")
    equal(document.original, TWO.encode(), "original")
    contains(document.text, "heron", "text.txt")
    contains(kb.ask("What is the mascot of the club?"), "heron", "the answer")
    check("badger" not in kb.ask("Is the mascot a badger?"), "the old version still answers")


def test_the_old_version_answers_until_the_new_one_does(kb):
    """Never neither of them, whenever one asks."""
    document = kb.add("a.txt", ONE)
    seen = set()
    for n in range(12):
        kb.drop("a.txt", (TWO, ONE)[n % 2])
        end = time.monotonic() + 0.25
        while time.monotonic() < end:
            shown = kb.ask("What is the mascot of the club?", f"s{n}")
            check("badger" in shown or "heron" in shown, f"neither version answers: {shown}")
            seen.add("badger" in shown)
    equal(document.meta["id"], document.id, "id")
    check(document.meta["version"] >= 2, "no second version was ever made")


def test_what_was_looked_at_is_there_in_the_next_version(kb):
    """Somebody reads on while versions change places: there is always a text."""
    document = kb.add("a.txt", ONE)
    for n in range(4):
        data = (TWO, ONE)[n % 2]
        read(document.file("text.txt"))
        kb.drop("a.txt", data)
        end = time.monotonic() + 10
        while document.text != data and time.monotonic() < end:
            equal(len(os.listdir(document.file("original"))), 1, "original/")
        equal(document.text, data, "text.txt")


def test_rename_over_and_delete_and_create_are_versions(kb):
    document = kb.add("a.txt", ONE)
    kb.drop("a.txt.part", TWO)
    os.rename(os.path.join(kb.inbox, "a.txt.part"), os.path.join(kb.inbox, "a.txt"))
    equal(kb.indexed("a.txt", TWO).id, document.id, "id after a rename over it")
    os.unlink(os.path.join(kb.inbox, "a.txt"))
    kb.drop("a.txt", THREE)
    equal(kb.indexed("a.txt", THREE).id, document.id, "id after delete and create")
    equal((document.meta["version"], document.versions),
          (3, {1: ONE.encode(), 2: TWO.encode()}), "versions")


def test_a_document_renamed_over_another(kb):
    kb.add("a.txt", ONE)
    target = kb.add("b.txt", TWO)
    os.rename(os.path.join(kb.inbox, "a.txt"), os.path.join(kb.inbox, "b.txt"))
    equal(kb.indexed("b.txt", ONE).id, target.id, "id of the path")
    eventually(lambda: kb.paths() == ["b.txt"], lambda: f"one document; there are {kb.paths()}")
    equal(target.versions, {1: TWO.encode()}, "versions")


@setting(config={"inbox.settle": "300ms", "inbox.drain": "1s"})
def test_a_log_that_was_rotated_and_drained(kb):
    """The document stays with the path; the file that was moved away becomes another one, once
    its writer lets go of it. A restart deletes neither."""
    document = kb.add("log.txt", ONE)
    path = os.path.join(kb.inbox, "log.txt")
    with open(path, "a") as writer:
        os.rename(path, os.path.join(kb.inbox, "log.1.txt"))
        kb.drop("log.txt", TWO)
        equal(kb.indexed("log.txt", TWO).id, document.id, "id of the path")
        eventually(lambda: not os.path.exists(path), "the new log is drained", 20)
        writer.write("The last line.\n")
    kb.indexed("log.1.txt", ONE + "The last line.\n")
    eventually(lambda: os.listdir(kb.inbox) == [], "the inbox is empty", 20)
    for again in (kb.restart, kb.kill):
        again()
        if not kb.daemon:
            kb.start()
        time.sleep(1)
        equal(sorted(kb.paths()), ["log.1.txt", "log.txt"], "documents")


def test_a_rename_takes_the_document_along(kb):
    document = kb.add("a.txt", ONE)
    os.mkdir(os.path.join(kb.inbox, "sub"))
    os.rename(os.path.join(kb.inbox, "a.txt"), os.path.join(kb.inbox, "sub/b.txt"))
    equal(kb.indexed("sub/b.txt").id, document.id, "id")
    equal(kb.paths(), ["sub/b.txt"], "paths")
    equal(document.meta["version"], 1, "version")
    equal(os.listdir(document.file("original")), ["b.txt"], "original/")
    contains(os.path.realpath(kb.path("by", "name", "sub/b.txt")), document.folder, "by/name")
    check(not os.path.lexists(kb.path("by", "name", "a.txt")), "by/name has the old path")


def test_the_final_name_counts(kb):
    kb.drop("draft.txt", ONE)
    os.rename(os.path.join(kb.inbox, "draft.txt"), os.path.join(kb.inbox, "final.txt"))
    kb.indexed("final.txt", ONE)
    kb.nothing_new(["final.txt"])


def test_an_unlinked_file_takes_its_document_with_it(kb):
    document = kb.add("a.txt", ONE)
    contains(kb.ask("What is the mascot?"), "badger")
    os.unlink(os.path.join(kb.inbox, "a.txt"))
    eventually(lambda: not os.path.exists(document.folder), "the document is gone")
    contains(kb.ask("What is the mascot?", "t"), "The documents do not say.", "the answer")
    equal(os.listdir(kb.path("by", "status", "INDEXED")), [], "by/status/INDEXED")


@setting({"inbox.drain": "never"})
def test_an_editors_backup_keeps_no_document(kb):
    """F is renamed to F~ and written anew: the document is F's, and goes with it."""
    document = kb.add("plan.txt", ONE)
    path = os.path.join(kb.inbox, "plan.txt")
    os.rename(path, path + "~")
    write(path, TWO)
    equal(kb.indexed("plan.txt", TWO).id, document.id, "id")
    settle(kb)
    os.unlink(path)
    eventually(lambda: kb.paths() == [], lambda: f"no document; there are {kb.paths()}")
    equal(read(path + "~"), ONE.encode(), "the backup")
    contains(kb.ask("What is the mascot?"), "The documents do not say.", "the answer")


@setting({"inbox.drain": "never"})
def test_a_private_name_takes_the_document_away_and_back(kb):
    """At once: it is a step on the way of a rename; for longer: it is no document any more."""
    document = kb.add("a.txt", ONE)
    path = os.path.join(kb.inbox, "a.txt")
    os.rename(path, path + ".part")
    os.rename(path + ".part", os.path.join(kb.inbox, "b.txt"))
    eventually(lambda: kb.paths() == ["b.txt"], lambda: f"b.txt alone; there are {kb.paths()}")
    equal(kb.find("b.txt").id, document.id, "id")
    os.mkdir(os.path.join(kb.inbox, ".old"))
    os.rename(os.path.join(kb.inbox, "b.txt"), os.path.join(kb.inbox, ".old/b.txt"))
    eventually(lambda: kb.paths() == [], lambda: f"no document; there are {kb.paths()}")
    kb.restart()
    kb.nothing_new([])
    os.rename(os.path.join(kb.inbox, ".old/b.txt"), path)
    contains(kb.indexed("a.txt", ONE).text, "badger")


def test_a_folder_that_is_removed_takes_its_documents(kb):
    os.makedirs(os.path.join(kb.inbox, "x/y"))
    kb.add_many({"x/a.txt": ONE, "x/y/b.txt": TWO, "c.txt": THREE})
    shutil.rmtree(os.path.join(kb.inbox, "x"))
    eventually(lambda: kb.paths() == ["c.txt"], lambda: f"only c.txt; there are {kb.paths()}")


def test_a_file_that_never_was_indexed_leaves_no_version(kb):
    with open(os.path.join(kb.inbox, "a.txt"), "w") as f:
        f.write("The first ")
        f.flush()
        time.sleep(0.3)
        f.write("draft.\n")
    for text in (ONE, TWO, THREE):
        kb.drop("a.txt", text)
    document = kb.indexed("a.txt", THREE)
    equal((document.meta["version"], document.versions), (1, {}), "version and versions/")


def test_a_deleted_document_takes_its_file(kb):
    document = kb.add("a.txt", ONE)
    shutil.rmtree(document.folder)
    check(not os.path.exists(os.path.join(kb.inbox, "a.txt")), "the file is still in the inbox")
    stays(lambda: kb.paths() == [], "it came back")
    again = kb.add("a.txt", ONE)
    check(again.id != document.id, "the deleted document's id lives again")


@setting(config={"inbox.drain": "300ms"})
def test_versions_of_a_drained_file(kb):
    document = kb.add("a.txt", ONE)
    eventually(lambda: not os.listdir(kb.inbox), "the inbox is drained")
    kb.drop("a.txt", TWO)
    equal(kb.indexed("a.txt", TWO).id, document.id, "id")
    equal(document.versions, {1: ONE.encode()}, "versions")
    eventually(lambda: not os.listdir(kb.inbox), "the inbox is drained again")
    kb.drop("a.txt", TWO)
    eventually(lambda: not os.listdir(kb.inbox), "the unchanged file is drained, too")
    equal(document.meta["version"], 2, "version")


@setting(config={"inbox.keep_versions": "2"})
def test_old_versions_are_forgotten(kb):
    texts = [f"Edition {n} of the rules.\n" for n in range(1, 6)]
    for text in texts:
        kb.drop("a.txt", text)
        document = kb.indexed("a.txt", text)
    kept = {n: texts[n - 1].encode() for n in (3, 4)}
    eventually(lambda: document.versions == kept, lambda: f"{kept}: {document.versions}")
    equal(document.meta["version"], 5, "version")


def test_a_new_version_that_fails_leaves_the_old_one(kb):
    document = kb.add("a.txt", ONE)
    kb.drop("a.txt", NOISE)
    kb.failed("a.txt")
    contains(document.error, "version", "error")
    contains(kb.ask("What is the mascot?"), "badger", "the answer")
    equal(document.text, ONE, "text.txt")
    kb.drop("a.txt", THREE)
    kb.indexed("a.txt", THREE)
    contains(kb.ask("What is the mascot?", "t"), "otter", "the answer")
    check(not os.path.exists(document.file("error")), "error is still there")


@setting(options=("allow_other",))
def test_the_same_path_of_another_user_is_another_document(kb):
    needs_root()
    for uid, text in ((ALICE, ONE), (BOB, TWO)):
        folder = os.path.join(kb.inbox, f"u{uid}")
        as_user(uid, os.mkdir, folder)
    # A path that both own one after the other.
    path = os.path.join(kb.inbox, "shared.txt")
    as_user(ALICE, write, path, ONE)
    first = kb.indexed("shared.txt", ONE)
    os.rename(path, os.path.join(kb.inbox, "set-aside.txt"))
    kb.indexed("set-aside.txt", ONE)
    as_user(BOB, write, path, TWO)
    second = kb.indexed("shared.txt", TWO)
    check(first.id != second.id, "one document of two users")
    equal((kb.find("set-aside.txt").meta["owner"], second.meta["owner"]), (ALICE, BOB), "owners")


@setting(options=("allow_other",), config={"inbox.drain": "300ms"})
def test_two_users_drop_the_same_path(kb):
    needs_root()
    path = os.path.join(kb.inbox, "notes.txt")
    for uid, text in ((ALICE, ONE), (BOB, TWO)):
        as_user(uid, write, path, text)
        eventually(lambda: uid in {m["owner"] for _, m in kb.documents()
                                   if m["status"] == "INDEXED"}, f"the document of {uid}")
        eventually(lambda: not os.path.exists(path), "drained")
    equal(kb.paths(), ["notes.txt", "notes.txt"], "documents")
    equal({m["owner"]: d.original for d, m in kb.documents()},
          {ALICE: ONE.encode(), BOB: TWO.encode()}, "owners and originals")
    equal(sorted(os.listdir(kb.path("by", "status", "INDEXED"))), ["notes (2).txt", "notes.txt"],
          "by/status/INDEXED")


@setting(config={"inbox.settle": "1s"})
def test_a_file_is_done_when_it_has_been_quiet(kb):
    began = time.monotonic()
    kb.drop("a.txt", ONE)
    kb.indexed("a.txt")
    check(time.monotonic() - began >= 0.9, "it did not wait for the settle time")
    path = os.path.join(kb.inbox, "b.txt")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.write(fd, ONE.encode())
    stays(lambda: kb.find("b.txt") is None or kb.find("b.txt").status == "PENDING",
          "it was taken from an open handle", 2)
    os.close(fd)
    kb.indexed("b.txt", ONE)


@setting(config={"inbox.settle": "200ms", "inbox.settle_max": "2s"})
def test_a_log_that_grows_is_not_ingested_at_every_line(kb):
    path = os.path.join(kb.inbox, "growing.log")
    lines = [f"12:00:{n:02} event number {n}\n" for n in range(16)]
    for line in lines:
        with open(path, "a") as f:
            f.write(line)
        time.sleep(0.4)
    document = kb.indexed("growing.log", "".join(lines))
    check(document.meta["version"] <= 5, f"{document.meta['version']} versions of 16 lines")


def test_written_while_it_is_ingested(kb):
    """Whatever the moment, the last bytes win and nothing is refused."""
    path = os.path.join(kb.inbox, "a.txt")
    for n in range(40):
        text = f"Draft {n} " + "with many words of no great interest. " * 400 + "\n"
        write(path, text)
        time.sleep(0.013 * (n % 13))
    document = kb.indexed("a.txt", text)
    equal(read(path), text.encode(), "the file in the inbox")
    equal(document.original, text.encode(), "original")


def test_versions_cannot_be_written(kb):
    document = kb.add("a.txt", ONE)
    for name in ("text.txt", "metadata.json", "status", "original/a.txt"):
        with refused(errno.EACCES, errno.EPERM, errno.EROFS):
            os.close(os.open(document.file(*name.split("/")), os.O_WRONLY))
    with refused(errno.EACCES, errno.EPERM, errno.EROFS):
        os.close(os.open(document.file("new.txt"), os.O_WRONLY | os.O_CREAT))
