# SPDX-License-Identifier: Apache-2.0
"""mkdir makes a search; its entries are ranked; it belongs to whoever made it."""
import errno
import json
import os
import pwd
import stat
import time

from harness import (ALICE, BOB, Skip, as_user, check, contains, equal, needs_root, read, refused,
                     run, setting, shell)

FACTS = {"refunds.txt": "Refunds are paid within 14 days. A refund needs the receipt.\n",
         "policy.md": "# Policy\n\nEvery refund is noted in the book, says the policy.\n",
         "canteen.txt": "The canteen opens at noon.\n"}


def results(kb, query):
    return json.loads(read(kb.path("search", query, "results.json")))


def test_a_search(kb):
    kb.add_many(FACTS)
    shown = shell(f"mkdir '{kb.path('search', 'refund policy')}' && "
                  f"ls '{kb.path('search', 'refund policy')}'").split("\n")
    equal(shown[0], "01-policy.md", "the best entry")
    contains(shown, "02-refunds.txt")
    contains(shown, "results.json")
    check(not any("canteen" in name for name in shown), f"ls: {shown}")
    link = kb.path("search", "refund policy", "01-policy.md")
    check(os.path.islink(link), "an entry is no link")
    contains(os.path.realpath(link), kb.find("policy.md").id, "what it points at")
    found = results(kb, "refund policy")
    equal(sorted(found[0]), ["chunk_id", "content", "document_id", "metadata", "score"], "a result")
    equal(found[0]["document_id"], kb.find("policy.md").id, "the first result")
    contains(found[0]["content"], "Every refund", "its content")
    check("start_char" in found[0]["metadata"], "no position in the metadata")
    equal([r["score"] for r in found], sorted((r["score"] for r in found), reverse=True), "scores")
    path = kb.path("search", "refund policy", "results.json")
    equal(os.stat(path).st_size, len(read(path)), "size of results.json")


def test_a_search_is_made_by_mkdir_and_never_by_lookup(kb):
    kb.add_many(FACTS)
    for probe in ("refund", "refund/results.json"):
        check(not os.path.exists(kb.path("search", probe)), f"search/{probe} came by lookup")
    equal(os.listdir(kb.path("search")), [], "search/")
    with refused(errno.EPERM, errno.EACCES):
        os.close(os.open(kb.path("search", "file"), os.O_CREAT | os.O_WRONLY))


def test_results_are_waited_for(kb):
    kb.add_many(FACTS)
    for n in range(1, 31):
        refund, canteen = "refund" + "!" * n, "canteen" + "!" * n
        os.mkdir(kb.path("search", refund))
        equal(len(results(kb, refund)), 2, f"results of search {n}")
        os.mkdir(kb.path("search", canteen))
        equal(len(os.listdir(kb.path("search", canteen))), 2, f"entries of search {n}")


def test_touch_runs_it_again(kb):
    kb.add_many(FACTS)
    path = kb.path("search", "refund")
    os.mkdir(path)
    equal(len(os.listdir(path)), 3, "entries")
    kb.add("new.txt", "A refund takes long.\n")
    equal(len(os.listdir(path)), 3, "entries though nobody asked again")
    run("touch", path)
    equal(len(os.listdir(path)), 4, "entries after touch")
    equal(len(results(kb, "refund")), 3, "results after touch")


def test_rmdir_removes_it_whole(kb):
    kb.add_many(FACTS)
    path = kb.path("search", "refund")
    os.mkdir(path)
    os.listdir(path)
    with refused(errno.EEXIST):
        os.mkdir(path)
    os.rmdir(path)
    check(not os.path.exists(path), "it is still there")
    equal(os.listdir(kb.path("search")), [], "search/")
    os.mkdir(path)
    equal(len(os.listdir(path)), 3, "entries of a new one")
    run("rm", "-r", path)
    check(not os.path.exists(path), "rm -r")
    equal(len(kb.documents()), 3, "documents")


