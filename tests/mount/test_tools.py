# SPDX-License-Identifier: Apache-2.0
"""tools/: what a program may call, with the rights of whoever calls."""
import errno
import json
import os
import shutil

from harness import (ALICE, BOB, as_user, check, contains, equal, eventually, needs_root, read,
                     refused, setting, shell, text_of)

FILES = {"policy.txt": "Refunds are paid within 14 days of the return being received.\n",
         "canteen.txt": "The canteen serves lunch from noon to two. Soup is free on Fridays.\n"}
TOOLS = ["get_document", "list_documents", "summarize_document", "vector_search"]


def run_path(kb, tool):
    return kb.path("tools", tool, "run")


def call(kb, tool, **arguments):
    """As a program does: write and read on one handle."""
    fd = os.open(run_path(kb, tool), os.O_RDWR)
    try:
        os.write(fd, json.dumps(arguments).encode())
        out = b""
        while part := os.read(fd, 4096):
            out += part
        return json.loads(out)
    finally:
        os.close(fd)


def data(kb, tool, **arguments):
    result = call(kb, tool, **arguments)
    equal((result["success"], result["error"]), (True, None), f"{tool} {arguments}")
    return result["data"]


def error(kb, tool, **arguments):
    result = call(kb, tool, **arguments)
    equal((result["success"], result["data"]), (False, None), f"{tool} {arguments}")
    return result["error"]


def test_the_tree(kb):
    equal(sorted(os.listdir(kb.path("tools"))), TOOLS, "tools/")
    for tool in TOOLS:
        equal(sorted(os.listdir(kb.path("tools", tool))), ["run", "schema.json"], tool)
        schema = json.loads(text_of(kb.path("tools", tool, "schema.json")))
        equal((schema["name"], schema["parameters"]["type"]), (tool, "object"), "schema.json")
        equal(os.stat(run_path(kb, tool)).st_size, 0, "size of run")
        equal(read(run_path(kb, tool)), b"", "run before any call")
    with refused(errno.ENOENT):
        os.stat(kb.path("tools", "fetch_url"))
    for change in (lambda: os.mkdir(kb.path("tools", "x")),
                   lambda: os.unlink(kb.path("tools", "vector_search", "run")),
                   lambda: os.rmdir(kb.path("tools", "vector_search"))):
        with refused(errno.EPERM):
            change()


def test_each_tool(kb):
    kb.add_many(FILES)
    id = kb.find("canteen.txt").id
    found = data(kb, "vector_search", query="When are refunds paid?", top_k=1)
    equal([(f["metadata"]["path"], f["content"]) for f in found],
          [("policy.txt", FILES["policy.txt"].strip())], "vector_search")
    equal(data(kb, "vector_search", query="refunds", path="can"), [], "with a path")
    listed = data(kb, "list_documents")
    equal((listed["total"], sorted(d["path"] for d in listed["documents"])),
          (2, sorted(FILES)), "list_documents")
    equal([d["document_id"] for d in data(kb, "list_documents", name="CANTEEN")["documents"]],
          [id], "by name")
    equal(data(kb, "list_documents", status="FAILED")["total"], 0, "by status")
    equal(data(kb, "list_documents", type="image/")["total"], 0, "by type")
    paged = data(kb, "list_documents", limit=1, offset=1)
    equal((paged["total"], len(paged["documents"])), (2, 1), "a page")
    document = data(kb, "get_document", document_id=id)
    equal((document["document"]["path"], [c["content"] for c in document["chunks"]]),
          ("canteen.txt", [FILES["canteen.txt"].strip()]), "get_document")
    equal(data(kb, "get_document", document_id=id, first_chunk=7)["chunks"], [], "beyond its end")
    contains(data(kb, "summarize_document", document_id=id)["summary"], "lunch from noon",
             "summarize_document")


def test_long_documents(kb):
    text = "".join(f"Paragraph {n} speaks about the subject number {n} at some length.\n\n"
                   for n in range(400))
    id = kb.add("long.txt", text).id
    count = data(kb, "list_documents")["documents"][0]["chunk_count"]
    check(count > 20, f"{count} chunks")
    seen = []
    while part := data(kb, "get_document", document_id=id, first_chunk=len(seen),
                       chunks=7)["chunks"]:
        seen += part
    equal([c["metadata"]["chunk_index"] for c in seen], list(range(count)), "chunks")
    summary = data(kb, "summarize_document", document_id=id, sentences=4)["summary"]
    equal(summary.count("Paragraph"), 4, f"sentences of {summary!r}")


