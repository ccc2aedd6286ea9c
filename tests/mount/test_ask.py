# SPDX-License-Identifier: Apache-2.0
"""Asking with any program that can write a file and read it back.

Where a test needs an answer that takes a while it uses the test generator, which streams the
question back, word by word.
"""
import errno
import json
import mmap
import os
import signal
import subprocess
import threading
import time

from harness import (Failed, all_at_once, check, contains, equal, eventually, needs, read, refused, run,
                     setting, shell, stays, text_of, write)

SLOW = {"ports.generator": "test"}

FACTS = {"refunds.txt": "Refunds are paid within 14 days of the return being received.\n",
         "canteen.txt": "The canteen opens at noon and closes at two.\n",
         "parking.txt": "Parking permits are issued by the porter at gate seven.\n"}
REFUNDS = "When are refunds paid?"
CANTEEN = "When does the canteen open?"
PARKING = "Who issues parking permits?"


def slow(question, words=40):
    """A question that the test generator repeats for a second or more."""
    return question + " please" * words


def transcript(kb, session="s"):
    return text_of(kb.path("sessions", session, "transcript.md"))


def questions(kb, *wanted, session="s"):
    """How often each of these stands in the transcript, in the order of their first place."""
    text = transcript(kb, session)
    return [text.count(w) for w in wanted]


def test_a_descriptor_that_is_opened_once_more(kb):
    """/dev/fd leads to the file that is open, whatever its name leads to by now."""
    kb.add("fact.txt", "The mascot of the club is a badger.\n")
    path = kb.path("ask", "s")
    kb.ask("Who?")
    for _ in range(3):
        shell(f"exec 3< '{path}'; cat <&3; echo 'What is the mascot?' > /dev/fd/3")
        contains(text_of(path), "badger", "the answer")


def test_many_ask_where_many_read(kb):
    """Each under a name of his own, and thirty under one: no open fails."""
    kb.add("fact.txt", "The mascot of the club is a badger.\n")
    wrong = []

    def go_on(number):
        path = kb.path("ask", f"s{number}" if number >= 30 else "shared")
        try:
            for _ in range(3):
                with open(path, "a") as f:
                    f.write("What is the mascot?")
                with open(path) as f:
                    f.read()
        except OSError as e:
            wrong.append(f"{path}: {e}")
    all_at_once(go_on, 200)
    check(not wrong, f"{len(wrong)} failed: {wrong[:3]}")


def test_readers_are_not_cut_by_who_writes(kb):
    """A question that is written makes the answer that others read neither shorter nor longer."""
    kb.add("fact.txt", "The mascot of the club is a badger.\n")
    whole = kb.ask("What is the mascot?").encode()
    end = time.monotonic() + 3

    def read_on():
        while time.monotonic() < end:
            fd = os.open(kb.path("ask", "s"), os.O_RDONLY)
            if os.read(fd, 4096) != whole:
                os._exit(1)
            os.close(fd)
        os._exit(0)
    readers = []
    for _ in range(3):
        readers.append(os.fork())
        if not readers[-1]:
            read_on()
    n = 0
    while time.monotonic() < end:
        n += 1
        with open(kb.path("ask", "s"), "wa"[n % 2]) as f:
            f.write("What is the mascot? " * (1 + n % 7))
        time.sleep(0.003)
    check(not any([os.waitpid(reader, 0)[1] for reader in readers]), f"cut after {n} questions")


def test_echo_and_cat(kb):
    kb.add_many(FACTS)
    path = kb.path("ask", "s")
    contains(shell(f"echo '{REFUNDS}' > '{path}'; cat '{path}'"), "14 days", "the answer")
    equal(questions(kb, REFUNDS), [1], "the question in the transcript")
    for n in range(5):
        shown = shell(f"echo '{CANTEEN}' > '{path}'; cat '{path}'; echo '{PARKING}' > '{path}'; "
                      f"cat '{path}'")
        contains(shown, "noon"), contains(shown, "gate seven")


