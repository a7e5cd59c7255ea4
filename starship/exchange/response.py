"""
An upstream's first octets -> the head of its response: read as strictly as a request's.

Part of `exchange`, floor 4, pure: no legs, no clock. llhttp (httptools) reads the head; what it is too kind about for
a proxy is refused here. What follows the head is not looked at.
Source: RFC 9112 sections 4, 6.1, 6.3 and 9.3; RFC 9110 sections 7.8, 8.6 and 15.
"""

from __future__ import annotations

import re
from typing import Final

import httptools
from attrs import define, field, frozen

from starship.exchange.plain import GLANCE, NO_CONTENT, NOT_MODIFIED, UPGRADE_REQUIRED, glance
from starship.framing import (
    CODING,
    CONNECTION,
    FIELDS_LIMIT,
    LENGTH,
    PLAIN_LINES,
    UPGRADE,
    Notes,
    Said,
    fault_of_line,
    options,
    sift,
    unclear,
)
from starship.hops import OF_RESPONSES
from starship.words import NEED_MORE, NeedMore, Response

INTERIM_LIMIT: Final = 16
"""Responses of 1xx before the one that counts."""

SWITCHING: Final = 101

_STATUS_LINE = rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*+))?\r\n"
_STATUS = re.compile(_STATUS_LINE)
_PLAIN = re.compile(_STATUS_LINE + PLAIN_LINES)
_ORDINARY = OF_RESPONSES | {b"close"}  # what Connection may name without another line being meant
_NONE: Final[list[bytes]] = []
_START = b"HTTP/1."
NO_STATUS: Final = "it does not begin with a status line of HTTP/1.0 or 1.1"


@frozen
class BadResponse:
    """Why an upstream's answer is not passed on, in our words."""

    detail: str


