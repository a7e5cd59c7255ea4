"""
The first bytes of a plaintext connection -> request head -> Verdict: the `sniff` step of the HTTP door.

Part of `sniff`, floor 4, pure: no transport, no clock, no log. This module finds the end of the head and holds the
bound; sniff/head.py reads what is in it, once. A byte after the head is never looked at.
Source: RFC 9112 sections 2.1, 2.2, 3 and 5; RFC 9113 section 3.4.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import define, field
from zope.interface import implementer

from starship.framing import FIELDS_LIMIT, PLAIN_LINES, fault_of_line
from starship.interfaces import ISniffer
from starship.reasons import Reason
from starship.sniff.head import bad, read_head
from starship.sniff.manner import is_headless, manner_of
from starship.sniff.plain import GLANCE, read_plain
from starship.words import NEED_MORE, Manner, Refusal, Verdict

URI_TOO_LONG: Final = 414

EMPTY_LINES_LIMIT: Final = 128
"""Empty lines before a request. RFC 9112 section 2.2 asks for one; thousands would be read line by line for nothing."""

_TLS_FIRST = frozenset({0x16, 0x80, 0x81})  # a handshake record; the length of an SSL 2.0 hello
_REQUEST_LINE = rb"[A-Z][A-Z-]* [\x21-\x7e]+ HTTP/1\.[01]\r\n"
_REQUEST = re.compile(_REQUEST_LINE)
_PLAIN = re.compile(_REQUEST_LINE + PLAIN_LINES)


@implementer(ISniffer)
@define(eq=False)
class HttpSniffer:
    """
    Reads a request head of HTTP/1.0 or 1.1 over any cut.

    `limit` bounds the head (octets), with the empty lines before it, where it *ends*. Each line is judged once it is
    whole; the first fault in the order of the bytes is told. `Hello.consumed` counts the head with its empty line.

    Refusals:
    wrong_door: the first byte is of a TLS hello (`scheme` says tls).
    bad_head: no clear request of HTTP/1.0 or 1.1 (a bare LF or CR, a control byte, obs-fold, HTTP/0.9, HTTP/2's
    preface, Host, target or framing that two readers could read in two ways), or too many empty lines before it.
    bad_name: the host is no hostname, or an address.
    hello_too_big: the head ends beyond the limit; `code` 414 while the request line has not ended, else the row's 431;
    or it has more than `fields` fields, in the order of the bytes with the other faults.

    `is_kept`: the Hello has the whole request, for a door where each goes its own way.
    """

    _limit: int
    _fields: int = FIELDS_LIMIT
    _is_kept: bool = False
    _head: bytearray = field(factory=bytearray, init=False)
    _line: int = field(default=0, init=False)  # where the current line begins
    _searched: int = field(default=0, init=False)
    _asked: bool = field(default=False, init=False)  # the request line is past
    _counted: int = field(default=0, init=False)  # lines after it

    def feed(self, data: bytes) -> Verdict:
        """Take the next bytes; see ISniffer. Cost: linear in all bytes fed, whatever the cuts."""
        head = self._head
        if not head and (whole := self.glance(data)):
            return whole
        if data and not head and (fault := _first_byte(data[0])):
            return fault
        head += data[: self._limit - len(head)]
        while (newline := head.find(b"\n", self._searched)) >= 0:
            line = bytes(head[self._line : newline + 1])
            self._line = self._searched = newline + 1
            if line == b"\r\n" and self._asked:
                return read_head(bytes(head[: self._line]), is_kept=self._is_kept)
            if why := self._wrong(line):
                return bad(why, self._manner())
            if self._counted > self._fields:
                return self._too_many()
        self._searched = len(head)
        return self._too_big() if len(head) >= self._limit else NEED_MORE

    def glance(self, data: bytes) -> Verdict | None:
        """
        The verdict on a head that comes whole and plain in its first bytes, as nearly all do; None: feed it.

        Nothing is remembered, so that one sniffer may look at the first bytes of many.
        """
        found = GLANCE.match(data, 0, self._limit)
        if found is not None and found[0].count(b"\n") - 2 <= self._fields:
            seen = read_plain(found, is_kept=self._is_kept)
            if seen is not None:
                return seen
        found = _PLAIN.match(data, 0, self._limit)
        if found is None or found[0].count(b"\n") - 2 > self._fields:
            return None
        return read_head(found[0], is_kept=self._is_kept)

    def _wrong(self, line: bytes) -> str | None:
        if why := fault_of_line(line):
            return why
        if self._asked:
            self._counted += 1
            return "a line begins with white space" if line[0] in b" \t" else None
        if line == b"\r\n":  # RFC 9112 section 2.2: an empty line before the request is ignored
            too_many = self._searched > 2 * EMPTY_LINES_LIMIT
            return f"there are more than {EMPTY_LINES_LIMIT} empty lines before the request" if too_many else None
        self._asked = True
        return None if _REQUEST.fullmatch(line) else _no_request(line)

    def _manner(self) -> Manner:
        return manner_of(is_headless(self._head[: self._line]))

    def _too_big(self) -> Refusal:
        part, code = ("head", None) if self._asked else ("request line", URI_TOO_LONG)
        return Refusal(
            reason=Reason.HELLO_TOO_BIG,
            detail=f"the {part} ends beyond {self._limit} octets",
            code=code,
            manner=manner_of(is_headless(self._head)),
        )

    def _too_many(self) -> Refusal:
        return Refusal(
            reason=Reason.HELLO_TOO_BIG,
            detail=f"the head has more than {self._fields} fields",
            manner=self._manner(),
        )


def _first_byte(first: int) -> Refusal | None:
    if first in _TLS_FIRST:
        return Refusal(reason=Reason.WRONG_DOOR, detail="the first byte is of a TLS hello", scheme="tls")
    if first == 0x0D or 0x41 <= first <= 0x5A:  # every method that is known begins with a capital letter
        return None
    return bad(f"byte {first} begins no HTTP request", Manner())


def _no_request(line: bytes) -> str:
    if line == b"PRI * HTTP/2.0\r\n":
        return "HTTP/2 with prior knowledge is not served here"
    version = re.search(rb" HTTP/([0-9])\.([0-9])\r\n$", line)
    if version:
        served = version[0][6:-2] in (b"1.0", b"1.1")
        return (
            "the request line has a byte that does not belong there" if served else "only HTTP/1.0 and 1.1 are served"
        )
    return "the request line does not end in a version of HTTP"