def test_other_ways_to_write_and_read(kb):
    kb.add_many(FACTS)
    needs("busybox", "tee", "dd")
    for n, script in enumerate((
            'printf "%s" "$Q" > "$A"; cat "$A"',
            'echo "$Q" | tee "$A" > /dev/null; cat "$A"',
            'echo "$Q" | dd of="$A" status=none; dd if="$A" status=none',
            'echo "$Q" | dd of="$A" bs=1 status=none; cat "$A"',
            'echo "$Q" > q; cp q "$A"; cp "$A" a; cat a',
            'echo "$Q" > q; cat q > "$A"; busybox cat "$A"',
            'busybox echo "$Q" > "$A"; busybox head -c 10000 "$A"',
            'echo "$Q" >> "$A"; tail -c +1 "$A"',
            'echo "$Q" > "$A"; wc -c < "$A" > n; head -c "$(cat n)" "$A"',
            'echo "$Q" > "$A"; grep . "$A"',
            'exec 3<> "$A"; echo "$Q" >&3; cat <&3',
            'exec 3> "$A"; echo "$Q" >&3; exec 3>&-; cat "$A"',
            'python3 -c "import sys; open(sys.argv[1], \'w\').write(sys.argv[2])" "$A" "$Q"; '
            'cat "$A"')):
        env = {**os.environ, "Q": REFUNDS, "A": kb.path("ask", f"way{n}")}
        shown = shell(f"set -e; cd '{kb.folder}'; {script}", env=env)
        contains(shown, "14 days of the return", script)
        contains(shown, "Sources:\n[1] refunds.txt", script)
        equal(questions(kb, REFUNDS, session=f"way{n}"), [1], script)


def test_mmap_and_seek(kb):
    kb.add_many(FACTS)
    shown = kb.ask(REFUNDS).encode()
    with open(kb.path("ask", "s"), "rb") as f:
        with mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as memory:
            equal(memory[:], shown, "mapped")
        f.seek(-10, os.SEEK_END)
        equal(f.read(), shown[-10:], "the last ten bytes")
        equal(os.pread(f.fileno(), 5, 3), shown[3:8], "five bytes at 3")
    equal(os.stat(kb.path("ask", "s")).st_size, len(shown), "size")


def test_python_read_and_write_on_one_handle(kb):
    kb.add_many(FACTS)
    with open(kb.path("ask", "s"), "w+") as f:
        f.write(REFUNDS)
        f.flush()
        f.seek(0)
        contains(f.read(), "14 days", "after seek(0)")
    with open(kb.path("ask", "s"), "r+") as f:
        f.write(CANTEEN)
        f.seek(0)
        contains(f.read(), "noon", "after r+ and seek(0)")


def read_all(fd):
    parts = []
    while part := os.read(fd, 4096):
        parts.append(part)
    return b"".join(parts)


def test_a_read_commits_and_starts_at_byte_0(kb):
    """On a handle opened for both, the answer follows the question wherever the offset is."""
    kb.add_many(FACTS)
    for question, part in ((REFUNDS, b"14 days"), (CANTEEN, b"noon")):
        fd = os.open(kb.path("ask", "s"), os.O_RDWR | os.O_CREAT, 0o600)
        os.write(fd, question.encode())
        shown = read_all(fd)
        check(part in shown, f"read {shown} on the handle of {question}")
        equal(read(kb.path("ask", "s")), shown, "the same by name")
        os.close(fd)
    equal(questions(kb, REFUNDS, CANTEEN), [1, 1], "turns")


def test_the_order_of_writing_counts(kb):
    kb.add_many(FACTS)
    fd = os.open(kb.path("ask", "s"), os.O_WRONLY | os.O_CREAT, 0o600)
    os.pwrite(fd, b"When are ", 500)
    os.pwrite(fd, b"refunds paid?", 0)
    os.close(fd)
    contains(read(kb.path("ask", "s")).decode(), "14 days")
    contains(transcript(kb), "When are refunds paid?")


