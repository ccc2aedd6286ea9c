# SPDX-License-Identifier: Apache-2.0
"""askfs extract: the text of a file, and of what is inside it."""
import io
import os
import zipfile

from harness import ASKFS, contains, equal, run, shell

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "formats", "archive")


def packed(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return data.getvalue()


def store(kb, name, data):
    path = os.path.join(kb.folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def extract(path, status=0):
    """Both outputs, as a terminal shows them."""
    return shell(f"'{ASKFS}' extract '{path}' 2>&1", status=status)


def test_members_follow_behind_their_paths(kb):
    inner = packed({"deep.txt": "Words two levels down.\n"})
    path = store(kb, "a.zip", packed({"one.txt": "First words.", "sub/inner.zip": inner,
                                      "empty.txt": ""}))
    equal(run(ASKFS, "extract", path), "== one.txt\nFirst words.\n== sub/inner.zip/deep.txt\n"
          "Words two levels down.\n== empty.txt\n", "the texts")


def test_a_member_that_fails_is_told_and_passed_over(kb):
    path = store(kb, "a.zip", packed({"noise.bin": bytes(range(1, 256)) * 9, "one.txt": "Words.\n"}))
    text = extract(path)
    contains(text, "== noise.bin: no text can be extracted", "the failure")
    contains(text, "== one.txt\nWords.\n", "the text")
    text = extract(os.path.join(SAMPLES, "half.zip"))
    contains(text, "== sub/notes.md: the member is encrypted", "the failure")


def test_nothing_but_failures_is_a_failure(kb):
    path = store(kb, "a.zip", packed({"noise.bin": bytes(range(1, 256)) * 9}))
    contains(extract(path, status=1), "a.zip: noise.bin: no text can be extracted", "the reason")
    contains(extract(os.path.join(SAMPLES, "locked.zip"), status=1), "is encrypted", "the reason")
    contains(extract(os.path.join(SAMPLES, "empty.tar"), status=1), "is empty", "the reason")


def test_nesting_ends(kb):
    data = packed({"a.txt": "The innermost words.\n"})
    for level in range(3):
        data = packed({f"{level}.zip": data})
    path = store(kb, "a.zip", data)
    contains(extract(path), "The innermost words.", "four deep")
    path = store(kb, "b.zip", packed({"a.zip": data}))
    contains(extract(path, status=1), "more than 4 deep ([archive] depth)", "the limit")


def test_the_limits_are_those_of_the_configuration(kb):
    path = store(kb, "a.zip", packed({f"{n}.txt": f"{n}" * 700_000 for n in range(3)}))
    for setting, words in (("members = 2", "more than 2 documents ([archive] members)"),
                           ("bytes = 1M", "more than 1 MiB ([archive] bytes)")):
        with open(os.path.join(kb.folder, "own.conf"), "w") as file:
            file.write(f"[archive]\n{setting}\n")
        text = shell(f"'{ASKFS}' extract --config '{file.name}' '{path}' 2>&1", status=1)
        contains(text, words, "the limit")
        contains(text, "0000", "what came before")


def test_a_bomb_ends(kb):
    path = store(kb, "a.zip", b"")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("zeros.txt", "w", force_zip64=True) as member:
            for _ in range(400):
                member.write(bytes(1 << 20))
    contains(extract(path, status=1), "250 times its size", "the limit")


def test_paths_are_one_line(kb):
    path = store(kb, "a.zip", packed({"a\n== b\x1b[31m.txt": "Words.\n"}))
    equal(run(ASKFS, "extract", path), "== a?== b?[31m.txt\nWords.\n", "the text")
