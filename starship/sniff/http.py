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

from starship.interfaces import ISniffer
from starship.reasons import Reason
from starship.sniff.head import bad, is_headless, read_head
from starship.words import NEED_MORE, Manner, Refusal, Verdict

URI_TOO_LONG: Final = 414

_TLS_FIRST = frozenset({0x16, 0x80, 0x81})  # a handshake record; the length of an SSL 2.0 hello
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_REQUEST = re.compile(rb"[A-Z-]+ [\x21-\x7e]+ HTTP/1\.[01]\r\n")


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
    preface, Host, target or framing that two readers could read in two ways).
    bad_name: the host is no hostname, or an address.
    hello_too_big: the head ends beyond the limit; `code` 414 while the request line has not ended, else the row's 431.
    """

    _limit: int
    _head: bytearray = field(factory=bytearray, init=False)
    _line: int = field(default=0, init=False)  # where the current line begins
    _searched: int = field(default=0, init=False)
    _asked: bool = field(default=False, init=False)  # the request line is past

    def feed(self, data: bytes) -> Verdict:
        """Take the next bytes; see ISniffer. Cost: linear in all bytes fed, whatever the cuts."""
        head = self._head
        if data and not head and (fault := _first_byte(data[0])):
            return fault
        head += data[: self._limit - len(head)]
        while (newline := head.find(b"\n", self._searched)) >= 0:
            line = bytes(head[self._line : newline + 1])
            self._line = self._searched = newline + 1
            if line == b"\r\n" and self._asked:
                return read_head(bytes(head[: self._line]))
            if why := self._wrong(line):
                return bad(why, self._manner())
        self._searched = len(head)
        return self._too_big() if len(head) >= self._limit else NEED_MORE

    def _wrong(self, line: bytes) -> str | None:
        if not line.endswith(b"\r\n"):
            return "a line ends in LF alone"
        if line.find(b"\r") != len(line) - 2:
            return "a line has a bare CR"
        if _CONTROL.search(line):
            return "a line has a control byte"
        if self._asked:
            return "a line begins with white space" if line[0] in b" \t" else None
        if line == b"\r\n":
            return None  # RFC 9112 section 2.2: an empty line before the request is ignored
        self._asked = True
        return None if _REQUEST.fullmatch(line) else _no_request(line)

    def _manner(self) -> Manner:
        return Manner(bodyless=is_headless(self._head[: self._line]))

    def _too_big(self) -> Refusal:
        part, code = ("head", None) if self._asked else ("request line", URI_TOO_LONG)
        return Refusal(
            reason=Reason.HELLO_TOO_BIG,
            detail=f"the {part} ends beyond {self._limit} octets",
            code=code,
            manner=Manner(bodyless=is_headless(self._head)),
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
