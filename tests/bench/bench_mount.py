#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure a real mount; one figure a line, with what it is compared with in the same run.

    bench_mount.py [--quick] [--only FIGURE] [--chunks N] ...

Figures: drop, copy, ask, virtual, list, busy, mount; and meaning, which takes minutes and is made
only when it is named. --quick takes a tenth of everything.
ASKFS names the program.
"""
import argparse
import ctypes
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../mount"))
import harness
from harness import KB, read, write

EXAMPLE = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c"
LIBC = ctypes.CDLL(None, use_errno=True)
INDEXED = 'askfs_documents{status="INDEXED"}'


def say(figure, value, beside=""):
    print(f"{figure}: {value}" + (f" ({beside})" if beside else ""), flush=True)


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def ms(seconds):
    return f"{seconds * 1000:.1f} ms"


def timed(function):
    began = time.monotonic()
    function()
    return time.monotonic() - began


class Words:
    """Text of made-up words as frequent as words are (Zipf), the same in every run."""

    def __init__(self, count=50000, seed=1):
        rng = random.Random(seed)
        parts = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
        self.words = ["".join(rng.choice(parts) for _ in range(rng.randint(1, 4)))
                      for _ in range(count)]
        self.cumulative, total = [], 0.0
        for rank in range(1, count + 1):
            total += 1 / rank
            self.cumulative.append(total)
        self.rng = rng

    def take(self, count):
        return self.rng.choices(self.words, cum_weights=self.cumulative, k=count)

    def text(self, size):
        """Sentences and paragraphs of about @size bytes."""
        out, length = [], 0
        while length < size:
            paragraph = " ".join(" ".join(self.take(12)).capitalize() + "." for _ in range(6))
            out.append(paragraph)
            length += len(paragraph) + 2
        return "\n\n".join(out)[:size - 1] + "\n"


def indexed(kb):
    return kb.metrics().get(INDEXED, 0)


def wait_indexed(kb, count, timeout=900):
    end = time.monotonic() + timeout
    while indexed(kb) < count:
        if time.monotonic() > end:
            raise SystemExit(f"only {indexed(kb):.0f} of {count} documents after {timeout} s")
        time.sleep(0.02)


class Memory:
    """The largest anonymous memory of the daemon while the block runs."""

    def __init__(self, kb):
        self.kb, self.peak, self.done = kb, 0, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.done.wait(0.05):
            self.peak = max(self.peak, self.kb.rss_anon())

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


# ------------------------------------------------------------------------------ figures

def figure_drop(bench):
    """From the first byte of a copy to the answer that quotes it."""
    kb, words, took = bench.mount("drop"), Words(), []
    for n in range(bench.scaled(50)):
        mark = f"quillon{n}xy"
        text = f"The {mark} stands at gate {n}.\n\n" + words.text(1950)
        began = time.monotonic()
        write(os.path.join(kb.inbox, f"{n}.txt"), text)
        tries = 0
        while mark not in kb.ask(f"Where does the {mark} stand?", f"s{n}-{tries}"):
            tries += 1
        took.append(time.monotonic() - began)
    say(f"drop to answerable, 2 KB, median of {len(took)}", ms(statistics.median(took)),
        f"p99 {ms(percentile(took, 99))}; settle time 200 ms included; aim 250 ms")


def small_files(folder, count):
    words = Words()
    stock = [words.text(1900) for _ in range(200)]
    for n in range(count):
        if n % 100 == 0:
            os.makedirs(os.path.join(folder, f"{n // 100:03}"), exist_ok=True)
        write(os.path.join(folder, f"{n // 100:03}", f"{n:05}.txt"),
              f"Item marker{n}q is number {n} of the store.\n\n{stock[n % 200]}\n"[:2048])


def figure_copy(bench):
    """cp -r of many small files until all can be found by their words."""
    count = bench.scaled(10000)
    source, plain = bench.path("small"), bench.path("plain")
    small_files(source, count)
    os.sync()
    plain_took = timed(lambda: subprocess.run(["cp", "-r", source, plain], check=True))
    kb = bench.mount("copy")
    time.sleep(2)
    idle = kb.rss_anon()
    with Memory(kb) as memory:
        began = time.monotonic()
        subprocess.run(["cp", "-r", source, kb.inbox], check=True)
        copied = time.monotonic() - began
        wait_indexed(kb, count)
        took = time.monotonic() - began
    for n in (0, count // 2, count - 1):
        if f"{n:05}.txt" not in kb.ask(f"Which number is item marker{n}q?", f"s{n}"):
            raise SystemExit(f"item {n} is not found")
    say(f"{count} files of 2 KB, until all are found by their words", f"{count / took:.0f} files/s",
        f"{took:.2f} s, cp -r itself {copied:.2f} s; cp -r to a plain folder {plain_took:.2f} s; "
        "aim 2,000 files/s")
    time.sleep(20)  # what was ingested leaves the inbox, and the index comes to rest
    say("anonymous memory of the daemon", f"{kb.rss_anon() / 1024:.1f} MB idle with {count} "
        f"documents, {memory.peak / 1024:.1f} MB at its peak",
        f"{idle / 1024:.1f} MB with none; aim 10 and 80 MB")
    bench.full = kb


def figure_list(bench):
    """ls -l docs, and of as many plain folders."""
    if not bench.full:
        figure_copy(bench)
    kb, plain = bench.full, bench.path("folders")
    names = os.listdir(kb.path("docs"))
    os.mkdir(plain)
    for name in names:
        os.mkdir(os.path.join(plain, name))

    def ls(path):
        subprocess.run(["ls", "-l", path], stdout=subprocess.DEVNULL, check=True)
    cold, warm = timed(lambda: ls(kb.path("docs"))), timed(lambda: ls(kb.path("docs")))
    through, why = passthrough(bench, plain, "folders through")
    beside = f"through libfuse's passthrough {ms(timed(lambda: ls(through)))}" if through else why
    say(f"ls -l docs with {len(names)} documents", f"{ms(cold)}, again {ms(warm)}",
        f"as many plain folders {ms(timed(lambda: ls(plain)))}, {beside}")


def passthrough(bench, source, name):
    """libfuse's passthrough over @source: (mount point, process), or why there is none."""
    if not os.path.exists(EXAMPLE):
        return None, f"{EXAMPLE} is not there (libfuse3-dev)"
    program, mount = bench.path("passthrough_ll"), bench.path(name)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], stdout=subprocess.PIPE,
                           text=True, check=True).stdout.split()
    built = subprocess.run(["cc", "-O2", "-w", EXAMPLE, "-o", program, *flags],
                           stderr=subprocess.PIPE, text=True)
    if built.returncode != 0:
        return None, f"passthrough_ll does not compile: {built.stderr.splitlines()[:1]}"
    os.mkdir(mount)
    process = subprocess.Popen([program, "-f", "-o", f"source={source}", mount],
                               stderr=subprocess.DEVNULL, preexec_fn=harness.die_with_parent)
    bench.processes.append((process, mount))
    end = time.monotonic() + 10
    while not os.path.ismount(mount):
        if time.monotonic() > end:
            return None, "passthrough_ll does not mount"
        time.sleep(0.01)
    return mount, ""


