# SPDX-License-Identifier: Apache-2.0
"""What is inside an archive: each file a document of its own, that comes, changes and goes with
the archive that holds it."""
import io
import os
import stat
import tarfile
import time
import zipfile

from harness import (ALICE, BOB, as_user, check, contains, equal, eventually, needs_root,
                     read, setting, stays, write)

HERE = os.path.dirname(os.path.abspath(__file__))
BADGER = "The mascot of the club is a badger.\n"
HERON = "The mascot of the club is a heron since May.\n"
FEE = "The yearly fee of the club is 48 euros.\n"


def packed(files, method=zipfile.ZIP_DEFLATED):
    """A zip of {path: content}."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return data.getvalue()


def tarred(files, mode="w:gz"):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for path, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(path)
            info.size, info.mtime = len(content), 1_700_000_000
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def members(kb):
    """{path: document} of what is inside others."""
    return {meta["path"]: document for document, meta in kb.documents() if meta["parent"]}


def drop(kb, name, data):
    kb.drop(name, data)
    document = kb.indexed(name)
    kb.wait_status()
    return document


def test_each_member_is_a_document(kb):
    archive = drop(kb, "club.zip", packed({"mascot.txt": BADGER, "money/fee.txt": FEE}))
    found = members(kb)
    equal(sorted(found), ["club.zip!/mascot.txt", "club.zip!/money/fee.txt"], "the members")
    fee = found["club.zip!/money/fee.txt"]
    equal(fee.meta["parent"], archive.id, "parent")
    equal(fee.original, FEE.encode(), "its original")
    equal(fee.text, FEE, "its text")
    equal(archive.meta["chunk_count"], 0, "chunks of the archive")
    equal(archive.meta["extra_metadata"]["members"], 2, "the count of members")
    contains(kb.ask("What is the yearly fee?"), "48 euros", "the answer")
    contains(kb.ask("What is the yearly fee?"), "fee.txt", "its source")


def test_a_tar_tells_when_its_members_were_written(kb):
    drop(kb, "club.tar.gz", tarred({"mascot.txt": BADGER}))
    document = members(kb)["club.tar.gz!/mascot.txt"]
    name = os.path.join(document.file("original"), "mascot.txt")
    equal(int(os.stat(name).st_mtime), 1_700_000_000, "mtime")


def test_archives_in_archives_are_opened(kb):
    inner = packed({"fee.txt": FEE})
    drop(kb, "outer.zip", packed({"inner.zip": inner, "mascot.txt": BADGER}))
    found = members(kb)
    equal(sorted(found), ["outer.zip!/inner.zip", "outer.zip!/inner.zip!/fee.txt",
                          "outer.zip!/mascot.txt"], "the members")
    equal(found["outer.zip!/inner.zip!/fee.txt"].meta["parent"],
          found["outer.zip!/inner.zip"].id, "parent of the innermost")
    contains(kb.ask("What is the yearly fee?"), "48 euros", "the answer")


def test_a_new_version_changes_its_members_in_one_step(kb):
    archive = drop(kb, "club.zip", packed({"mascot.txt": BADGER, "fee.txt": FEE}))
    before = members(kb)
    kb.drop("club.zip", packed({"mascot.txt": HERON, "new.txt": "The hut has nine beds.\n"}))
    eventually(lambda: archive.meta["version"] == 2, "a second version")
    kb.wait_status()
    after = members(kb)
    equal(sorted(after), ["club.zip!/mascot.txt", "club.zip!/new.txt"], "the members")
    equal(after["club.zip!/mascot.txt"].id, before["club.zip!/mascot.txt"].id, "the same document")
    equal(after["club.zip!/mascot.txt"].versions, {1: BADGER.encode()}, "its earlier version")
    contains(kb.ask("What is the mascot?"), "heron", "the answer")
    check("48" not in kb.ask("What is the yearly fee?", "t"), "what went still answers")


def test_the_same_archive_again_changes_nothing(kb):
    data = packed({"mascot.txt": BADGER})
    archive = drop(kb, "club.zip", data)
    before = {path: document.meta for path, document in members(kb).items()}
    drop(kb, "club.zip", data)
    equal(archive.meta["version"], 1, "its version")
    equal({path: document.meta for path, document in members(kb).items()}, before, "the members")


def test_a_nested_archive_that_stays_the_same_keeps_its_members(kb):
    inner = packed({"fee.txt": FEE})
    archive = drop(kb, "outer.zip", packed({"inner.zip": inner, "mascot.txt": BADGER}))
    kb.drop("outer.zip", packed({"inner.zip": inner, "mascot.txt": HERON}))
    eventually(lambda: archive.meta["version"] == 2, "a second version")
    kb.wait_status()
    contains(kb.ask("What is the yearly fee?"), "48 euros", "the answer")
    equal(len(members(kb)), 3, "members")


def test_deleting_the_archive_deletes_its_members(kb):
    archive = drop(kb, "outer.zip",
                   packed({"inner.zip": packed({"fee.txt": FEE}), "mascot.txt": BADGER}))
    os.system(f"rm -r '{archive.folder}'")
    equal(kb.documents(), [], "documents")
    check("48" not in kb.ask("What is the yearly fee?"), "what was deleted still answers")
    kb.restart()
    equal(kb.documents(), [], "documents after a restart")


@setting(config={"inbox.drain": "never"})
def test_unlinking_the_file_deletes_all(kb):
    drop(kb, "club.zip", packed({"mascot.txt": BADGER, "fee.txt": FEE}))
    os.unlink(os.path.join(kb.inbox, "club.zip"))
    eventually(lambda: kb.documents() == [], "that everything goes")


@setting(config={"inbox.drain": "never"})
def test_renaming_the_archive_takes_its_members_along(kb):
    drop(kb, "club.zip", packed({"mascot.txt": BADGER}))
    before = members(kb)["club.zip!/mascot.txt"].id
    os.rename(os.path.join(kb.inbox, "club.zip"), os.path.join(kb.inbox, "verein.zip"))
    eventually(lambda: sorted(members(kb)) == ["verein.zip!/mascot.txt"], "the new path")
    equal(members(kb)["verein.zip!/mascot.txt"].id, before, "the same document")
    eventually(lambda: os.path.exists(kb.path("by/name/verein.zip!/mascot.txt")), "by/name")


@setting(options=("allow_other",))
def test_the_bits_of_the_archive_are_those_of_its_members(kb):
    needs_root()
    as_user(ALICE, write, os.path.join(kb.inbox, "club.zip"), packed({"mascot.txt": BADGER}), 0o600)
    archive = kb.indexed("club.zip")
    document = members(kb)["club.zip!/mascot.txt"]
    equal((document.meta["owner"], document.meta["mode"]), (ALICE, "0600"), "its bits")
    check("badger" not in as_user(BOB, kb.ask, "What is the mascot?", "bob"), "Bob may not see it")
    os.chmod(archive.folder, 0o644)
    equal(document.meta["mode"], "0644", "its bits after chmod")
    equal(stat.S_IMODE(os.stat(document.folder).st_mode), 0o755, "its folder")
    contains(as_user(BOB, kb.ask, "What is the mascot?", "bob2"), "badger", "Bob's answer")
    os.chmod(archive.folder, 0o600)
    check("badger" not in as_user(BOB, kb.ask, "Which mascot?", "bob3"), "Bob may not any more")


@setting(options=("allow_other",))
def test_a_member_that_was_given_bits_of_its_own_keeps_them(kb):
    archive = drop(kb, "club.zip", packed({"mascot.txt": BADGER, "fee.txt": FEE}))
    document = members(kb)["club.zip!/fee.txt"]
    os.chmod(document.folder, 0o600)
    kb.drop("club.zip", packed({"mascot.txt": HERON, "fee.txt": FEE + "From May on.\n"}))
    eventually(lambda: archive.meta["version"] == 2, "a second version")
    equal(document.meta["mode"], "0600", "its bits")
    equal(document.meta["version"], 2, "its version")


def test_a_member_fails_alone(kb):
    archive = drop(kb, "club.zip", packed({"mascot.txt": BADGER, "noise.bin": os.urandom(5000)}))
    found = members(kb)
    equal(found["club.zip!/noise.bin"].status, "FAILED", "what holds no text")
    contains(found["club.zip!/noise.bin"].error, "no text", "its reason")
    equal(found["club.zip!/mascot.txt"].status, "INDEXED", "the other")
    equal(archive.meta["extra_metadata"]["members_failed"], 1, "the count of those that failed")


def test_a_member_that_is_encrypted_says_so(kb):
    kb.drop("half.zip", read(os.path.join(HERE, "..", "formats", "archive", "half.zip")))
    kb.indexed("half.zip")
    reasons = [document.error for document in members(kb).values() if document.status == "FAILED"]
    equal(len(reasons), 1, "members that failed")
    contains(reasons[0], "is encrypted", "the reason")


def test_what_the_inbox_would_not_ingest_is_left_out(kb):
    drop(kb, "club.zip", packed({"mascot.txt": BADGER, ".git/config": "x = 1\n", "empty.txt": "",
                                 "~$draft.docx": "lock", "__MACOSX/._mascot.txt": "noise"}))
    equal(sorted(members(kb)), ["club.zip!/mascot.txt"], "the members")


def test_paths_lead_nowhere_else(kb):
    drop(kb, "club.zip", packed({"../../etc/passwd": BADGER, "/etc/shadow": FEE,
                                 "a/../b/./c.txt": HERON}))
    equal(sorted(members(kb)), ["club.zip!/a/b/c.txt", "club.zip!/etc/passwd",
                                "club.zip!/etc/shadow"], "the members")
    check(not os.path.exists(os.path.join(os.path.dirname(kb.state), "etc")), "nothing outside")


def test_two_members_of_one_name_are_two_documents(kb):
    drop(kb, "twice.tar", tarred({"a.txt": BADGER, "./a.txt": FEE}, "w"))
    equal(sorted(members(kb)), ["twice.tar!/a (2).txt", "twice.tar!/a.txt"], "the members")


def test_a_file_of_a_members_path_is_another_document(kb):
    drop(kb, "club", packed({"a.txt": BADGER}))
    os.mkdir(os.path.join(kb.inbox, "club!"))
    kb.drop("club!/a.txt", FEE)
    eventually(lambda: len(kb.documents()) == 3, "three documents")
    kb.wait_status()
    equal(sorted(document.text for document, _ in kb.documents()), ["", BADGER, FEE], "their texts")


def fails(kb, name, words):
    document = kb.failed(name)
    contains(document.error, words, "the reason")
    equal(members(kb), {}, "members of what failed")


@setting(config={"archive.members": "3"})
def test_too_many_members_fail_the_whole(kb):
    kb.drop("many.zip", packed({f"{n}.txt": BADGER for n in range(4)}))
    fails(kb, "many.zip", "[archive] members")


@setting(config={"archive.bytes": "1M"})
def test_too_many_bytes_fail_the_whole(kb):
    kb.drop("large.zip", packed({"a.txt": os.urandom(700_000).hex(), "b.txt": FEE}))
    fails(kb, "large.zip", "[archive] bytes")


def test_a_bomb_fails_the_whole(kb):
    kb.drop("bomb.zip", packed({"a.txt": FEE, "zeros.txt": "0" * (64 << 20)}))
    fails(kb, "bomb.zip", "[archive] ratio")


@setting(config={"archive.depth": "2"})
def test_too_deep_fails_the_whole(kb):
    data = packed({"fee.txt": FEE})
    for level in range(3):
        data = packed({f"{level}.zip": data, f"{level}.txt": BADGER})
    kb.drop("deep.zip", data)
    fails(kb, "deep.zip", "[archive] depth")


def test_a_version_beyond_the_limits_leaves_the_old_one_answering(kb):
    archive = drop(kb, "club.zip", packed({"mascot.txt": BADGER}))
    kb.drop("club.zip", packed({"mascot.txt": HERON, "zeros.txt": "0" * (64 << 20)}))
    eventually(lambda: archive.status == "FAILED", "that it fails")
    contains(archive.error, "[archive] ratio", "the reason")
    equal(sorted(members(kb)), ["club.zip!/mascot.txt"], "the members")
    contains(kb.ask("What is the mascot?"), "badger", "the answer")


def test_a_kill_leaves_all_members_or_none(kb):
    """Whenever it comes: afterwards the archive is complete."""
    files = {f"{n}.txt": f"Locker {n} holds the key of hut {n * 7}.\n" for n in range(300)}
    data = packed(files)
    for delay in (0.21, 0.25, 0.3, 0.4, 0.6):
        name = f"k{delay}.zip"
        kb.drop(name, data)
        time.sleep(delay)
        kb.kill()
        kb.start()
        document = kb.indexed(name, timeout=40)
        kb.wait_status()
        mine = [path for path in members(kb) if path.startswith(name + "!/")]
        equal(len(mine), 300, f"members after a kill at {delay} s")
        equal(document.meta["version"], 1, "its version")


def test_members_outlive_a_restart(kb):
    drop(kb, "club.zip", packed({"mascot.txt": BADGER, "noise.bin": os.urandom(5000)}))
    before = {path: document.meta for path, document in members(kb).items()}
    kb.restart()
    equal({path: document.meta for path, document in members(kb).items()}, before, "the members")
    stays(lambda: len(kb.documents()) == 3, "all documents")
    contains(kb.ask("What is the mascot?"), "badger", "the answer")


@setting(options=("allow_other",))
def test_a_new_version_with_other_bits_gives_them_to_what_stays_the_same(kb):
    needs_root()
    path = os.path.join(kb.inbox, "club.zip")
    inner = packed({"fee.txt": FEE})
    as_user(ALICE, write, path, packed({"inner.zip": inner, "hut.txt": "Nine beds.\n"}), 0o644)
    archive = kb.indexed("club.zip")
    contains(as_user(BOB, kb.ask, "What is the yearly fee?", "bob"), "48 euros", "Bob's answer")
    as_user(ALICE, write, path + "2", packed({"inner.zip": inner, "hut.txt": "Nine beds.\n",
                                              "mascot.txt": BADGER}), 0o600)
    as_user(ALICE, os.rename, path + "2", path)
    eventually(lambda: len(members(kb)) == 4, "the new member")
    for where, document in members(kb).items():
        equal(document.meta["mode"], "0600", f"bits of {where}")
    check("48" not in as_user(BOB, kb.ask, "What is the yearly fee?", "bob2"),
          "Bob may not see what stayed the same")


@setting(options=("allow_other",))
def test_a_version_that_fails_gives_its_bits_all_the_same(kb):
    needs_root()
    path = os.path.join(kb.inbox, "club.zip")
    as_user(ALICE, write, path, packed({"fee.txt": FEE}), 0o644)
    archive = kb.indexed("club.zip")
    contains(as_user(BOB, kb.ask, "What is the yearly fee?", "bob"), "48 euros", "Bob's answer")
    as_user(ALICE, write, path + "2", packed({"zeros.txt": "0" * (64 << 20)}), 0o600)
    as_user(ALICE, os.rename, path + "2", path)
    eventually(lambda: archive.status == "FAILED", "that it fails")
    equal(members(kb)["club.zip!/fee.txt"].meta["mode"], "0600", "bits of what still answers")
    check("48" not in as_user(BOB, kb.ask, "What is the yearly fee?", "bob2"), "Bob may not see it")
