# SPDX-License-Identifier: Apache-2.0
"""What a user does to an archive while it is ingested, and afterwards: whatever it is, each of its
documents follows, none stays behind, and the state folder is whole."""
import io
import os
import tarfile
import time

from harness import (ALICE, ASKFS, BOB, CAROL, Document, all_at_once, as_user, check, contains, equal,
                     eventually, is_sanitized, needs_root, run, setting, shell, walk, write)
from loopback import with_peer
from model_server import ModelServer, fails
from test_archives import BADGER, FEE, HERON, drop, members, packed, tarred
from test_limits import fill_disk, with_small_disk
from test_tools import data

LOCKERS = {f"{n}.txt": f"Locker {n} holds the key of hut {n * 7}.\n" for n in range(300)}
QUESTION = "What is the mascot of the club?"


def is_whole(kb):
    """Unmount, and look the state folder over."""
    kb.stop()
    said = run(ASKFS, "check", "--config", kb.config_file, "--state", kb.state, status=None)
    check(all(line.startswith("ok") for line in said.splitlines()), f"askfs check: {said}")


def below(kb, name):
    """The members of the archive @name."""
    return [path for path in members(kb) if path.startswith(name + "!/")]


def count(kb):
    """Of all documents: many are not to be read one by one."""
    return len(os.listdir(kb.path("docs")))


def shown_at(kb, path):
    """The document that by/name shows there."""
    return Document(kb, os.readlink(kb.path("by", "name", path)).split("/original/")[0][-36:])


# ------------------------------------------------------------------------------ names

def tar_of_paths(paths):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for n, path in enumerate(paths):
            info = tarfile.TarInfo(path.decode("utf-8", "surrogateescape"))
            content = f"Parcel {n} is in the barn.\n".encode()
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def test_names_of_every_sort_are_shown(kb):
    paths = [b"new\nline.txt", b"bad\xff\xfe.txt", b"x" * 251 + b".txt", b"y" * 300 + b".txt",
             b"/".join(b"deep%d" % n for n in range(60)) + b"/end.txt", b"a/" * 2000 + b"a.txt",
             b"/".join([b"z" * 200] * 18) + b"/end.txt", "über.txt".encode(), b"back\\slash.txt",
             b"tab\t.txt", b"esc\x1b[31m.txt", b"*?.txt", b" / x .txt", b"x!/y.txt", b"..",
             b"names.tar", b"names.tar!/x.txt"]
    drop(kb, "names.tar", tar_of_paths(paths))
    equal(len(members(kb)), len(paths), "members")
    shell(f"ls -lR '{kb.path('by')}' '{kb.path('docs')}'", text=False)
    names = os.fsencode(kb.path("by", "name", "names.tar!"))
    files = [path for path in walk(names) if os.path.islink(path)]
    equal(len(files), len(paths), "entries of by/name")
    check(all(len(path) < 3400 and path.count(b"/") < 50 for path in files), "a path without end")
    check(any(path.endswith(b"/new\nline.txt") for path in files), "the name with a newline")
    equal([path for path in files if not os.path.isfile(path)], [], "links that lead nowhere")
    shell(f"find '{kb.mount}' > /dev/null")
    is_whole(kb)


def test_many_members_of_one_name(kb):
    archive = tar_of_paths([b"readme.txt"] * 1100 + [b"readme (40).txt"])
    kb.drop("same.tar", archive)
    eventually(lambda: count(kb) == 1102, lambda: f"{count(kb)} documents", 30, step=0.1)
    equal(len(os.listdir(kb.path("by", "name", "same.tar!"))), 1101, "names")
    before = sorted(os.listdir(kb.path("docs")))
    kb.drop("same.tar", archive + bytes(10240))
    eventually(lambda: shown_at(kb, "same.tar").meta["version"] == 2, "a second version", 30)
    equal(sorted(os.listdir(kb.path("docs"))), before, "documents")
    is_whole(kb)


