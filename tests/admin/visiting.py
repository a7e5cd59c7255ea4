"""A connection to an admin site in memory, and what it answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.server import Site

from starship.admin.replies import Place, Reply, Visit
from starship.admin.site import make_site
from starship.admin.token import Doorkeeper


@frozen
class Answer:
    """Status, headers by their lower-case names, body."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@define(eq=False)
class Visitor:
    """Comes to a site with these places, as a program on this machine does."""

    places: Mapping[bytes, Place]
    doorkeeper: Doorkeeper = field(factory=Doorkeeper)
    clock: Clock = field(factory=Clock)
    site: Site = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.site = make_site(self.places, self.doorkeeper, self.clock)

    def open(self) -> tuple[StringTransport, IProtocol]:
        transport = StringTransport()
        channel = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50000))
        channel.makeConnection(transport)
        return transport, channel

    def send(self, raw: bytes) -> tuple[bytes, StringTransport]:
        transport, channel = self.open()
        channel.dataReceived(raw)
        return transport.value(), transport

    def ask(self, path: bytes, method: bytes = b"GET", *headers: bytes, body: Any = None) -> Answer:
        """A request; `body` is sent as JSON, bytes as they are."""
        lines = [method + b" " + path + b" HTTP/1.1", *headers]
        if not any(header.lower().startswith(b"host:") for header in headers):
            lines.append(b"Host: 127.0.0.1:9901")
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is not None:
            lines.append(b"Content-Length: %d" % len(sent))
            if not any(header.lower().startswith(b"content-type:") for header in headers):
                lines.append(b"Content-Type: application/json")
        transport, channel = self.open()
        channel.dataReceived(b"\r\n".join(lines) + b"\r\n\r\n" + sent)
        for _ in range(200):
            self.clock.advance(0)
        return answer_of(transport.value())


def answer_of(raw: bytes) -> Answer:
    """What came over a connection."""
    first, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = first.split(b"\r\n")
    fields = dict(line.split(b": ", 1) for line in lines)
    return Answer(int(status.split()[1]), {name.lower(): value for name, value in fields.items()}, body)


def saying(text: str) -> Place:
    """A place with a page that says this."""
    return Place({b"GET": lambda visit: reply(text)}, guarded=False)


def reply(text: str) -> Reply:
    return Reply(status=200, kind=b"text/plain", body=text.encode())


def echo(visit: Visit) -> Reply:
    """A page that says what it was told."""
    return reply(f"{visit.last()}|{visit.parameters('q').get('q', '')}|{len(visit.body)}")
