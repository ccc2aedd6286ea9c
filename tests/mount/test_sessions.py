# SPDX-License-Identifier: Apache-2.0
"""What a session shows: the conversation, the last answer in full, its options, its stream."""
import errno
import json
import os
import re
import select
import stat
import time

from harness import (ALICE, BOB, as_user, check, contains, equal, eventually,
                     needs_root, read, refused, setting, shell, shorten,
                     text_of, write)

SLOW = {"ports.generator": "test"}
FACTS = {"refunds.txt": "Refunds are paid within 14 days of the return being received.\n",
         "canteen.txt": "The canteen opens at noon and closes at two.\n"}
SLOWLY = "When are refunds paid?" + " please" * 40  # repeated word by word
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def test_answer_json(kb):
    kb.add_many(FACTS)
    question = "When are refunds paid?"
    answer = kb.answer(question)
    fields = ("query answer sources model_id latency_ms token_usage conversation_id grounded "
              "refused confidence retrieved quotes steps error").split()
    equal(sorted(answer), sorted(fields), "members of answer.json")
    equal(answer["query"].strip(), question, "query")
    contains(answer["answer"], "Refunds are paid within 14 days", "answer")
    check("Sources:" not in answer["answer"], "the list of sources is part of the answer")
    check(re.fullmatch(UUID, answer["conversation_id"]), answer["conversation_id"])
    equal(set(answer["token_usage"]), {"input_tokens", "output_tokens", "total_tokens"}, "usage")
    equal((answer["grounded"], answer["refused"], answer["error"]), (True, False, None), "state")
    check(0 < answer["confidence"] <= 1, f"confidence {answer['confidence']}")
    check(answer["latency_ms"] >= 0, "latency_ms")
    equal(answer["steps"], [], "steps")

    document = kb.find("refunds.txt")
    source = answer["sources"][0]
    fields = "n document_id chunk_id chunk_index title source page start_char end_char score excerpt"
    check(set(f"{fields} path".split()) <= set(source), f"a source: {sorted(source)}")
    equal((source["n"], source["document_id"]), (1, document.id), "the first source")
    chunk = document.chunks[source["chunk_index"]]
    equal(source["chunk_id"], chunk["id"], "chunk_id")
    contains(text_of(kb.path(source["path"])), "within 14 days", "path of a source")

    equal(sorted(answer["retrieved"][0]),
          sorted(("document_id", "chunk_id", "score", "content", "metadata")), "a passage")
    contains(answer["retrieved"][0]["content"], "Refunds", "its content")
    for quote in answer["quotes"]:
        text = [d for d, _ in kb.documents() if d.id == quote["document_id"]][0].text
        equal(quote["text"], text[quote["start_char"]:quote["end_char"]], "a quotation")


def test_the_conversation(kb):
    kb.add_many(FACTS)
    first = kb.answer("When are refunds paid?")
    second = kb.answer("When does the canteen open?")
    equal(second["conversation_id"], first["conversation_id"], "conversation_id")
    other = kb.answer("When does the canteen open?", "other")
    check(other["conversation_id"] != first["conversation_id"], "two sessions share one")
    text = text_of(kb.path("sessions", "s", "transcript.md"))
    places = [text.index(part) for part in ("When are refunds paid?", "within 14 days",
                                            "When does the canteen open?", "at noon")]
    equal(places, sorted(places), "order in the transcript")
    kb.restart()
    equal(text_of(kb.path("sessions", "s", "transcript.md")), text, "after a restart")
    equal(json.loads(read(kb.path("sessions", "s", "answer.json"))), second, "after a restart")
    contains(text_of(kb.path("ask", "s")), "at noon", "ask/s after a restart")
    third = kb.answer("When are refunds paid?")
    equal(third["conversation_id"], first["conversation_id"], "conversation after a restart")


def test_the_files_of_a_session(kb):
    kb.add_many(FACTS)
    kb.ask("When are refunds paid?")
    folder = kb.path("sessions", "s")
    equal(sorted(os.listdir(folder)),
          ["answer.json", "options.json", "sources", "stream", "transcript.md"], "the folder")
    equal(stat.S_IMODE(os.stat(folder).st_mode), 0o700, "mode of the folder")
    equal(stat.S_IMODE(os.stat(kb.path("ask", "s")).st_mode), 0o600, "mode of ask/s")
    links = sorted(os.listdir(os.path.join(folder, "sources")))
    equal(links, ["01-refunds.txt"], "sources/")
    link = os.path.join(folder, "sources", links[0])
    check(os.path.islink(link), "a source is no link")
    contains(os.path.realpath(link), kb.find("refunds.txt").id, "what the source points at")
    contains(text_of(kb.path("sessions", "s", "stream")), "within 14 days", "the stream")


