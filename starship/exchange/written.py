"""
What goes out: heads and chunks, written anew from what was understood. No octet is passed on unread.

Part of `exchange`, floor 4, pure: nouns in, octets out. Towards an upstream it is HTTP/1.1 always, whatever the client
speaks; hop-by-hop fields end here, framing fields are ours.
Source: RFC 9112 sections 3.2, 6, 7 and 9.6; RFC 9110 sections 7.6.1, 7.8 and 10.1.4.
"""

from __future__ import annotations

from collections.abc import Iterable

from starship.exchange.forwarded import NOTHING_TOLD, Told
from starship.exchange.hops import OF_RESPONSES
from starship.words import Field, Request, Response

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
    without = told.without
    if request.hops or not request.minor:
        without = without.union(request.hops, _NOT_OF_OLD if not request.minor else ())
    head = [request.method, b" ", _target(request, rewrite), b" HTTP/1.1\r\nHost: ", request.authority, b"\r\n"]
    trailers = False
    for field in request.fields:
        key = field[0].lower()
        if key in without:
            trailers = trailers or (key == b"te" and _takes_trailers(field[1]))
        elif b"_" not in key or key.replace(b"_", b"-") not in without:
            head.append(b"%b: %b\r\n" % field)
    if request.length is not None:
        head.append(b"Content-Length: %d\r\n" % request.length)
    elif request.chunked:
        head.append(b"Transfer-Encoding: chunked\r\n")
    if close or trailers or request.upgrade is not None:
        head.append(_connection(request, trailers=trailers, close=close))
    head += (told.lines, b"\r\n")
    return b"".join(head)


def response_head(response: Response, minor: int, *, close: bool, added: bytes = b"") -> bytes:
    """
    A response's head for its client, with the empty line.

    `minor` is the client's version of HTTP/1: a body in chunks goes without its chunks to HTTP/1.0, until close, and an
    interim response not at all. `close`: this is the last response on the client's connection (implied where the body
    goes until close). `added`: whole lines to put into it.
    """
    without = OF_RESPONSES.union(response.hops) if response.hops else OF_RESPONSES
    head = [b"HTTP/1.1 %d %b\r\n" % (response.status, response.reason)]
    for field in response.fields:
        if field[0].lower() not in without:
            head.append(b"%b: %b\r\n" % field)
    if response.length is not None:
        if response.status not in _NO_LENGTH:
            head.append(b"Content-Length: %d\r\n" % response.length)
    elif is_chunked(response, minor):
        head.append(b"Transfer-Encoding: chunked\r\n")
    if response.status not in _INTERIM or response.upgrade is not None:
        head.append(_persistence(response, minor, close=close))
    head += (added, b"\r\n")
    return b"".join(head)


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


def _takes_trailers(value: bytes) -> bool:
    return b"trailers" in (member.partition(b";")[0].strip(b" \t") for member in value.lower().split(b","))


def _connection(request: Request, *, trailers: bool, close: bool) -> bytes:
    """Connection and what it names: the only hop-by-hop fields that are made towards an upstream."""
    named, lines = [], []
    if request.upgrade is not None:
        named.append(b"Upgrade")
        lines.append(b"Upgrade: %b\r\n" % request.upgrade)
    if trailers:
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
