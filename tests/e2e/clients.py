"""Clients for end-to-end tests: raw sockets that can trickle, and Python's own TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.world import WAIT_S
from tests.sniff.making import GROUPS, VERSIONS, hello, records, sni


def connect(port: int, host: str = "127.0.0.1", *, source: str | None = None) -> socket.socket:
    """A plain connection, from the address `source` where it is given."""
    connection = socket.create_connection((host, port), WAIT_S, None if source is None else (source, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Everything until the end of the stream; ConnectionResetError when it is cut."""
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def read_until(connection: socket.socket, end: bytes | tuple[bytes, ...]) -> bytes:
    """What comes up to and with `end`; a stream that ends or falls silent before it fails."""
    got = b""
    while not got.endswith(end):
        data = connection.recv(65536)
        assert data, f"the stream ended after {got[-80:]!r}"
        got += data
    return got


def read_so_many(connection: socket.socket, size: int) -> bytes:
    """So many bytes, however they are cut; fewer where the stream ends before."""
    got = bytearray()
    while len(got) < size and (data := connection.recv(size - len(got))):
        got += data
    return bytes(got)


def ask(port: int, pieces: Iterable[bytes]) -> bytes:
    """Send pieces one by one, and read to the end."""
    with connect(port) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return read_all(connection)


def request(host: str, path: str = "/", *headers: str) -> bytes:
    """An HTTP/1.1 request head, of the one request of its connection where nothing else is said."""
    last = () if any(header.lower().startswith("connection:") for header in headers) else ("Connection: close",)
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", *headers, *last, "", ""]).encode("latin-1")


def page(port: int, host: str, path: str = "/", *headers: str) -> tuple[int, bytes, bytes]:
    """Status, head and body of a plain HTTP answer, to the one request of its connection."""
    answer = ask(port, [request(host, path, *headers)])
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head, body


def tls_page(port: int, host: str, ca_file: Path) -> tuple[bytes, dict[str, object]]:
    """Body of an HTTPS answer, and the certificate that the client saw."""
    context = ssl.create_default_context(cafile=str(ca_file))
    with connect(port) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
        secure.sendall(request(host))
        answer = read_all(secure)
        return answer.partition(b"\r\n\r\n")[2], dict(secure.getpeercert() or {})


def client_hello(host: str | None, *, alpn: tuple[str, ...] = ()) -> bytes:
    """The first flight of Python's own TLS for a name."""
    context = ssl.create_default_context()
    context.check_hostname = False
    if alpn:
        context.set_alpn_protocols(list(alpn))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=host).do_handshake()
    return outgoing.read()


def alert_of(answer: bytes) -> int:
    """The description of the fatal alert that is the whole answer."""
    assert answer[:2] in (b"\x15\x03",), answer
    assert answer[3:6] == b"\x00\x02\x02", answer
    assert len(answer) == 7, answer
    return answer[6]


def bytes_of(data: bytes) -> Iterable[bytes]:
    """Each byte alone."""
    return (data[at : at + 1] for at in range(len(data)))


def flight(port: int, data: bytes, *, source: str | None = None) -> bytes:
    """What comes back for these bytes until the end of the stream; empty where the connection was cut."""
    with connect(port, source=source) as connection:
        try:
            connection.sendall(data)
            return read_all(connection)
        except (ConnectionResetError, BrokenPipeError):
            return b""


def hello_for(name: str) -> bytes:
    """A TLS hello that spells a name as it is given, in one record."""
    return records(hello([GROUPS, VERSIONS, sni(name.encode("ascii"))]))
