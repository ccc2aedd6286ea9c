# SPDX-License-Identifier: Apache-2.0
"""kill -9: what was acknowledged is kept, once, with identical bytes.

The daemon is killed at random instants during bursts of copies and questions; ASKFS_TORTURE
says how often (50 unless it is set, which takes a minute and a half; 12 where the program is
built with a sanitizer).
"""
import os
import random
import sqlite3
import threading
import time

from harness import (ASKFS, Failed, check, contains, equal, eventually, is_sanitized, read,
                     run, setting, shorten, text_of, write, write_all)

ROUNDS = int(os.environ.get("ASKFS_TORTURE", "12" if is_sanitized() else "50"))


SAVANNA, FOREST = "The zebra lives in the savanna.\n", "The zebra lives in the forests.\n"


@setting(config={"inbox.drain": "never"})
def test_a_rewrite_that_keeps_size_and_time(kb):
    """cp -p, rsync --inplace -t, sed -i -c, exiftool -P: only the bytes tell."""
    path = kb.drop("zebra.txt", SAVANNA)
    os.utime(path, (1.6e9, 1.6e9))
    kb.indexed("zebra.txt")
    time.sleep(1.5)  # it is safe now
    write(path, FOREST)
    os.utime(path, (1.6e9, 1.6e9))
    kb.kill()
    kb.start()
    equal(read(path), FOREST.encode(), "the file after a kill")
    kb.indexed("zebra.txt", FOREST)


@setting(config={"inbox.drain": "never"})
def test_a_rewrite_right_after_a_time_was_set(kb):
    path = kb.drop("zebra.txt", SAVANNA)
    os.utime(path, (1.6e9, 1.6e9))
    kb.indexed("zebra.txt")
    write(path, FOREST)
    kb.kill()
    kb.start()
    kb.indexed("zebra.txt", FOREST)


@setting(config={"inbox.drain": "never"})
def test_a_document_whose_path_was_taken_and_given_up(kb):
    """mv a b; rm b: neither document has a file any more, and a kill does not bring one back."""
    kb.add_many({"a.txt": SAVANNA, "b.txt": "The quagga is extinct.\n"})
    time.sleep(1.5)
    os.rename(os.path.join(kb.inbox, "a.txt"), os.path.join(kb.inbox, "b.txt"))
    os.unlink(os.path.join(kb.inbox, "b.txt"))
    kb.kill()
    kb.start()
    eventually(lambda: kb.paths() == [], lambda: f"no document; there are {kb.paths()}")


def test_a_question_that_was_rewritten_late(kb):
    """One handle asks, is answered, others ask under the same name, and the handle writes on."""
    kb.add("zebra.txt", SAVANNA)
    path = kb.path("ask", "s")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(fd, b"Where does the ")
    os.close(os.dup(fd))  # a FLUSH
    read(path)
    for n in range(10):
        kb.ask(f"Question {n} about the zebra?")
    os.write(fd, b"zebra live?")
    os.close(fd)
    kb.kill()
    kb.start()
    contains(text_of(path), "savanna", "the answer after a kill")
    transcript = text_of(kb.path("sessions", "s", "transcript.md"))
    check("Not answered yet" not in transcript, "it is not answered")