def test_two_flushes_are_one_turn(kb):
    """(cat q.txt; date) > ask/x flushes between the two."""
    kb.add_many(FACTS)
    path = kb.path("ask", "s")
    shell(f"(echo 'When are'; /bin/echo 'refunds paid?') > '{path}'")
    contains(read(path).decode(), "14 days")
    answer = kb_answer(kb)
    equal(answer["query"].split(), "When are refunds paid?".split(), "the question")
    with open(path, "w") as f:
        f.write("When does ")
        f.flush()
        os.close(os.dup(f.fileno()))
        time.sleep(0.5)
        f.write("the canteen open?")
    contains(read(path).decode(), "noon")
    equal(kb_answer(kb)["query"].strip(), "When does the canteen open?", "the question")
    equal(transcript(kb).count("When does"), 1, "turns that begin with the first half")


def kb_answer(kb, session="s"):
    return json.loads(read(kb.path("sessions", session, "answer.json")))


def test_append_begins_a_new_turn(kb):
    kb.add_many(FACTS)
    path = kb.path("ask", "s")
    contains(shell(f"echo '{REFUNDS}' > '{path}'; cat '{path}'"), "14 days")
    shown = shell(f"echo '{CANTEEN}' >> '{path}'; cat '{path}'")
    contains(shown, "noon")
    check("14 days" not in shown, "the old answer is in front of the new one")
    equal(questions(kb, REFUNDS, CANTEEN), [1, 1], "turns")
    long = "When are refunds paid, " + "and I ask this in many words, " * 60 + "in days?"
    shown = shell(f"echo '{long}' >> '{path}'; busybox cat '{path}'")
    contains(shown, "14 days")


def test_turns_of_a_session_queue_in_order(kb):
    kb.add_many(FACTS)
    for question in (REFUNDS, CANTEEN, PARKING):
        write(kb.path("ask", "s"), question)
    contains(read(kb.path("ask", "s")).decode(), "gate seven", "the answer to the last")
    text = transcript(kb)
    places = [text.index(part) for part in
              (REFUNDS, "14 days", CANTEEN, "noon", PARKING, "gate seven")]
    equal(places, sorted(places), "order in the transcript")


@setting(config=SLOW)
def test_an_old_handle_keeps_the_old_answer(kb):
    """Each answer is an inode of its own: a slow reader never gets a page of each."""
    path = kb.path("ask", "s")
    write(path, "a" * 20000)
    number = os.stat(path).st_ino
    with open(path, "rb", buffering=0) as old:
        first = old.read(100)
        size = os.fstat(old.fileno()).st_size
        write(path, "b" * 30000)
        new = read(path)
        rest = old.read()
        check(b"b" not in first + rest[:15000], f"a mixture: {first + rest}")
        equal(len(first + rest), size, "bytes of the old answer")
        check(new.startswith(b"b" * 30000), f"the new one: {new}")
        old.seek(0)
        equal(old.read(), first + rest, "the old answer again")
    equal(os.stat(path).st_ino, number, "inode number of the name")


def test_a_reader_waits(kb):
    """`cat` overtakes the RELEASE of `echo`, and a reader may come long before the end."""
    kb.add_many(FACTS)
    for n in range(30):
        path = kb.path("ask", f"s{n}")
        write(path, (REFUNDS, CANTEEN, PARKING)[n % 3])
        contains(read(path).decode(), ("14 days", "noon", "gate seven")[n % 3], "at once")