def test_markup_in_answers_is_escaped(kb):
    """What a document says is text, wherever it is shown."""
    kb.add("evil.txt", "The gadget costs <img src=http://evil.example/x.png> ninety "
           "![pixel](http://evil.example/y.png) <script>alert(1)</script> coins.\n")
    kb.ask("What does the gadget cost?")
    shown = text_of(kb.path("sessions", "s", "transcript.md"))
    contains(shown, "ninety", "the transcript")
    for bad in ("<img", "<script", "![pixel]("):
        check(bad not in shown, f"{bad} stands in the transcript")


def test_options(kb):
    kb.add_many({f"note{n}.txt": f"Item {n} of the list is a lamp.\n" for n in range(9)})
    kb.ask("Which item is a lamp?")
    path = kb.path("sessions", "s", "options.json")
    options = json.loads(read(path))
    check({"top_k", "similarity_threshold", "filter", "model"} <= set(options),
          f"members of options.json: {sorted(options)}")
    write(path, json.dumps({"top_k": 2}))
    equal(json.loads(read(path))["top_k"], 2, "top_k read back")
    equal(len(kb.answer("Which item is a lamp?")["retrieved"]), 2, "passages with top_k 2")
    write(path, json.dumps({"top_k": 5, "filter": {"path": "note7"}}))
    equal(kb.answer_paths("Which item is a lamp?"), ["note7.txt"], "with a filter")
    equal(os.stat(path).st_size, len(read(path)), "size of options.json")
    kb.restart()
    equal(json.loads(read(path))["top_k"], 5, "after a restart")
    for wrong in ('{"top_k": 0}', '{"top_k": "many"}', '{"colour": "red"}', "no json",
                  '{"similarity_threshold": 7}', '{"filter": {"shape": "round"}}', "[]"):
        fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
        os.write(fd, wrong.encode())
        with refused(errno.EINVAL):
            os.close(fd)
        equal(json.loads(read(path))["top_k"], 5, f"after {wrong}")
    write(path, "{}")
    equal(json.loads(read(path)), options, "all defaults")


def test_filters_by_name_and_tag(kb):
    os.mkdir(os.path.join(kb.inbox, "d"))
    kb.add_many({f"d/{n}.txt": f"The harbour is {n} metres deep.\n" for n in ("7", "8", "9")})
    for n, project in (("7", "old"), ("8", "new")):
        os.setxattr(kb.find(f"d/{n}.txt").folder, "user.askfs.tag.project", project.encode())
    os.setxattr(kb.find("d/9.txt").folder, "user.askfs.title", b"A Survey")
    kb.ask("How deep is the harbour?")
    for filter, expected in (({"name": "8.t"}, {"8.txt"}), ({"name": "SURVEY"}, {"9.txt"}),
                             ({"tag": "project"}, {"7.txt", "8.txt"}),
                             ({"tag": "project=new"}, {"8.txt"}), ({"tag": "project=ne"}, set()),
                             ({"tag": "project", "name": "7"}, {"7.txt"}),
                             ({"name": "8", "path": "e/"}, set())):
        write(kb.path("sessions", "s", "options.json"), json.dumps({"filter": filter}))
        answer = kb.answer("How deep is the harbour?")
        found = {r["metadata"]["path"][2:] for r in answer["retrieved"]}
        equal(found, expected, str(filter))


@setting(config=SLOW)
def test_the_stream_comes_token_by_token(kb):
    """The first byte arrives well before the last token is made."""
    kb.add_many(FACTS)
    write(kb.path("ask", "s"), SLOWLY)
    fd = os.open(kb.path("sessions", "s", "stream"), os.O_RDONLY)
    parts = []
    while part := os.read(fd, 4096):
        parts.append((time.monotonic(), part))
    os.close(fd)
    check(len(parts) >= 3, f"the stream came in {len(parts)} pieces")
    spread = parts[-1][0] - parts[0][0]
    check(spread > 0.1, f"first and last byte are {spread * 1000:.0f} ms apart")
    whole = b"".join(part for _, part in parts)
    equal(whole, read(kb.path("ask", "s")), "stream and answer")
    equal(read(kb.path("sessions", "s", "stream")), whole, "the stream once it has ended")


