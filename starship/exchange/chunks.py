"""
A body in chunks -> its octets and its trailers: the framing that an exchange takes off, and written.py puts on anew.

Part of `exchange`, floor 4, pure: no legs, no clock. Decoded by our own strict reader, since a proxy must know exactly
which octet is the message's last: httptools (llhttp) says how far it has read only where it fails or upgrades, and goes
on into the next message by itself; h11 tells, but lets white space and bare LF pass, and takes longer for a chunk than
all of this; llhttp through cffi would be a second build of it in one process.
Source: RFC 9112 section 7.1; RFC 9110 section 6.5.1.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, assert_never

from attrs import define, field, frozen

from starship.framing import fault_of_line
from starship.hops import OF_REQUESTS, OF_RESPONSES, REQUEST_ID, SPOOFED
from starship.words import Field

LINE_LIMIT_OCTETS: Final = 256
"""A chunk's size with its extensions (which are read over) and the CRLF."""

TRAILERS_LIMIT_OCTETS: Final = 8192
TRAILERS_LIMIT: Final = 100

FORBIDDEN: Final = (
    OF_REQUESTS
    | OF_RESPONSES
    | SPOOFED
    | {REQUEST_ID}
    | frozenset(
        b"""
        authorization www-authenticate cookie set-cookie via trailer expect max-forwards range
        cache-control pragma expires date age vary warning location retry-after
        content-encoding content-type content-range content-location
        if-match if-none-match if-modified-since if-unmodified-since if-range
        """.split()
    )
)
"""Trailers that mean something before a body is read: they are not passed on."""

_WHOLE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]{0,238})?\r\n")
"""The line of a chunk's size, within its bound: the quick way where all of the chunk is here."""

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)\r\n")


class _Next(Enum):
    """What the next line is."""

    SIZE = 0
    END = 1  # of a chunk: nothing but CRLF
    TRAILER = 2


_LIMITS: Final = {_Next.SIZE: LINE_LIMIT_OCTETS, _Next.END: 2, _Next.TRAILER: TRAILERS_LIMIT_OCTETS}


@frozen
class Piece:
    """
    What came of a body: `data` (octets of it, perhaps none).

    `done` says that the message is over, with its `trailers` (those that may be passed on) and what was fed beyond its
    last octet in `rest`.
    """

    data: bytes
    done: bool = False
    trailers: tuple[Field, ...] = ()
    rest: bytes = b""


@frozen
class BadChunks:
    """Why this is no clear body in chunks, in our words. What came of the body before is in `data`."""

    detail: str
    data: bytes = b""


@define(eq=False)
class ChunkReader:
    """
    Reads a body in chunks over any cut, strictly: hexadecimal sizes without white space, CRLF alone, no folded trailer.

    Extensions are dropped, as are trailers that may not be passed on. Bounded: 15 digits of size, a line of 256 octets,
    8 KiB and 100 fields of trailers; what it holds is never more than one line and the trailers.
    """

    _next: _Next = field(default=_Next.SIZE, init=False)
    _held: bytearray = field(factory=bytearray, init=False)  # a line that is not whole
    _left: int = field(default=0, init=False)  # octets that the current chunk still has
    _trailers: list[Field] = field(factory=list, init=False)
    _trailed: int = field(default=0, init=False)  # octets of trailers, those that are dropped too
    lately: int = field(default=0, init=False)  # chunks, or parts of them, in what was fed last

    def feed(self, data: bytes) -> Piece | BadChunks:
        """
        Take the next octets of the body, and say what came of them.

        Shape: any split of the stream, empty pieces too. Not fed again after `done` or BadChunks.
        Returns: the same octets, trailers and rest in all, whatever the cuts.
        Raises: nothing, whatever the octets. Cost: linear.
        """
        pieces: list[bytes] = []
        found = self._feed(data, pieces)
        self.lately = len(pieces)
        return found

    # Inside

    def _feed(self, data: bytes, pieces: list[bytes]) -> Piece | BadChunks:
        at = 0
        while at < len(data):
            if self._left:
                pieces.append(data[at : at + self._left])
                self._left -= len(pieces[-1])
                at += len(pieces[-1])
                continue
            if self._next is _Next.SIZE and not self._held:
                at = _whole_chunks(data, at, pieces)
            line, at = self._line(data, at)
            if line is None:
                break
            why = self._take(line)
            if why:
                return BadChunks(why, b"".join(pieces))
            if why is None:
                return Piece(b"".join(pieces), done=True, trailers=tuple(self._trailers), rest=data[at:])
        return Piece(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def _line(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """The next line and where it ends in `data`; as much of it as the bound lets pass where it has no end."""
        limit = _LIMITS[self._next] - len(self._held)
        newline = data.find(b"\n", at, at + limit)
        end = newline + 1 if newline >= 0 else min(at + limit, len(data))
        if newline >= 0 and not self._held:
            return data[at:end], end
        self._held += data[at:end]
        if newline < 0 and end < at + limit:
            return None, end
        line = bytes(self._held)
        self._held.clear()
        return line, end

    def _take(self, line: bytes) -> str | None:
        """Take a line: what is wrong with it, or nothing (empty); None when it is the last one of the message."""
        match self._next:
            case _Next.SIZE:
                return self._size(line)
            case _Next.END:
                self._next = _Next.SIZE
                return "" if line == b"\r\n" else "a chunk does not end where its size says"
            case _Next.TRAILER:
                return None if line == b"\r\n" else self._trailer(line)
            case _:
                assert_never(self._next)

    def _size(self, line: bytes) -> str:
        found = _SIZE.fullmatch(line)
        if not found:
            return "the size of a chunk cannot be read"
        self._left = int(found[1], 16)
        self._next = _Next.END if self._left else _Next.TRAILER
        return ""

    def _trailer(self, line: bytes) -> str:
        self._trailed += len(line)
        if self._trailed > TRAILERS_LIMIT_OCTETS or len(self._trailers) >= TRAILERS_LIMIT:
            return "there are too many trailers"
        found = _TRAILER.fullmatch(line)
        if fault_of_line(line) or not found:
            return "a trailer is no field"
        if found[1].lower().replace(b"_", b"-") not in FORBIDDEN:
            self._trailers.append((found[1], found[2].strip(b" \t")))
        return ""


def _whole_chunks(data: bytes, at: int, pieces: list[bytes]) -> int:
    """Take the chunks that are here from their first octet to their last. Returns where the next line begins."""
    while found := _WHOLE.match(data, at):
        begin = found.end()
        end = begin + int(found[1], 16)
        if begin == end or not data.startswith(b"\r\n", end):
            break  # the last one, or cut, or bad: step by step
        pieces.append(data[begin:end])
        at = end + 2
    return at
