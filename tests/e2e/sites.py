"""Sites that keep their connections, and clients that say request after request on one, for tests of plain HTTP."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

from attrs import define, field

from tests.e2e.clients import connect
from tests.e2e.world import WAIT_S

BLOCK = Random(7).randbytes(1 << 16)


@define(eq=False)
class Stream:
    """A socket that is read by lines and by counts."""

    sock: socket.socket
    buffer: bytearray = field(factory=bytearray)

    def more(self) -> bool:
        data = self.sock.recv(1 << 16)
        self.buffer += data
        return bool(data)

    def until(self, end: bytes) -> bytes:
        """Up to and with `end`; EOFError where the stream is over before."""
        while (at := self.buffer.find(end)) < 0:
            if not self.more():
                raise EOFError(bytes(self.buffer))
        return self.take(at + len(end))

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self.more():
                raise EOFError(bytes(self.buffer))
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def rest(self) -> bytes:
        """To the end of the stream."""
        while self.more():
            pass
        return self.take(len(self.buffer))


@define
class Message:
    """A head and its body, as raw as they came."""

    first: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    trailers: bytes = b""

    @property
    def status(self) -> int:
        return int(self.first.split(b" ")[1])

    def get(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)


def read_message(stream: Stream, *, bodyless: bool = False) -> Message:
    """A whole message, whose body is measured, in chunks, or not there; of a response, else, all until close."""
    head = stream.until(b"\r\n\r\n")
    lines = head[:-4].split(b"\r\n")
    pairs = [line.split(b": ", 1) for line in lines[1:]]
    message = Message(lines[0], [(name, value) for name, value in pairs])
    is_response = lines[0].startswith(b"HTTP/")
    if bodyless or (is_response and (message.status < 200 or message.status in (204, 304))):
        return message
    length = message.get(b"Content-Length")
    if length is not None:
        message.body = stream.take(int(length))
    elif (message.get(b"Transfer-Encoding") or b"").lower() == b"chunked":
        while size := int(stream.until(b"\r\n").split(b";")[0], 16):
            message.body += stream.take(size)
            assert stream.take(2) == b"\r\n"
        while (line := stream.until(b"\r\n")) != b"\r\n":
            message.trailers += line
    elif is_response:
        message.body = stream.rest()
    return message


Answer = Callable[[Stream, Message], bool]
"""Answers a request whose body was read; False ends the connection."""


Early = Callable[[Stream, bytes], bool]
"""The same before the body is read: it is given the head."""


@define(eq=False)
class Site:
    """A handler for a Cluster. Says its `name` and what it was asked; `special` answers some paths otherwise."""

    name: str
    special: dict[bytes, Answer] = field(factory=dict)
    early: dict[bytes, Early] = field(factory=dict)
    heads: list[Message] = field(factory=list)
    requests: int = 0

    def __call__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = Stream(connection)
        try:
            while self._serve(stream):
                pass
        except EOFError:
            pass

    def _serve(self, stream: Stream) -> bool:
        while b"\r\n\r\n" not in stream.buffer:
            if not stream.more():
                return False
        target = bytes(stream.buffer).split(b" ", 2)[1].partition(b"?")[0]
        early = self.early.get(target)
        if early is not None:
            return early(stream, stream.until(b"\r\n\r\n"))
        message = read_message(stream)
        self.requests += 1
        self.heads.append(message)
        answer = self.special.get(target)
        if answer is not None:
            return answer(stream, message)
        method, whole, _ = message.first.split(b" ")
        text = b"%b %b %b %b" % (self.name.encode(), method, whole, sha256(message.body).hexdigest().encode())
        say(stream, text, bodyless=method == b"HEAD")
        return True


def say(stream: Stream, body: bytes, *fields: bytes, status: bytes = b"200 OK", bodyless: bool = False) -> None:
    """An answer of known length."""
    head = b"".join(line + b"\r\n" for line in (b"HTTP/1.1 " + status, *fields, b"Content-Length: %d" % len(body)))
    stream.sock.sendall(head + b"\r\n" + (b"" if bodyless else body))


def asks(host: str, path: str = "/", *fields: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request, with its Content-Length where it has a body."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@define(eq=False)
class Visitor:
    """A client that keeps its connection."""

    port: int
    stream: Stream = field(init=False)
    name: str = field(init=False)  # of this end, as the access log has it

    def __attrs_post_init__(self) -> None:
        self.stream = Stream(connect(self.port))
        host, port = self.stream.sock.getsockname()
        self.name = f"{host}:{port}"

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *why: object) -> None:
        self.stream.sock.close()

    def send(self, data: bytes) -> None:
        self.stream.sock.sendall(data)

    def read(self, *, bodyless: bool = False) -> Message:
        return read_message(self.stream, bodyless=bodyless)

    def ask(self, host: str, path: str = "/", *fields: str, method: str = "GET", body: bytes = b"") -> Message:
        """One request, and its answer."""
        self.send(asks(host, path, *fields, method=method, body=body))
        return self.read(bodyless=method == "HEAD")

    def is_closed(self) -> bool:
        """Whether nothing more comes, and the other side has ended the connection."""
        self.stream.sock.settimeout(WAIT_S)
        try:
            return not self.stream.buffer and not self.stream.sock.recv(1)
        except ConnectionResetError:
            return True

    def stays_open(self, seconds: float = 0.3) -> bool:
        """Whether the connection is still there after a while."""
        self.stream.sock.settimeout(seconds)
        try:
            return bool(self.stream.sock.recv(1, socket.MSG_PEEK))
        except TimeoutError:
            return True
        finally:
            self.stream.sock.settimeout(WAIT_S)


def memory_of(pid: int) -> int:
    """The bytes of memory that a process holds for itself alone."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_Dirty"))


def trickle(sock: socket.socket, data: bytes, pause: float = 0.002) -> None:
    """Each byte alone."""
    for at in range(len(data)):
        sock.sendall(data[at : at + 1])
        time.sleep(pause)
