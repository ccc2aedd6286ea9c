# SPDX-License-Identifier: Apache-2.0
"""Several users of one mount: each finds, lists and reads what the mode bits let him."""
import errno
import os
import stat
import subprocess
import time

from harness import (ALICE, BOB, CAROL, as_user, check, contains, equal, eventually,
                     needs_root, read, refused, run, setting, text_of, write)

EVERYBODY = setting(options=("allow_other",))


def timed(function):
    began = time.monotonic()
    function()
    return time.monotonic() - began


def drop(kb, uid, name, data, mode):
    needs_root()
    as_user(uid, write, os.path.join(kb.inbox, name), data, mode)


def private_and_public(kb):
    drop(kb, ALICE, "alice-private.txt", "The badger password is fern.\n", 0o600)
    drop(kb, BOB, "bob-private.txt", "The badger password is moss.\n", 0o600)
    drop(kb, ALICE, "alice-public.txt", "The badger lives in the old mill.\n", 0o644)
    return {name: kb.indexed(name) for name in
            ("alice-private.txt", "bob-private.txt", "alice-public.txt")}


@EVERYBODY
def test_documents_belong_to_whoever_dropped_them(kb):
    documents = private_and_public(kb)
    meta = documents["alice-private.txt"].meta
    equal((meta["owner"], meta["group"], meta["mode"]), (ALICE, ALICE, "0600"), "the record")
    found = os.stat(documents["alice-private.txt"].folder)
    equal((found.st_uid, stat.S_IMODE(found.st_mode)), (ALICE, 0o700), "its folder")
    found = os.stat(documents["alice-public.txt"].folder)
    equal((found.st_uid, stat.S_IMODE(found.st_mode)), (ALICE, 0o755), "a public folder")
    found = os.stat(documents["alice-public.txt"].file("text.txt"))
    equal((found.st_uid, stat.S_IMODE(found.st_mode)), (ALICE, 0o644), "a public file")
    found = os.stat(documents["alice-private.txt"].file("text.txt"))
    equal(stat.S_IMODE(found.st_mode), 0o600, "a private file")


@EVERYBODY
def test_nobody_lists_anothers_documents(kb):
    documents = private_and_public(kb)
    hers, his, public = (documents[n].id for n in documents)
    for uid, expected in ((ALICE, {hers, public}), (BOB, {his, public}), (CAROL, {public})):
        equal(set(as_user(uid, os.listdir, kb.path("docs"))), expected, f"docs/ of {uid}")
        names = {n for n in documents if documents[n].id in expected}
        for view in (("by", "status", "INDEXED"), ("by", "name"), ("by", "type", "text", "plain")):
            equal(set(as_user(uid, os.listdir, kb.path(*view))), names, f"{view} of {uid}")
    equal(set(os.listdir(kb.path("docs"))), {hers, his, public}, "docs/ of root")


@EVERYBODY
def test_nobody_reads_anothers_documents(kb):
    document = private_and_public(kb)["alice-private.txt"]
    for name in ("text.txt", "metadata.json", "chunks.jsonl", "status", "chunks/0001.txt",
                 "original/alice-private.txt"):
        path = document.file(*name.split("/"))
        check(as_user(ALICE, read, path), f"{name} is empty")
        with refused(errno.EACCES):
            as_user(BOB, read, path)
    with refused(errno.EACCES):
        as_user(BOB, os.listdir, document.folder)
    with refused(errno.EACCES, errno.EPERM, errno.ENODATA):
        as_user(BOB, os.setxattr, document.folder, "user.askfs.title", b"mine now")
    with refused(errno.EACCES, errno.EPERM):
        as_user(BOB, os.chmod, document.folder, 0o777)
    with refused(errno.EACCES, errno.EPERM):
        as_user(BOB, os.rmdir, document.folder)
    inbox = os.path.join(kb.inbox, "alice-private.txt")
    for attempt in (read, os.unlink, lambda p: write(p, "x"), lambda p: os.rename(p, p + "2")):
        with refused(errno.EACCES, errno.EPERM):
            as_user(BOB, attempt, inbox)


