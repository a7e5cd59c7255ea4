"""
The lookup API: Starship asks it once at its start, to see that it is there. It knows no name.

Part of the benchmarks. All names that are visited stand in the snapshot; one that were looked up all the same would be
unknown, and the run with it wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Unknown(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Nobody reads it."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A proxy that is stopped resets what it held."""


@contextmanager
def api(port: int) -> Iterator[None]:
    """It answers there meanwhile."""
    with _Server(("127.0.0.1", port), _Unknown) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
