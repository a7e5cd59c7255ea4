"""Endings and a list that keeps them, for the tests of this room."""

from __future__ import annotations

from attrs import define, field

from starship.names import Hostname
from starship.reasons import Reason
from starship.words import Address, Ending, Hello, Origin, Seconds
from tests import fakes

WALL = 1795293079.123
"""2026-11-21T20:31:19.123Z"""


def carried(number: int = 1, *, name: str = "a.com", app: str = "A Simple App", detail: str = "") -> Ending:
    """A TLS connection that went to its tenant."""
    return Ending(
        arrival=fakes.arrival(number),
        reason=Reason.OK,
        status=200,
        seconds=Seconds(hello=0.001, route=0.0002, dial=0.0015, total=0.123456),
        hello=Hello(name=Hostname(name), scheme="tls", consumed=517, alpn=(b"h2", b"http/1.1")),
        name=name,
        origin=Origin.HIT,
        app=app,
        upstream=Address("10.0.0.24", 443),
        detail=detail,
        received=517,
        sent=4096,
    )


def silent(number: int = 1) -> Ending:
    """A connection that never said what it wants."""
    return Ending(
        arrival=fakes.arrival(number, client="2001:db8::7"),
        reason=Reason.HELLO_TIMEOUT,
        status=408,
        seconds=Seconds(total=10.0),
    )


@define(eq=False)
class Kept:
    """A writer that keeps what it is given."""

    endings: list[Ending] = field(factory=list)

    def write(self, ending: Ending) -> None:
        self.endings.append(ending)