@EVERYBODY
def test_answers_know_only_what_the_asker_may_read(kb):
    private_and_public(kb)
    question = "What is the badger password?"
    for uid, mine, other in ((ALICE, "fern", "moss"), (BOB, "moss", "fern")):
        shown = as_user(uid, kb.ask, question, f"s{uid}")
        contains(shown, mine, f"the answer to {uid}")
        check(other not in shown, f"{uid} was told {other}")
        whole = as_user(uid, text_of, kb.path("sessions", f"s{uid}", "answer.json"))
        check(other not in whole, f"answer.json of {uid} holds {other}")
    shown = as_user(CAROL, kb.ask, question, "carol")
    check("fern" not in shown and "moss" not in shown, f"Carol was told {shown}")
    whole = as_user(CAROL, text_of, kb.path("sessions", "carol", "answer.json"))
    check("fern" not in whole and "moss" not in whole, "answer.json of Carol holds a secret")
    contains(as_user(CAROL, kb.ask, "Where does the badger live?", "carol"), "old mill")


@EVERYBODY
def test_sessions_are_private(kb):
    private_and_public(kb)
    as_user(ALICE, kb.ask, "What is the badger password?", "hers")
    for name in (("ask", "hers"), ("sessions", "hers", "transcript.md"),
                 ("sessions", "hers", "answer.json"), ("sessions", "hers", "stream"),
                 ("sessions", "hers", "options.json")):
        with refused(errno.EACCES):
            as_user(BOB, read, kb.path(*name))
    for attempt in (lambda: write(kb.path("ask", "hers"), "And who knows it?"),
                    lambda: os.unlink(kb.path("ask", "hers")),
                    lambda: os.listdir(kb.path("sessions", "hers")),
                    lambda: os.chmod(kb.path("ask", "hers"), 0o666)):
        with refused(errno.EACCES, errno.EPERM):
            as_user(BOB, attempt)
    check("hers" not in as_user(BOB, os.listdir, kb.path("ask")), "ask/ shows her session")
    check("hers" not in as_user(BOB, os.listdir, kb.path("sessions")), "sessions/ shows it")
    contains(as_user(ALICE, os.listdir, kb.path("ask")), "hers", "her own ask/")
    for name in ("metrics", "usage"):
        with refused(errno.EACCES):
            as_user(BOB, read, kb.path("system", name))
    as_user(BOB, read, kb.path("system", "health"))


@setting(options=("allow_other",), seconds=150)
def test_private_documents_do_not_push_out_the_public_one(kb):
    """1,000 private documents that match better; filtering comes before ranking."""
    needs_root()

    def flood():
        os.umask(0o077)
        os.mkdir(os.path.join(kb.inbox, "flood"))
        for n in range(1000):
            write(os.path.join(kb.inbox, "flood", f"{n}.txt"),
                  f"The heron nests in the reeds. Where does the heron nest? Heron {n} nests.\n")
    as_user(ALICE, flood)
    drop(kb, BOB, "public.txt", "Among other birds, which are many and of all kinds, a heron was "
         "once seen at the quarry, where it may nest.\n", 0o644)
    document = kb.indexed("public.txt", timeout=60)
    metric = 'askfs_documents{status="INDEXED"}'
    eventually(lambda: kb.metrics()[metric] >= 1001, lambda: f"{kb.metrics()[metric]} of 1001", 90)
    shown = as_user(CAROL, kb.ask, "Where does the heron nest?", "carol")
    contains(shown, "quarry", "the answer")
    as_user(CAROL, os.mkdir, kb.path("search", "heron nest"))
    equal(as_user(CAROL, os.listdir, kb.path("search", "heron nest")),
          ["01-public.txt", "results.json"], "the search")
    equal(as_user(CAROL, os.listdir, kb.path("docs")), [document.id], "docs/ of Carol")
    contains(as_user(ALICE, kb.ask, "Where does the heron nest?", "alice"), "reeds", "her answer")


