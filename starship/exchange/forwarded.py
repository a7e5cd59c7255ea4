"""
Whom a request is said to come from: the forwarded fields that an upstream is told, and those of a client it is not.

Part of `exchange`, floor 4, pure: it knows an arrival and a request's head, no legs.
Source: RFC 7239; RFC 9110 section 7.6.3; the X- fields as nginx's ingress sets them.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final, NamedTuple

from attrs import define, field, frozen

from starship.framing import fields_of
from starship.hops import OF_REQUESTS, SPOOFED
from starship.words import Arrival, Network, Request

X_FORWARDED_FOR: Final = "X-Forwarded-For"
X_FORWARDED_PROTO: Final = "X-Forwarded-Proto"
X_FORWARDED_HOST: Final = "X-Forwarded-Host"
X_FORWARDED_PORT: Final = "X-Forwarded-Port"
X_REAL_IP: Final = "X-Real-IP"
X_ORIGINAL_URI: Final = "X-Original-URI"
X_SCHEME: Final = "X-Scheme"
FORWARDED: Final = "Forwarded"
X_REQUEST_ID: Final = "X-Request-Id"

NAMES: Final = (
    X_FORWARDED_FOR,
    X_FORWARDED_PROTO,
    X_FORWARDED_HOST,
    X_FORWARDED_PORT,
    X_REAL_IP,
    X_ORIGINAL_URI,
    X_SCHEME,
    FORWARDED,
)
"""Every field that can be chosen, as it is spelled."""

USUAL: Final = frozenset({X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST, X_FORWARDED_PORT, X_REAL_IP})

OF_THE_REQUEST: Final = frozenset({X_FORWARDED_HOST, X_ORIGINAL_URI, FORWARDED})
"""Those that each request of a connection may have its own of."""

_SANE_ID = re.compile(rb"[A-Za-z0-9._~:+/=@-]{1,128}")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_APPENDED = frozenset({X_FORWARDED_FOR, FORWARDED})


class Told(NamedTuple):
    """For one request: lines to put into its head, each with its CRLF, and the fields (lower case) to leave out."""

    lines: bytes
    without: frozenset[bytes]


NOTHING_TOLD: Final = Told(b"", OF_REQUESTS)


@frozen(kw_only=True)
class Forwarding:
    """
    What upstreams are told. `names` out of NAMES; `trusted` are the networks of proxies whose word is passed on.

    `request_id`: X-Request-Id is given to each request, or kept where a trusted proxy gave a sane one. `via`: the name
    that we go by in Via; None: nothing is said.
    """

    names: frozenset[str] = USUAL
    trusted: tuple[Network, ...] = ()
    request_id: bool = True
    via: str | None = None

    def introduce(self, arrival: Arrival) -> Introduction:
        """Once for a connection: what is the same for all its requests is prepared."""
        client = ip_address(arrival.client.host)
        return Introduction(self, arrival, any(client in network for network in self.trusted))


@define(eq=False)
class Introduction:
    """
    One client as its requests are introduced. `is_trusted`: it is a proxy whose own fields count.

    Of a client that is not, every forwarded field is left out, and ours are put in its place. A trusted proxy's
    X-Forwarded-For and Forwarded get the proxy itself appended; of the others that it sent, ours are not made.
    """

    _forwarding: Forwarding
    _arrival: Arrival
    is_trusted: bool
    _steady: bytes = field(init=False)  # lines that are the same in all requests
    _changing: tuple[str, ...] = field(init=False)
    _without: frozenset[bytes] = field(init=False)
    _via: tuple[bytes, bytes] | None = field(init=False)  # by the client's version
    _authority: bytes | None = field(default=None, init=False)  # that was asked for last
    _of_authority: bytes = field(default=b"", init=False)  # and all lines that are the same for all its requests

    def __attrs_post_init__(self) -> None:
        chosen = [name for name in NAMES if name in self._forwarding.names]
        changing = [name for name in chosen if self.is_trusted or name in OF_THE_REQUEST]
        self._changing = tuple(changing)
        self._steady = b"".join(self._line(name, None) for name in chosen if name not in changing)
        self._without = OF_REQUESTS if self.is_trusted else OF_REQUESTS | SPOOFED
        if self._forwarding.request_id:
            self._without |= {_lower(X_REQUEST_ID)}
        via = self._forwarding.via
        self._via = (
            None if via is None else (f"Via: 1.0 {via}\r\n".encode("ascii"), f"Via: 1.1 {via}\r\n".encode("ascii"))
        )

    def of(self, request: Request, request_id: str) -> Told:
        """What is told with a request; `request_id` is the one that is made, the id of its own arrival in our log."""
        if self.is_trusted:
            return self._of_proxy(request, request_id)
        if request.authority != self._authority:
            self._of_authority = self._steady + b"".join(
                self._line(name, request) for name in self._changing if name != X_ORIGINAL_URI
            )
            self._authority = request.authority
        lines = self._of_authority
        if X_ORIGINAL_URI in self._changing:
            lines += self._line(X_ORIGINAL_URI, request)
        if self._forwarding.request_id:
            lines += b"X-Request-Id: %b\r\n" % request_id.encode("ascii")
        if self._via is not None:
            lines += self._via[request.minor]
        return Told(lines, self._without)

    def _of_proxy(self, request: Request, request_id: str) -> Told:
        said, without = [], set(self._without)
        for name in self._changing:
            before = () if _ends_here(request, name) else _values(request, name)
            if before and name in _APPENDED:
                without.add(_lower(name))
                said.append(self._line(name, request, b", ".join(before) + b", "))
            elif not before:
                said.append(self._line(name, request))
        if self._forwarding.request_id:
            given = _values(request, X_REQUEST_ID)
            kept = given[0] if len(given) == 1 and _SANE_ID.fullmatch(given[0]) else request_id.encode("ascii")
            said.append(b"X-Request-Id: %b\r\n" % kept)
        if self._via is not None:
            said.append(self._via[request.minor])
        return Told(b"".join(said), frozenset(without))

    def _line(self, name: str, request: Request | None, before: bytes = b"") -> bytes:
        value = self._value(name, request)
        return b"%b: %b%b\r\n" % (name.encode("ascii"), before, value) if value else b""

    def _value(self, name: str, request: Request | None) -> bytes:
        """What we say ourselves; nothing where there is nothing to say."""
        arrival = self._arrival
        match name:
            case "X-Forwarded-For" | "X-Real-IP":
                return arrival.client.host.encode("ascii")
            case "X-Forwarded-Proto" | "X-Scheme":
                return b"http"
            case "X-Forwarded-Port":
                return b"%d" % arrival.local.port
            case "X-Forwarded-Host":
                return request.authority if request else b""
            case "X-Original-URI":
                return request.target if request else b""
        return self._forwarded(request)

    def _forwarded(self, request: Request | None) -> bytes:
        """One element of Forwarded. An IPv6 address is in brackets and quoted (RFC 7239 section 6)."""
        host = self._arrival.client.host
        element = f'for="[{host}]"' if ":" in host else f"for={host}"
        authority = request.authority if request else b""
        quoted = b'"%b"' if not _TOKEN.fullmatch(authority) else b"%b"
        shown = b";host=" + quoted % authority if authority else b""
        return element.encode("ascii") + shown + b";proto=http"


def _ends_here(request: Request, name: str) -> bool:
    """Whether Connection names the field, so that it is not kept; what is appended to is kept all the same."""
    return name not in _APPENDED and _lower(name) in request.hops


def _lower(name: str) -> bytes:
    return name.lower().encode("ascii")


def _values(request: Request, name: str) -> list[bytes]:
    """The values of a field that are not empty, in their order."""
    lower = _lower(name)
    return [value for key, value in fields_of(request.lines) if value and key.lower() == lower]
