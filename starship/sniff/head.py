"""
A whole request head -> the name it asks for: what HttpSniffer does once it has found the end of a head.

Part of `sniff`, floor 4, pure: it knows nothing of chunks or bounds. llhttp (httptools) is the one parser; what it is
too kind about for a router is refused here. The head that nearly all clients send is read in plain.py.
Source: RFC 9112 sections 2.2, 2.3, 3.2, 5, 6.1 and 6.3; RFC 9110 sections 4.2.4, 7.2 and 8.6.
"""

from __future__ import annotations

import re
from typing import Final

import httptools

from starship import names
from starship.framing import CODING, CONNECTION, LENGTH, UPGRADE, Notes, Said, options, sift, unclear
from starship.hops import OF_REQUESTS, REQUEST_ID, SPOOFED
from starship.reasons import Reason
from starship.sniff.manner import is_headless, manner_for, manner_of
from starship.sniff.plain import GLANCE, read_plain
from starship.sniff.shown import printable, shown
from starship.words import Hello, Manner, Refusal, Request

HTTP_PORT: Final = 80

HOST: Final = b"host"
EXPECT: Final = b"expect"
TE: Final = b"te"

_CLAIMS = SPOOFED | {REQUEST_ID}
_ORDINARY = OF_REQUESTS | {b"close"}  # what Connection may name without a line of the others being meant
_NONE: Final[list[bytes]] = []
_ABSOLUTE = re.compile(rb"http://([^/?]*)(/[^?]*)?(\?.*)?", re.IGNORECASE | re.DOTALL)
_PORT = re.compile(rb"[0-9]{1,5}")


def read_head(head: bytes, *, is_kept: bool = False) -> Hello | Refusal:
    """
    Read a request head. `is_kept`: the Hello has the whole request.

    Shape: all bytes up to and with the empty line, empty lines before the request line too, each line ended by CRLF;
    nothing of a body. `consumed` is its length.
    Returns: a Hello, its name None for HTTP/1.0 without Host or an empty Host; a Refusal bad_head for what is not
    one clear request, bad_name for a host that is no hostname (an address as well).
    Raises: nothing, whatever the bytes.
    """
    found = GLANCE.fullmatch(head)
    if found is not None and (seen := read_plain(found, is_kept=is_kept)) is not None:
        return seen
    notes = Notes()
    parser = httptools.HttpRequestParser(notes)
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass  # an offer to change protocols: the head is read, what follows belongs to the upstream
    except httptools.HttpParserError as error:
        return bad(f"not HTTP: {printable(str(error))}", manner_of(is_headless(head)))
    if not notes.is_whole:
        return bad("not one whole request head", manner_of(is_headless(head)))
    method: bytes = parser.get_method()
    minor = int(parser.get_http_version() == "1.1")
    lines, said = sift(notes.fields, OF_REQUESTS)
    manner = manner_for(method, lines)
    why = unclear(said, minor) or _unclear_target(method, notes.target, said)
    if why:
        return bad(why, manner)
    asked = _asked(notes.target, said, method, minor, manner)
    if isinstance(asked, Refusal):
        return asked
    name, path, authority = asked
    request = _request(notes, said, method, minor, path, authority, lines) if is_kept else None
    return Hello(name, "http", len(head), (), False, manner, request)


def bad(detail: str, manner: Manner) -> Refusal:
    """The refusal of a head that is not one clear request."""
    return Refusal(reason=Reason.BAD_HEAD, detail=detail, manner=manner)


def _asked(
    target: bytes, said: Said, method: bytes, minor: int, manner: Manner
) -> tuple[names.Hostname | None, bytes, bytes] | Refusal:
    """The name, the path and the authority as it was sent."""
    hosts = said.get(HOST, _NONE)
    if len(hosts) > 1:
        return bad("there are several Host fields", manner)
    if not hosts and minor:
        return bad("there is no Host field", manner)
    absolute = None if target.startswith(b"/") else _ABSOLUTE.fullmatch(target)
    authority: bytes = hosts[0] if hosts else (absolute[1] if absolute else b"")
    path = target if absolute is None else absolute[2] or (b"*" if method == b"OPTIONS" and not absolute[3] else b"/")
    if not authority and not absolute:
        return None, path, authority
    found = _host(authority, manner)
    if isinstance(found, Refusal):
        return found
    if absolute and hosts and found != _host(absolute[1], manner):
        return bad("the target names another host than the Host field", manner)
    return found[0], path, authority


def _unclear_target(method: bytes, target: bytes, said: Said) -> str | None:
    if method == b"CONNECT":
        return "CONNECT is not served"
    if method == b"TRACE" and (said.get(LENGTH) or said.get(CODING)):
        return "TRACE has no body"
    if b"#" in target:
        return "the target has a fragment"
    if target.startswith(b"/") or _ABSOLUTE.fullmatch(target):
        return None
    if target == b"*":
        return None if method == b"OPTIONS" else "the target * is for OPTIONS alone"
    return "the target has no form that is served here"


def _request(
    notes: Notes, said: Said, method: bytes, minor: int, path: bytes, authority: bytes, lines: bytes
) -> Request:
    """The whole of it, for who passes on each request by itself."""
    lengths = said.get(LENGTH)
    keys = [name.lower() for name, _ in notes.fields]
    expects = EXPECT in keys
    connection = options(said[CONNECTION]) if CONNECTION in said else _NONE
    upgrade = b", ".join(said[UPGRADE]) if UPGRADE in said and minor and b"upgrade" in connection else b""
    is_odd = not _ORDINARY.issuperset(connection) or any(b"_" in key for key in keys) or (expects and not minor)
    return Request(
        method,
        notes.target,
        path.partition(b"?")[0].decode("ascii"),
        minor,
        lines,
        int(lengths[0]) if lengths else None,
        CODING in said,
        b"close" in connection or (not minor and b"keep-alive" not in connection),
        upgrade if upgrade and b"h2c" not in options([upgrade]) else None,
        expects and bool(minor) and b"100-continue" in _expectations(notes),
        authority,
        tuple(connection),
        not is_odd and _CLAIMS.isdisjoint(keys),
        TE in said and _takes_trailers(said[TE]),
    )


def _expectations(notes: Notes) -> list[bytes]:
    return options([value for name, value in notes.fields if name.lower() == EXPECT])


def _takes_trailers(values: list[bytes]) -> bool:
    return any(member.partition(b";")[0].rstrip(b" \t") == b"trailers" for member in options(values))


def _host(authority: bytes, manner: Manner) -> tuple[names.Hostname, int] | Refusal:
    """The canonical name and the port (80 where none is said) of `uri-host [":" port]`."""
    if b"@" in authority:
        return bad("the host has user information", manner)
    host, port = authority, b""
    if b":" in authority and not authority.startswith(b"["):
        host, _, port = authority.partition(b":")
    if port and not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
        return bad("the port of the host is not a port number", manner)
    name = names.canonical(host)
    if isinstance(name, names.BadName):
        return Refusal(reason=Reason.BAD_NAME, detail=name.why, name=shown(host), manner=manner)
    return name, int(port) if port else HTTP_PORT
