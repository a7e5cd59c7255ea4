"""
What goes out: heads and chunks, written anew from what was understood. No octet is passed on unread.

Part of `exchange`, floor 4, pure: nouns in, octets out. Towards an upstream it is HTTP/1.1 always, whatever the client
speaks; hop-by-hop fields end here, framing fields are ours.
Source: RFC 9112 sections 3.2, 6, 7 and 9.6; RFC 9110 sections 7.6.1, 7.8 and 10.1.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from starship.exchange.forwarded import NOTHING_TOLD, Told
from starship.framing import fields_of
from starship.words import Field, Request, Response

SLASH: Final = ord("/")
_INTERIM = range(100, 200)
_NO_LENGTH = frozenset({*_INTERIM, 204})
_NOT_OF_OLD = (b"expect",)  # of a client of HTTP/1.0 it is ignored (RFC 9110 section 10.1.1): it could not take a 100


def request_head(
    request: Request, told: Told = NOTHING_TOLD, rewrite: tuple[str, str] | None = None, *, close: bool = False
) -> bytes:
    """
    A request's head for its upstream, with the empty line.

    `told`: what Introduction.of says of the client; `rewrite`: the route's (the beginning of the path as it was sent,
    what stands there instead); `close`: the upstream's connection is not to be used again.
    """
    lines = request.lines if request.is_plain else _lines(request, told.without)
    if request.length is not None:
        framing = b"Content-Length: %d\r\n" % request.length
    else:
        framing = b"Transfer-Encoding: chunked\r\n" if request.chunked else b""
    if close or request.trailers or request.upgrade is not None:
        framing += _connection(request, close=close)
    target = request.target
    if rewrite is not None or target[0] != SLASH:
        target = _target(request, rewrite)
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b%b\r\n" % (
        request.method,
        target,
        request.authority,
        lines,
        framing,
        told.lines,
    )


def response_head(response: Response, minor: int, *, close: bool, added: bytes = b"") -> bytes:
    """
    A response's head for its client, with the empty line.

    `minor` is the client's version of HTTP/1: a body in chunks goes without its chunks to HTTP/1.0, until close, and an
    interim response not at all. `close`: this is the last response on the client's connection (implied where the body
    goes until close). `added`: whole lines to put into it.
    """
    framing = b""
    if response.length is not None:
        if response.status not in _NO_LENGTH:
            framing = b"Content-Length: %d\r\n" % response.length
    elif is_chunked(response, minor):
        framing = b"Transfer-Encoding: chunked\r\n"
    is_told = close or not minor or response.until_close or response.upgrade is not None
    if is_told and (response.status not in _INTERIM or response.upgrade is not None):
        added = _persistence(response, minor, close=close) + added
    return b"HTTP/1.1 %d %b\r\n%b%b%b\r\n" % (response.status, response.reason, response.lines, framing, added)


def goes_until_close(response: Response, minor: int) -> bool:
    """Whether only the end of the connection tells a client of this version where the body ends."""
    return response.until_close or (response.chunked and not minor and not response.bodyless)


def is_chunked(response: Response, minor: int) -> bool:
    """Whether the body goes to a client of this version in chunks."""
    return response.chunked and bool(minor) and not response.bodyless


def chunk(data: bytes) -> bytes:
    """Octets of a body as one chunk; none of them, nothing (a chunk without octets would be the last)."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def last_chunk(trailers: Iterable[Field] = ()) -> bytes:
    """The end of a body in chunks."""
    return b"0\r\n%b\r\n" % b"".join(b"%b: %b\r\n" % trailer for trailer in trailers)


def _target(request: Request, rewrite: tuple[str, str] | None) -> bytes:
    """The target in origin-form (or `*`): what the path begins with rewritten, the query as it was sent."""
    target = request.target
    if not target.startswith((b"/", b"*")):  # absolute-form: its authority is in Host
        start = target.find(b"?") if b"?" in target else len(target)
        query = target[start:]
        target = request.path.encode("ascii") + query
    if rewrite is None or not request.path.startswith(rewrite[0]):
        return target
    return rewrite[1].encode("ascii") + target[len(rewrite[0]) :]


def _lines(request: Request, without: frozenset[bytes]) -> bytes:
    """The fields of a request that is not plain: each looked at, whether it may pass on."""
    without = without.union(request.hops, () if request.minor else _NOT_OF_OLD)
    lines = []
    for name, value in fields_of(request.lines):
        key = name.lower()
        if key not in without and (b"_" not in key or key.replace(b"_", b"-") not in without):
            lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines)


def _connection(request: Request, *, close: bool) -> bytes:
    """Connection and what it names: the only hop-by-hop fields that are made towards an upstream."""
    named, lines = [], []
    if request.upgrade is not None:
        named.append(b"Upgrade")
        lines.append(b"Upgrade: %b\r\n" % request.upgrade)
    if request.trailers:
        named.append(b"TE")
        lines.append(b"TE: trailers\r\n")
    if close:
        named.append(b"close")
    return b"Connection: %b\r\n%b" % (b", ".join(named), b"".join(lines))


def _persistence(response: Response, minor: int, *, close: bool) -> bytes:
    if response.upgrade is not None and minor:
        named = b"Upgrade, close" if close and response.status != 101 else b"Upgrade"
        return b"Connection: %b\r\nUpgrade: %b\r\n" % (named, response.upgrade)
    if close or goes_until_close(response, minor):
        return b"Connection: close\r\n"
    return b"" if minor else b"Connection: keep-alive\r\n"
