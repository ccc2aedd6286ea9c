# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping, and what is refused at start, in words."""
import ctypes
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import time

from harness import (ASKFS, KB, NOBODY, SLOW, Skip, another, as_user, check, contains, equal,
                     eventually, is_mounted, needs_root, read, run, setting, text_of, write)


def attempt(kb, *more, env=None):
    """Run `askfs mount -f` where it must be refused: (exit status, what it says)."""
    kb.write_config()
    done = subprocess.run(kb.command("-f", *more), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=15 * SLOW,
                          env={**kb.environment(), **(env or {})})
    return done.returncode, done.stdout.decode()


def refusal(kb, *words, **how):
    """The mount must be refused, with these words among others."""
    status, said = attempt(kb, **how)
    check(status not in (0, None) and status > 0, f"exit status {status}: {said}")
    for word in words:
        contains(said, word, "what it says")
    check(not is_mounted(kb.mount), "it is mounted all the same")
    return said


def test_sigterm_and_sigint_end_it_well(kb):
    kb.add("a.txt", "Words.\n")
    for number in (signal.SIGTERM, signal.SIGINT):
        kb.daemon.send_signal(number)
        kb.ended()
        kb.start()
    equal(kb.find("a.txt").status, "INDEXED", "status")


@setting(config={"ports.generator": "test"})
def test_stopping_answers_whoever_waits(kb):
    kb.add("a.txt", "Words.\n")
    write(kb.path("ask", "s"), "What are words?" + " please" * 100)
    readers = [subprocess.Popen(["cat", kb.path(*where)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
               for where in (("ask", "s"), ("sessions", "s", "stream"))]
    time.sleep(0.2)
    kb.daemon.send_signal(signal.SIGTERM)
    for reader in readers:
        reader.wait(10 * SLOW)
        reader.communicate()
    kb.ended()
    kb.start()
    contains(text_of(kb.path("ask", "s")), "What are words?", "the answer after the restart")


def test_unmounted_by_umount(kb):
    kb.add("a.txt", "Words.\n")
    needs_root()
    run("umount", kb.mount)
    kb.ended()
    kb.start()
    run("fusermount3", "-u", kb.mount)
    kb.ended()
    kb.start()
    equal(kb.find("a.txt").text, "Words.\n", "text")


def test_unmount_of_a_busy_mount(kb):
    kb.add("a.txt", "Words.\n")
    with open(kb.find("a.txt").file("text.txt"), "rb") as f:
        done = subprocess.run([ASKFS, "unmount", kb.mount], stderr=subprocess.PIPE,
                              timeout=15 * SLOW)
        check(done.returncode == 1 and done.stderr, "unmount of a busy mount says nothing")
        equal(f.read(), b"Words.\n", "what the open handle reads")
    kb.stop()


def test_into_the_background(kb):
    kb.add("a.txt", "Words.\n")
    kb.stop()
    run(*kb.command(), env=kb.environment())
    check(kb.answers(), "mount returned before the mount answers")
    equal(kb.find("a.txt").text, "Words.\n", "text")
    pids = [int(p) for p in os.listdir("/proc") if p.isdigit() and is_daemon(p, kb)]
    equal(len(pids), 1, "daemons in the background")
    with open(os.path.join(kb.folder, "pids"), "a") as f:
        f.write(f"{pids[0]}\n")
    run(ASKFS, "unmount", kb.mount)
    eventually(lambda: not os.path.exists(f"/proc/{pids[0]}"), "the daemon has ended")
    check(not is_mounted(kb.mount), "still mounted")


def is_daemon(pid, kb):
    try:
        command = read(f"/proc/{pid}/cmdline").split(b"\0")
    except OSError:
        return False
    return b"mount" in command and kb.mount.encode() in command


def test_readiness_is_notified(kb):
    kb.stop()
    path = os.path.join(kb.folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(10 * SLOW)
        os.environ["NOTIFY_SOCKET"] = path
        kb.start()
        del os.environ["NOTIFY_SOCKET"]
        contains(s.recv(4096).decode(), "READY=1", "what was notified")
    check(kb.answers(), "READY=1 came before the mount answers")


def test_a_dead_mount_is_cleaned_at_start(kb):
    kb.add("a.txt", "Words.\n")
    kb.daemon.kill()
    kb.daemon.wait()
    check(is_mounted(kb.mount), "the kernel took the dead mount away by itself")
    kb.start()
    equal(kb.find("a.txt").text, "Words.\n", "text")


def test_two_daemons_on_one_state(kb):
    other = another(kb, "other")
    other.state = kb.state
    said = refusal(other)
    check("lock" in said or "in use" in said or "already" in said, f"it says: {said}")
    kb.add("a.txt", "Words.\n")


def test_a_live_mount_is_not_covered(kb):
    other = another(kb, "other")
    own, other.mount = other.mount, kb.mount
    status, said = attempt(other)
    other.mount = own
    equal(status, 1, f"exit status ({said})")
    contains(said, "mounted", "what it says")
    kb.add("a.txt", "Words.\n")


def test_wrong_usage_and_configuration_exit_with_2(kb):
    wrong = os.path.join(kb.folder, "wrong.conf")
    write(wrong, "[inbox]\nsettel = 1s\n")
    kb.stop()
    for command in (["mount", "-f", "--config", wrong, kb.mount],
                    ["mount", "--config", wrong, kb.mount], ["mount", "-o", "nonsense", kb.mount],
                    ["mount", "-f", "-o", "nonsense", kb.mount], ["mount"], ["extract"],
                    ["extract", "--config", wrong, "/etc/passwd"], ["nonsense"],
                    ["check", "--config", wrong, "--state", kb.state],
                    ["doctor", "--nonsense"], ["status"], ["unmount"], ["ask", kb.mount]):
        run(ASKFS, *command, status=2)
    kb.start()


def test_the_state_folder_is_private(kb):
    kb.stop()
    for path in [kb.state, *[os.path.join(p, n) for p, folders, files in os.walk(kb.state)
                             for n in folders + files]]:
        mode = stat.S_IMODE(os.lstat(path).st_mode)
        check(mode & 0o077 == 0, f"{path} has mode {mode:o}")
    equal(stat.S_IMODE(os.stat(kb.state).st_mode), 0o700, "mode")
    for mode in (0o755, 0o750, 0o701):
        os.chmod(kb.state, mode)
        refusal(kb, kb.state)
    os.chmod(kb.state, 0o700)
    kb.start()


def test_wrong_settings_are_refused_with_file_and_line():
    folder = os.environ["ASKFS_TEST_FOLDER"]
    kb = KB(folder, name="refused")
    for lines, words in (
            ("[inbox]\nsettel = 1s\n", (":2", "settel", "settle")),
            ("[inbox]\nsettle = soon\n", (":2", "settle", "soon")),
            ("[inboxes]\nsettle = 1s\n", (":", "inboxes", "inbox")),
            ("[ask]\n\nwait = -1\n", (":3", "wait")),
            ("[inbox]\nmax_file = 12Q\n", (":2", "max_file", "12Q")),
            ("[ports]\ngenerator = magic\n", (":2", "magic", "extractive")),
            ("[chunk]\nsize = 10\n", (":2", "size")),
            ("[inbox]\nsync\n", (":2",)),
            ("[chunk]\nsize = 100\noverlap = 90\n", ("overlap",))):
        kb.write_config = lambda lines=lines: write(kb.config_file, lines)
        said = refusal(kb)
        for word in words:
            contains(said, word, f"what it says to {lines!r}")
        if ":" in words[0]:
            contains(said, kb.config_file, f"what it says to {lines!r}")


def test_options_and_environment_win(kb):
    kb.stop()
    kb.config["retrieve.top_k"] = "3"
    kb.start()
    contains(text_of(kb.path("system", "config")), "top_k = 3", "from the file")
    kb.stop()
    kb.environment_before = kb.environment
    kb.environment = lambda: {**kb.environment_before(), "VECTOR_TOP_K": "4"}
    kb.start()
    contains(text_of(kb.path("system", "config")), "top_k = 4", "the environment wins")
    kb.stop()
    kb.options = ["top_k=6"]
    kb.start()
    contains(text_of(kb.path("system", "config")), "top_k = 6", "-o wins")


def test_unknown_options_are_refused(kb):
    kb.stop()
    for option in ("nonsense", "settle=soon", "top_k"):
        kb.options = [option]
        refusal(kb, option.split("=")[0])
    kb.options = []
    kb.start()


def test_places_that_are_no_folder(kb):
    other = another(kb, "other")
    os.rmdir(other.mount)
    refusal(other, other.mount)
    write(other.mount, "a file")
    refusal(other, other.mount)


def test_an_ordinary_user_mounts():
    """Without root: owner, modes and attributes are in a journal, not on the backing files."""
    needs_root()
    folder = os.path.join(os.environ["ASKFS_TEST_FOLDER"], "nobody")
    os.mkdir(folder)
    kb = KB(folder)
    kb.user = NOBODY
    for path in (folder, kb.mount):
        os.chown(path, NOBODY, NOBODY)
    let_everybody_open_fuse(folder)
    kb.program = copy_of_the_program(kb.folder)
    kb.start()
    try:
        as_user(NOBODY, use_as_owner, kb)
    finally:
        kb.close()
    equal(kb.broken, [], "what went wrong with the daemon")


def let_everybody_open_fuse(folder):
    """Where /dev/fuse is closed to ordinary users: another one over it, for this process and
    its children alone."""
    if os.stat("/dev/fuse").st_mode & 0o006 == 0o006:
        return
    new_mount_name_space = 0x20000
    if ctypes.CDLL(None, use_errno=True).unshare(new_mount_name_space) != 0:
        raise Skip("ordinary users cannot open /dev/fuse here")
    device = os.path.join(folder, "fuse")
    if subprocess.run(["mount", "--make-rprivate", "/"], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        raise Skip("mounts cannot be made private here")  # in a chroot
    os.mknod(device, stat.S_IFCHR | 0o666, os.stat("/dev/fuse").st_rdev)
    os.chmod(device, 0o666)
    run("mount", "--bind", device, "/dev/fuse")


def copy_of_the_program(folder):
    """Where every user can run it."""
    for name in ("askfs", "askfs-parse"):
        shutil.copy(os.path.join(os.path.dirname(ASKFS), name), folder)
    return os.path.join(folder, "askfs")


def use_as_owner(kb):
    path = kb.drop("a.txt", "The ferry leaves at nine.\n")
    os.chmod(path, 0o604)
    os.setxattr(path, "user.color", b"blue")
    os.utime(path, (1_111_111_111, 1_111_111_111))
    kb.drop("secret.txt", "x")
    os.chmod(os.path.join(kb.inbox, "secret.txt"), 0)
    found = os.stat(path)
    equal((found.st_uid, found.st_mode & 0o777, int(found.st_mtime)),
          (NOBODY, 0o604, 1_111_111_111), "owner, mode and time")
    equal(os.getxattr(path, "user.color"), b"blue", "attribute")
    kb.indexed("a.txt")
    contains(kb.ask("When does the ferry leave?"), "at nine")
    shutil.rmtree(kb.find("a.txt").folder)
    equal(kb.find("a.txt"), None, "the deleted document")


def test_health_and_metrics(kb):
    kb.add("a.txt", "Words.\n")
    kb.ask("Which words?")
    health = json.loads(read(kb.path("system", "health")))
    check(isinstance(health, dict) and health, "system/health is no JSON object")
    names = " ".join(kb.metrics())
    for part in ("documents", "queue_depth", "ingest_seconds_bucket", "ask_seconds_bucket",
                 "fuse_operations", "embedder", "generator"):
        contains(names, part, "system/metrics")
    equal(kb.metrics()['askfs_documents{status="INDEXED"}'], 1, "documents")
    usage = read(kb.path("system", "usage"))
    check(usage, "system/usage is empty")


def parsers(kb):
    """The pids of the daemon's askfs-parse: at most one, but for an instant."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat_of = text_of(f"/proc/{pid}/stat")
        except OSError:
            continue
        name, rest = stat_of[stat_of.index("(") + 1:].rsplit(")", 1)
        if name.startswith("askfs-parse") and int(rest.split()[1]) == kb.daemon.pid:
            found.append(int(pid))
    return found


def parser_health(kb):
    rows = json.loads(read(kb.path("system", "health")))["components"]
    return next(row for row in rows if row["name"] == "parser")


def test_parser_that_keeps_dying(kb):
    """After the third death in a minute it rests; documents wait, and none has failed."""
    for n in range(3):
        pid, = parsers(kb)
        os.kill(pid, signal.SIGKILL)
        kb.drop(f"{n}.txt", f"Words of file {n}.\n")
        if n < 2:
            kb.indexed(f"{n}.txt")
    eventually(lambda: parser_health(kb)["status"] == "failing", "that the parser is failing")
    contains(parser_health(kb)["error"], "died 3 times in a minute", "system/health")
    equal(parsers(kb), [], "parsers while it rests")
    kb.drop("late.txt", "Words that wait.\n")
    check(kb.find("late.txt") is None or kb.find("late.txt").status != "FAILED", "it failed")
    kb.indexed("2.txt", timeout=30)
    kb.indexed("late.txt", timeout=30)
    eventually(lambda: parser_health(kb)["status"] == "ok", "that the parser is well again")
    equal(kb.metrics()['askfs_documents{status="FAILED"}'], 0, "documents that failed")


def test_doctor(kb):
    said = run(ASKFS, "doctor", "--config", kb.config_file, env=kb.environment())
    for word in ("fuse", "askfs-parse", "extractive", "settle", "documents: text, web, PDF"):
        contains(said, word, "what doctor says")


@setting(config={"parse.ocr_languages": "xyz"})
def test_doctor_tells_what_images_are_read_with(kb):
    ocr = os.path.join(os.path.dirname(ASKFS), "askfs-parse-ocr")
    said = run(ASKFS, "doctor", "--config", kb.config_file, env=kb.environment())
    if not os.path.exists(ocr):
        contains(said, "built without OCR: install tesseract-ocr", "what doctor says")
        return
    contains(said, "Tesseract has no data for xyz: install tesseract-ocr-xyz", "what doctor says")
    kb.config["parse.ocr_languages"] = "eng"
    kb.write_config()
    said = run(ASKFS, "doctor", "--config", kb.config_file, env=kb.environment())
    contains(said, "text in images: eng", "what doctor says")


def test_check_finds_what_was_spoiled(kb):
    kb.add("a.txt", "Words that will be spoiled.\n" * 50)
    kb.stop()
    run(ASKFS, "check", "--state", kb.state)
    spoiled = 0
    for folder, _, files in os.walk(kb.state):
        for name in files:
            path = os.path.join(folder, name)
            if b"Words that will be spoiled" in read(path) and not name.endswith((".db", "-wal")):
                with open(path, "r+b") as f:
                    f.seek(10)
                    f.write(b"XXXX")
                spoiled += 1
    check(spoiled, "found no file of the document in the state folder")
    run(ASKFS, "check", "--state", kb.state, status=1)
    kb.start()


def test_status_waits_and_gives_up(kb):
    kb.stop()
    kb.config.update({"inbox.settle": "30s", "inbox.settle_max": "30s"})
    kb.start()
    kb.drop("a.txt", "Words.\n")
    began = time.monotonic()
    run(ASKFS, "status", "--wait", "1", kb.mount, status=4)
    check(0.8 < time.monotonic() - began < 5, f"it waited {time.monotonic() - began:.1f} s")
    run(ASKFS, "status", kb.folder, status=3)
    run(ASKFS, "nonsense", status=2)


def test_mount_by_type():
    """mount -t fuse.askfs finds the program by its name."""
    needs_root()
    if not os.path.exists("/sbin/mount.fuse") and not os.path.exists("/sbin/mount.fuse3"):
        raise Skip("mount.fuse3 is not installed (fuse3)")
    folder = os.environ["ASKFS_TEST_FOLDER"]
    kb = KB(folder, name="typed")
    kb.write_config()
    bin_folder = os.path.join(folder, "bin")
    os.mkdir(bin_folder)
    for name in ("askfs", "askfs-parse"):
        os.symlink(os.path.join(os.path.dirname(ASKFS), name), os.path.join(bin_folder, name))
    helper = shutil.which("mount.fuse3", path="/sbin:/usr/sbin") or "/sbin/mount.fuse"
    env = {**kb.environment(), "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    run(helper, f"askfs#{kb.state}", kb.mount, "-o", "rw,settle=100ms", env=env, timeout=20)
    pids = [int(p) for p in os.listdir("/proc") if p.isdigit()
            and kb.mount.encode() in (read_or_nothing(f"/proc/{p}/cmdline"))]
    with open(os.path.join(folder, "pids"), "a") as f:
        f.write("".join(f"{pid}\n" for pid in pids))
    try:
        eventually(kb.answers, "the mount answers")
        kb.drop("a.txt", "Words.\n")
        kb.indexed("a.txt")
    finally:
        run(ASKFS, "unmount", kb.mount)
    eventually(lambda: not is_mounted(kb.mount), "it is unmounted")


def read_or_nothing(path):
    try:
        return read(path)
    except OSError:
        return b""