def test_members_may_be_called_as_what_is_in_the_inbox(kb):
    kb.add("mascot.txt", HERON)
    inner = packed({"club.zip!/mascot.txt": FEE})
    drop(kb, "club.zip", packed({"mascot.txt": BADGER, "club.zip": inner}))
    equal(kb.paths(), ["club.zip", "club.zip!/club.zip", "club.zip!/club.zip!/club.zip!/mascot.txt",
                       "club.zip!/mascot.txt", "mascot.txt"], "paths")
    os.unlink(os.path.join(kb.inbox, "mascot.txt"))
    eventually(lambda: len(kb.documents()) == 4, "that the file goes")
    contains(kb.ask(QUESTION), "badger", "the answer")


# ------------------------------------------------------------------- while it is ingested

def test_unlinking_while_it_is_ingested(kb):
    archive = packed(LOCKERS)
    for delay in (0.1, 0.15, 0.2, 0.3, 0.5):
        path = kb.drop("club.zip", archive)
        time.sleep(delay)
        os.unlink(path)
        eventually(lambda: kb.documents() == [], f"nothing, unlinked after {delay} s")
    time.sleep(0.5)
    equal((kb.documents(), os.listdir(kb.path("by", "name"))), ([], []), "what came back")
    is_whole(kb)


@setting(config={"inbox.settle_max": "100ms"})
def test_replacing_while_it_is_ingested(kb):
    for n, delay in enumerate((0.1, 0.15, 0.2, 0.3, 0.5)):
        kb.drop("club.zip", packed(LOCKERS))
        time.sleep(delay)
        new = packed({"only.txt": f"Round {n} is over.\n"})
        kb.drop("club.zip", new)
        kb.indexed("club.zip", new)
        eventually(lambda: kb.paths() == ["club.zip", "club.zip!/only.txt"],
                   lambda: f"the new members alone: {len(kb.paths())}")
        eventually(lambda: kb.find("club.zip!/only.txt").text == f"Round {n} is over.\n", "text")
    is_whole(kb)


def test_renaming_and_chmod_while_it_is_ingested(kb):
    for n, delay in enumerate((0.1, 0.15, 0.2, 0.3, 0.5)):
        path, name = kb.drop("club.zip", packed(LOCKERS)), f"verein{n}.zip"
        time.sleep(delay)
        os.rename(path, os.path.join(kb.inbox, name))
        os.chmod(os.path.join(kb.inbox, name), 0o600)
        kb.indexed(name)
        kb.wait_status()
        eventually(lambda: len(below(kb, name)) == len(LOCKERS), f"members, after {delay} s")
        equal({meta["mode"] for _, meta in kb.documents()}, {"0600"}, "bits")
        equal(below(kb, "club.zip"), [], "members at the old path")
        os.unlink(os.path.join(kb.inbox, name))
        eventually(lambda: kb.documents() == [], "that all goes")
    is_whole(kb)


def test_looking_while_it_changes(kb):
    done = []

    def work(who):
        while who and not done:
            run("ls", "-laR", kb.path("by"), status=None)
        for n in range(8 if not who else 0):
            kb.drop("club.zip", packed({f"d{n % 3}/{k}.txt": f"{n} {k}\n" for k in range(20)}))
            time.sleep(0.25)
            if n % 4 == 3:
                os.unlink(os.path.join(kb.inbox, "club.zip"))
        done.append(who)
    all_at_once(work, 3)
    eventually(lambda: kb.documents() == [], "that all goes")


# ---------------------------------------------------------------------------- afterwards

def test_a_member_alone_may_be_deleted(kb):
    drop(kb, "club.zip", packed({"mascot.txt": BADGER, "fee.txt": FEE}))
    shell(f"rm -r '{members(kb)['club.zip!/fee.txt'].folder}'")
    kb.restart()
    equal(kb.paths(), ["club.zip", "club.zip!/mascot.txt"], "paths")
    check("48" not in kb.ask("What is the yearly fee?"), "what was deleted answers")
    archive = packed({"mascot.txt": HERON, "fee.txt": FEE})
    kb.drop("club.zip", archive)
    kb.indexed("club.zip", archive)
    kb.wait_status()
    contains(kb.ask("What is the yearly fee?"), "48 euros", "the next version has it again")
    is_whole(kb)