def statx_forced(path):
    """stat(2) that must ask the file system, whatever the kernel remembers."""
    buffer = ctypes.create_string_buffer(256)
    at_fdcwd, at_statx_force_sync, basic = -100, 0x2000, 0x7ff
    if LIBC.statx(at_fdcwd, os.fsencode(path), at_statx_force_sync, basic, buffer) != 0:
        raise OSError(ctypes.get_errno(), path)


def rates(files, rounds):
    """{what: a second} over @files."""
    def open_read_close(path):
        fd = os.open(path, os.O_RDONLY)
        os.read(fd, 65536)
        os.close(fd)

    def rate(function):
        began = time.monotonic()
        for _ in range(rounds):
            for path in files:
                function(path)
        return rounds * len(files) / (time.monotonic() - began)
    rate(open_read_close)
    return {"open+read+close": rate(open_read_close), "stat": rate(os.stat),
            "stat that asks the daemon": rate(statx_forced)}


def figure_virtual(bench):
    """Small virtual files beside libfuse's passthrough over the same bytes."""
    kb = bench.mount("virtual")
    for n in range(100):
        write(os.path.join(kb.inbox, f"{n}.txt"), f"Document {n} of a hundred.\n")
    wait_indexed(kb, 100)
    copy = bench.path("docs")
    shutil.copytree(kb.path("docs"), copy)
    names = [os.path.join(id, name) for id in os.listdir(copy)
             for name in ("metadata.json", "text.txt", "chunks.jsonl", "status")]
    rounds = bench.scaled(20)
    ours = rates([kb.path("docs", n) for n in names], rounds)
    through, why = passthrough(bench, copy, "docs through")
    theirs = rates([os.path.join(through, n) for n in names], rounds) if through else None
    for what in ours:
        say(f"{what} of small virtual files", f"{ours[what]:,.0f}/s",
            f"libfuse's passthrough {theirs[what]:,.0f}/s" if theirs else f"none beside it: {why}")