def test_arguments_that_do_not_fit(kb):
    contains(error(kb, "vector_search"), '"query" is missing')
    contains(error(kb, "vector_search", query=""), "1 characters long at least")
    contains(error(kb, "vector_search", query="x", top_k=1.5), "whole number")
    contains(error(kb, "get_document", document_id="../../etc/passwd"), "a document's id")
    contains(error(kb, "get_document", document_id="0192f3c1-0000-7000-8000-000000000000"),
             "there is no document")
    for text in ("", "[]", "{", "null", '"x"', '{"query": "x"} {}'):
        shell(f"printf '%s' '{text}' > '{run_path(kb, 'vector_search')}'")
        if text:
            result = json.loads(text_of(run_path(kb, "vector_search")))
            contains(result["error"], "one JSON object", text)
    for bad in (b'{"\xff": 1}', b'{"query": "a\\u0000b"}'):
        fd = os.open(run_path(kb, "vector_search"), os.O_RDWR)
        os.write(fd, bad)
        contains(json.loads(os.read(fd, 4096))["error"], "must be", str(bad))
        os.close(fd)
    fd = os.open(run_path(kb, "vector_search"), os.O_WRONLY)
    with refused(errno.EINVAL):
        os.write(fd, b'{"query": "x"}\0more')
    os.close(fd)
    fd = os.open(run_path(kb, "vector_search"), os.O_WRONLY)
    with refused(errno.EFBIG):
        for _ in range(20):
            os.write(fd, b" " * 4096)
    os.close(fd)


def test_a_shell(kb):
    kb.add_many(FILES)
    run = run_path(kb, "vector_search")
    shell(f"""echo '{{"query": "soup"}}' > '{run}'""")
    contains(text_of(run), "Soup is free", "cat after echo")
    shell(f"""(printf '{{"query":'; printf ' "refunds"}}') > '{run}'""")
    contains(text_of(run), "14 days", "arguments in two writes")
    shell(f"""(cat; cat) > '{run}' <<'.'
{{"query": "soup"}}
.""")
    contains(text_of(run), "Soup is free", "flushed in between")
    args = os.path.join(kb.folder, "args")
    with open(args, "w") as f:
        f.write('{"query": "soup"}')
    for copy in ("cp", "cp -p", "rsync --inplace"):
        shell(f"{copy} '{args}' '{run}'")
        contains(text_of(run), "Soup is free", copy)
    contains(shell(f"""exec 3<>'{run}'; echo '{{"query": "refunds"}}' >&3; cat <&3"""), "14 days",
             "one descriptor")
    fd = os.open(run, os.O_RDWR)
    for query, expected in (("soup", "Fridays"), ("refunds", "14 days")):
        os.write(fd, json.dumps({"query": query, "top_k": 1}).encode())
        contains(os.read(fd, 100000).decode(), expected, f"call of {query} on the same handle")
        equal(os.read(fd, 100), b"", "the end")
    os.close(fd)


def test_deleted_is_deleted(kb):
    document = kb.add("policy.txt", FILES["policy.txt"])
    kb.add("canteen.txt", FILES["canteen.txt"])
    for tool, arguments in (("vector_search", {"query": "refunds", "top_k": 1}),
                            ("get_document", {"document_id": document.id}),
                            ("list_documents", {})):
        data(kb, tool, **arguments)
    data(kb, "summarize_document", document_id=kb.find("canteen.txt").id)
    fd = os.open(run_path(kb, "get_document"), os.O_RDONLY)
    shutil.rmtree(document.folder)
    for tool in TOOLS[:2] + TOOLS[3:]:
        equal(read(run_path(kb, tool)), b"", f"the last result of {tool}")
    contains(os.read(fd, 9999).decode(), "deleted meanwhile", "one that was open")
    os.close(fd)
    contains(text_of(run_path(kb, "summarize_document")), "noon", "one that speaks of another")
    contains(error(kb, "get_document", document_id=document.id), "there is no document")


@setting(options=("allow_other",))
def test_two_users(kb):
    needs_root()
    as_user(ALICE, lambda: kb.drop("secret.txt", "The safe opens with 4711.\n"))
    as_user(BOB, lambda: kb.drop("bob.txt", "The safe is in the cellar.\n"))
    secret, public = kb.indexed("secret.txt"), kb.indexed("bob.txt")
    as_user(ALICE, lambda: os.chmod(secret.folder, 0o600))
    hers = as_user(ALICE, lambda: data(kb, "vector_search", query="safe"))
    equal(len(hers), 2, "what Alice finds")
    equal(as_user(BOB, lambda: read(run_path(kb, "vector_search"))), b"",
          "the last result of Bob, who called nothing")
    his = as_user(BOB, lambda: data(kb, "vector_search", query="safe 4711"))
    equal([f["document_id"] for f in his], [public.id], "what Bob finds")
    equal(as_user(BOB, lambda: data(kb, "list_documents")["total"]), 1, "what Bob lists")
    for tool in ("get_document", "summarize_document"):
        contains(as_user(BOB, lambda: error(kb, tool, document_id=secret.id)),
                 "there is no document", f"{tool} of Bob")
    contains(as_user(ALICE, lambda: text_of(run_path(kb, "vector_search"))), "4711",
             "the last result of Alice")


def test_a_walk_calls_nothing(kb):
    kb.add_many(FILES)
    before = kb.metrics()["askfs_tool_calls_total"]
    shell(f"find '{kb.mount}' -ls > /dev/null; grep -r x '{kb.path('tools')}' > /dev/null; true")
    equal(kb.metrics()["askfs_tool_calls_total"], before, "calls")
    eventually(lambda: data(kb, "list_documents"), "a call")
    equal(kb.metrics()["askfs_tool_calls_total"], before + 1, "calls after one")