@setting(options=("allow_other",), config={"ports.generator": "test"}, seconds=60)
def test_a_thousand_questions_of_one_user_do_not_delay_anothers(kb):
    """By two answers at most, of about a fifth of a second each; and ls by nothing."""
    needs_root()
    kb.add("fact.txt", "The heron nests in the reeds.\n")
    alone = timed(lambda: as_user(BOB, kb.ask, "Where are herons?", "bob"))

    def ask_on():
        for n in range(1000):
            write(kb.path("ask", f"alice{n}"), "Where are herons?")
    as_user(ALICE, ask_on)
    depth = 'askfs_queue_depth{queue="ask"}'
    check(kb.metrics()[depth] > 700, f"{kb.metrics()[depth]} questions wait")
    took = timed(lambda: as_user(BOB, kb.ask, "Where are herons?", "bob"))
    listing = timed(lambda: os.listdir(kb.path("docs")))
    check(kb.metrics()[depth] > 600, f"{kb.metrics()[depth]} questions wait")
    check(took < 4 * alone + 1, f"Bob waited for {took:.2f} s; alone for {alone:.2f} s")
    check(listing < 0.5, f"ls took {listing:.2f} s")


@setting(options=("allow_other",), seconds=90)
def test_a_thousand_questions_at_once_are_answered(kb):
    kb.add("fact.txt", "The heron nests in the reeds.\n")
    for n in range(1000):
        write(kb.path("ask", f"s{n}"), "Where does the heron nest?")
    for n in range(1000):
        contains(text_of(kb.path("ask", f"s{n}")), "reeds", f"answer {n}")


@EVERYBODY
def test_chmod_takes_effect_from_the_next_question(kb):
    document = private_and_public(kb)["alice-public.txt"]
    question = "Where does the badger live?"
    contains(as_user(BOB, kb.ask, question, "b"), "old mill")
    as_user(ALICE, os.chmod, document.folder, 0o600)
    check("old mill" not in as_user(BOB, kb.ask, question, "b"), "it answers after chmod 600")
    check("old mill" not in as_user(BOB, kb.ask, "And where exactly?", "b"), "from the history")
    contains(as_user(ALICE, kb.ask, question, "a"), "old mill", "her own answer")
    equal(document.meta["mode"], "0600", "mode")
    with refused(errno.EACCES):
        as_user(BOB, read, document.file("text.txt"))
    as_user(ALICE, os.chmod, document.folder, 0o644)
    contains(as_user(BOB, kb.ask, question, "b2"), "old mill", "after chmod 644")
    run("chmod", "-R", "go-rwx", document.folder)
    check("old mill" not in as_user(BOB, kb.ask, question, "b3"), "it answers after chmod -R")
    kb.restart()
    check("old mill" not in as_user(BOB, kb.ask, question, "b4"), "after a restart")


@EVERYBODY
def test_chmod_in_the_inbox_counts_too(kb):
    drop(kb, ALICE, "a.txt", "The otter sleeps in the boathouse.\n", 0o644)
    document = kb.indexed("a.txt")
    contains(as_user(BOB, kb.ask, "Where does the otter sleep?", "b"), "boathouse")
    as_user(ALICE, os.chmod, os.path.join(kb.inbox, "a.txt"), 0o600)
    eventually(lambda: document.meta["mode"] == "0600", lambda: f"mode {document.meta['mode']}")
    check("boathouse" not in as_user(BOB, kb.ask, "Where does the otter sleep?", "b"), "it answers")


