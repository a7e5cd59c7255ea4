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
from attrs import define, field

from starship import names
from starship.reasons import Reason
from starship.sniff.shown import printable, shown
from starship.words import Hello, Manner, Refusal

HTTP_PORT: Final = 80
ACCEPT_READ_OCTETS: Final = 1024

_ABSOLUTE = re.compile(rb"http://([^/?]*)(?:[/?].*)?", re.IGNORECASE | re.DOTALL)
_PORT = re.compile(rb"[0-9]{1,5}")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_QUALITY = re.compile(rb";\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)", re.IGNORECASE)


@define(eq=False)
class _Notes:
    """What llhttp calls out, written down: the target, and the fields that a router reads, in their order."""

    target: bytes = b""
    hosts: list[bytes] = field(factory=list)
    lengths: list[bytes] = field(factory=list)
    codings: list[bytes] = field(factory=list)
    accepts: list[bytes] = field(factory=list)
    is_whole: bool = False

    def on_url(self, piece: bytes) -> None:
        self.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        kept = self._kept(name.lower())
        if kept is not None:
            kept.append(value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        self.is_whole = True

    def _kept(self, name: bytes) -> list[bytes] | None:
        match name:
            case b"host":
                return self.hosts
            case b"content-length":
                return self.lengths
            case b"transfer-encoding":
                return self.codings
            case b"accept":
                return self.accepts
        return None


def read_head(head: bytes) -> Hello | Refusal:
    """
    Read a request head.

    Shape: all bytes up to and with the empty line, empty lines before the request line too, each line ended by CRLF;
    nothing of a body. `consumed` is its length.
    Returns: a Hello, its name None for HTTP/1.0 without Host or an empty Host; a Refusal bad_head for what is not
    one clear request, bad_name for a host that is no hostname (an address as well).
    Raises: nothing, whatever the bytes.
    """
    notes = _Notes()
    parser = httptools.HttpRequestParser(notes)
    manner = Manner(bodyless=is_headless(head))
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass  # an offer to change protocols: the head is read, what follows belongs to the upstream
    except httptools.HttpParserError as error:
        return bad(f"not HTTP: {printable(str(error))}", manner)
    if not notes.is_whole:
        return bad("not one whole request head", manner)
    manner = Manner(bodyless=manner.bodyless, json=prefers_json(notes.accepts))
    method, version = parser.get_method(), parser.get_http_version()
    why = _unclear_framing(notes, version) or _unclear_target(method, notes.target)
    return bad(why, manner) if why else _name(notes, version, len(head), manner)


def bad(detail: str, manner: Manner) -> Refusal:
    """The refusal of a head that is not one clear request."""
    return Refusal(reason=Reason.BAD_HEAD, detail=detail, manner=manner)


def is_headless(head: bytes | bytearray) -> bool:
    """Whether this head, or its beginning, is of a HEAD request: its answer has no body."""
    return head.lstrip(b"\r\n").startswith(b"HEAD ")


def prefers_json(accepts: list[bytes]) -> bool:
    """
    Say whether a page should be JSON: application/json is named, with a higher quality than text/html.

    Shape: the values of the Accept fields, of which the first KiB is read. Wildcards name neither, so a client that
    takes anything gets the page; equal quality, the page too.
    """
    quality = {b"application/json": 0.0, b"text/html": 0.0}
    for item in b",".join(accepts)[:ACCEPT_READ_OCTETS].lower().split(b","):
        kind = item.partition(b";")[0].strip()
        if kind in quality:
            said = _QUALITY.search(item)
            quality[kind] = float(said[1]) if said else 1.0
    return quality[b"application/json"] > quality[b"text/html"]


def _unclear_framing(notes: _Notes, version: str) -> str | None:
    if len(notes.lengths) > 1:
        return "there are several Content-Length fields"
    if notes.lengths and not _LENGTH.fullmatch(notes.lengths[0]):
        return "the Content-Length is not a number"
    if not notes.codings:
        return None
    if version != "1.1":
        return "Transfer-Encoding does not belong to HTTP/1.0"
    if notes.lengths:
        return "there are Content-Length and Transfer-Encoding"
    if [coding.lower() for coding in notes.codings] != [b"chunked"]:
        return "the Transfer-Encoding is not chunked"
    return None


def _unclear_target(method: bytes, target: bytes) -> str | None:
    if method == b"CONNECT":
        return "CONNECT is not served"
    if b"#" in target:
        return "the target has a fragment"
    if target.startswith(b"/") or _ABSOLUTE.fullmatch(target):
        return None
    if target == b"*":
        return None if method == b"OPTIONS" else "the target * is for OPTIONS alone"
    return "the target has no form that is served here"


def _name(notes: _Notes, version: str, size: int, manner: Manner) -> Hello | Refusal:
    if len(notes.hosts) > 1:
        return bad("there are several Host fields", manner)
    if not notes.hosts and version != "1.0":
        return bad("there is no Host field", manner)
    absolute = _ABSOLUTE.fullmatch(notes.target)
    authority = notes.hosts[0] if notes.hosts else (absolute[1] if absolute else b"")
    if not authority and not absolute:
        return Hello(name=None, scheme="http", consumed=size, manner=manner)
    found = _host(authority, manner)
    if isinstance(found, Refusal):
        return found
    if absolute and notes.hosts and found != _host(absolute[1], manner):
        return bad("the target names another host than the Host field", manner)
    return Hello(name=found[0], scheme="http", consumed=size, manner=manner)


def _host(authority: bytes, manner: Manner) -> tuple[names.Hostname, int] | Refusal:
    """The canonical name and the port (80 where none is said) of `uri-host [":" port]`."""
    if b"@" in authority:
        return bad("the host has user information", manner)
    literal = authority.startswith(b"[")
    host, _, port = (authority, b"", b"") if literal else authority.partition(b":")
    if port and not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
        return bad("the port of the host is not a port number", manner)
    name = names.canonical(host)
    if isinstance(name, names.BadName):
        return Refusal(reason=Reason.BAD_NAME, detail=name.why, name=shown(host), manner=manner)
    return name, int(port) if port else HTTP_PORT
