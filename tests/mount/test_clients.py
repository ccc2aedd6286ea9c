# SPDX-License-Identifier: Apache-2.0
"""Real programs write into the inbox, each in its own way: the bytes arrive, one document a
file, and nothing that they leave lying about for a moment is taken for a document.

A client is a name and a script of bash that turns "$SRC" into "$F" (in the folder "$D" of its
own inside the inbox). It may do anything on the way; at the end "$F" must hold what "$SRC"
holds, and be the only document of that folder.
"""
import fcntl
import mmap
import os
import shutil
import sqlite3
import tempfile

from harness import (Failed, check, contains, equal, eventually, needs, read, run, setting, sha256,
                     shell, shorten, write)

SRC = "".join(f"Client line {n}: the quick brown fox jumps over the lazy dog.\n"
              for n in range(80)).encode()
OLD = b"An older file that stood there before.\n" * 20


def run_scripts(kb, clients):
    """Run each client, then look what became of each; all failures at once."""
    source = os.path.join(kb.folder, "src.txt")
    write(source, SRC)
    os.utime(source, (1_500_000_000, 1_500_000_000))
    wrong = []
    for name, script in clients.items():
        folder = os.path.join(kb.inbox, name)
        os.mkdir(folder)
        env = {**os.environ, "SRC": source, "D": folder, "F": os.path.join(folder, "f.txt"),
               "T": tempfile.mkdtemp(dir=kb.folder)}
        try:
            shell(f"set -e; {script}", env=env, cwd=env["T"])
            equal(read(env["F"]), SRC, "the file at once")
        except (Failed, OSError) as e:
            wrong.append(f"{name}: {e}")
    expect(kb, [f"{name}/f.txt" for name in clients], wrong)


def expect(kb, paths, wrong):
    """Each path is an INDEXED document with the bytes of SRC, and there are no others."""
    digest = sha256(SRC)

    def state():
        return {m["path"]: m["sha256"] if m["status"] == "INDEXED" else m["status"]
                for _, m in kb.documents()}
    try:
        eventually(lambda: all(state().get(p) == digest for p in paths), "", 15, step=0.1)
    except Failed:
        found = state()
        wrong += [f"{p}: {found.get(p, 'no document')}" for p in paths if found.get(p) != digest]
    wrong += [f"a document too many: {p!r}" for p in state() if p not in paths]
    if len(kb.documents()) != len(state()):
        wrong.append(f"two documents of one path: {kb.paths()}")
    check(not wrong, "\n".join(["clients went wrong:", *wrong]))


