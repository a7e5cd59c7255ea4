"""
A whole request head -> the name it asks for: what HttpSniffer does once it has found the end of a head.

Part of `sniff`, floor 4, pure: it knows nothing of chunks or bounds. llhttp (httptools) is the one parser; what it is
too kind about for a router is refused here.
Source: RFC 9112 sections 2.2, 2.3, 3.2, 5, 6.1 and 6.3; RFC 9110 sections 4.2.4, 7.2, 8.6 and 12.5.1.
"""

from __future__ import annotations

import re
from typing import Final

import httptools

from starship import framing, names
from starship.framing import CODING, CONNECTION, LENGTH, UPGRADE, Noted, noted
from starship.reasons import Reason
from starship.sniff.shown import printable, shown
from starship.words import Hello, Manner, Refusal, Request

HTTP_PORT: Final = 80
ACCEPT_READ_OCTETS: Final = 1024

HOST: Final = b"host"
ACCEPT: Final = b"accept"
EXPECT: Final = b"expect"

_DECIDING = frozenset({HOST, ACCEPT, EXPECT, LENGTH, CODING, CONNECTION, UPGRADE})
_MANNERS = {(bare, json): Manner(bodyless=bare, json=json) for bare in (False, True) for json in (False, True)}
_PLAINLY_TARGETED = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE"})
_NO_OPTIONS: Final[list[bytes]] = []
_ABSOLUTE = re.compile(rb"http://([^/?]*)(/[^?]*)?(\?.*)?", re.IGNORECASE | re.DOTALL)
_PORT = re.compile(rb"[0-9]{1,5}")
_QUALITY = re.compile(rb";\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)", re.IGNORECASE)


def read_head(head: bytes, *, is_kept: bool = False) -> Hello | Refusal:
    """
    Read a request head. `is_kept`: the Hello has the whole request.

    Shape: all bytes up to and with the empty line, empty lines before the request line too, each line ended by CRLF;
    nothing of a body. `consumed` is its length.
    Returns: a Hello, its name None for HTTP/1.0 without Host or an empty Host; a Refusal bad_head for what is not
    one clear request, bad_name for a host that is no hostname (an address as well).
    Raises: nothing, whatever the bytes.
    """
    notes = noted(head, _DECIDING, is_kept=is_kept)
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
    accepts = notes.said.get(ACCEPT)
    manner = _MANNERS[method == b"HEAD", accepts is not None and prefers_json(accepts)]
    minor = int(parser.get_http_version() == "1.1")
    why = framing.unclear(notes, minor) or _unclear_target(method, notes)
    return bad(why, manner) if why else _name(notes, method, minor, len(head), manner, is_kept)


def bad(detail: str, manner: Manner) -> Refusal:
    """The refusal of a head that is not one clear request."""
    return Refusal(reason=Reason.BAD_HEAD, detail=detail, manner=manner)


def manner_of(bodyless: bool, *, json: bool = False) -> Manner:
    """How to refuse: one of four values that are made once."""
    return _MANNERS[bodyless, json]


def is_headless(head: bytes | bytearray) -> bool:
    """Whether this head, or its beginning, is of a HEAD request: its answer has no body."""
    return head.lstrip(b"\r\n").startswith(b"HEAD ")


def prefers_json(accepts: list[bytes]) -> bool:
    """
    Say whether a page should be JSON: application/json is named, with a higher quality than text/html.

    Shape: the values of the Accept fields, of which the first KiB is read. Wildcards name neither, so a client that
    takes anything gets the page; equal quality, the page too.
    """
    said = (accepts[0] if len(accepts) == 1 else b",".join(accepts))[:ACCEPT_READ_OCTETS].lower()
    if b"application/json" not in said:
        return False
    quality = {b"application/json": 0.0, b"text/html": 0.0}
    for item in said.split(b","):
        kind = item.partition(b";")[0].strip()
        if kind in quality:
            found = _QUALITY.search(item)
            quality[kind] = float(found[1]) if found else 1.0
    return quality[b"application/json"] > quality[b"text/html"]


def _unclear_target(method: bytes, notes: Noted) -> str | None:
    target = notes.target
    if target.startswith(b"/") and method in _PLAINLY_TARGETED and b"#" not in target:
        return None
    if method == b"CONNECT":
        return "CONNECT is not served"
    if method == b"TRACE" and (notes.of(LENGTH) or notes.of(CODING)):
        return "TRACE has no body"
    if b"#" in target:
        return "the target has a fragment"
    if target.startswith(b"/") or _ABSOLUTE.fullmatch(target):
        return None
    if target == b"*":
        return None if method == b"OPTIONS" else "the target * is for OPTIONS alone"
    return "the target has no form that is served here"


def _name(notes: Noted, method: bytes, minor: int, size: int, manner: Manner, is_kept: bool) -> Hello | Refusal:
    hosts, target = notes.of(HOST), notes.target
    if len(hosts) > 1:
        return bad("there are several Host fields", manner)
    if not hosts and minor:
        return bad("there is no Host field", manner)
    absolute = None if target.startswith(b"/") else _ABSOLUTE.fullmatch(target)
    authority: bytes = hosts[0] if hosts else (absolute[1] if absolute else b"")
    path = target if absolute is None else absolute[2] or (b"*" if method == b"OPTIONS" and not absolute[3] else b"/")
    name = None
    if authority or absolute:
        found = _host(authority, manner)
        if isinstance(found, Refusal):
            return found
        if absolute and hosts and found != _host(absolute[1], manner):
            return bad("the target names another host than the Host field", manner)
        name = found[0]
    request = _request(notes, method, minor, path, authority) if is_kept else None
    return Hello(name, "http", size, (), False, manner, request)


def _request(notes: Noted, method: bytes, minor: int, path: bytes, authority: bytes) -> Request:
    """The whole of it, for who passes on each request by itself."""
    said = notes.said
    lengths = said.get(LENGTH)
    connection = framing.options(said[CONNECTION]) if CONNECTION in said else _NO_OPTIONS
    upgrade = b", ".join(said[UPGRADE]) if UPGRADE in said and minor and b"upgrade" in connection else b""
    return Request(
        method,
        notes.target,
        path.partition(b"?")[0].decode("ascii"),
        minor,
        tuple(notes.fields),
        int(lengths[0]) if lengths else None,
        CODING in said,
        b"close" in connection or (not minor and b"keep-alive" not in connection),
        upgrade if upgrade and b"h2c" not in framing.options([upgrade]) else None,
        EXPECT in said and bool(minor) and b"100-continue" in framing.options(said[EXPECT]),
        authority,
        tuple(connection),
    )


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
