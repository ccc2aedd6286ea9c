# SPDX-License-Identifier: Apache-2.0
"""The main job: drop a file, see what became of it, ask, read a grounded answer."""
import json
import os
import re
import stat

from harness import (ASKFS, check, contains, equal, eventually, read, run, setting, sha256,
                     shell, text_of)

POLICY = """# Refund policy

Refunds are paid within 14 days of the return being received.

Shipping costs are not refunded. Gift cards cannot be returned.
"""

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


def test_the_top_of_the_tree(kb):
    names = {"README.txt", "inbox", "docs", "by", "ask", "sessions", "search", "system"}
    equal(set(os.listdir(kb.mount)) - {"tools"}, names, "names at the top")
    for name in ("inbox", "ask", "docs", "search"):
        equal(stat.S_IMODE(os.stat(kb.path(name)).st_mode), 0o1777, f"mode of {name}")
    check(len(read(kb.path("README.txt"))) > 200, "README.txt says little")
    for name in ("health", "metrics", "config", "usage"):
        check(read(kb.path("system", name)), f"system/{name} is empty")
    equal(sorted(os.listdir(kb.path("by"))), ["name", "status", "type"], "by/")
    equal(sorted(os.listdir(kb.path("by", "status"))),
          ["FAILED", "INDEXED", "PENDING", "PROCESSING"], "by/status/")


@setting(config={"inbox.settle": None, "inbox.drain": None})
def test_a_dropped_file_becomes_a_document(kb):
    """With the settings that everybody has who set nothing."""
    shell(f"printf '%s' \"$TEXT\" > '{kb.folder}/refund-policy.md' && "
          f"cp '{kb.folder}/refund-policy.md' '{kb.inbox}/'", env={**os.environ, "TEXT": POLICY})
    run(ASKFS, "status", "--wait", "20", kb.mount)
    equal(len(os.listdir(kb.path("docs"))), 1, "folders in docs/")
    id = os.listdir(kb.path("docs"))[0]
    check(re.fullmatch(UUID, id), f"not a UUID: {id}")
    document = kb.find("refund-policy.md")
    equal(text_of(document.file("status")), "INDEXED\n", "status")
    equal(read(document.file("original", "refund-policy.md")), POLICY.encode(), "original")
    contains(document.text, "Refunds are paid within 14 days", "text.txt")
    check(not os.path.exists(document.file("error")), "error is there without a failure")
    equal(sorted(os.listdir(document.folder)),
          ["chunks", "chunks.jsonl", "metadata.json", "original", "status", "text.txt",
           "versions"], "docs/<id>/")


def test_metadata(kb):
    os.mkdir(os.path.join(kb.inbox, "notes"))
    path = kb.drop("notes/refund.txt", POLICY)
    os.chmod(path, 0o640)
    document = kb.indexed("notes/refund.txt")
    meta = document.meta
    for field in ("id path parent title source status content_type size sha256 chunk_count "
                  "token_count created_at updated_at indexed_at s3_key owner group mode realm "
                  "version embedding_model error extra_metadata").split():
        check(field in meta, f"metadata.json has no {field}")
    equal(meta["id"], document.id, "id")
    equal(meta["status"], "INDEXED", "status")
    equal(meta["size"], len(POLICY.encode()), "size")
    equal(meta["sha256"], sha256(POLICY.encode()), "sha256")
    equal(meta["content_type"], "text/plain", "content_type")
    equal((meta["owner"], meta["group"]), (os.getuid(), os.getgid()), "owner and group")
    equal(meta["version"], 1, "version")
    equal(meta["chunk_count"], len(os.listdir(document.file("chunks"))), "chunk_count")
    check(meta["token_count"] >= 20, f"token_count {meta['token_count']}")
    for field in ("created_at", "updated_at", "indexed_at"):
        check(re.fullmatch(TIME, meta[field]), f"{field}: {meta[field]}")
    equal(meta.get("path_base64"), None, "path_base64 of a path that is UTF-8")
    eventually(lambda: document.meta["mode"] == "0640", lambda: f"mode {document.meta['mode']}")


def long_text():
    """Paragraphs of several scripts, long enough for a dozen chunks."""
    return "\n\n".join(
        f"Absatz {n}: Größe und Maße des Körpers. Ωμέγα {n}, naïve café {n}. 漢字の文章です。"
        f"{'Sentences follow one another in this paragraph. ' * (n % 7 + 3)}😀"
        for n in range(40)) + "\n"


