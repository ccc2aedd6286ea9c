# SPDX-License-Identifier: Apache-2.0
"""HTTP servers of tests: on loopback, in a thread, and ended with the test."""
import http.server
import threading


class Loopback:
    """Serves by @handler, a BaseHTTPRequestHandler, until stop()."""

    def __init__(self, handler, address="127.0.0.1", port=0):
        self.server = http.server.ThreadingHTTPServer((address, port), handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def url(self):
        return f"http://{self.server.server_address[0]}:{self.port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def with_peer(make, settings, more):
    """Run test(kb, peer) with what @make makes; the KB is started anew with settings(peer) and
    @more, whose names have __ for the dot."""
    def wrap(test):
        def wrapped(kb):
            peer = make()
            try:
                kb.stop()
                kb.config.update(settings(peer))
                kb.config.update({name.replace("__", "."): value for name, value in more.items()})
                kb.start()
                test(kb, peer)
            finally:
                peer.stop()
        wrapped.__name__, wrapped.__doc__, wrapped.seconds = test.__name__, test.__doc__, 120
        return wrapped
    return wrap