@setting(config=SLOW)
def test_looking_never_waits(kb):
    kb.add_many(FACTS)
    write(kb.path("ask", "s"), slow(REFUNDS))
    began = time.monotonic()
    os.stat(kb.path("ask", "s"))
    run("ls", "-lR", kb.path("ask"), kb.path("sessions"))
    took = time.monotonic() - began
    check(took < 1, f"stat and ls took {took:.1f} s while an answer is pending")
    check(read(kb.path("ask", "s")), "no answer")


@setting(config=SLOW)
def test_nonblocking_open_says_eagain(kb):
    kb.add_many(FACTS)
    write(kb.path("ask", "s"), slow(REFUNDS))
    for path in (kb.path("ask", "s"), kb.path("sessions", "s", "answer.json"),
                 kb.path("sessions", "s", "transcript.md")):
        with refused(errno.EAGAIN):
            os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    shown = read(kb.path("ask", "s"))
    fd = os.open(kb.path("ask", "s"), os.O_RDONLY | os.O_NONBLOCK)
    equal(read_all(fd), shown, "read without waiting once it is there")
    os.close(fd)


@setting(config=SLOW)
def test_an_interrupt_ends_the_wait(kb):
    kb.add_many(FACTS)
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        session = f"s{signal_number}"
        path = kb.path("ask", session)
        write(path, slow(REFUNDS))
        reader = subprocess.Popen(  # what a shell starts in the background ignores SIGINT
            ["cat", path], stdout=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        time.sleep(0.1)
        check(reader.poll() is None, "the reader did not wait")
        began = time.monotonic()
        reader.send_signal(signal_number)
        reader.wait(5)
        took = time.monotonic() - began
        check(took < 0.5, f"the reader took {took:.1f} s to die of signal {signal_number}")
        reader.stdout.close()
        check(len(read(path)) > 10, "the answer never came")


@setting(config={**SLOW, "ask.wait": "1s"})
def test_the_wait_ends_with_etimedout(kb):
    kb.add_many(FACTS)
    for n in range(8):
        write(kb.path("ask", f"s{n}"), slow(REFUNDS))
    last = kb.path("ask", "s7")
    began = time.monotonic()
    try:
        read(last)
    except OSError as e:
        equal(e.errno, errno.ETIMEDOUT, "errno of an open that waits too long")
        took = time.monotonic() - began
        check(0.8 < took < 2.5, f"it waited {took:.1f} s")
    else:
        raise Failed("eight slow answers came within a second: the test waits for nothing")

    def comes():
        try:
            return read(last)
        except TimeoutError:
            return None
    check(len(eventually(comes, "the answer comes later", 60)) > 10, "an empty answer")


@setting(config=SLOW, seconds=120)
def test_many_readers_do_not_stop_the_mount(kb):
    kb.add_many(FACTS)
    for n in range(4):
        write(kb.path("ask", f"s{n}"), slow(REFUNDS))
    shown, lock = [], threading.Lock()

    def reader(n):
        got = read(kb.path("ask", f"s{n % 4}"))
        with lock:
            shown.append(got)
    threads = [threading.Thread(target=reader, args=(n,)) for n in range(200)]
    for thread in threads:
        thread.start()
    slowest = 0
    while any(t.is_alive() for t in threads):
        began = time.monotonic()
        os.listdir(kb.path("docs")), os.stat(kb.path("inbox"))
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.02)
    equal(len(shown), 200, "readers that got an answer")
    check(all(len(s) > 10 for s in shown), "an empty answer")
    check(slowest < 0.5, f"ls took {slowest:.2f} s while 200 readers waited")


@setting(config=SLOW)
def test_truncation_cancels_and_hides(kb):
    kb.add_many(FACTS)
    path = kb.path("ask", "s")
    kb.ask(REFUNDS)
    calls = generator_calls(kb)
    for n in range(6):
        write(path, slow(f"{CANTEEN} {n}"))
    began = time.monotonic()
    shell(f": > '{path}'")
    shown = eventually_readable(path)
    check(time.monotonic() - began < 2, "the cancelled turns were waited for")
    equal(shown, b"", "the session after it was emptied")
    time.sleep(0.5)
    check(generator_calls(kb) - calls <= 3, "cancelled turns called the generator all the same")
    shown = kb.ask(PARKING)
    check(len(shown) > 10, "no answer after the truncation")
    equal(questions(kb, REFUNDS, CANTEEN, f"> {PARKING}"), [0, 0, 1], "the transcript")


