"""
A second opinion on a first flight: whom does a plain reader find in the whole bytes?

Independent of the sniffers on purpose: it slices, it does not scan; it knows no cuts, no bound and no alerts. Whatever
it cannot read raises, and `Unreadable` is the answer of `name_in`.
"""

from __future__ import annotations

import re


class Unreadable(Exception):
    """The flight says nothing clear."""


def name_in(scheme: str, flight: bytes) -> str | None:
    """The one name that a flight asks for, None where it names nobody. Raises: Unreadable."""
    try:
        return _name_in_tls(flight) if scheme == "tls" else _name_in_http(flight)
    except (IndexError, ValueError) as error:
        raise Unreadable(str(error)) from error


def _name_in_tls(flight: bytes) -> str | None:
    message = b""
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4], "big"):
        kind, size = flight[0], int.from_bytes(_take(flight, 3, 2), "big")
        _insist(kind == 22 and size > 0)
        message += _take(flight, 5, size)
        flight = flight[5 + size :]
    _insist(message[0] == 1 and len(message) == 4 + int.from_bytes(message[1:4], "big"))
    rest = message[4 + 34 :]
    for width in (1, 2, 1):
        rest = _after(rest, width)
    if not rest:
        return None
    _insist(len(rest) == 2 + int.from_bytes(rest[:2], "big"))
    contents = [content for kind, content in _extensions(rest[2:]) if kind == 0]
    _insist(len(contents) <= 1)
    return _host_name(contents[0]) if contents else None


def _extensions(block: bytes) -> list[tuple[int, bytes]]:
    found = []
    while block:
        size = int.from_bytes(_take(block, 2, 2), "big")
        found.append((int.from_bytes(block[:2], "big"), _take(block, 4, size)))
        block = block[4 + size :]
    return found


def _host_name(content: bytes) -> str | None:
    names = []
    _insist(len(content) == 2 + int.from_bytes(content[:2], "big"))
    content = content[2:]
    while content:
        size = int.from_bytes(_take(content, 1, 2), "big")
        if content[0] == 0:
            names.append(_take(content, 3, size))
        content = content[3 + size :]
    _insist(len(names) <= 1)
    return _plain(names[0]) if names else None


def _name_in_http(flight: bytes) -> str | None:
    head, end, _ = flight.partition(b"\r\n\r\n")
    while not head and end:  # empty lines before the request
        head, end, _ = flight.lstrip(b"\r\n").partition(b"\r\n\r\n")
    _insist(bool(end))
    request, *fields = head.lstrip(b"\r\n").split(b"\r\n")
    _, target, version = request.split(b" ")
    _insist(version in (b"HTTP/1.0", b"HTTP/1.1"))
    hosts = [field.split(b":", 1)[1].strip() for field in fields if field.lower().startswith(b"host:")]
    _insist(len(hosts) <= 1)
    absolute = re.match(rb"(?i)http://([^/?#]*)", target)
    asked = absolute[1] if absolute else hosts[0] if hosts else b""
    if absolute and hosts:
        _insist(_without_port(absolute[1]) == _without_port(hosts[0]))
    return _without_port(asked) or None


def _without_port(authority: bytes) -> str:
    return _plain(authority.split(b":")[0])


def _plain(name: bytes) -> str:
    text = name.decode("ascii").lower()
    return text[:-1] if text.endswith(".") else text


def _after(data: bytes, width: int) -> bytes:
    size = int.from_bytes(_take(data, 0, width), "big")
    _take(data, width, size)
    return data[width + size :]


def _take(data: bytes, at: int, size: int) -> bytes:
    piece = data[at : at + size]
    _insist(len(piece) == size)
    return piece


def _insist(fact: bool) -> None:
    if not fact:
        raise ValueError("not so")