class Writers:
    """Threads that drop files and ask until the daemon is gone. What a call acknowledged is
    remembered, and nothing else is."""

    def __init__(self, kb, round_number):
        self.kb, self.round = kb, round_number
        self.stop = False
        self.lock = threading.Lock()
        self.closed = {}      # path: bytes, as of the last close() that returned 0
        self.doubtful = set() # paths of which a later call failed: either content is right
        self.asked = []       # (session, question), as of a close() that returned 0
        self.threads = [threading.Thread(target=t, args=(n,), daemon=True)
                        for n in range(2) for t in (self.drop, self.ask)]
        for thread in self.threads:
            thread.start()

    def drop(self, number):
        rng = random.Random(self.round * 10 + number)
        n = 0
        while not self.stop:
            name = f"r{self.round}-{number}-{n if rng.random() < .8 else rng.randrange(n + 1)}.txt"
            data = (f"Round {self.round} writer {number} file {n} speaks. " *
                    rng.choice((1, 3, 40, 400)) + "\n").encode()
            n += 1
            time.sleep(rng.uniform(0, 0.008))  # bursts, and no more than can be looked over
            try:
                self.write_file(os.path.join(self.kb.inbox, name), data, rng.random() < .3)
            except OSError:
                with self.lock:
                    self.doubtful.add(name)
                return
            with self.lock:
                self.closed[name] = data

    def write_file(self, path, data, by_rename):
        if by_rename:
            write(path + ".part", data)
            os.rename(path + ".part", path)
            return
        with self.lock:
            self.doubtful.add(os.path.basename(path))
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            write_all(fd, data)
        finally:
            os.close(fd)
        with self.lock:
            self.doubtful.discard(os.path.basename(path))

    def ask(self, number):
        session, n = f"r{self.round}-{number}", 0
        while not self.stop:
            question = f"What does writer {number} say in file {n} of round {self.round}?"
            try:
                write(self.kb.path("ask", session), question)
                with self.lock:
                    self.asked.append((session, question))
                if n % 3 == 0:
                    read(self.kb.path("ask", session))
            except OSError:
                return
            n += 1

    def join(self):
        self.stop = True
        for thread in self.threads:
            thread.join(15)
            check(not thread.is_alive(), "a writer hangs after the daemon was killed")


@setting(seconds=60 + 12 * max(ROUNDS, 1))
def test_torture(kb):
    rng = random.Random(4711)
    closed, doubtful, asked, checked = {}, set(), [], 0
    for round_number in range(ROUNDS):
        writers = Writers(kb, round_number)
        time.sleep(rng.uniform(0.02, 0.9))
        kb.kill()
        writers.join()
        closed.update(writers.closed)
        doubtful |= writers.doubtful
        asked += writers.asked
        kb.start()
        if round_number % 5 == 4 or round_number == ROUNDS - 1:
            verify(kb, closed, doubtful, asked)
            checked = len(closed)
    print(f"{ROUNDS} kills, {checked} files and {len(asked)} questions were acknowledged")
    check(checked > 5 * ROUNDS, f"only {checked} files were acknowledged: the test does little")
    kb.stop()
    run(ASKFS, "check", "--state", kb.state)


def verify(kb, closed, doubtful, asked):
    kb.wait_status(120)
    by_path, wrong = {}, []
    for document, meta in kb.documents():
        by_path.setdefault(meta["path"], []).append((document, meta))
    for path, data in closed.items():
        found = by_path.get(path, [])
        if len(found) != 1 and not (path in doubtful and not found):
            wrong.append(f"{path}: {len(found)} documents")
        elif found and found[0][1]["status"] != "INDEXED":
            wrong.append(f"{path}: {found[0][1]['status']}: {found[0][1]['error']}")
        elif path not in doubtful and found[0][0].original != data:
            wrong.append(f"{path}: other bytes: {shorten(found[0][0].original, 80)}")
        elif path not in doubtful and found[0][0].text.encode() != data:
            wrong.append(f"{path}: other text")
    for path in by_path:
        if path not in closed and path not in doubtful:
            wrong.append(f"{path}: a document that nobody finished writing")
    transcripts = {}
    for session, question in asked:
        if session not in transcripts:
            read(kb.path("ask", session))
            transcripts[session] = text_of(kb.path("sessions", session, "transcript.md"))
        if transcripts[session].count(question) != 1:
            wrong.append(f"{session}: {transcripts[session].count(question)} times: {question}")
    check(not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:25]))


def test_close_is_a_promise(kb):
    """Killed right after close() returned; the file is ingested after the next start."""
    for n in range(4):
        data = f"Promise {n} is kept.\n".encode()
        fd = os.open(os.path.join(kb.inbox, f"{n}.txt"), os.O_WRONLY | os.O_CREAT, 0o640)
        os.write(fd, data)
        os.close(fd)
        kb.kill()
        kb.start()
        document = kb.indexed(f"{n}.txt", data)
        equal(document.original, data, "original")
        equal(document.meta["mode"], "0640", "mode")
    equal(len(kb.documents()), 4, "documents")


