"""Settings for tests of the house put together in memory, and a client that comes in there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from twisted.internet.interfaces import IProtocol

from starship.accept.listening import DoorService
from starship.config.settings import AccessLog, Admin, Listener, Lookup, Settings
from starship.words import Upstream
from tests.fakes import Wire

HTTP = Listener(name="http", protocol="http", endpoints=("tcp:0:interface=127.0.0.1",), upstream_port=8080)
TLS = Listener(name="https", protocol="tls", endpoints=("tcp:0:interface=127.0.0.1",), upstream_port=8443)
AUTO = Listener(name="any", protocol="auto", endpoints=("tcp:0:interface=127.0.0.1",))
API = Lookup(url="http://127.0.0.1:8500/?host={host}")
REQUEST = b"GET / HTTP/1.1\r\nHost: a.com\r\n\r\n"


def settings(**changes: Any) -> Settings:
    """Three doors at ports of the kernel's choice, one static host, no API, no access log."""
    plain = Settings(
        listeners=(HTTP, TLS, AUTO),
        routes={"a.com": (Upstream(host="10.0.0.24"),)},
        access_log=AccessLog(enabled=False),
        admin=Admin(endpoint="tcp:9901:interface=127.0.0.1"),
    )
    return evolve(plain, **changes)


def logging_to(path: Path) -> AccessLog:
    return AccessLog(path=path, format="json")


@define(eq=False)
class Visitor:
    """A client at a door, from 192.168.1.1 (as StringTransport says)."""

    protocol: IProtocol
    wire: Wire = field(factory=Wire)

    @classmethod
    def at(cls, doors: list[DoorService], name: str) -> Visitor:
        """Come in at the door of that name."""
        (factory,) = [door.factory for door in doors if door.factory.manners.door.name == name]
        visitor = cls(factory.buildProtocol(None))
        visitor.protocol.makeConnection(visitor.wire)
        return visitor

    def say(self, data: bytes) -> bytes:
        """Send, and hear what is answered at once."""
        self.protocol.dataReceived(data)
        return self.heard

    @property
    def heard(self) -> bytes:
        """All that was answered so far."""
        return self.wire.heard
