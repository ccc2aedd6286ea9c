#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What askfs adds to a language model's own time: questions through the mount, answered by a server
on loopback that answers at once, beside the same requests sent to that server.

    bench_model.py [--quick]
"""
import argparse
import http.client
import json
import multiprocessing
import os
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench_mount import Bench, ms, percentile, say

ANSWER = "".join(f"data: {json.dumps(part)}\n\n" for part in (
    {"choices": [{"index": 0, "delta": {"content": "Within fourteen days. [1]"},
                  "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})) + "data: [DONE]\n\n"
REPLY = ("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
         f"Content-Length: {len(ANSWER)}\r\n\r\n{ANSWER}").encode()


def converse(connection):
    """Answer every request of a connection at once."""
    with connection, connection.makefile("rb", buffering=1 << 16) as requests:
        while requests.readline():
            length = 0
            while (line := requests.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            requests.read(length)
            try:
                connection.sendall(REPLY)
            except OSError:
                return


def serve(listener):
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=converse, args=(connection,), daemon=True).start()


def ask(kb, name):
    path = kb.path("ask", name)
    with open(path, "w") as f:
        f.write("When are refunds paid?")
    with open(path) as f:
        return f.read()


def in_parallel(count, each, function):
    """@count threads that call function(thread, n) @each times; the times, and how long it took."""
    times, lock = [], threading.Lock()

    def work(thread):
        for n in range(each):
            began = time.monotonic()
            function(thread, n)
            with lock:
                times.append(time.monotonic() - began)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, time.monotonic() - began


def directly(port, body):
    """The requests that askfs sent, once more, by one client, on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def post(_, __):
        connection.request("POST", "/v1/chat/completions", body)
        connection.getresponse().read()
    return post


def figure_sessions(bench, port):
    kb = bench.mount("model", {"ports.generator": "openai", "ports.embedder": "none",
                               "openai.base_url": f"http://127.0.0.1:{port}/v1",
                               "openai.model": "instant"})
    kb.add("policy.txt", "Refunds are paid within 14 days of the return being received.\n")
    prompt = json.dumps({"messages": [{"role": "user", "content": "x" * 3000}]})
    own, _ = in_parallel(1, bench.scaled(500), directly(port, prompt))
    for count in (1, 32, 256):
        each = max(bench.scaled(512) // count, 1)
        times, took = in_parallel(count, each, lambda thread, n: ask(kb, f"s{count}-{thread}"))
        say(f"a question that a model answers at once, {count} sessions",
            f"p50 {ms(percentile(times, 50))}, p99 {ms(percentile(times, 99))}, "
            f"{len(times) / took:.0f}/s",
            f"a request to the model's server alone: p50 {ms(percentile(own, 50))}"
            + ("; aim 5 ms more" if count == 1 else ""))


def figure_queue(bench):
    """The memory of questions that wait."""
    kb = bench.mount("queue", {"ports.generator": "test", "ports.embedder": "none"})
    kb.add("policy.txt", "Refunds are paid within 14 days.\n")
    ask(kb, "first")
    before = kb.rss_anon()
    count = bench.scaled(1000)
    for n in range(count):
        with open(kb.path("ask", f"s{n}"), "w") as f:
            f.write("When are refunds paid? " * 10)
    say(f"anonymous memory of the daemon with {count} questions that wait",
        f"{kb.rss_anon() / 1024:.1f} MB", f"{before / 1024:.1f} MB before them")
    kb.kill()


def main():
    parser = argparse.ArgumentParser(description="What askfs adds to a model's own time.")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    bench = Bench(parser.parse_args().quick)
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = multiprocessing.Process(target=serve, args=(listener,), daemon=True)
    server.start()
    try:
        figure_sessions(bench, listener.getsockname()[1])
        figure_queue(bench)
    finally:
        bench.close()
        server.terminate()
    return 1 if any(kb.broken for kb in bench.mounts) else 0


if __name__ == "__main__":
    sys.exit(main())