@setting(config=SLOW)
def test_the_stream_can_be_polled(kb):
    kb.add_many(FACTS)
    write(kb.path("ask", "s"), SLOWLY)
    fd = os.open(kb.path("sessions", "s", "stream"), os.O_RDONLY | os.O_NONBLOCK)
    poll, parts, waited = select.poll(), [], 0
    poll.register(fd, select.POLLIN)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if not poll.poll(5000):
            continue
        try:
            part = os.read(fd, 4096)
        except BlockingIOError:
            waited += 1
            check(waited < 1000, "poll says readable, read says EAGAIN, again and again")
            continue
        if not part:
            break
        parts.append(part)
    os.close(fd)
    equal(b"".join(parts), read(kb.path("ask", "s")), "what came through poll")
    check(len(parts) >= 3, f"it came in {len(parts)} pieces")


@setting(config=SLOW)
def test_a_late_reader_gets_the_stream_from_its_start(kb):
    kb.add_many(FACTS)
    write(kb.path("ask", "s"), SLOWLY)
    with open(kb.path("sessions", "s", "stream"), "rb", buffering=0) as early:
        early.read(1)
        time.sleep(0.2)
        late = read(kb.path("sessions", "s", "stream"))
    equal(late, read(kb.path("ask", "s")), "the late reader's bytes")


@setting(config=SLOW)
def test_the_stream_can_be_left(kb):
    kb.add_many(FACTS)
    shell(f"echo '{SLOWLY}' > '{kb.path('ask', 's')}'; "
          f"head -c 3 '{kb.path('sessions', 's', 'stream')}' > /dev/null")
    check(len(read(kb.path("ask", "s"))) > 10, "no answer after the reader of the stream left")


def test_a_deleted_source_says_so(kb):
    kb.add_many(FACTS)
    kb.ask("When are refunds paid?")
    document = kb.find("refunds.txt")
    shell(f"rm -r '{document.folder}'")
    contains(text_of(kb.path("ask", "s")), "deleted", "the answer")
    contains(text_of(kb.path("sessions", "s", "transcript.md")), "deleted", "the transcript")
    for path in (kb.path("ask", "s"), kb.path("sessions", "s", "transcript.md"),
                 kb.path("sessions", "s", "answer.json")):
        equal(os.stat(path).st_size, len(read(path)), f"size of {path}")


@setting(config={**SLOW, "ask.workers": "1"}, seconds=90)
def test_one_users_many_questions_do_not_starve_another(kb):
    """Fair by user: a single question waits for two answers of the other's at most."""

    needs_root()
    kb.add_many(FACTS)
    kb.stop()
    kb.options = ["allow_other"]
    kb.start()
    began = time.monotonic()
    as_user(BOB, kb.ask, "When does the canteen open?", "bob0")
    single = time.monotonic() - began

    def flood():
        for n in range(30):
            write(kb.path("ask", f"a{n}"), "When are refunds paid?")
    as_user(ALICE, flood)
    began = time.monotonic()
    as_user(BOB, kb.ask, "When does the canteen open?", "bob1")
    took = time.monotonic() - began
    check(took < 4 * single + 0.5, f"{took:.1f} s, alone it takes {single:.1f} s")


def test_sources_of_the_same_name(kb):
    os.mkdir(os.path.join(kb.inbox, "x"))
    kb.add_many({"a.txt": "The red door leads to the garden.\n",
                 "x/a.txt": "The blue door leads to the cellar, and the garden is far.\n"})
    answer = kb.answer("Where does the red door and where does the blue door lead?")
    names = os.listdir(kb.path("sessions", "s", "sources"))
    equal(sorted(names), [f"{s['n']:02}-a.txt" for s in answer["sources"]], "sources/")
    eventually(lambda: all(os.path.exists(kb.path("sessions", "s", "sources", n)) for n in names),
               "each link points at something")
    check(len(names) == len(set(names)), shorten(names))
