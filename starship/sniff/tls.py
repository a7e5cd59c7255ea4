"""
TLS records -> handshake bytes -> Verdict: the `sniff` step of the TLS door.

Part of `sniff`, floor 4, pure: no transport, no clock, no log. What is inside the hello is read by
sniff/clienthello.py, or at once in sniff/glance.py; this module takes the records off and holds the bound.
Source: RFC 8446 section 5.1, RFC 5246 section 6.2.1.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field
from zope.interface import implementer

from starship.interfaces import ISniffer
from starship.reasons import Reason
from starship.sniff.clienthello import BODY_MIN_OCTETS, HEADER_OCTETS, UNEXPECTED_MESSAGE, HelloReader
from starship.sniff.glance import glance
from starship.words import NEED_MORE, Refusal, Verdict

RECORD_HEADER_OCTETS: Final = 5
RECORD_MAX_OCTETS: Final = 2**14

_RECORD_OVERFLOW = 22
_PROTOCOL_VERSION = 70
_HANDSHAKE = 22
_OTHER_TYPES = frozenset({20, 21, 23, 24})  # change_cipher_spec, alert, application_data, heartbeat
_MAJOR = 3


@implementer(ISniffer)
class TlsSniffer:
    """
    Reads a ClientHello over any cut into segments and records.

    `limit` bounds the raw bytes of the hello, record headers included (octets), where it *ends*: as soon as the
    declared lengths say that the end lies beyond, it is refused. `Hello.consumed` is the raw length of the hello:
    it ends where its last record ends, since a record that goes on after the hello is refused (RFC 8446
    section 5.1: a ClientHello ends on a record boundary, alert unexpected_message). Nothing after it is looked at.

    Refusals, first fault in the order of the bytes:
    wrong_door: the first byte is a letter, so an HTTP method (`scheme` says http).
    bad_hello: no hello; `code` 50 decode_error (lengths, no TLS at all), 47 illegal_parameter (an extension or name
    type twice), 10 unexpected_message (other record or message types, empty records, a record beyond the hello),
    22 record_overflow, 70 protocol_version (not TLS 3.x).
    bad_name: the host_name is no hostname.
    hello_too_big: the hello ends beyond the limit.
    """

    __slots__ = ("_limit", "_records")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._records: _Records | None = None

    def feed(self, data: bytes) -> Verdict:
        """Take the next bytes; see ISniffer. Cost: linear in all bytes fed, whatever the cuts."""
        records = self._records
        if records is None:
            hello = glance(data, self._limit)
            if hello is not None:
                return hello
            records = self._records = _Records(self._limit)
        return records.feed(data)


@define(eq=False)
class _Records:
    """Takes the records off a hello that comes in pieces, or has a fault."""

    _limit: int
    _header: bytearray = field(factory=bytearray, init=False)  # of the record that begins, while it is incomplete
    _left: int = field(default=0, init=False)  # octets that the current record still has
    _raw: int = field(default=0, init=False)
    _message: bytearray = field(factory=bytearray, init=False)
    _reader: HelloReader = field(init=False)

    @_reader.default
    def _read_message(self) -> HelloReader:
        return HelloReader(self._message)

    def feed(self, data: bytes) -> Verdict:
        """Take the next bytes."""
        at, size = 0, len(data)
        while at < size:
            if not self._left:
                piece = data[at : at + RECORD_HEADER_OCTETS - len(self._header)]
                at += len(piece)
                if fault := self._open_record(piece):
                    return fault
                continue
            piece = data[at : at + self._left]
            at += len(piece)
            verdict = self._take(piece)
            if verdict is not NEED_MORE:
                return verdict
        return NEED_MORE

    def _open_record(self, piece: bytes) -> Refusal | None:
        header = self._header
        header += piece
        if header[0] != _HANDSHAKE:
            return self._no_handshake(header[0])
        if len(header) > 1 and header[1] != _MAJOR:
            return _bad(f"record version {header[1]}.x is not TLS", _PROTOCOL_VERSION)
        if len(header) < RECORD_HEADER_OCTETS:
            return None
        length = header[3] << 8 | header[4]
        if not length:
            return _bad("a handshake record is empty", UNEXPECTED_MESSAGE)
        if length > RECORD_MAX_OCTETS:
            return _bad("a record is longer than 16384 octets", _RECORD_OVERFLOW)
        header.clear()
        self._raw += RECORD_HEADER_OCTETS
        self._left = length
        return self._measure()

    def _take(self, piece: bytes) -> Verdict:
        message, reader = self._message, self._reader
        if not reader.end:  # the header first: what it declares is judged before anything after it
            piece, rest = piece[: HEADER_OCTETS - len(message)], piece[HEADER_OCTETS - len(message) :]
            if fault := self._append(piece):
                return fault
            if reader.end and (fault := self._measure()):
                return fault
            piece = rest
        if piece and (fault := self._append(piece)):
            return fault
        if reader.is_whole:
            return reader.hello(self._raw)
        reader.let_go(message)
        return NEED_MORE

    def _append(self, piece: bytes) -> Refusal | None:
        self._message += piece
        self._raw += len(piece)
        self._left -= len(piece)
        return self._reader.advance()

    def _measure(self) -> Refusal | None:
        """Compare what is declared: where the hello ends, at the earliest, and where its record ends."""
        known = self._reader.end
        need = (known or HEADER_OCTETS + BODY_MIN_OCTETS) - self._reader.have
        if known and self._left > need:
            return _bad("a record goes on after the hello", UNEXPECTED_MESSAGE)
        later = -((self._left - need) // RECORD_MAX_OCTETS) if need > self._left else 0
        if self._raw + need + later * RECORD_HEADER_OCTETS > self._limit:
            return Refusal(reason=Reason.HELLO_TOO_BIG, detail=f"the hello ends beyond {self._limit} octets")
        return None

    def _no_handshake(self, first: int) -> Refusal:
        if self._raw or first in _OTHER_TYPES:
            return _bad(f"record type {first} where a handshake record belongs", UNEXPECTED_MESSAGE)
        if chr(first).isalpha() and first < 0x80:
            return Refusal(reason=Reason.WRONG_DOOR, detail="the first byte is of an HTTP request", scheme="http")
        if first >= 0x80:
            return _bad(f"byte {first} begins no TLS record, perhaps an SSL 2.0 hello")
        return _bad(f"byte {first} begins no TLS record")


def _bad(detail: str, code: int | None = None) -> Refusal:
    return Refusal(reason=Reason.BAD_HELLO, detail=detail, code=code)
