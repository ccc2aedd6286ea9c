# SPDX-License-Identifier: Apache-2.0
"""What the tests of a real mount share: a mount of their own, other users, and patience.

A test is a function test_NAME in a file test_*.py. One that takes an argument gets a mounted
KB of its own (its own folder, state and configuration); `kb.setting(...)` on the function says
how that one is configured. ./run starts every test in a process of its own.
"""
import contextlib
import ctypes
import errno
import hashlib
import json
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
ASKFS = os.path.abspath(os.environ.get("ASKFS", os.path.join(ROOT, "build/release/askfs")))
SLOW = float(os.environ.get("ASKFS_SLOW", "1"))

# Users who need no account; nobody (65534) has one nearly everywhere.
ALICE, BOB, CAROL, NOBODY = 1001, 1002, 1003, 65534

# Bytes of no known kind.
NOISE = random.Random(4711).randbytes(6000)

# What a sanitizer writes when it found something; that it could not look (LeakSanitizer in a
# sandbox without /proc) is no finding.
SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:")


class Skip(Exception):
    """The test cannot run on this machine; says why."""


class Failed(AssertionError):
    """What a user would have seen is not what was promised."""


# ------------------------------------------------------------------ how a test is marked

def setting(config=None, options=(), seconds=60):
    """How the mount of a test is configured: {"section.key": value}, -o options, and how
    long the test may take."""
    def mark(function):
        function.config = dict(config or {})
        function.options = tuple(options)
        function.seconds = seconds
        return function
    return mark


def is_sanitized():
    """Was the program built with a sanitizer? It takes more memory then."""
    marks = (b"__asan_init", b"__tsan_init")
    return os.path.exists(ASKFS) and any(mark in read(ASKFS) for mark in marks)


def needs_root():
    if os.getuid() != 0:
        raise Skip("needs root")


