# SPDX-License-Identifier: Apache-2.0
"""Looking costs nothing: whatever walks the mount, no model is called and nothing changes."""
import os
import subprocess
import time

from harness import check, equal, needs, run, setting, shell, walk

MODELS = {"ports.embedder": "test", "ports.generator": "test"}


def counters(kb):
    """Calls of models, questions, answers, searches, ingested files: what looking must not
    move. Counters of FUSE requests are meant to move."""
    return {name: value for name, value in kb.metrics().items()
            if any(word in name for word in ("embedder", "generator", "questions", "answers",
                                             "searches", "ingested", "parser"))}


def fill(kb):
    kb.add_many({f"{n}.txt": f"Fact number {n} is about apples and pears.\n" for n in range(20)})
    kb.ask("What are the facts about?")
    os.mkdir(kb.path("search", "apples"))
    os.listdir(kb.path("search", "apples"))
    with open(kb.path("sessions", "s", "stream"), "rb") as f:
        f.read()


@setting(config=MODELS)
def test_walkers_call_no_model(kb):
    fill(kb)
    before = counters(kb)
    check(any("embedder" in n and v for n, v in before.items()), f"no embedder counted: {before}")
    check(any("generator" in n and v for n, v in before.items()), f"no generator counted: {before}")
    for command in (["find", kb.mount, "-ls"], ["ls", "-lRa", kb.mount],
                    ["find", kb.mount, "-type", "f", "-size", "+1k"],
                    ["grep", "-r", "apples", kb.path("docs")],
                    ["grep", "-R", "-c", "pears", kb.path("docs"), kb.path("by")],
                    ["grep", "-r", "facts", kb.path("sessions"), kb.path("ask")],
                    ["du", "-a", kb.mount], ["stat", "-f", kb.mount], ["df", kb.mount],
                    ["tar", "cf", "/dev/null", kb.path("docs")]):
        needs(command[0])
        run(*command, status=None)
    for path in walk(kb.mount):
        for name in os.listxattr(path, follow_symlinks=False):
            os.getxattr(path, name, follow_symlinks=False)
    for probe in ("search/what is new", "ask/nobody", "sessions/nobody", "docs/nothing"):
        check(not os.path.exists(kb.path(probe)), f"{probe} exists")
    equal(counters(kb), before, "counters after walking")


@setting(config=MODELS)
def test_nothing_changes_by_being_looked_at(kb):
    fill(kb)

    def state():
        found = {}
        for path in walk(kb.mount):
            if "/system/" not in path:
                s = os.lstat(path)
                found[path] = (s.st_ino, s.st_mode, s.st_nlink, s.st_size, s.st_mtime_ns,
                               s.st_ctime_ns)
        return found
    before = state()
    shell(f"find '{kb.mount}' -type f -not -path '*/system/*' -exec cat {{}} + > /dev/null")
    time.sleep(1.1)
    after = state()
    changed = [p for p in sorted({*before, *after}) if before.get(p) != after.get(p)]
    check(not changed, "\n".join(f"{p}: {before.get(p)} is now {after.get(p)}"
                                 for p in changed[:10]))


@setting(config={"ports.embedder": "test"})
def test_the_same_text_is_never_embedded_twice(kb):
    kb.add("a.txt", "One text about plums.\n")
    texts = {n: v for n, v in counters(kb).items() if "embedder" in n and "texts" in n}
    kb.add("b.txt", "One text about plums.\n")
    equal({n: v for n, v in counters(kb).items() if n in texts}, texts, "texts embedded")


def test_walking_is_quick(kb):
    """Microseconds a file, while the daemon is idle."""
    kb.add_many({f"{n}.txt": f"Fact number {n}.\n" for n in range(50)})
    began = time.monotonic()
    count = sum(1 for path in walk(kb.path("docs")) if os.lstat(path))
    took = time.monotonic() - began
    check(took / count < 0.002, f"{took / count * 1e6:.0f} µs a file")
    done = subprocess.run(["find", kb.mount], stdout=subprocess.DEVNULL, timeout=20)
    equal(done.returncode, 0, "exit status of find")