def eventually_readable(path):
    """RELEASE comes asynchronously: until then the cancelled turn may still be there."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            with open(path, "rb") as f:
                if (shown := f.read()) == b"":
                    return shown
        except OSError as e:
            check(e.errno in (errno.ECANCELED, errno.EAGAIN, errno.ENOENT), str(e))
        time.sleep(0.05)
    return shown


def generator_calls(kb):
    return sum(value for name, value in kb.metrics().items()
               if "generator" in name and "calls" in name)


@setting(config=SLOW)
def test_the_model_is_called_once_a_turn(kb):
    kb.add_many(FACTS)
    before = generator_calls(kb)
    with open(kb.path("ask", "s"), "w") as f:
        f.write("When are ")
        f.flush()
        os.close(os.dup(f.fileno()))
        f.write("refunds paid?")
    read(kb.path("ask", "s")), read(kb.path("ask", "s"))
    equal(generator_calls(kb) - before, 1, "calls of the generator")


def test_a_question_is_asked_though_nobody_reads(kb):
    kb.add_many(FACTS)
    write(kb.path("ask", "s"), REFUNDS)
    eventually(lambda: any(name.startswith("askfs_answers_total") and value
                           for name, value in kb.metrics().items()), "it is answered")
    fd = os.open(kb.path("ask", "t"), os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(fd, CANTEEN.encode())
    os.close(os.dup(fd))  # commits; the handle stays open
    contains(read(kb.path("ask", "t")).decode(), "noon", "100 ms after the commit")
    os.close(fd)


def test_wrong_questions_leave_the_last_answer(kb):
    kb.add_many(FACTS)
    path = kb.path("ask", "s")
    shown = kb.ask(REFUNDS)
    for what, data in (("white space", b" \n\t \n"), ("not UTF-8", b"When are \xff\xfe paid?"),
                       ("binary", bytes(range(256)))):
        fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
        os.write(fd, data)
        with refused(errno.EINVAL):
            os.close(fd)
        equal(text_of(path), shown, f"the answer after a question of {what}")
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
    with refused(errno.EFBIG):
        for _ in range(160):
            os.write(fd, b"x" * 65536)
    try:
        os.close(fd)
    except OSError:
        pass
    equal(text_of(path), shown, "the answer after a question of 10 MB")
    done = subprocess.run(["bash", "-c", f"head -c 10000000 /dev/zero | tr '\\0' a > '{path}'"],
                          stderr=subprocess.PIPE)
    contains(done.stderr.decode(), "File too large", "what tr says")
    equal(text_of(path), shown, "the answer after that")
    equal(questions(kb, REFUNDS), [1], "turns")


def test_names_of_sessions(kb):
    kb.add_many(FACTS)
    with refused(errno.EPERM, errno.EINVAL, errno.EACCES):
        write(kb.path("ask", ".hidden"), REFUNDS)
    with refused(errno.ENAMETOOLONG):
        write(kb.path("ask", "n" * 256), REFUNDS)
    with refused(errno.ENOENT, errno.ENOTDIR):
        write(kb.path("ask", "a/b"), REFUNDS)
    with refused(errno.EPERM, errno.EACCES):
        os.mkdir(kb.path("ask", "folder"))
    for name in ("n" * 255, "two words", "ünïcode 漢", "-rf", "it's", "a\nb"):
        contains(kb.ask(REFUNDS, name), "14 days", name)
        check(name in os.listdir(kb.path("ask")), f"{name!r} is not in ask/")
        check(name in os.listdir(kb.path("sessions")), f"{name!r} is not in sessions/")


def test_editors_ask(kb):
    """vim and sed -i write other names first, which are refused, and go on without them."""
    kb.add_many(FACTS)
    needs("vim")
    path = kb.path("ask", "s")
    run("vim", "-es", "-u", "NONE", "-c", f"normal i{REFUNDS}", "-c", "wq!", path, status=None)
    contains(text_of(path), "14 days", "asked by vim")
    equal([n for n in os.listdir(kb.path("ask")) if n.startswith(".")], [], "hidden names")


def test_removing_a_session_forgets_it(kb):
    kb.add_many(FACTS)
    contains(kb.ask("When are refunds paid in days?"), "14 days")
    os.unlink(kb.path("ask", "s"))
    check(not os.path.exists(kb.path("ask", "s")), "the name is still there")
    check(not os.path.exists(kb.path("sessions", "s")), "sessions/s is still there")
    with refused(errno.ENOENT):
        read(kb.path("ask", "s"))
    kb.ask(CANTEEN)
    equal(questions(kb, "refunds", CANTEEN), [0, 1], "what the new session knows")
    kb.restart()
    equal(questions(kb, "refunds", CANTEEN), [0, 1], "after a restart")


@setting(config=SLOW)
def test_removing_a_session_ends_the_wait(kb):
    kb.add_many(FACTS)
    for n in range(6):
        write(kb.path("ask", "s"), slow(f"{REFUNDS} {n}"))
    reader = subprocess.Popen(["cat", kb.path("ask", "s")], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    time.sleep(0.1)
    os.unlink(kb.path("ask", "s"))
    equal(reader.wait(5), 1, "exit status of the reader")
    reader.communicate()


def test_a_session_that_never_asked_is_empty(kb):
    fd = os.open(kb.path("ask", "s"), os.O_WRONLY | os.O_CREAT, 0o600)
    os.close(fd)
    equal(read(kb.path("ask", "s")), b"", "the answer")
    equal(os.stat(kb.path("ask", "s")).st_size, 0, "its size")


@setting(config={"ask.sessions": "3"})
def test_a_budget_of_sessions(kb):
    kb.add_many(FACTS)
    for n in range(3):
        kb.ask(REFUNDS, f"s{n}")
    with refused(errno.EDQUOT):
        write(kb.path("ask", "s3"), REFUNDS)
    contains(kb.ask(CANTEEN, "s0"), "noon", "a session that is there")
    os.unlink(kb.path("ask", "s1"))
    contains(kb.ask(CANTEEN, "s4"), "noon", "a new one after another was removed")


def test_a_question_is_seen_by_those_who_read_by_name(kb):
    """Directory entries and attributes are never stale, however quickly one looks."""
    kb.add_many(FACTS)
    for n in range(40):
        question, part = ((REFUNDS, "14 days"), (CANTEEN, "noon"))[n % 2]
        shown = shell(f"stat -c %s '{kb.path('ask')}' > /dev/null; "
                      f"echo '{question}' > '{kb.path('ask', 's')}'; "
                      f"busybox cat '{kb.path('ask', 's')}'")
        contains(shown, part, f"answer {n}")
        stays(lambda: len(read(kb.path("ask", "s"))) == os.stat(kb.path("ask", "s")).st_size,
              "size and bytes differ", 0.01)


def test_questions_in_parallel(kb):
    kb.add_many(FACTS)
    wrong = []

    def one(n):
        for turn in range(6):
            question, part = ((REFUNDS, "14 days"), (CANTEEN, "noon"),
                              (PARKING, "gate seven"))[(n + turn) % 3]
            shown = kb.ask(question, f"s{n}")
            if part not in shown:
                wrong.append((n, turn, question, shown))
    all_at_once(one, 12)
    check(not wrong, f"{len(wrong)} wrong answers, the first: {wrong[:1]}")