def test_renaming_over_another_archive_and_with_its_folder(kb):
    drop(kb, "old.zip", packed({"mascot.txt": BADGER, "gone.txt": FEE}))
    drop(kb, "new.zip", packed({"mascot.txt": HERON}))
    os.rename(os.path.join(kb.inbox, "new.zip"), os.path.join(kb.inbox, "old.zip"))
    eventually(lambda: kb.paths() == ["old.zip", "old.zip!/mascot.txt"], kb.paths)
    contains(kb.ask(QUESTION), "heron", "the answer")
    os.mkdir(os.path.join(kb.inbox, "a"))
    os.rename(os.path.join(kb.inbox, "old.zip"), os.path.join(kb.inbox, "a", "old.zip"))
    os.rename(os.path.join(kb.inbox, "a"), os.path.join(kb.inbox, "b"))
    eventually(lambda: kb.paths() == ["b/old.zip", "b/old.zip!/mascot.txt"], kb.paths)
    is_whole(kb)


@setting(config={"inbox.keep_versions": "2", "inbox.settle_max": "100ms"})
def test_members_keep_versions_of_their_own(kb):
    for n in range(5):
        archive = packed({"round.txt": f"Round {n}.\n", "rules.txt": "Nothing changes.\n"})
        kb.drop("game.zip", archive)
        kb.indexed("game.zip", archive)
        kb.wait_status()
    found = members(kb)
    equal(found["game.zip!/round.txt"].versions, {3: b"Round 2.\n", 4: b"Round 3.\n"}, "versions")
    equal(found["game.zip!/rules.txt"].versions, {}, "versions of what stayed the same")
    equal(found["game.zip!/rules.txt"].meta["version"], 1, "its version")
    is_whole(kb)


@setting(config={"inbox.drain": "300ms"})
def test_members_stay_when_the_inbox_is_drained(kb):
    for mascot in (BADGER, HERON):
        archive = packed({"mascot.txt": mascot, "noise.bin": os.urandom(5000)})
        path = kb.drop("club.zip", archive)
        kb.indexed("club.zip", archive)
        eventually(lambda: not os.path.exists(path), "that the file is drained")
    kb.restart()
    equal(kb.paths(), ["club.zip", "club.zip!/mascot.txt", "club.zip!/noise.bin"], "paths")
    contains(kb.ask(QUESTION), "heron", "the answer")
    equal(sorted(os.listdir(kb.path("by", "status", "FAILED"))), ["noise.bin"], "by/status/FAILED")
    equal(sorted(os.listdir(kb.path("by", "type", "text", "plain"))), ["mascot.txt"], "by/type")


def test_tools_and_searches_see_members(kb):
    drop(kb, "club.zip", packed({"mascot.txt": BADGER, "money/fee.txt": FEE}))
    listed = data(kb, "list_documents", name="club.zip!/")["documents"]
    equal(sorted(d["path"] for d in listed), ["club.zip!/mascot.txt", "club.zip!/money/fee.txt"],
          "list_documents")
    fee = members(kb)["club.zip!/money/fee.txt"]
    contains(str(data(kb, "get_document", document_id=fee.id)), "48 euros", "get_document")
    found = data(kb, "vector_search", query="yearly fee", path="club.zip!/money/")
    equal([f["metadata"]["path"] for f in found], ["club.zip!/money/fee.txt"], "vector_search")
    os.mkdir(kb.path("search", "yearly fee"))
    contains(os.listdir(kb.path("search", "yearly fee")), "01-fee.txt", "search/")


# -------------------------------------------------------------------------------- others

@setting(options=("allow_other",))
def test_two_users_of_one_archive(kb):
    needs_root()
    archive = packed({"secret.txt": "The secret of the twins is marmalade.\n"})
    for user, name in ((ALICE, "alice.zip"), (BOB, "bob.zip")):
        as_user(user, write, os.path.join(kb.inbox, name), archive, 0o600)
        kb.indexed(name)
    question = "What is the secret of the twins?"
    for user, name in ((ALICE, "alice.zip"), (BOB, "bob.zip")):
        equal(as_user(user, kb.answer_paths, question, name), [name + "!/secret.txt"], "the source")
        equal(as_user(user, kb.paths), [name, name + "!/secret.txt"], f"what {name}'s owner sees")
    check("marmalade" not in as_user(CAROL, kb.ask, question, "carol"), "Carol may not see either")
    os.chown(os.path.join(kb.inbox, "alice.zip"), CAROL, CAROL)
    eventually(lambda: as_user(CAROL, kb.paths) == ["alice.zip", "alice.zip!/secret.txt"], "chown")
    equal(as_user(ALICE, kb.paths), [], "what Alice still sees")
    is_whole(kb)