def chunky(bench):
    """A mount with many chunks in it, made once."""
    if bench.chunks:
        return bench.chunks
    count, words = bench.scaled(100000), Words()
    kb, files, per_file = bench.mount("chunks"), 100, 0
    began = time.monotonic()
    for n in range(files):
        write(os.path.join(kb.inbox, f"book{n}.txt"), words.text(count * 800 // files))
    wait_indexed(kb, files)
    took = time.monotonic() - began
    per_file = [m["chunk_count"] for _, m in kb.documents()]
    say(f"{sum(per_file):,} chunks in {files} files of {count * 800 // files >> 10} KiB",
        f"{sum(per_file) / took:,.0f} chunks/s", "generating the text included")
    bench.chunks = kb, words, sum(per_file)
    return bench.chunks


def ask_many(kb, words, count):
    """The times of write, open and read of so many questions."""
    took = []
    for n in range(count):
        question = f"What do {' '.join(words.take(random.Random(n).randint(4, 9)))} say?"
        path = kb.path("ask", f"q{n % 50}")
        began = time.monotonic()
        write(path, question)
        if not read(path):
            raise SystemExit("an empty answer")
        took.append(time.monotonic() - began)
    return took


def figure_meaning(bench):
    """The same with the embedding model, and how long it takes to embed everything."""
    if "by their meaning" not in subprocess.run([harness.ASKFS, "doctor"], text=True,
                                                stdout=subprocess.PIPE).stdout:
        print("meaning: no model is there; `make model` fetches it")
        return
    count, words = bench.scaled(bench.meaning_chunks), Words()
    files = max(count // 1000, 1)
    kb = bench.mount("meaning", {"ports.embedder": "model"})
    began = time.monotonic()
    for n in range(files):
        write(os.path.join(kb.inbox, f"book{n}.txt"), words.text(count * 800 // files))
    wait_indexed(kb, files)
    while embedding(kb)["chunks_left"]:
        time.sleep(0.1)
    took, done = time.monotonic() - began, embedding(kb)
    say(f"{done['chunks']:,} chunks embedded, {done['vectors']:,} vectors",
        f"{done['chunks'] / took:,.1f} chunks/s", f"{took:.0f} s")
    took = ask_many(kb, words, bench.scaled(500))
    say(f"ask, end to end, by meaning, {done['chunks']:,} chunks, {len(took)} questions",
        f"p50 {ms(percentile(took, 50))}, p99 {ms(percentile(took, 99))}")


def embedding(kb):
    return json.loads(read(kb.path("system/health")))["embedding"]


def figure_ask(bench):
    """write, open and read of a question, by words."""
    kb, words, chunks = chunky(bench)
    took = ask_many(kb, words, bench.scaled(500))
    plain = []
    for n in range(len(took)):
        path = bench.path(f"plain{n % 50}")
        began = time.monotonic()
        write(path, "What do they say?"), read(path)
        plain.append(time.monotonic() - began)
    say(f"ask, end to end, {chunks:,} chunks, {len(took)} questions",
        f"p50 {ms(percentile(took, 50))}, p99 {ms(percentile(took, 99))}",
        f"write and read of a plain file {ms(percentile(plain, 50))}, "
        f"{ms(percentile(plain, 99))}; aim 10 and 30 ms")


def figure_mount(bench):
    """Start to the first ls that answers."""
    kb, _, chunks = chunky(bench)
    took = []
    for _ in range(5):
        kb.stop()
        began = time.monotonic()
        kb.launch()
        while not kb.answers():
            time.sleep(0.001)
        os.listdir(kb.path("docs"))
        took.append(time.monotonic() - began)
    say(f"mount with {chunks:,} chunks, until the first ls answers",
        f"median {ms(statistics.median(took))}", "aim 100 ms")


def look(kb, seconds, until=None):
    """Latencies of `ls` (names and attributes of inbox/ and docs/)."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end and not (until and until.is_set()):
        began = time.monotonic()
        for folder in (kb.inbox, kb.path("docs")):
            for name in os.listdir(folder):
                os.lstat(os.path.join(folder, name))
        took.append(time.monotonic() - began)
        time.sleep(0.005)
    return took


def figure_busy(bench):
    """ls while a large copy into the inbox runs."""
    kb = bench.mount("busy", {"inbox.settle": "60s", "inbox.settle_max": "60s"})
    size = bench.scaled(1024)
    for n in range(20):
        write(os.path.join(kb.inbox, f"{n}.txt"), f"Document {n}.\n")
    big, done, copied = bench.path("big"), threading.Event(), []
    text = Words().text(1 << 20)
    with open(big, "w") as f:
        for _ in range(size):
            f.write(text)
    os.sync()
    calm = look(kb, 2)

    def copy():
        copied.append(timed(lambda: subprocess.run(["cp", big, kb.inbox], check=True)))
        done.set()
    thread = threading.Thread(target=copy)
    thread.start()
    took = look(kb, 600, done)
    thread.join()
    plain = timed(lambda: subprocess.run(["cp", big, bench.path("big copy")], check=True))
    say(f"ls while {size} MiB are copied in",
        f"p50 {ms(percentile(took, 50))}, p99 {ms(percentile(took, 99))}",
        f"before the copy {ms(percentile(calm, 50))}, {ms(percentile(calm, 99))}; the copy took "
        f"{copied[0]:.1f} s, to a plain folder {plain:.1f} s")


# --------------------------------------------------------------------------------- the run

class Bench:
    """A folder with everything that is made on the way; it goes at the end."""

    def __init__(self, quick, meaning_chunks=10000):
        self.quick, self.meaning_chunks = quick, meaning_chunks
        self.folder = tempfile.mkdtemp(prefix="askfs-bench-")
        self.mounts, self.processes, self.full, self.chunks = [], [], None, None

    def scaled(self, count):
        return max(count // 10, 1) if self.quick else count

    def path(self, name):
        return os.path.join(self.folder, name)

    def mount(self, name, config=None):
        folder = self.path(f"{name}.kb")
        os.mkdir(folder)
        kb = KB(folder, {"inbox.settle": None, "inbox.drain": None, **(config or {})})
        self.mounts.append(kb)
        return kb.start(60)

    def close(self):
        for kb in self.mounts:
            kb.close()
            for line in kb.broken:
                print(f"{kb.folder}: {line}", file=sys.stderr)
        for process, mount in self.processes:
            harness.lazily_unmount(mount)
            process.terminate()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


FIGURES = {"drop": figure_drop, "copy": figure_copy, "list": figure_list,
           "virtual": figure_virtual, "ask": figure_ask, "mount": figure_mount,
           "busy": figure_busy}
SLOW = {"meaning": figure_meaning}


def main():
    parser = argparse.ArgumentParser(description="Measure a real mount.")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--only", action="append", choices=[*FIGURES, *SLOW],
                        help="only this figure")
    parser.add_argument("--chunks", type=int, default=10000,
                        help="so many chunks, about, for `meaning` (10000)")
    options = parser.parse_args()
    bench = Bench(options.quick, options.chunks)
    try:
        for name in options.only or FIGURES:
            (FIGURES | SLOW)[name](bench)
    finally:
        bench.close()
    return 1 if any(kb.broken for kb in bench.mounts) else 0


if __name__ == "__main__":
    sys.exit(main())