@setting(seconds=120)
def test_coreutils(kb):
    run_scripts(kb, {
        "cp": 'cp "$SRC" "$F"',
        "cp -p": 'cp -p "$SRC" "$F"',
        "cp -a": 'cp -a "$SRC" "$F"',
        "cp --preserve=all": 'cp --preserve=all "$SRC" "$F"',
        "cp over": 'echo old > "$F"; cp "$SRC" "$F"',
        "cp --remove-destination": 'echo old > "$F"; cp --remove-destination "$SRC" "$F"',
        "cp --backup": 'cp "$SRC" "$F"; cp --backup=simple "$SRC" "$F"',
        "mv": 'cp "$SRC" x; mv x "$F"',
        "install": 'install -m 640 "$SRC" "$F"',
        "dd": 'dd if="$SRC" of="$F" bs=777 status=none',
        "dd fsync": 'dd if="$SRC" of="$F" bs=4k conv=fsync status=none',
        "dd direct": 'dd if="$SRC" of="$F" bs=4k oflag=direct status=none',
        "dd notrunc": 'truncate -s $(stat -c %s "$SRC") "$F"; '
                      'dd if="$SRC" of="$F" bs=512 conv=notrunc status=none',
        "fallocate": 'fallocate -l $(stat -c %s "$SRC") "$F"; '
                     'dd if="$SRC" of="$F" conv=notrunc status=none',
        "tee": 'tee "$F" < "$SRC" > /dev/null',
        "tee -a": 'head -n 7 "$SRC" > "$F"; tail -n +8 "$SRC" | tee -a "$F" > /dev/null',
        "cat": 'cat "$SRC" > "$F"',
        "append": 'while IFS= read -r line; do printf "%s\\n" "$line" >> "$F"; done < "$SRC"',
        "group": '{ head -n 3 "$SRC"; tail -n +4 "$SRC"; } > "$F"',
        "background": '{ head -n 3 "$SRC"; (sleep 0.4; tail -n +4 "$SRC") & } > "$F"; wait',
        "touch": 'touch "$F"; sleep 0.3; cat "$SRC" > "$F"',
        "link": 'cp "$SRC" "$D/tmp.txt"; ln "$D/tmp.txt" "$F"; rm "$D/tmp.txt"',
        "part": 'cp "$SRC" "$F.part"; sleep 0.3; mv "$F.part" "$F"',
        "hidden": 'cp "$SRC" "$D/.f.txt.tmp"; sleep 0.3; mv "$D/.f.txt.tmp" "$F"',
        "split": 'split -b 1000 "$SRC" "$D/x."; cat "$D"/x.* > "$F"; rm "$D"/x.*',
        "exec": 'exec 7> "$F"; cat "$SRC" >&7; exec 7>&-',
        "mkfifo": 'mkfifo p; cat "$SRC" > p & cat p > "$F"',
    })


@setting(seconds=120)
def test_rsync(kb):
    needs("rsync")
    half = 'head -c 2000 "$SRC" > "$F"; '
    run_scripts(kb, {
        "plain": 'rsync "$SRC" "$F"',
        "-a": 'rsync -a "$SRC" "$F"',
        "-aX": 'rsync -aX "$SRC" "$F"',
        "-aA": 'rsync -aA "$SRC" "$F"',
        "-aH --partial": 'rsync -aH --partial "$SRC" "$F"',
        "inplace": 'rsync -a --inplace "$SRC" "$F"',
        "append": half + 'rsync --append "$SRC" "$F"',
        "append-verify": half + 'rsync --append-verify "$SRC" "$F"',
        "delay-updates": 'rsync -a --delay-updates "$SRC" "$F"',
        "preallocate": 'rsync -a --preallocate "$SRC" "$F"',
        "fsync": 'rsync -a --fsync "$SRC" "$F"',
        "sparse": 'rsync -aS "$SRC" "$F"',
        "partial-dir": 'rsync -a --partial-dir=.rsync-partial "$SRC" "$F"',
        "temp-dir": 'rsync -a --temp-dir="$T" "$SRC" "$F"',
        "twice": 'rsync -a "$SRC" "$F"; sleep 0.5; rsync -ac "$SRC" "$F"',
        "update": 'echo old > "$F"; touch -d "1 Jan 2001" "$F"; rsync -au "$SRC" "$F"',
        "bwlimit": 'rsync -a --bwlimit=20 "$SRC" "$F"',
        "checksum no-whole-file": 'cp "$SRC" "$F"; printf x | dd of="$F" conv=notrunc '
                                  'status=none; rsync -a --checksum --no-whole-file "$SRC" "$F"',
    })


def test_rsync_keeps_times_of_a_tree(kb):
    needs("rsync")
    top = os.path.join(kb.folder, "tree")
    os.makedirs(os.path.join(top, "a/b"))
    for n, name in enumerate(("f.txt", "a/f.txt", "a/b/f.txt")):
        write(os.path.join(top, name), SRC + name.encode())
        os.utime(os.path.join(top, name), (10 ** 9 + n, 10 ** 9 + n))
    for name in ("a/b", "a"):
        os.utime(os.path.join(top, name), (1_234_567_890, 1_234_567_890))
    run("rsync", "-a", top, kb.inbox)
    equal(int(os.stat(os.path.join(kb.inbox, "tree/a")).st_mtime), 1_234_567_890, "of a folder")
    equal(int(os.stat(os.path.join(kb.inbox, "tree/a/b/f.txt")).st_mtime), 10 ** 9 + 2, "of a file")
    equal(run("rsync", "-ani", top, kb.inbox).strip(), "", "what a second run would do")
    kb.all_indexed(["tree/f.txt", "tree/a/f.txt", "tree/a/b/f.txt"])


