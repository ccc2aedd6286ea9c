# SPDX-License-Identifier: Apache-2.0
"""Sizes are exact: programs that trust st_size read all of it, and a backup out of the mount
is complete."""
import mmap
import os
import stat
import time

from harness import NOISE, check, equal, needs, read, run, shell, shorten, walk, write

DOCUMENTS = {"a.txt": "Apples are harvested in September.\n",
             "b.html": "<html><head><title>B</title></head><p>Bananas never are.</p></html>",
             "c.txt": "".join(f"Chestnut number {n} fell in October.\n\n" for n in range(300))}


def fill(kb):
    kb.add_many(DOCUMENTS)
    kb.drop("noise.bin", NOISE)
    kb.failed("noise.bin")
    kb.drop("a.txt", "Apples are harvested in August now.\n")
    kb.indexed("a.txt", "Apples are harvested in August now.\n")
    kb.ask("When are apples harvested?", "one")
    kb.ask("And bananas?", "one")
    kb.ask("What is the capital of Peru?", "two")
    os.mkdir(kb.path("search", "chestnut"))
    read(kb.path("search", "chestnut", "results.json"))


def moves(path):
    """Files whose content moves while one looks, or that have no size by design."""
    return path.endswith("/stream") or path.endswith("/run") or "/system/" in path


def test_every_size_is_true(kb):
    fill(kb)
    wrong, count = [], 0
    for path in walk(kb.mount):
        kind = os.lstat(path)
        if stat.S_ISLNK(kind.st_mode):
            target = os.readlink(path)
            if kind.st_size != len(os.fsencode(target)):
                wrong.append(f"{path}: link of size {kind.st_size} to {target}")
        elif stat.S_ISREG(kind.st_mode) and not moves(path):
            count += 1
            size = len(read(path))
            if not kind.st_size == size == os.stat(path).st_size:
                wrong.append(f"{path}: size {kind.st_size}, read {size}")
            if size == 0 and not path.endswith("empty.txt"):
                wrong.append(f"{path}: is empty")
    check(not wrong, "\n".join(wrong))
    check(count > 40, f"only {count} files")


def test_what_moves_is_rendered_at_getattr(kb):
    fill(kb)
    for name in ("health", "metrics", "usage"):
        path = kb.path("system", name)
        for _ in range(5):
            size = os.stat(path).st_size
            with open(path, "rb") as f:
                equal(len(f.read()), size, f"bytes of system/{name} after stat")
        with open(path, "rb") as f:
            first = f.read()
            kb.ask("Is something counted?", "three")
            os.stat(path)
            f.seek(0)
            equal(f.read(), first, f"system/{name} read again on one handle")


def tree_of(top):
    """{path: bytes or link target} below a folder."""
    found = {}
    for path in walk(top):
        name = os.path.relpath(path, top)
        if os.path.islink(path):
            found[name] = os.readlink(path)
        elif os.path.isfile(path):
            found[name] = read(path)
    return found


def same_tree(copy, original, how):
    wrong = [name for name in sorted({*copy, *original}) if copy.get(name) != original.get(name)]
    check(not wrong, f"{how}: differ: {shorten(wrong)}")
    check(len(original) > 20, "a small tree")


def test_backups_are_complete(kb):
    fill(kb)
    time.sleep(0.2)
    expected = tree_of(kb.path("docs"))
    for how, script in {
            "tar": "tar c -C docs . | tar x -C \"$T\"",
            "rsync": "rsync -a docs/ \"$T\"/",
            "cp": "cp -a docs/. \"$T\"/",
            "busybox tar": "busybox tar c -C docs . | tar x -C \"$T\"",
            "busybox cp": "busybox cp -a docs/. \"$T\"/"}.items():
        needs(how.split()[0])
        target = os.path.join(kb.folder, how)
        os.mkdir(target)
        shell(f"set -e -o pipefail; {script}", cwd=kb.mount, env={**os.environ, "T": target})
        same_tree(tree_of(target), expected, how)


def test_an_answer_can_be_copied_in_any_way(kb):
    fill(kb)
    needs("busybox")
    path = kb.path("ask", "one")
    expected = read(path)
    check(len(expected) > 30, "a short answer")
    for command in (["cat"], ["busybox", "cat"], ["tail", "-c", "+1"], ["dd", "status=none"],
                    ["head", "-c", "100000"], ["sed", "-n", "p"]):
        last = f"if={path}" if command[0] == "dd" else path
        equal(run(*command, last, text=False), expected, " ".join(command))
    equal(int(run("wc", "-c", path).split()[0]), len(expected), "wc -c")
    equal(int(run("stat", "-c", "%s", path)), len(expected), "stat")
    copy = os.path.join(kb.folder, "copy")
    for command in (["cp"], ["busybox", "cp"], ["rsync"]):
        run(*command, path, copy)
        equal(read(copy), expected, " ".join(command))
        os.unlink(copy)
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as memory:
        equal(memory[:], expected, "mmap")
    with open(path, "rb") as f, open(copy, "wb") as out:
        equal(os.sendfile(out.fileno(), f.fileno(), 0, 1 << 20), len(expected), "sendfile")
    equal(read(copy), expected, "sendfile")


def test_originals_can_be_mapped_and_sent(kb):
    data = os.urandom(3 << 20)
    kb.drop("noise.bin", data)
    document = kb.failed("noise.bin")
    path = document.file("original", "noise.bin")
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as memory:
        check(memory[:] == data, "mmap of an original")
        f.seek(2 << 20)
        check(f.read(100) == data[2 << 20:(2 << 20) + 100], "read at an offset")
    write(os.path.join(kb.folder, "copy"), b"")
    run("cp", path, os.path.join(kb.folder, "copy"))
    check(read(os.path.join(kb.folder, "copy")) == data, "cp of an original")