@setting(options=("allow_other",))
def test_what_is_in_a_private_folder_keeps_private(kb):
    needs_root()
    folder, question = os.path.join(kb.inbox, "own"), "What is the colour of the barn?"

    def make():
        os.mkdir(folder, 0o700)
        write(os.path.join(folder, "barn.zip"),
              packed({"vermilion.txt": "The colour of the barn is vermilion.\n"}), 0o644)

    def sees(session):
        shown = shell(f"ls -laR '{kb.mount}/by' '{kb.mount}/docs' 2>&1", status=None)
        return "vermilion" in shown + kb.ask(question, session).replace(question, "")
    as_user(ALICE, make)
    kb.indexed("own/barn.zip")
    kb.wait_status()
    check(not as_user(BOB, sees, "b1"), "Bob sees into a folder of mode 0700")
    check(as_user(ALICE, sees, "a1"), "its owner sees nothing")
    os.chmod(folder, 0o755)
    eventually(lambda: as_user(BOB, sees, "b2"), "that it is open")
    os.chmod(folder, 0o700)
    eventually(lambda: not as_user(BOB, sees, "b3"), "that it is closed again")


# ------------------------------------------------------------------------------ services

def with_embedder(**config):
    """Run test(kb, server): `server.embedding_failure` takes the embedder away."""
    return with_peer(ModelServer, lambda server: {
        "ports.embedder": "openai", "openai.base_url": server.url, "openai.retries": "0",
        "openai.embedding_model": "embed", "openai.timeout": "2s"}, config)


def is_down(_):
    return fails(503, "down for a while")


def statuses(kb):
    return {meta["path"]: meta["status"] for _, meta in kb.documents() if meta["parent"]}


def embedded(kb):
    eventually(lambda: set(statuses(kb).values()) == {"INDEXED"}, lambda: str(statuses(kb)), 30)
    check(all(meta["embedding_model"] for _, meta in kb.documents() if meta["parent"]), "no model")


@with_embedder()
def test_members_wait_for_an_embedder_that_is_down(kb, server):
    server.embedding_failure = is_down
    kb.drop("club.zip", packed({"mascot.txt": BADGER, "fee.txt": FEE}))
    eventually(lambda: list(statuses(kb).values()) == ["PROCESSING"] * 2, lambda: str(statuses(kb)))
    contains(kb.ask(QUESTION), "badger", "the answer by words")
    contains(run(ASKFS, "status", "--wait", "1", kb.mount, status=4), "PROCESSING 2", "status")
    equal(sorted(os.listdir(kb.path("by", "status", "PROCESSING"))), ["fee.txt", "mascot.txt"],
          "by/status")
    began = time.monotonic()
    kb.restart()
    check(time.monotonic() - began < 5, "the restart waited for the embedder")
    kb.kill()
    kb.start()
    equal(sorted(statuses(kb)), ["club.zip!/fee.txt", "club.zip!/mascot.txt"], "members")
    server.embedding_failure = None
    embedded(kb)
    kb.wait_status()
    equal({meta["version"] for _, meta in kb.documents()}, {1}, "versions")
    is_whole(kb)


@with_embedder()
def test_members_that_wait_follow_their_archive(kb, server):
    server.embedding_failure = is_down
    kb.drop("club.zip", packed({"mascot.txt": BADGER, "fee.txt": FEE}))
    kb.drop("gone.zip", packed({"mascot.txt": BADGER}))
    eventually(lambda: len(members(kb)) == 3, "the members")
    os.unlink(os.path.join(kb.inbox, "gone.zip"))
    os.chmod(kb.find("club.zip").folder, 0o600)
    shell(f"rm -r '{members(kb)['club.zip!/fee.txt'].folder}'")
    os.rename(os.path.join(kb.inbox, "club.zip"), os.path.join(kb.inbox, "verein.zip"))
    eventually(lambda: list(statuses(kb)) == ["verein.zip!/mascot.txt"], lambda: str(statuses(kb)))
    server.embedding_failure = None
    embedded(kb)
    kb.restart()
    equal([(meta["path"], meta["mode"]) for _, meta in kb.documents()],
          [("verein.zip", "0600"), ("verein.zip!/mascot.txt", "0600")], "after a restart")
    is_whole(kb)


