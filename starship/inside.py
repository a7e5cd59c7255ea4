"""
The nouns of who is inside: an open connection as it is now, which ones are meant, and a part of a list of them.

Floor 2, beside words: knows names and words. Those who look (admin) and those who are looked at (journey, accept) meet
here.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from starship.names import Hostname
from starship.words import Address, Arrival, Network, Upstream


class Step(StrEnum):
    """
    How far an open connection is. `refused` may still read its answer; `closing` still has its last bytes to go.

    `waiting` stands between two requests.
    """

    SNIFFING = "sniffing"
    ROUTING = "routing"
    DIALLING = "dialling"
    CARRYING = "carrying"
    WAITING = "waiting"
    REFUSED = "refused"
    CLOSING = "closing"


@frozen(kw_only=True)
class Live:
    """
    An open connection as it is now: its age in seconds, bytes so far from the client (`received`) and to it (`sent`).

    `name`, `app` and `upstream` become known step by step.
    """

    arrival: Arrival
    step: Step
    age: float
    name: Hostname | None
    app: str
    upstream: Address | None
    received: int
    sent: int


@frozen(kw_only=True)
class Wanted:
    """
    Which open connections are meant: all that is said has to hold. `name` may be a wildcard, and means all below it.

    `upstream` is the one that a connection is joined to; without a port, any port of that address. `pool` is the one
    that a connection was dialled by, while it carries.
    """

    id: str | None = None
    name: str | None = None
    source: Network | None = None
    app: str | None = None
    upstream: Upstream | None = None
    pool: str | None = None


class Order(StrEnum):
    """Of a list of open connections: the oldest first, or who carried most, both ways together."""

    AGE = "age"
    BYTES = "bytes"


Rank = tuple[int, int]
"""Where a connection stands in such a list: by the order, then by its number. The smaller comes first."""


@frozen(kw_only=True)
class Roll:
    """A part of such a list: how many connections are meant in all; `next` is the rank after which it goes on."""

    rows: tuple[Live, ...]
    meant: int
    next: Rank | None
