"""DNS servers on loopback that say what the test wants, on a reactor that the test turns."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from attrs import define, field

from starship.dns.messages import Question
from starship.words import Address
from tests.dns.replies import asked_in, message, number_of

ROOM_BYTES = 1 << 17
"""More than any message of a test: nobody reads while it is sent."""

Answer = Callable[[Question, int], list[bytes]]
"""What is sent for a question, given its ID: any number of datagrams, or messages of a stream."""


def _both(host: str) -> tuple[socket.socket, socket.socket]:
    """A port that is free for datagrams and for streams."""
    while True:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        tcp, udp = socket.socket(family), socket.socket(family, socket.SOCK_DGRAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM_BYTES)  # inherited by those who are accepted
        tcp.bind((host, 0))
        tcp.listen()
        with suppress(OSError):
            udp.bind(tcp.getsockname())
            return udp, tcp
        tcp.close()
        udp.close()


def silence(question: Question, number: int) -> list[bytes]:
    return []


@define(eq=False)
class Server:
    """One server, on UDP and TCP at the same port. `heard` has its questions; `raw`: the stream is sent as it is."""

    udp: Answer = silence
    tcp: Answer = silence
    raw: bool = False
    host: str = "127.0.0.1"
    heard: list[Question] = field(factory=list)
    streams: list[Question] = field(factory=list)
    octets: list[bytes] = field(factory=list)
    _udp: socket.socket = field(init=False)
    _tcp: socket.socket = field(init=False)
    _open: list[socket.socket] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self._udp, self._tcp = _both(self.host)
        for sock in (self._udp, self._tcp):
            sock.setblocking(False)

    @property
    def address(self) -> Address:
        host, port, *_ = self._udp.getsockname()
        return Address(host, port)

    def step(self) -> None:
        """Answer what came."""
        with suppress(BlockingIOError):
            while True:
                data, sender = self._udp.recvfrom(4096)
                self.octets.append(data)
                self.heard.append(asked_in(data))
                for octets in self.udp(self.heard[-1], number_of(data)):
                    self._udp.sendto(octets, sender)
        with suppress(BlockingIOError):
            while True:
                sock, _ = self._tcp.accept()
                sock.setblocking(False)
                self._open.append(sock)
        for sock in tuple(self._open):
            self._serve(sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(4096)
        except BlockingIOError:
            return
        if not data:
            self._open.remove(sock)
            sock.close()
            return
        self.streams.append(asked_in(data[2:]))
        sock.setblocking(True)
        for octets in self.tcp(self.streams[-1], number_of(data[2:])):
            with suppress(OSError):
                sock.sendall(octets if self.raw else len(octets).to_bytes(2, "big") + octets)
        sock.setblocking(False)
        if self.raw:
            self._open.remove(sock)
            sock.close()

    def close(self) -> None:
        for sock in (self._udp, self._tcp, *self._open):
            sock.close()


@contextmanager
def serving(*servers: Server) -> Iterator[Callable[[], None]]:
    """Lets all of them answer whenever it is called, and closes them at last."""

    def step() -> None:
        for server in servers:
            server.step()

    try:
        yield step
    finally:
        for server in servers:
            server.close()


def says(*answers: object, **more: object) -> Answer:
    """The same answer to whatever is asked."""

    def answer(question: Question, number: int) -> list[bytes]:
        make: Callable[..., bytes] = message
        return [make(*answers, asked=question, number=number, **more)]

    return answer