@setting(config={"ports.embedder": "test"})
def test_a_kill_while_members_are_embedded(kb):
    for delay in (0.2, 0.3, 0.45):
        name = f"k{delay}.zip"
        kb.drop(name, packed(LOCKERS))
        time.sleep(delay)
        kb.kill()
        kb.start()
        kb.indexed(name, timeout=40)
        kb.wait_status()
        equal(len(below(kb, name)), len(LOCKERS), f"members after a kill at {delay} s")
        embedded(kb)
    is_whole(kb)


def test_reindex_takes_members_along(kb):
    drop(kb, "club.zip", packed({"inner.zip": packed({"fee.txt": FEE}), "mascot.txt": BADGER}))
    kb.stop()
    kb.config["ports.embedder"] = "test"
    kb.write_config()
    contains(shell(f"{ASKFS} reindex --config {kb.config_file} --state {kb.state} 2>&1"),
             "2 chunks are embedded", "what reindex says")
    kb.start()
    expected = {"club.zip!/inner.zip": None, "club.zip!/inner.zip!/fee.txt": "test-hash-64",
                "club.zip!/mascot.txt": "test-hash-64"}
    eventually(lambda: expected == {path: document.meta["embedding_model"]
                                    for path, document in members(kb).items()}, "the models")


@with_peer(ModelServer, lambda server: {"net.allow": "yes"}, {})
def test_a_link_inside_an_archive_is_text(kb, server):
    """A dropped .url file is fetched where that is allowed; one that came with an archive is not:
    whoever packed it did not mean this machine to go anywhere."""
    link = f"[InternetShortcut]\r\nURL={server.url}/models\r\n"
    drop(kb, "links.zip", packed({"page.url": link, "page.txt": server.url + "/models\n"}))
    found = members(kb)
    equal(found["links.zip!/page.url"].original, link.encode(), "its original")
    equal([document.meta["source"] for document in found.values()], [None, None], "sources")
    equal((server.requests, server.broken_off), ([], 0), "requests")
    check(server.gets == 0, "a link of an archive was fetched")


# -------------------------------------------------------------------------------- limits

@setting(seconds=120)
def test_five_thousand_members(kb):
    files = {f"d{n % 50}/{n}.txt": f"Locker {n} holds the key of hut {n * 7}.\n"
             for n in range(5000)}
    began, peak = time.monotonic(), 0
    kb.drop("many.tgz", tarred(files))

    def is_done():
        nonlocal peak
        peak = max(peak, kb.rss_anon())
        return count(kb) == 5001 and shown_at(kb, "many.tgz").status == "INDEXED"
    eventually(is_done, "that it is indexed", 60, step=0.1)
    took = time.monotonic() - began
    check(peak < 100 << 10 or is_sanitized(), f"RssAnon rose to {peak >> 10} MiB")
    contains(kb.ask("Which key does locker 4711 hold?"), "hut 32977", "the answer")
    os.unlink(os.path.join(kb.inbox, "many.tgz"))
    eventually(lambda: os.listdir(kb.path("docs")) == [], "that all goes", 20)
    check(took < 60, f"it took {took:.0f} s")


@with_small_disk
def test_a_full_disk_is_told_and_passes(kb):
    drop(kb, "club.zip", packed({"mascot.txt": BADGER}))
    large = packed({f"{n}.txt": os.urandom(100_000).hex() for n in range(40)})
    ballast = fill_disk(kb, leave=len(large) + (4 << 20))
    kb.drop("large.zip", large)

    def told():
        with open(kb.path("system", "health"), encoding="utf-8") as file:
            return "cannot unpack: No space left" in file.read()
    eventually(told, "system/health", step=0.005)
    equal(below(kb, "large.zip"), [], "members of what does not fit")
    contains(kb.ask(QUESTION), "badger", "the answer")
    os.unlink(ballast)
    kb.indexed("large.zip", timeout=40)
    equal(len(below(kb, "large.zip")), 40, "members")
    check(not told(), "it is told still")