def needs(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


# ------------------------------------------------------------------------------ checks

def equal(got, expected, what=""):
    if got != expected:
        raise Failed(f"{what or 'value'}: expected {shorten(expected)}, got {shorten(got)}")


def contains(text, part, what=""):
    if part not in text:
        raise Failed(f"{what or 'text'}: {shorten(part)} is not in {shorten(text)}")


def check(condition, what):
    if not condition:
        raise Failed(what)


def shorten(value, most=600):
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


@contextlib.contextmanager
def refused(*errnos):
    """The block must fail with one of these errnos."""
    names = ", ".join(errno.errorcode[e] for e in errnos)
    try:
        yield
    except OSError as e:
        if e.errno not in errnos:
            raise Failed(f"expected {names}, got {errno.errorcode.get(e.errno)}: {e}") from e
    else:
        raise Failed(f"expected {names}, but it worked")


def all_at_once(work, count):
    """Call work(0) to work(@count - 1), each in a thread; returns when all have ended."""
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def eventually(ask, what, timeout=15, step=0.02):
    """Call @ask until it gives something true, which is returned."""
    end = time.monotonic() + timeout * SLOW
    while True:
        got = ask()
        if got:
            return got
        if time.monotonic() > end:
            raise Failed(f"not within {timeout * SLOW:g} s: {what() if callable(what) else what}")
        time.sleep(step)


def stays(ask, what, seconds=0.6):
    """Call @ask for a while: it must be true all the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        check(ask(), what)
        time.sleep(0.02)


# ----------------------------------------------------------------------------- programs

def run(*command, timeout=30, status=0, **how):
    """Run a program; its standard output. Another exit status than @status (None: any) fails."""
    how.setdefault("stdin", subprocess.DEVNULL)
    text = how.pop("text", True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=timeout * SLOW, **how)
    if status is not None and done.returncode != status:
        raise Failed(f"{' '.join(map(str, command))}: exit status {done.returncode}, "
                     f"expected {status}\n{done.stdout.decode(errors='replace')}"
                     f"{done.stderr.decode(errors='replace')}")
    return done.stdout.decode() if text else done.stdout


def shell(script, timeout=30, status=0, **how):
    """Run a script of bash; its standard output."""
    return run("bash", "-c", script, timeout=timeout, status=status, **how)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def as_user(uid, function, *args, groups=()):
    """Call function(*args) as another user, in a child; its result, or what it raised."""
    needs_root()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(reader)
            os.setgroups(list(groups))
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.umask(0o022)
            try:
                result = (True, function(*args))
            except BaseException as e:
                e.add_note("".join(traceback.format_exception(e)))
                result = (False, e)
            with os.fdopen(writer, "wb") as out:
                pickle.dump(result, out)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as source:
        data = source.read()
    os.waitpid(pid, 0)
    check(data, f"the child of user {uid} died")
    worked, result = pickle.loads(data)
    if not worked:
        raise result
    return result


def read(path):
    with open(path, "rb") as f:
        return f.read()


def text_of(path):
    return read(path).decode()


def write(path, data, mode=None):
    """Write a whole file as a program would that checks every call."""
    if isinstance(data, str):
        data = data.encode()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666 if mode is None else mode)
    try:
        write_all(fd, data)
        if mode is not None:
            os.fchmod(fd, mode)
    finally:
        os.close(fd)


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def walk(top):
    """Every path below @top, folders before what is in them, symbolic links not followed."""
    for folder, folders, files in os.walk(top, onerror=raise_it):
        for name in sorted(folders) + sorted(files):
            yield os.path.join(folder, name)


def raise_it(error):
    raise error


# ---------------------------------------------------------------------------- a document

class Document:
    """One folder docs/<id>."""

    def __init__(self, kb, id):
        self.kb, self.id = kb, id
        self.folder = os.path.join(kb.mount, "docs", id)

    def file(self, *parts):
        return os.path.join(self.folder, *parts)

    @property
    def meta(self):
        return json.loads(read(self.file("metadata.json")))

    @property
    def status(self):
        return text_of(self.file("status")).strip()

    @property
    def error(self):
        return text_of(self.file("error"))

    @property
    def text(self):
        return text_of(self.file("text.txt"))

    @property
    def chunks(self):
        return [json.loads(line) for line in text_of(self.file("chunks.jsonl")).splitlines()]

    @property
    def original(self):
        names = os.listdir(os.fsencode(self.file("original")))
        equal(len(names), 1, "files in original/")
        return read(os.path.join(os.fsencode(self.file("original")), names[0]))

    @property
    def versions(self):
        """{number: bytes} of the earlier originals."""
        found = {}
        folder = self.file("versions")
        for number in os.listdir(folder):
            names = os.listdir(os.path.join(folder, number))
            equal(len(names), 1, f"files in versions/{number}")
            found[int(number)] = read(os.path.join(folder, number, names[0]))
        return found


# ------------------------------------------------------------------------------- a mount

class KB:
    """A mount, its daemon and its state folder, all below one folder that goes at the end."""

    def __init__(self, folder, config=None, options=(), name="kb"):
        self.folder = folder
        self.mount = os.path.join(folder, name)
        self.state = os.path.join(folder, name + ".state")
        self.config_file = os.path.join(folder, name + ".conf")
        self.log_file = os.path.join(folder, name + ".log")
        self.config = {"inbox.settle": "100ms", "inbox.drain": "never",
                       "ports.embedder": "none"}
        self.config.update(config or {})
        self.options = list(options)
        self.daemon = None
        self.program = ASKFS
        self.user = None  # the daemon runs as this uid
        self.broken = []  # what went wrong with the daemon itself
        os.makedirs(self.mount, exist_ok=True)
        os.chmod(folder, 0o755)

    # --- the tree

    def path(self, *parts):
        return os.path.join(self.mount, *parts)

    @property
    def inbox(self):
        return self.path("inbox")

    # --- the daemon

    def write_config(self):
        sections = {}
        for key, value in self.config.items():
            if value is not None:
                section, name = key.split(".", 1)
                sections.setdefault(section, []).append(f"{name} = {value}\n")
        with open(self.config_file, "w") as f:
            for section, lines in sections.items():
                f.write(f"[{section}]\n{''.join(lines)}\n")

    def command(self, *more):
        options = [part for option in self.options for part in ("-o", option)]
        return [self.program, "mount", *more, *options, "--config", self.config_file,
                "--state", self.state, self.mount]

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "ASKFS_", "OPENAI_"))}
        env.setdefault("ASAN_OPTIONS", "abort_on_error=0")
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        env.setdefault("TSAN_OPTIONS", "halt_on_error=0:die_after_fork=0")
        env["HOME"] = self.folder
        return env

    def become(self):
        if self.user is not None:
            os.setgroups([])
            os.setresgid(self.user, self.user, self.user)
            os.setresuid(self.user, self.user, self.user)
        die_with_parent()  # last: a change of the user takes it back

    def launch(self):
        """Start the daemon in front, and do not wait for it."""
        self.write_config()
        with open(self.log_file, "ab") as log:  # appended to: a restart adds to it
            self.daemon = subprocess.Popen(
                self.command("-f"), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment(), cwd="/", preexec_fn=self.become)
        with open(os.path.join(self.folder, "pids"), "a") as f:
            f.write(f"{self.daemon.pid}\n")

    def start(self, timeout=15):
        """Mount, and wait until the mount answers."""
        self.launch()
        end = time.monotonic() + timeout * SLOW
        while not self.answers():
            if self.daemon.poll() is not None:
                raise Failed(f"the daemon ended with status {self.daemon.returncode}:\n"
                             f"{self.log()}")
            if time.monotonic() > end:
                raise Failed(f"no mount after {timeout * SLOW:g} s:\n{self.log()}")
            time.sleep(0.01)
        return self

    def answers(self):
        """Does the mount answer its owner?"""
        if not is_mounted(self.mount):
            return False
        if self.user is None:
            return os.path.isdir(self.path("docs"))
        return as_user(self.user, os.path.isdir, self.path("docs"))

    def stop(self, timeout=20):
        """Unmount as a user does; the daemon must end by itself, and well."""
        done = subprocess.run([self.program, "unmount", self.mount], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=timeout * SLOW, preexec_fn=self.become)
        equal(done.returncode, 0, f"exit status of unmount ({done.stdout.decode().strip()})")
        self.ended(timeout)

    def ended(self, timeout=20):
        try:
            status = self.daemon.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            raise Failed("the daemon did not end after unmount") from None
        equal(status, 0, "exit status of the daemon")
        check(not is_mounted(self.mount), "still mounted after the daemon ended")
        self.daemon = None

    def kill(self):
        """kill -9, and take the dead mount away."""
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = None
        lazily_unmount(self.mount)

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        """At the end of a test, whatever happened: nothing of it may stay. A daemon that is
        up is asked to go, as a user would."""
        try:
            if self.daemon and self.daemon.poll() is not None:
                self.broken.append(f"the daemon died: status {self.daemon.returncode}")
            elif self.daemon:
                self.stop()
        except (Failed, subprocess.TimeoutExpired) as e:
            self.broken.append(str(e))
        finally:
            if self.daemon and self.daemon.poll() is None:
                self.daemon.kill()
                self.daemon.wait()
            lazily_unmount(self.mount)
            lazily_unmount(self.state)
        if SANITIZER.search(self.log()):
            self.broken.append("a sanitizer complained (see the daemon's messages)")

    def log(self):
        try:
            return read(self.log_file).decode(errors="replace")
        except FileNotFoundError:
            return ""

    # --- documents

    def drop(self, name, data):
        """Write a file into the inbox; its path."""
        path = os.path.join(self.inbox, name)
        write(path, data)
        return path

    def documents(self):
        """Every document that this user may list, with its metadata."""
        found = []
        for id in os.listdir(self.path("docs")):
            try:
                document = Document(self, id)
                found.append((document, document.meta))
            except FileNotFoundError:
                pass  # deleted in between
        return found

    def docs_by_name(self):
        """{path as dropped: [documents]}."""
        found = {}
        for document, meta in self.documents():
            found.setdefault(meta["path"], []).append(document)
        return found

    def paths(self):
        """The paths of all documents, sorted; one that two documents have occurs twice."""
        return sorted(meta["path"] for _, meta in self.documents())

    def find(self, path):
        """The document of that path, or None."""
        found = self.docs_by_name().get(path, [])
        check(len(found) <= 1, f"{len(found)} documents of the path {path!r}")
        return found[0] if found else None

    def with_status(self, path, status, data=None, timeout=20):
        """Wait until the document of @path has that status (and those bytes)."""
        digest = None if data is None else sha256(
            data.encode() if isinstance(data, str) else data)

        def look():
            for document, meta in self.documents():
                if meta["path"] == path and meta["status"] == status and \
                        digest in (None, meta["sha256"]):
                    return document
        return eventually(look, lambda: f"{path!r} {status}; there are " + shorten(
            [(m["path"], m["status"], m["error"]) for _, m in self.documents()]), timeout)

    def indexed(self, path, data=None, timeout=20):
        return self.with_status(path, "INDEXED", data, timeout)

    def failed(self, path, timeout=20):
        return self.with_status(path, "FAILED", None, timeout)

    def add(self, name, data):
        """Drop a file and wait until it is indexed."""
        self.drop(name, data)
        return self.indexed(name, data)

    def add_many(self, files, timeout=60):
        """The same for {name: text}."""
        for name, data in files.items():
            self.drop(name, data)
        self.wait_status(timeout)
        self.all_indexed(files, timeout)

    def all_indexed(self, files, timeout=60):
        """Wait until exactly these paths are INDEXED (and maybe others too)."""
        eventually(lambda: set(files) <= set(
            m["path"] for _, m in self.documents() if m["status"] == "INDEXED"),
            lambda: "INDEXED " + shorten(sorted(set(files) - set(
                m["path"] for _, m in self.documents() if m["status"] == "INDEXED"))),
            timeout, step=0.1)

    def wait_status(self, timeout=60):
        """`askfs status --wait`: nothing is pending any more."""
        run(ASKFS, "status", "--wait", str(int(timeout * SLOW)), self.mount,
            timeout=timeout + 10)

    def nothing_new(self, expected):
        """What was dropped before is not a document: a later file is indexed, these are not."""
        self.add("zz-sentinel.txt", "The sentinel stands at the gate.\n")
        time.sleep(0.4 * SLOW)
        equal(self.paths(), sorted([*expected, "zz-sentinel.txt"]), "paths of the documents")

    # --- questions

    def ask(self, question, session="s"):
        """Ask as a shell does; the answer as `cat` prints it."""
        path = self.path("ask", session)
        write(path, question + "\n")
        return text_of(path)

    def answer(self, question, session="s"):
        """Ask; answer.json."""
        self.ask(question, session)
        return json.loads(read(self.path("sessions", session, "answer.json")))

    def answer_paths(self, question, session="s"):
        """The files that the answer cites or that were retrieved for it."""
        answer = self.answer(question, session)
        ids = {s["document_id"] for s in answer["sources"]}
        ids |= {r["document_id"] for r in answer["retrieved"]}
        by_id = {d.id: m["path"] for d, m in self.documents()}
        return sorted(by_id.get(id, id) for id in ids)

    def metrics(self):
        """system/metrics as {"name{labels}": value}."""
        found = {}
        for line in text_of(self.path("system", "metrics")).splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(None, 1)
                found[name] = float(value)
        return found

    def rss_anon(self):
        """Anonymous memory of the daemon, in KiB."""
        for line in text_of(f"/proc/{self.daemon.pid}/status").splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])


def lazily_unmount(path):
    """Take a mount away, whatever state it is in."""
    for _ in range(5):
        if not is_mounted(path):
            return
        if os.getuid() == 0:
            subprocess.run(["umount", "-l", path], stderr=subprocess.DEVNULL)
        else:
            subprocess.run(["fusermount3", "-u", "-z", path], stderr=subprocess.DEVNULL)


def is_mounted(path):
    return path in mounts()


def mounts():
    """The mount points of this machine, as paths."""
    found = []
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            found.append(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), line.split()[1]))
    return found


# ------------------------------------------------------------------- inside a test's process

def run_test(module, name, folder):
    """Run one test in this process: 0 passed, 1 failed, 77 skipped."""
    sys.path.insert(0, HERE)

    def expired(*_):
        raise Failed("the time limit of the test")
    signal.signal(signal.SIGTERM, expired)
    function = getattr(__import__(module), name)
    kb, status = None, 0
    try:
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            raise Skip("/dev/fuse cannot be opened")
        kb = KB(folder, getattr(function, "config", None), getattr(function, "options", ()))
        kb.extra = []
        os.environ["ASKFS_TEST_FOLDER"] = folder
        if function.__code__.co_argcount:
            function(kb.start())
        else:
            function()
    except Skip as e:
        print(f"skip: {e}")
        status = 77
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        status = 1
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return close_all(kb, status)


def close_all(kb, status):
    if kb is None:
        return status
    for one in [*kb.extra, kb]:
        one.close()
        for line in one.broken:
            print(f"daemon: {line}")
        if one.broken:
            status = 1
        if status == 1:
            print(f"--- {os.path.basename(one.log_file)}\n{one.log()[-8000:]}")
    sys.stdout.flush()
    return status


def another(kb, name, config=None, options=()):
    """A second mount beside that of the test; it is cleaned up with it."""
    other = KB(kb.folder, config, options, name)
    kb.extra.append(other)
    return other


def quote(name):
    return urllib.parse.quote(name)
