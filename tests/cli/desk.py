"""An admin port for tests: says what it is told to, and keeps what it was asked. On TCP, or a unix socket."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from attrs import define, field


@define
class Asked:
    """One request."""

    method: str
    target: str
    token: str | None
    accept: str | None
    kind: str | None
    body: bytes


@define(eq=False)
class Desk:
    """`answers` are given one after another, the last one for ever: (status, text or JSON, verdict)."""

    answers: list[tuple[int, Any, str]] = field(factory=list)
    asked: list[Asked] = field(factory=list)
    place: str = ""

    def say(self, status: int, answer: Any, verdict: str = "") -> None:
        self.answers.append((status, answer, verdict))

    def handler(self) -> type[BaseHTTPRequestHandler]:
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
                """Says nothing."""

            def address_string(self) -> str:
                return "somebody"

            def handle_any(self) -> None:
                head = self.headers
                body = self.rfile.read(int(head.get("Content-Length", 0)))
                kind, accept = head.get("Content-Type"), head.get("Accept")
                desk.asked.append(Asked(self.command, self.path, head.get("Authorization"), accept, kind, body))
                status, answer, verdict = desk.answers.pop(0) if len(desk.answers) > 1 else desk.answers[0]
                data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                if verdict:
                    self.send_header("Starship-Verdict", verdict)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = handle_any

        return Handler


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def desk(path: Path | None = None) -> Iterator[Desk]:
    """One that listens until the end of the block."""
    made = Desk()
    server: socketserver.BaseServer
    if path is None:
        tcp = ThreadingHTTPServer(("127.0.0.1", 0), made.handler())
        made.place, server = f"http://127.0.0.1:{tcp.server_address[1]}", tcp
    else:
        made.place, server = f"unix:{path}", _UnixServer(str(path), made.handler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