def test_a_whole_folder_into_the_inbox_itself(kb):
    """Programs set mode and times of the folder that they copy into, too."""
    needs("rsync", "tar", "busybox")
    top = os.path.join(kb.folder, "tree")
    os.makedirs(os.path.join(top, "a"), 0o755)
    write(os.path.join(top, "a/f.txt"), SRC)
    os.utime(top, (1_234_567_890, 1_234_567_890))
    for script in ('rsync -a "$TREE/" "$INBOX/"', 'cp -a "$TREE/." "$INBOX/"',
                   'tar c -C "$TREE" . | tar xp -C "$INBOX"',
                   'busybox cp -a "$TREE/." "$INBOX/"',
                   'rsync -a --delete "$TREE/" "$INBOX/"'):
        shell(script, env={**os.environ, "TREE": top, "INBOX": kb.inbox})
        equal(read(os.path.join(kb.inbox, "a/f.txt")), SRC, script)
        equal(oct(os.stat(kb.inbox).st_mode), oct(0o41777), f"mode of the inbox after {script}")
    kb.indexed("a/f.txt", SRC)
    equal(kb.paths(), ["a/f.txt"], "documents")


@setting(seconds=120)
def test_archives(kb):
    needs("tar", "gzip", "busybox", "perl")
    tar = 'cp -p "$SRC" f.txt; tar c f.txt | '
    clients = {
        "tar x": tar + 'tar x -C "$D"',
        "tar xp": tar + 'tar xp --xattrs --acls -C "$D"',
        "busybox tar": tar + 'busybox tar x -C "$D"',
        "gunzip -c": 'gzip -c "$SRC" | gunzip -c > "$F"',
        "cpio": 'cp -p "$SRC" f.txt; echo f.txt | busybox cpio -o -H newc 2> /dev/null | '
                '(cd "$D"; busybox cpio -i 2> /dev/null)',
    }
    if shutil.which("zip") and shutil.which("unzip"):
        clients["unzip"] = 'cp -p "$SRC" f.txt; zip -q x.zip f.txt; unzip -q x.zip -d "$D"'
    run_scripts(kb, clients)


@setting(seconds=120)
def test_busybox(kb):
    needs("busybox")
    run_scripts(kb, {
        "cp": 'busybox cp "$SRC" "$F"',
        "cp -p": 'busybox cp -p "$SRC" "$F"',
        "mv": 'cp "$SRC" x; busybox mv x "$F"',
        "cat": 'busybox cat "$SRC" > "$F"',
        "dd": 'busybox dd if="$SRC" of="$F" 2> /dev/null',
        "tee": 'busybox tee "$F" < "$SRC" > /dev/null',
        "sed -i": '(echo FIRST; cat "$SRC") > "$F"; busybox sed -i 1d "$F"',
    })