def test_chunks_are_slices_of_the_text(kb):
    document = kb.add("long.txt", long_text())
    text, chunks = document.text, document.chunks
    check(len(chunks) >= 8, f"only {len(chunks)} chunks")
    equal([c["index"] for c in chunks], list(range(len(chunks))), "indexes")
    equal(sorted(os.listdir(document.file("chunks"))),
          [f"{n + 1:04}.txt" for n in range(len(chunks))], "chunks/")
    for chunk in chunks:
        for field in ("id", "start_char", "end_char", "page", "token_count", "text"):
            check(field in chunk, f"chunks.jsonl has no {field}")
        equal(chunk["text"], text[chunk["start_char"]:chunk["end_char"]], "text of a chunk")
        equal(text_of(document.file("chunks", f"{chunk['index'] + 1:04}.txt")), chunk["text"],
              "file of a chunk")
        check(len(chunk["text"]) <= 1000, f"{len(chunk['text'])} characters in a chunk")
    equal(len({c["id"] for c in chunks}), len(chunks), "distinct chunk ids")
    covered = 0
    for chunk in chunks:
        check(not text[covered:chunk["start_char"]].strip(), f"text lost before {chunk['index']}")
        covered = max(covered, chunk["end_char"])
    check(not text[covered:].strip(), "text lost at the end")


def test_an_answer_names_its_source(kb):
    kb.add_many({"refund-policy.md": POLICY,
                 "canteen.txt": "The canteen opens at noon. Soup is served on Mondays.\n"})
    shown = kb.ask("When are refunds paid?")
    contains(shown, "Refunds are paid within 14 days of the return being received. [1]\n\n"
             "Sources:\n[1] refund-policy.md", "the answer")
    cited = re.findall(r"^\[(\d+)\] (.+?) \((docs/.+)\)$", shown, re.M)
    equal([int(n) for n, _, _ in cited], list(range(1, len(cited) + 1)), "numbers of sources")
    contains(text_of(kb.path(cited[0][2])), "Refunds are paid within 14 days", "the chunk cited")
    check("canteen" not in shown, "a source that says nothing about it")
    check(shown.endswith("\n"), "no newline at the end")


def test_no_answer_cites_nothing(kb):
    kb.add("refund-policy.md", POLICY)
    shown = kb.ask("What is the boiling point of tungsten?")
    contains(shown, "The documents do not say.", "the answer")
    check("Sources:" not in shown and "[1]" not in shown, f"it cites: {shown}")
    answer = json.loads(read(kb.path("sessions", "s", "answer.json")))
    equal((answer["refused"], answer["sources"]), (True, []), "refused, sources")


def test_no_documents_at_all(kb):
    contains(kb.ask("Is anybody here?"), "The documents do not say.", "the answer")


def document_of(kb, link):
    """The id of the document that a symbolic link points into."""
    check(os.path.islink(link), f"{link} is no link")
    check(os.path.exists(link), f"{link} points at nothing")
    return os.path.relpath(os.path.realpath(link), kb.path("docs")).split("/")[0]


def test_views(kb):
    os.makedirs(os.path.join(kb.inbox, "a/b"))
    kb.add_many({"one.txt": "The first note.\n", "a/one.txt": "The second note.\n",
                 "a/b/page.html": "<html><title>T</title><p>A page of the web.</p></html>\n"})
    indexed = kb.path("by", "status", "INDEXED")
    equal(sorted(os.listdir(indexed)), ["one (2).txt", "one.txt", "page.html"], "by/status/INDEXED")
    equal({document_of(kb, os.path.join(indexed, name)) for name in os.listdir(indexed)},
          {d.id for d, _ in kb.documents()}, "documents that the links point into")
    equal(os.listdir(kb.path("by", "status", "FAILED")), [], "by/status/FAILED")
    for path in ("one.txt", "a/one.txt", "a/b/page.html"):
        link = kb.path("by", "name", path)
        equal(document_of(kb, link), kb.find(path).id, f"by/name/{path}")
    equal(os.listdir(kb.path("by", "type", "text", "html")), ["page.html"], "by/type/text/html")
    equal(sorted(os.listdir(kb.path("by", "type", "text", "plain"))),
          ["one (2).txt", "one.txt"], "by/type/text/plain")