@define(eq=False)
class ResponseReader:
    """
    Reads the heads of the responses to one request, over any cut.

    `method` is the request's; `limit` bounds each head (octets) where it ends, `fields` their number; `upgrading`: the
    request offered another protocol, so that 101 may come. Each 1xx is given by itself: feed again, with what comes
    next or with nothing, for the one after it. After the last (101 is one) `rest` has the octets behind the head.
    """

    method: bytes
    limit: int
    fields: int = FIELDS_LIMIT
    upgrading: bool = False
    rest: bytes = field(default=b"", init=False)
    _head: bytearray = field(factory=bytearray, init=False)
    _line: int = field(default=0, init=False)  # where the current line begins
    _searched: int = field(default=0, init=False)
    _lines: int = field(default=0, init=False)
    _interim: int = field(default=0, init=False)

    def feed(self, data: bytes) -> NeedMore | Response | BadResponse:
        """
        Take the next octets, and say what is known so far.

        Shape: any split of the stream, empty pieces too. Not fed again after BadResponse or the last Response.
        Returns: NeedMore until a head is whole. BadResponse for HTTP/0.9, a version that is not HTTP/1.0 or 1.1, bare
        LF or CR, control octets, folded fields, several or wrong lengths, codings other than `chunked`, a length and
        a coding, a body announced where none may be (1xx, 204), 101 without an offer, a head that ends beyond the
        bounds, too many 1xx.
        Raises: nothing, whatever the octets. Cost: linear.
        """
        if self.rest:  # behind an interim response
            data, self.rest = self.rest + data, b""
        if not self._head and (found := _PLAIN.match(data, 0, self.limit)):
            whole = found[0]
            if whole.count(b"\n") - 2 <= self.fields:
                self.rest = data[len(whole) :]
                return self._read(whole)
        self._head += data
        return self._by_lines()

    def _by_lines(self) -> NeedMore | Response | BadResponse:
        head = self._head
        while (newline := head.find(b"\n", self._searched, self.limit)) >= 0:
            line = bytes(head[self._line : newline + 1])
            self._line = self._searched = newline + 1
            if line == b"\r\n" and self._lines:
                return self._cut(newline + 1)
            if why := self._wrong(line):
                return BadResponse(why)
            self._lines += 1
        self._searched = len(head)
        if not self._lines and not head.startswith(_START[: len(head)]):
            return BadResponse(NO_STATUS)
        return BadResponse(f"the head ends beyond {self.limit} octets") if len(head) >= self.limit else NEED_MORE

    def _wrong(self, line: bytes) -> str | None:
        if not self._lines and not line.startswith(_START):
            return NO_STATUS
        if why := fault_of_line(line):
            return why
        if not self._lines:
            return None if _STATUS.fullmatch(line) else NO_STATUS
        if line[0] in b" \t":
            return "a line begins with white space"
        return f"the head has more than {self.fields} fields" if self._lines > self.fields else None

    def _cut(self, end: int) -> Response | BadResponse:
        """The head ends here: what is behind it is no part of it."""
        head, self.rest = bytes(self._head[:end]), bytes(self._head[end:])
        self._head.clear()
        self._line = self._searched = self._lines = 0
        return self._read(head)

    def _read(self, head: bytes) -> Response | BadResponse:
        """Read a head whose lines are well."""
        plain = GLANCE.fullmatch(head)
        if plain is not None and (seen := glance(plain, self.method)) is not None:
            return seen
        found = _STATUS.match(head)
        if found is None:
            return BadResponse(NO_STATUS)
        notes = Notes()
        try:
            httptools.HttpResponseParser(notes).feed_data(head)
        except httptools.HttpParserUpgrade:
            pass  # 101: what follows is another protocol
        except httptools.HttpParserError as error:
            return BadResponse(f"not HTTP: {printable(str(error))}")
        if not notes.is_whole:
            return BadResponse("not one whole head")
        return self._understood(notes, int(found[2]), int(found[1]), found[3] or b"", len(head))

    def _understood(self, notes: Notes, status: int, minor: int, reason: bytes, size: int) -> Response | BadResponse:
        lines, said = sift(notes.fields, OF_RESPONSES)
        why = unclear(said, minor)
        if why is None and (status < 200 or status == NO_CONTENT):
            why = self._contradiction(said, status, minor)
        if why is not None:
            return BadResponse(why)
        connection = options(said[CONNECTION]) if CONNECTION in said else _NONE
        if not _ORDINARY.issuperset(connection):
            lines = sift(notes.fields, OF_RESPONSES.union(connection))[0]
        length = int(said[LENGTH][0]) if LENGTH in said else None
        chunked = CODING in said
        bodyless = self.method == b"HEAD" or status < 200 or status in (NO_CONTENT, NOT_MODIFIED)
        until_close = not bodyless and length is None and not chunked
        persists = b"close" not in connection and (bool(minor) or b"keep-alive" in connection)
        upgrade = b", ".join(said.get(UPGRADE, _NONE)) or None if status in (SWITCHING, UPGRADE_REQUIRED) else None
        return Response(
            status,
            reason,
            minor,
            lines,
            length,
            chunked,
            until_close,
            bodyless,
            until_close or not persists,
            upgrade,
            size,
        )

    def _contradiction(self, said: Said, status: int, minor: int) -> str | None:
        """What a response of this status, 1xx or 204, may not say."""
        if status == SWITCHING and not (self.upgrading and minor and any(said.get(UPGRADE, _NONE))):
            return "it switches protocols without an offer"
        if CODING in said or any(int(length) for length in said.get(LENGTH, _NONE)):
            return f"it announces a body, which {status} has not"
        if status >= 200:
            return None
        self._interim += 1
        if not minor:
            return "an interim response does not belong to HTTP/1.0"
        return "there are too many interim responses" if self._interim > INTERIM_LIMIT else None


def printable(text: str) -> str:
    """A parser's own words, as a log can bear them: ASCII, 100 characters."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:100])
