# SPDX-License-Identifier: Apache-2.0
"""A server that speaks OpenAI's interface and does as it is told, on loopback, in a thread."""
import hashlib
import http.server
import json
import time

from loopback import Loopback

DIMENSION = 32


def vector(text, dimension=DIMENSION):
    """A bag of the text's words, hashed: texts with common words are near each other."""
    out = [0.01] * dimension
    for word in text.lower().split():
        out[hashlib.md5(word.strip(".,?!").encode()).digest()[0] % dimension] += 1.0
    return out


def chunk(text=None, finish=None, **more):
    return {"object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}], **more}


def event(data):
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


class Reply:
    """What is said to one request: a status and JSON, or events with pauses between them."""

    def __init__(self, status=200, body=None, events=None, headers=(), pause=0.0, cut=False):
        self.status, self.body, self.events = status, body, events
        self.headers, self.pause, self.cut = dict(headers), pause, cut


def says(text, pause=0.0, usage=True):
    """An answer as llama.cpp streams it: the first content is null, the usage has no choice."""
    parts = [chunk(None)] + [chunk(part) for part in text.replace(" ", "\0 ").split("\0")]
    tail = [chunk(None, "stop")]
    if usage:
        tail.append({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3,
                                              "total_tokens": 10}})
    return Reply(events=[event(e) for e in parts + tail] + [event(b"[DONE]")], pause=pause)


def calls(*wanted, text=None, index=None):
    """Tools that the model wants called, (name, arguments) each, in pieces as OpenAI sends them.
    @index: of all of them, as some servers have it."""
    parts = [chunk(text)]
    for n, (name, arguments) in enumerate(wanted):
        arguments = arguments if isinstance(arguments, str) else json.dumps(arguments)
        at, half = n if index is None else index, len(arguments) // 2
        for piece in ({"id": f"call{n}", "type": "function",
                       "function": {"name": name, "arguments": ""}},
                      {"function": {"arguments": arguments[:half]}},
                      {"function": {"arguments": arguments[half:]}}):
            delta = {"tool_calls": [{"index": at, **piece}]}
            parts.append({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    parts.append(chunk(None, "tool_calls"))
    return Reply(events=[event(e) for e in parts] + [event(b"[DONE]")])


def fails(status, message, headers=(), **more):
    return Reply(status, {"error": {"message": message, **more}}, headers=headers)


class ModelServer(Loopback):
    """Replies by `script`, a list that is worked off, then by `usual`; remembers requests."""

    def __init__(self, port=0):
        self.script, self.usual = [], says("Yes. [1]")
        self.requests, self.gets, self.broken_off = [], 0, 0
        self.reads = None  # characters of a text that are embedded; None: all
        self.models, self.embedding_failure, self.dimension = ["tiny", "embed"], None, DIMENSION
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.gets += 1
                self.answer(Reply(body={"data": [{"id": name} for name in outer.models]}))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append((self.path, dict(self.headers), body, time.monotonic()))
                self.answer(outer.reply_to(self.path, body))

            def answer(self, reply):
                try:
                    self.send(reply)
                except OSError:
                    outer.broken_off += 1
                    self.close_connection = True

            def send(self, reply):
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.events is None:
                    data = json.dumps(reply.body).encode() if not isinstance(reply.body, bytes) \
                        else reply.body
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                    return
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                for part in reply.events:
                    self.wfile.write(part)
                    self.wfile.flush()
                    time.sleep(reply.pause)

        super().__init__(Handler, port=port)

    @property
    def url(self):
        return super().url + "/v1"

    def reply_to(self, path, body):
        if path.endswith("/embeddings"):
            return self.embeddings(body)
        reply = self.script.pop(0) if self.script else self.usual
        return reply(body) if callable(reply) else reply

    def embeddings(self, body):
        if self.embedding_failure:
            failure = self.embedding_failure(body["input"])
            if failure:
                return failure
        data = [{"index": n, "embedding": vector(text[:self.reads], self.dimension)}
                for n, text in enumerate(body["input"])]
        return Reply(body={"data": data[::-1], "model": body["model"]})  # in no order

    def chats(self):
        return [body for path, _, body, _ in self.requests if path.endswith("/chat/completions")]