@EVERYBODY
def test_chmod_of_a_file_that_is_being_written(kb):
    """A log: whoever writes it keeps it open, and it never settles."""
    path = as_user(ALICE, lambda: kb.drop("log.txt", "The code of the safe is 4711.\n"))
    document = kb.indexed("log.txt")
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(fd, b"Another line.\n")
    as_user(ALICE, lambda: os.chmod(path, 0o600))
    equal(document.meta["mode"], "0600", "mode of the document")
    contains(as_user(BOB, lambda: kb.ask("What is the code of the safe?", "bob")),
             "The documents do not say.", "what Bob is told")
    os.close(fd)


@setting(options=("allow_other",), config={"inbox.drain": "never"})
def test_chmod_of_a_folder_is_obeyed_when_it_returns(kb):
    """By all the documents below, also by a daemon that is killed right after it."""
    def fill():
        os.mkdir(os.path.join(kb.inbox, "f"))
        for n in range(200):
            write(os.path.join(kb.inbox, f"f/{n}.txt"), f"The number of zebra{n} is {n * 7}.\n")
    as_user(ALICE, fill)
    kb.wait_status()
    equal(as_user(BOB, lambda: len(kb.documents())), 200, "documents that Bob sees before")
    as_user(ALICE, lambda: os.chmod(os.path.join(kb.inbox, "f"), 0o700))
    equal(as_user(BOB, lambda: len(kb.documents())), 0, "documents that Bob sees")
    as_user(ALICE, lambda: os.chmod(os.path.join(kb.inbox, "f"), 0o755))
    as_user(ALICE, lambda: os.chmod(os.path.join(kb.inbox, "f"), 0o700))
    kb.kill()
    kb.start()
    kb.wait_status()
    eventually(lambda: as_user(BOB, lambda: len(kb.documents())) == 0, "Bob sees none after a kill")


@setting(options=("allow_other",))
def test_chmod_ends_reading_at_once(kb):
    """Also for whoever has looked a moment ago, so that the kernel remembers the bits."""
    drop(kb, ALICE, "a.txt", "The otter sleeps in the boathouse.\n", 0o644)
    document = kb.indexed("a.txt")
    path = os.path.join(kb.inbox, "a.txt")
    for changed in (path, document.folder, document.file("metadata.json")) * 5:
        as_user(BOB, run, "ls", "-l", kb.path("docs"))
        contains(as_user(BOB, read, document.file("text.txt")), b"boathouse")
        as_user(ALICE, os.chmod, changed, 0o600)
        with refused(errno.EACCES):
            as_user(BOB, read, document.file("text.txt"))
        equal(stat.S_IMODE(os.stat(document.folder).st_mode), 0o700, "mode of its folder")
        as_user(ALICE, os.chmod, changed, 0o644)


@EVERYBODY
def test_what_came_in_a_private_folder_stays_private(kb):
    def drop_in_folder():
        os.mkdir(os.path.join(kb.inbox, "private"), 0o700)
        os.mkdir(os.path.join(kb.inbox, "private/inner"), 0o755)
        path = os.path.join(kb.inbox, "private/inner/a.txt")
        write(path, "The lynx hides in the crypt.\n", 0o644)
    needs_root()
    as_user(ALICE, drop_in_folder)
    document = kb.indexed("private/inner/a.txt")
    check("crypt" not in as_user(BOB, kb.ask, "Where does the lynx hide?", "b"), "Bob was told")
    equal(as_user(BOB, os.listdir, kb.path("docs")), [], "docs/ of Bob")
    contains(as_user(ALICE, kb.ask, "Where does the lynx hide?", "a"), "crypt")
    equal(stat.S_IMODE(os.stat(document.folder).st_mode), 0o700, "mode of its folder")