def test_names_attributes_and_folders_are_promises_too(kb):
    os.makedirs(os.path.join(kb.inbox, "a/b"))
    path = os.path.join(kb.inbox, "a/b/f.txt.part")
    write(path, "Words under way.\n")
    os.setxattr(path, "user.color", b"blue")
    os.rename(path, os.path.join(kb.inbox, "a/b/f.txt"))
    os.chmod(os.path.join(kb.inbox, "a/b/f.txt"), 0o604)
    os.utime(os.path.join(kb.inbox, "a/b/f.txt"), (1_111_111_111, 1_111_111_111))
    write(os.path.join(kb.inbox, "gone.txt"), "x")
    os.unlink(os.path.join(kb.inbox, "gone.txt"))
    kb.kill()
    kb.start()
    path = os.path.join(kb.inbox, "a/b/f.txt")
    equal(os.getxattr(path, "user.color"), b"blue", "attribute")
    equal((os.stat(path).st_mode & 0o777, int(os.stat(path).st_mtime)), (0o604, 1_111_111_111),
          "mode and time")
    check(not os.path.exists(os.path.join(kb.inbox, "gone.txt")), "an unlinked file came back")
    kb.indexed("a/b/f.txt")


@setting(config={"ports.generator": "test"})
def test_a_question_is_a_promise(kb):
    """Killed before the answer: it is answered after the next start, without being asked again."""
    kb.add("a.txt", "The lantern is lit at dusk.\n")
    question = "When is the lantern lit?" + " please" * 20
    for n in range(3):
        write(kb.path("ask", f"s{n}"), question)
        kb.kill()
        kb.start()
        contains(text_of(kb.path("ask", f"s{n}")), "lantern", "the answer after a restart")
        equal(text_of(kb.path("sessions", f"s{n}", "transcript.md")).count("When is the lantern"),
              2, "question and answer in the transcript")
        equal(text_of(kb.path("ask", f"s{n}")).count("please"), 20, "its words")


def test_deleted_stays_deleted(kb):
    for n in range(3):
        kb.add(f"{n}.txt", f"Fact {n} is about lanterns.\n")
    gone = kb.find("1.txt")
    run("rm", "-r", gone.folder)
    kb.kill()
    kb.start()
    kb.wait_status()
    equal(kb.paths(), ["0.txt", "2.txt"], "documents after a kill")
    check("Fact 1" not in kb.ask("Which fact 1 is about lanterns?"), "it answers")
    os.unlink(kb.path("ask", "s"))
    kb.kill()
    kb.start()
    equal(os.listdir(kb.path("ask")), [], "sessions after a kill")


def test_killed_while_a_large_document_is_ingested(kb):
    text = "".join(f"Paragraph {n} of a long report about lanterns and lamps.\n\n"
                   for n in range(30000))
    kb.drop("large.txt", text)
    for _ in range(3):
        time.sleep(0.3)
        kb.kill()
        kb.start()
    document = kb.indexed("large.txt", text, timeout=60)
    equal(document.text, text, "text")
    chunks = document.chunks
    equal([c["index"] for c in chunks], list(range(len(chunks))), "indexes")
    equal(document.meta["chunk_count"], len(chunks), "chunk_count")
    equal(document.meta["version"], 1, "version")


def test_a_broken_index_is_made_again(kb):
    """Files that can be made from others may be lost; nothing is lost with them."""
    kb.add_many({f"{n}.txt": f"Fact {n} is about lanterns.\n" for n in range(30)})
    kb.stop()
    spoiled = 0
    for folder, _, files in os.walk(kb.state):
        for name in files:
            if "segment" in name or name.endswith((".seg", ".idx", ".flat")):
                with open(os.path.join(folder, name), "r+b") as f:
                    f.truncate(os.path.getsize(f.name) // 2)
                spoiled += 1
    kb.start()
    eventually(lambda: "lanterns" in kb.ask("What is fact 7 about?"), "it answers again")
    if not spoiled:
        print("there was no index file to be spoiled")


def test_a_state_of_another_version_is_refused(kb):
    """A newer schema is not touched: the daemon says so and ends."""
    kb.add("a.txt", "Words.\n")
    kb.stop()
    databases = [os.path.join(p, f) for p, _, files in os.walk(kb.state) for f in files
                 if f.endswith(".db")]
    check(databases, "no database in the state folder")
    for path in databases:
        with sqlite3.connect(path) as db:
            db.execute("pragma user_version = 9999")
        db.close()
    try:
        kb.start()
    except Failed as e:
        contains(str(e), "version", "what the daemon says")
        kb.daemon = None
    else:
        raise Failed("it started on a database of schema 9999")