@setting(seconds=120)
def test_downloads(kb):
    needs("curl")
    clients = {
        "curl": 'curl -s -o "$F" "file://$SRC"',
        "curl -R": 'curl -s -R -o "$F" "file://$SRC"',
        "curl -C -": 'head -c 1500 "$SRC" > "$F"; sleep 0.4; curl -s -C - -o "$F" "file://$SRC"',
        "firefox": ': > "$D/gZmN.txt"; rm "$D/gZmN.txt"; : > "$D/gZmN.txt.part"; '
                   'cat "$SRC" > "$D/gZmN.txt.part"; : > "$F"; sleep 0.4; '
                   'mv "$D/gZmN.txt.part" "$F"; chmod 644 "$F"',
        "chromium": 'T=$D/.org.chromium.Chromium.yhcDuT; head -c 999 "$SRC" > "$T"; '
                    ': > "$F.crdownload"; mv "$T" "$F.crdownload"; '
                    'tail -c +1000 "$SRC" >> "$F.crdownload"; sleep 0.4; : > "$F"; '
                    'mv "$F.crdownload" "$F"; chmod 644 "$F"',
        "aria2": ': > "$F"; echo state > "$F.aria2__temp"; mv "$F.aria2__temp" "$F.aria2"; '
                 'head -c 2000 "$SRC" > "$F"; sleep 0.6; tail -c +2001 "$SRC" >> "$F"; '
                 'rm "$F.aria2"',
        "scp": 'head -c 9000 /dev/zero > "$F"; dd if="$SRC" of="$F" conv=notrunc status=none; '
               'truncate -s $(stat -c %s "$SRC") "$F"',
        "lftp": 'cat "$SRC" > "$D/.in.f.txt"; ln "$D/.in.f.txt" "$F"; rm "$D/.in.f.txt"',
    }
    run_scripts(kb, clients)


@setting(seconds=120)
def test_editors(kb):
    needs("sed", "perl", "vim")
    clients = {
        "sed -i": '(echo FIRST; cat "$SRC") > "$F"; sed -i 1d "$F"',
        "perl -i": 'sed "s/fox/FOX/" "$SRC" > "$F"; perl -i -pe "s/FOX/fox/" "$F"',
        "vim": 'vim -es -u NONE -c "r $SRC" -c "wq! $F" < /dev/null || test -s "$F"',
        "vim again": 'sed "s/fox/FOX/" "$SRC" > "$F"; sleep 0.5; '
                     'vim -es -u NONE -c "%s/FOX/fox/" -c wq "$F" < /dev/null',
        "emacs new": 'ln -s user@host.1 "$D/.#f.txt"; cat "$SRC" > "$F"; : >> "$F"; '
                     'rm "$D/.#f.txt"',
    }
    run_scripts(kb, clients)


def test_gio(kb):
    needs("gio")
    run_scripts(kb, {"copy": 'gio copy "file://$SRC" "file://$F"',
                     "copy -p": 'gio copy -p "file://$SRC" "file://$F"',
                     "save": 'gio save "file://$F" < "$SRC"',
                     "save over": 'echo old > "$F"; gio save "file://$F" < "$SRC"',
                     "move": 'cp "$SRC" x; gio move "$PWD/x" "$F"'})


# --- writers in Python, after what was seen of programs that are not here

def tempfile_and_replace(folder, path):
    fd, temporary = tempfile.mkstemp(dir=folder)
    with open(fd, "wb") as f:
        f.write(SRC), f.flush(), os.fsync(f.fileno())
    os.replace(temporary, path)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd), os.close(fd)


def gio_save_over(folder, path):
    """The old file stays open for writing while the new one is renamed over it."""
    write(path, OLD)
    old = os.open(path, os.O_WRONLY)
    temporary = os.path.join(folder, ".goutputstream-DK9DZ3")
    new = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    os.fchmod(new, 0o644)
    os.write(new, SRC), os.fsync(new)
    os.rename(temporary, path)
    os.close(new), os.close(old)