def test_entries_vanish_with_their_documents(kb):
    kb.add_many(FACTS)
    path = kb.path("search", "refund")
    os.mkdir(path)
    os.listdir(path)
    run("rm", "-r", kb.find("refunds.txt").folder)
    check(kb.find("policy.md").id in read(os.path.join(path, "results.json")).decode(), "policy")
    run("touch", path)
    equal(sorted(os.listdir(path)), ["01-policy.md", "results.json"], "entries after touch")


def test_odd_queries(kb):
    kb.add_many(FACTS)
    for query in ("?!", "of the", "日本語", "\"refund\" AND (policy OR *)", "x" * 255, "-rf",
                  "refund'); drop table chunks;--"):
        os.mkdir(kb.path("search", query))
        check(isinstance(results(kb, query), list), f"no list for {query!r}")
    with refused(errno.ENAMETOOLONG):
        os.mkdir(kb.path("search", "x" * 256))


def test_a_search_that_finds_nothing(kb):
    kb.add_many(FACTS)
    os.mkdir(kb.path("search", "xylophone"))
    equal(results(kb, "xylophone"), [], "results")
    equal(os.listdir(kb.path("search", "xylophone")), ["results.json"], "entries")


def test_searches_are_kept(kb):
    kb.add_many(FACTS)
    os.mkdir(kb.path("search", "refund"))
    before = results(kb, "refund")
    kb.restart()
    equal(os.listdir(kb.path("search")), ["refund"], "after a restart")
    equal({r["chunk_id"] for r in results(kb, "refund")}, {r["chunk_id"] for r in before},
          "results")


def test_a_folder_named_as_its_maker(kb):
    kb.add_many(FACTS)
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise Skip("this user has no login name") from None
    os.mkdir(kb.path("search", name))
    equal(os.listdir(kb.path("search", name)), [], "the folder of the maker's name")
    os.mkdir(kb.path("search", name, "refund"))
    equal(len(os.listdir(kb.path("search", name, "refund"))), 3, "a search in it")
    link = kb.path("search", name, "refund", "01-refunds.txt")
    other = kb.path("search", name, "refund", "02-refunds.txt")
    check(os.path.exists(link) or os.path.exists(other), "the links lead nowhere from there")
    with refused(errno.ENOTEMPTY):
        os.rmdir(kb.path("search", name))
    os.rmdir(kb.path("search", name, "refund"))
    os.rmdir(kb.path("search", name))


@setting(options=("allow_other",))
def test_searches_of_two_users(kb):
    needs_root()

    def drop(name, data):
        fd = os.open(os.path.join(kb.inbox, name), os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(fd, data), os.close(fd)
    as_user(ALICE, drop, "alice.txt", b"The secret refund of Alice.\n")
    as_user(BOB, drop, "bob.txt", b"The secret refund of Bob.\n")
    kb.indexed("alice.txt"), kb.indexed("bob.txt")
    path = kb.path("search", "secret refund")
    as_user(ALICE, os.mkdir, path)
    equal(as_user(ALICE, os.listdir, path), ["01-alice.txt", "results.json"], "hers")
    for attempt in (os.listdir, os.rmdir, lambda p: read(os.path.join(p, "results.json")),
                    lambda p: os.utime(p)):
        with refused(errno.EACCES, errno.EPERM):
            as_user(BOB, attempt, path)
    equal((os.stat(path).st_uid, stat.S_IMODE(os.stat(path).st_mode)), (ALICE, 0o700), "owner")
    mine = kb.path("search", "secret refund of bob")
    as_user(BOB, os.mkdir, mine)
    equal(as_user(BOB, os.listdir, mine), ["01-bob.txt", "results.json"], "his")
    as_user(ALICE, os.rmdir, path)


@setting(config={"search.limit": "3"})
def test_a_budget_of_searches(kb):
    kb.add_many(FACTS)
    for n in range(3):
        os.mkdir(kb.path("search", f"refund {n}"))
    with refused(errno.EDQUOT):
        os.mkdir(kb.path("search", "refund 3"))
    os.rmdir(kb.path("search", "refund 0"))
    os.mkdir(kb.path("search", "refund 3"))
    time.sleep(0.05)
    equal(len(os.listdir(kb.path("search"))), 3, "searches")