@EVERYBODY
def test_groups(kb):
    needs_root()

    def drop_for_group():
        path = os.path.join(kb.inbox, "a.txt")
        write(path, "The marten dens in the chapel.\n", 0o640)
        os.chown(path, -1, 4444)
    as_user(ALICE, drop_for_group, groups=(4444,))
    document = kb.indexed("a.txt")
    eventually(lambda: document.meta["group"] == 4444, "the group")
    question = "Where does the marten den?"
    check("chapel" not in as_user(BOB, kb.ask, question, "b"), "Bob is not in the group")
    check("chapel" in as_user(BOB, kb.ask, question, "b2", groups=(4444,)),
          "supplementary groups do not count")
    check(as_user(CAROL, os.listdir, kb.path("docs"), groups=(1, 2, 4444)) == [document.id],
          "docs/ of a member")


@EVERYBODY
def test_lookup_gives_everybody_the_same_answer(kb):
    """The kernel's cache of names is shared: who stands in a folder must keep his footing."""
    document = private_and_public(kb)["alice-private.txt"]

    def stand():
        os.chdir(document.folder)
        return os.getcwd()
    equal(as_user(ALICE, stand), document.folder, "getcwd of the owner")
    for uid in (BOB, CAROL):
        found = as_user(uid, os.stat, document.folder)
        equal(found.st_uid, ALICE, "stat of another's folder")
    # Both at once: Bob's looking does not break Alice's getcwd.
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setresuid(ALICE, ALICE, ALICE)
            os.chdir(document.folder)
            for _ in range(100):
                os.getcwd(), os.stat("status")
                time.sleep(0.005)
            status = 0
        finally:
            os._exit(status)
    for _ in range(50):
        as_user(BOB, os.path.exists, document.file("text.txt"))
        as_user(BOB, os.listdir, kb.path("docs"))
    equal(os.waitpid(pid, 0)[1], 0, "exit status of whoever stood in the folder")


@EVERYBODY
def test_the_inbox_is_sticky(kb):
    drop(kb, ALICE, "a.txt", "The mole digs.\n", 0o644)
    for attempt in (os.unlink, lambda p: os.rename(p, p + ".b"),
                    lambda p: os.rename(os.path.join(kb.inbox, "b.txt"), p)):
        as_user(BOB, write, os.path.join(kb.inbox, "b.txt"), "x")
        with refused(errno.EACCES, errno.EPERM):
            as_user(BOB, attempt, os.path.join(kb.inbox, "a.txt"))
    with refused(errno.EPERM):
        as_user(BOB, os.chown, os.path.join(kb.inbox, "b.txt"), ALICE, -1)


@EVERYBODY
def test_deleting_needs_the_right_to(kb):
    documents = private_and_public(kb)
    public = documents["alice-public.txt"]
    run("ls", "-lR", public.folder)

    def remove():
        return subprocess.run(["/bin/rm", "-rf", public.folder], stderr=subprocess.PIPE).returncode
    check(as_user(BOB, remove) != 0, "Bob's rm -rf says it worked")
    check(os.path.exists(public.file("text.txt")), "Bob deleted, or hid, what is Alice's")
    equal(as_user(ALICE, remove), 0, "exit status of her own rm -rf")
    check(not os.path.exists(public.folder), "her document is still there")


@setting()
def test_without_allow_other_the_mount_is_the_owners(kb):
    needs_root()
    kb.add("a.txt", "Words.\n")
    with refused(errno.EACCES):
        as_user(BOB, os.listdir, kb.mount)


@EVERYBODY
def test_a_file_that_is_given_away(kb):
    """root may give a file away; the document goes with it, or is a new one of its new owner."""
    needs_root()
    path = kb.drop("a.txt", "The stoat turns white.\n")
    kb.indexed("a.txt")
    os.chown(path, ALICE, ALICE)
    os.chmod(path, 0o600)
    eventually(lambda: [m["owner"] for _, m in kb.documents()] == [ALICE],
               lambda: f"owner {[m['owner'] for _, m in kb.documents()]}")
    contains(as_user(ALICE, kb.ask, "Who turns white?", "a"), "stoat")
    check("stoat" not in as_user(BOB, kb.ask, "Who turns white?", "b"), "Bob was told")