def vim_with_backup(folder, path):
    """A write test named 4913, the old file renamed to NAME~, the new one written anew."""
    write(path, OLD)
    swap = os.open(os.path.join(folder, ".f.txt.swp"), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(swap, b"swap" * 1000)
    os.close(os.open(os.path.join(folder, "4913"), os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    os.unlink(os.path.join(folder, "4913"))
    os.rename(path, path + "~")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.ftruncate(fd, 0), os.write(fd, SRC), os.fsync(fd), os.fchmod(fd, 0o644), os.close(fd)
    os.close(swap), os.unlink(os.path.join(folder, ".f.txt.swp"))


def emacs_with_backup(folder, path):
    write(path, OLD)
    lock = os.path.join(folder, ".#f.txt")
    os.symlink("user@host.123:1", lock)
    write(os.path.join(folder, "#f.txt#"), b"auto-saved words")
    os.rename(path, path + "~")
    write(path, SRC)
    os.close(os.open(path, os.O_WRONLY))
    os.unlink(lock), os.unlink(os.path.join(folder, "#f.txt#"))


def libreoffice(folder, path):
    lock = os.path.join(folder, ".~lock.f.txt#")
    write(lock, b",user,host,")
    temporary = os.path.join(folder, "lu8117150ju.tmp")
    write(temporary, SRC)
    with open(path, "xb") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        f.write(SRC)
    os.unlink(temporary)
    fd = os.open(path, os.O_RDWR)
    os.fsync(fd), os.close(fd)
    os.unlink(lock)


def maildir(folder, path):
    temporary = os.path.join(folder, ".mail")
    os.mkdir(temporary)
    write(os.path.join(temporary, "1.host"), SRC)
    os.link(os.path.join(temporary, "1.host"), path)
    os.unlink(os.path.join(temporary, "1.host"))
    os.rmdir(temporary)


def mapped_after_close(folder, path):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    os.ftruncate(fd, len(SRC))
    memory = mmap.mmap(fd, len(SRC))
    os.close(fd)
    memory[:] = SRC
    memory.close()


def duplicated(folder, path):
    one = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    two = os.dup(one)
    os.write(one, SRC[:99]), os.close(one)
    os.write(two, SRC[99:]), os.close(two)


def backwards(folder, path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    for at in reversed(range(0, len(SRC), 512)):
        os.pwrite(fd, SRC[at:at + 512], at)
    os.close(fd)


def sendfile(folder, path):
    with open(os.path.join(folder, "../../../src.txt"), "rb") as source, open(path, "wb") as f:
        os.sendfile(f.fileno(), source.fileno(), 0, len(SRC))


def copy2(folder, path):
    shutil.copy2(os.path.join(folder, "../../../src.txt"), path)


def download_with_origin(folder, path):
    write(path, SRC)
    os.setxattr(path, "user.xdg.origin.url", b"https://example.org/f.txt")


def linked_over(folder, path):
    """perl -i.bak: the old file is kept under another name by a link."""
    write(path, OLD)
    write(os.path.join(folder, "XXdeDP4X"), SRC)
    os.link(path, path + ".bak")
    os.rename(os.path.join(folder, "XXdeDP4X"), path)
    os.unlink(path + ".bak")


@setting(seconds=120)
def test_programs(kb):
    write(os.path.join(kb.folder, "src.txt"), SRC)
    writers = [tempfile_and_replace, gio_save_over, vim_with_backup, emacs_with_backup,
               libreoffice, maildir, mapped_after_close, duplicated, backwards, sendfile, copy2,
               download_with_origin, linked_over]
    wrong = []
    for writer in writers:
        folder = os.path.join(kb.inbox, writer.__name__)
        os.mkdir(folder)
        try:
            writer(folder, os.path.join(folder, "f.txt"))
            equal(read(os.path.join(folder, "f.txt")), SRC, "the file at once")
        except (Failed, OSError) as e:
            wrong.append(f"{writer.__name__}: {e}")
    expect(kb, [f"{writer.__name__}/f.txt" for writer in writers], wrong)


def test_sqlite(kb):
    """A database in the inbox: locks, a journal, then a write-ahead log with shared memory."""
    for mode in ("delete", "wal"):
        path = os.path.join(kb.inbox, f"{mode}.db")
        with sqlite3.connect(path) as db:
            db.execute(f"pragma journal_mode={mode}")
            db.execute("create table t (x)")
            db.executemany("insert into t values (?)", [(n,) for n in range(500)])
            db.commit()
            equal(db.execute("select sum(x) from t").fetchone()[0], 124750, f"sum in {mode}")
            equal(db.execute("pragma integrity_check").fetchone()[0], "ok", mode)
        db.close()
    for mode in ("delete", "wal"):
        contains(kb.indexed(f"{mode}.db").text, "499", f"the rows of {mode}.db")
    equal(kb.paths(), ["delete.db", "wal.db"], "documents")


def test_git(kb):
    """A repository is cloned into the inbox; its .git is nobody's document."""
    needs("git")
    top = os.path.join(kb.folder, "repository")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c",
           "safe.directory=*", "-c", "init.defaultBranch=main"]
    run(*git, "init", "-q", top)
    write(os.path.join(top, "f.txt"), SRC)
    run(*git, "-C", top, "add", "."), run(*git, "-C", top, "commit", "-q", "-m", "first")
    run(*git, "clone", "-q", top, os.path.join(kb.inbox, "clone"))
    run(*git, "-C", os.path.join(kb.inbox, "clone"), "fsck", "--strict")
    expect(kb, ["clone/f.txt"], [])


TEMPORARY = [".f.txt.j91mcM", ".in.f.txt", ".in.f.txt.", "f.txt.part", "gZmNQdGj.txt.part",
             "f.txt.crdownload", "Unconfirmed 1.crdownload", ".org.chromium.Chromium.yhcDuT",
             "f.txt.aria2", "f.txt.aria2__temp", ".goutputstream-DK9DZ3", ".f.txt.swp",
             ".f.txt.swx", "f.txt~", "#f.txt#", ".~lock.f.txt#", "lu8117150ju.tmp", "sedig5BC6",
             "XXdeDP4X",
             "tmpq5zsgi07", ".f.txt.tmp", "f.txt.tmp", ".tmpX", "f.partial", "f.filepart",
             "f.download", "f.!ut", "f.opdownload", ".pureftpd-upload.1.2", "f.db-journal",
             "f.db-wal", "f.db-shm", ".nfs0000001", ".fuse_hidden0000000100000002", ".DS_Store",
             "._f.txt", "Thumbs.db", "ehthumbs.db", "desktop.ini", "~$f.docx", "~WRD0001.tmp",
             "f.txt:Zone.Identifier", "Icon\r", "tmp_obj_x", "tmp_pack_x", "index.lock", ".hidden",
             "4913", "f.txt.bak"]
PRIVATE = [".~tmp~", ".rsync-partial", ".git", ".AppleDouble", ".TemporaryItems", ".Trash-0",
           ".Spotlight-V100", ".fseventsd", ".svn"]


def test_temporary_names_are_never_ingested(kb):
    for name in TEMPORARY:
        kb.drop(name, SRC + name.encode())
    for name in PRIVATE:
        os.makedirs(os.path.join(kb.inbox, name, "sub"))
        write(os.path.join(kb.inbox, name, "f.txt"), SRC)
        write(os.path.join(kb.inbox, name, "sub", "f.txt"), SRC)
    kb.add("zz-sentinel.txt", "The sentinel stands at the gate.\n")
    wrong = set(kb.paths()) - {"zz-sentinel.txt"}
    check(not wrong, f"ingested: {shorten(sorted(wrong))}")
    equal(set(os.listdir(kb.inbox)), {*TEMPORARY, *PRIVATE, "zz-sentinel.txt"}, "the inbox")


def test_a_temporary_name_that_becomes_a_real_one(kb):
    kb.drop("report.txt.part", SRC)
    os.rename(os.path.join(kb.inbox, "report.txt.part"), os.path.join(kb.inbox, "report.txt"))
    kb.indexed("report.txt", SRC)
    os.mkdir(os.path.join(kb.inbox, ".staging"))
    kb.drop(".staging/later.txt", SRC)
    os.rename(os.path.join(kb.inbox, ".staging"), os.path.join(kb.inbox, "staging"))
    kb.indexed("staging/later.txt", SRC)
    equal(kb.paths(), ["report.txt", "staging/later.txt"], "documents")