def test_attributes_of_documents(kb):
    path = kb.drop("a.txt", "Some words.\n")
    os.setxattr(path, "user.askfs.title", b"The first of all")
    os.setxattr(path, "user.askfs.source", b"https://example.org/a")
    os.setxattr(path, "user.askfs.tag.project", b"apollo")
    document = kb.indexed("a.txt")
    for place in (path, document.folder):
        equal(os.getxattr(place, "user.askfs.id"), document.id.encode(), "user.askfs.id")
        equal(os.getxattr(place, "user.askfs.state"), b"INDEXED", "user.askfs.state")
    eventually(lambda: document.meta["title"] == "The first of all", "the title")
    equal(document.meta["source"], "https://example.org/a", "source")
    equal(document.meta["extra_metadata"].get("tags"), {"project": "apollo"}, "tags")
    os.setxattr(document.folder, "user.askfs.title", b"Another title")
    os.setxattr(document.folder, "user.askfs.tag.year", b"1969")
    eventually(lambda: document.meta["title"] == "Another title", "the new title")
    equal(document.meta["extra_metadata"]["tags"], {"project": "apollo", "year": "1969"}, "tags")
    kb.restart()
    equal(document.meta["title"], "Another title", "title after a restart")


def test_titles_are_found(kb):
    path = kb.drop("x17.txt", "It weighs ninety kilograms.\n")
    os.setxattr(path, "user.askfs.title", b"Zeppelin gondola")
    kb.drop("x18.txt", "It weighs two grams.\n")
    kb.indexed("x17.txt"), kb.indexed("x18.txt")
    first = kb.answer("zeppelin gondola")["retrieved"][0]
    equal(first["document_id"], kb.find("x17.txt").id, "the document found first")


def test_a_follow_up_question(kb):
    kb.add_many({"refunds-france.txt": "In France refunds are paid within 14 days.\n",
                 "refunds-germany.txt": "In Germany refunds are paid within 30 days.\n",
                 "holidays.txt": "In Germany the holidays begin in July.\n"})
    contains(kb.ask("When are refunds paid in France?"), "14 days")
    contains(kb.ask("and in Germany?"), "30 days")


def test_commands(kb):
    kb.add("refund-policy.md", POLICY)
    contains(run(ASKFS, "ask", kb.mount, "When are refunds paid?"), "14 days", "askfs ask")
    contains(run(ASKFS, "ask", "-s", "mine", kb.mount, "When are refunds paid?"), "14 days")
    contains(text_of(kb.path("sessions", "mine", "transcript.md")), "When are refunds paid?")
    contains(run(ASKFS, "status", kb.mount), "INDEXED", "askfs status")
    contains(run(ASKFS, "--version"), "askfs", "--version")
    for command in ("mount", "unmount", "status", "ask", "doctor", "check", "extract",
                    "eval"):
        contains(run(ASKFS, command, "--help"), command, f"{command} --help")
    write_to = os.path.join(kb.folder, "x.html")
    with open(write_to, "w") as f:
        f.write("<p>Some <b>bold</b> words</p>")
    contains(run(ASKFS, "extract", write_to), "Some bold words", "askfs extract")


def test_every_folder_lists_itself_and_its_parent(kb):
    os.mkdir(os.path.join(kb.inbox, "letters"))
    kb.add("letters/one.txt", "Refunds are paid within 14 days.\n")
    kb.ask("When are refunds paid?", "s")
    os.mkdir(kb.path("search", "refunds"))
    folders = [folder for folder, _, _ in os.walk(kb.mount)]
    check(len(folders) > 20, f"few folders: {folders}")
    for folder in folders[1:]:
        shown = run("ls", "-1aif", folder).split("\n")
        numbers = {name: int(ino) for ino, name in (line.split() for line in shown[:2])}
        equal(numbers, {".": os.lstat(folder).st_ino,
                        "..": os.lstat(os.path.dirname(folder)).st_ino}, f"ls -a {folder}")


def test_eval_counts_right_answers(kb):
    kb.add_many({"refunds.txt": "Refunds are paid within 14 days of the return.\n",
                 "canteen.txt": "The canteen opens at noon on weekdays.\n"})
    questions = os.path.join(kb.folder, "questions.jsonl")
    lines = [{"question": "When are refunds paid?", "answer": "14 days",
              "document": "refunds.txt"},
             {"question": "When does the canteen open?", "answer": ["midnight", "at NOON"],
              "document": "canteen.txt"},
             {"question": "When are refunds paid?", "answer": "a year", "document": "x.txt"},
             {"question": "Who painted the ceiling?", "answerable": False}]
    with open(questions, "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    said = run(ASKFS, "eval", "--against", '{"top_k": 1}', questions, kb.mount)
    for name, share in (("the document first", "0.667"), ("the answer shown", "0.667"),
                        ("answered what can be", "1.000"), ("refused what cannot be", "1.000")):
        line = next(line for line in said.splitlines() if line.strip().startswith(name))
        contains(line, share, f"{name}: {said}")
    equal(os.listdir(kb.path("ask")), [], "sessions that were left")
    with open(questions, "w") as file:
        file.write('{"question": "x"}\nnonsense\n')
    equal(run(ASKFS, "eval", questions, kb.mount, status=1), "", "what it prints")
