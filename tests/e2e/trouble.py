"""Peers that misbehave, for end-to-end tests: lookup APIs that answer badly, and listeners that never accept."""

from __future__ import annotations

import contextlib
import gzip
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from attrs import define, field

from tests.e2e.world import WAIT_S, Api, Starship, until

Conduct = Callable[[BaseHTTPRequestHandler], None]
"""What an Api does with a question."""

GRACE_S = 10.0
"""What a loaded machine may add to a deadline before a test calls it late."""


SPARE_PIPES = 32
"""How many pipes for splicing the ship may keep open."""


def saying(data: bytes, *, close: bool = True) -> Conduct:
    """Say these bytes in place of an HTTP answer, and close or leave the asker waiting."""

    def conduct(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.wfile.write(data)
            if not close:
                handler.rfile.read(1)  # until the asker has had enough

    return conduct


def flooding(head: bytes, chunk: bytes, tail: bytes = b"", *, times: int = 1 << 40) -> Conduct:
    """A head, then the same chunk again and again until the asker leaves."""

    def conduct(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.wfile.write(head)
            for _ in range(times):
                handler.wfile.write(chunk)
            handler.wfile.write(tail)

    return conduct


def dripping(data: bytes, every: float) -> Conduct:
    """One byte after another."""

    def conduct(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.settimeout(every)
        with contextlib.suppress(OSError):
            for at in range(len(data)):
                handler.wfile.write(data[at : at + 1])
                with contextlib.suppress(TimeoutError):
                    if not handler.connection.recv(1):
                        return

    return conduct


def redirecting(handler: BaseHTTPRequestHandler) -> None:
    """The location is the same question again."""
    answer(handler, "302 Found", b"{}", f"Location: {handler.path}")


def answer(handler: BaseHTTPRequestHandler, status: str, body: bytes, *headers: str, length: int | None = None) -> None:
    """An answer whose length may lie."""
    saying(http(status, body, *headers, length=length))(handler)


def http(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    """An HTTP answer whose length may lie."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def huge(size: int) -> Conduct:
    """A route with padding."""
    head, tail = b'{"endpoint": "127.0.0.1:1", "padding": "', b'"}'
    said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(head) + size + len(tail))
    return flooding(said + head, b"x" * 65536, tail, times=size // 65536)


SOMEWHERE = b'{"app": "A", "endpoint": "127.0.0.1:1"}'
GZIPPED = http("200 OK", gzip.compress(b" " * 10_000_000), "Content-Encoding: gzip")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@define(eq=False)
class BlackHole:
    """A listener whose backlog is full: whoever connects waits. On `port`, or where the kernel likes."""

    port: int = 0
    _listener: socket.socket | None = None
    _fillers: list[socket.socket] = field(factory=list)

    def open(self) -> BlackHole:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=0, reuse_port=True)
        self.port = self._listener.getsockname()[1]
        for number in range(4):
            filler = socket.socket()
            self._fillers.append(filler)
            filler.settimeout(0.0 if number else WAIT_S)  # the first one is in before others ask
            with contextlib.suppress(BlockingIOError):
                filler.connect(("127.0.0.1", self.port))
        return self

    def close(self) -> None:
        for one in (*self._fillers, self._listener):
            if one is not None:
                one.close()


@contextmanager
def black_hole(port: int = 0) -> Iterator[BlackHole]:
    hole = BlackHole(port).open()
    try:
        yield hole
    finally:
        hole.close()


@contextmanager
def closed_port(port: int = 0) -> Iterator[int]:
    """
    A port on loopback that refuses, and that nobody else can get meanwhile.

    It may be that of an Api, a Cluster or a BlackHole, which stops listening within and may begin again: so long as
    one of them listens, it does not refuse.
    """
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", port))
        yield reserved.getsockname()[1]


def reset(connection: socket.socket) -> None:
    """Close with a reset. As a Cluster's handler it may come before the connect is over: see `rude`."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def rude(connection: socket.socket) -> None:
    """Listen to what is said first, and close with a reset."""
    connection.recv(65536)
    reset(connection)


@contextmanager
def nothing_stays(ship: Starship, api: Api) -> Iterator[None]:
    """Around a test: afterwards as many descriptors are open as before, and nobody is inside."""
    before = _at_rest(ship, api)
    yield
    until(lambda: _at_rest(ship, api) <= before, f"descriptors are {before} again")
    until(lambda: ship.metric("starship_connections_active") == 0, "nobody is inside")
    until(lambda: ship.metric("starship_gate_connections") == 0, "nobody counts")
    until(lambda: ship.metric("starship_lookups_in_flight") == 0, "no question is open")


def _at_rest(ship: Starship, api: Api) -> int:
    """
    Descriptors, less connections that wait for another question and pipes kept for the next who is busy.

    Of these there are so many at most; others count.
    """
    api.hang_up()
    opened = list(ship.opened())
    pipes = sum(1 for what in opened if what.startswith("pipe:"))
    return len(opened) - min(pipes, SPARE_PIPES * 2 + 8)


def in_threads(*jobs: Callable[[], Any], patience: float = 180.0) -> list[Any]:
    """Run at once; the results in order. Raises what the first one that failed has raised."""
    results: list[Any] = [None] * len(jobs)

    def run(at: int, job: Callable[[], Any]) -> None:
        try:
            results[at] = job()
        except BaseException as error:
            results[at] = error

    threads = [threading.Thread(target=run, args=(at, job), daemon=True) for at, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience)
        assert not thread.is_alive(), f"it took longer than {patience} s"
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
