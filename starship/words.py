"""
The nouns that every room shares, all frozen.

Floor 2: knows names and reasons, and hands on the nouns of answers and of HTTP messages, which have modules of their
own.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from attrs import frozen

from starship.answers import POLICIES as POLICIES
from starship.answers import Answer as Answer
from starship.answers import Ask as Ask
from starship.answers import Endpoints as Endpoints
from starship.answers import Look as Look
from starship.answers import Miss as Miss
from starship.answers import Network as Network
from starship.answers import Origin as Origin
from starship.answers import PathRule as PathRule
from starship.answers import PoolName as PoolName
from starship.answers import Route as Route
from starship.answers import Upstream as Upstream
from starship.messages import Exchanged as Exchanged
from starship.messages import Field as Field
from starship.messages import Request as Request
from starship.messages import Response as Response
from starship.names import Hostname
from starship.nouns import noun
from starship.reasons import Mood, Reason


class Address(NamedTuple):
    """An IP address in its canonical text (IPv4 never in IPv6's clothes) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Place(NamedTuple):
    """
    One address that a name has. `port` is None where the name says none (A, AAAA).

    `weight` (None: not said) and `tier` (0 before 1 before 2) are those of an SRV record.
    """

    host: str
    port: int | None = None
    weight: int | None = None
    tier: int = 0


@frozen
class Door:
    """
    A listener as the rest sees it: its name in the ini file, and the port that an endpoint without one means.

    `redirect` is the port of https that plain HTTP is sent to; 0: it is served here.
    """

    name: str
    port: int
    redirect: int = 0


class Tlv(NamedTuple):
    """One field of a PROXY header: its type (one octet) and its octets."""

    kind: int
    value: bytes


@noun(kw_only=False)
class Arrival:
    """
    An accepted connection.

    `number` counts from 1; `id` names it in logs and on pages, unique across restarts; `start` is monotonic (s).
    Where a balancer's PROXY header named the client, `client` and `local` are as the header has them, `via` is the
    balancer's own address, and `tlvs` what else the header said.
    """

    number: int
    id: str
    door: Door
    client: Address
    local: Address
    start: float
    via: Address | None = None
    tlvs: tuple[Tlv, ...] = ()


@frozen(kw_only=True)
class Manner:
    """
    How the one who asks can be refused: an HTTP answer without body (HEAD), as JSON; a TLS record version.

    `keep`: another request may follow an HTTP answer.
    """

    bodyless: bool = False
    json: bool = False
    tls_version: int = 0x0303
    keep: bool = False


@noun(kw_only=False)
class Hello:
    """
    What a client asked for. `name` is None where it named nobody (no SNI; HTTP/1.0 without Host, empty Host).

    `scheme` is `tls` or `http`; `alpn` the offers in their order; `ech` tells of an encrypted_client_hello
    extension (a fact, not a proof: RFC 8701 greases it), `early` of one that announces early data; `consumed` counts
    the bytes of the head itself. `request` is the whole head, where each request goes its own way.
    """

    name: Hostname | None
    scheme: str
    consumed: int
    alpn: tuple[bytes, ...] = ()
    ech: bool = False
    manner: Manner = Manner()
    request: Request | None = None
    early: bool = False


@frozen(kw_only=True)
class Refusal:
    """
    Why we say no.

    `detail` is our words for the log, printable and bounded; `code` a more exact HTTP status or TLS alert than the
    reason's own; `scheme` the language to answer in where it is not the door's (wrong_door); `name` the name to show.
    `told` is the reason that the client is told where it is another one than the log's. `location` is the URL that a
    redirect sends the client to, of visible ASCII.
    """

    reason: Reason
    detail: str = ""
    code: int | None = None
    scheme: str | None = None
    name: str | None = None
    manner: Manner = Manner()
    retry_after: float | None = None
    told: Reason | None = None
    location: str | None = None


@frozen(kw_only=True)
class Preface:
    """
    A PROXY header that was understood. `consumed` counts its octets: they are not the client's.

    `client` and `local` are the ends of the connection that the balancer took; both None where the header leaves that
    to the socket (LOCAL, UNKNOWN, UNSPEC, unix sockets, datagrams).
    """

    consumed: int
    client: Address | None = None
    local: Address | None = None
    tlvs: tuple[Tlv, ...] = ()


@frozen
class NeedMore:
    """Not yet."""


NEED_MORE: Final = NeedMore()

Verdict = NeedMore | Hello | Refusal


@frozen(kw_only=True)
class ProxyOptions:
    """
    What a PROXY header of version 2 tells an upstream beside the addresses.

    `relay`: the types of fields that are passed on from the header that came in; None: all that mean anything there.
    """

    authority: bool = True
    alpn: bool = True
    unique_id: bool = True
    crc32c: bool = False
    relay: frozenset[int] | None = frozenset()


@noun(kw_only=False)
class Seconds:
    """How long each step took; None for a step that was not reached or not needed."""

    total: float
    hello: float | None = None
    route: float | None = None
    dial: float | None = None


@noun(kw_only=False)
class Ending:
    """How one Hello ended, or one Arrival that never said one. `received` from the client, `sent` to it, in bytes."""

    arrival: Arrival
    reason: Reason
    status: int
    seconds: Seconds
    hello: Hello | None = None
    name: str | None = None
    origin: Origin = Origin.NONE
    app: str = ""
    upstream: Address | None = None
    detail: str = ""
    received: int = 0
    sent: int = 0

    @property
    def mood(self) -> Mood:
        """How it went, which follows from the reason."""
        return self.reason.row.mood


@frozen
class Farewell:
    """What a refuser says: the last bytes for the client (empty: just close), and the status for the log."""

    data: bytes
    status: int


class Stop(StrEnum):
    """Why a leg stopped carrying: its peer ended its stream, the limit was reached, or the connection broke."""

    ENDED = "ended"
    LIMIT = "limit"
    LOST = "lost"
