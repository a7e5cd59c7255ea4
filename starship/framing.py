"""
The rules of HTTP/1 framing that hold in both directions: where a head ends, what its lines may be, how long a body is.

Floor 1, pure: it knows neither requests nor responses, and imports nothing of the house. sniff reads requests by these
rules, exchange responses; both give the head to llhttp and refuse here what it is too kind about.
Source: RFC 9112 sections 2.2, 5, 6 and 7; RFC 9110 sections 5.6.2, 7.6.1 and 8.6.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import define, field

FIELDS_LIMIT: Final = 1024
"""Fields of a head where nobody says otherwise."""

PLAIN_LINES: Final = rb"(?:[!-~][\t -~\x80-\xff]*+\r\n)*+\r\n"
"""
A regular expression of field lines as nearly all heads have them, to their empty line: each ended by CRLF, with no
control octet, none folded. A quick look at a head that came whole; `fault_of_line` tells what is wrong with another.
"""

LENGTH: Final = b"content-length"
CODING: Final = b"transfer-encoding"
CONNECTION: Final = b"connection"
UPGRADE: Final = b"upgrade"

_NONE: Final[list[bytes]] = []
_FIELD = re.compile(rb"^([!#$%&'*+.^_`|~0-9A-Za-z-]++):[\t ]*+([^\r\n]*+)\r\n", re.MULTILINE)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LENGTH = re.compile(rb"[0-9]{1,18}")


def fault_of_line(line: bytes) -> str | None:
    """What is wrong with a line that ends in LF, in our words; None: nothing. Whether it is folded is not looked at."""
    if not line.endswith(b"\r\n"):
        return "a line ends in LF alone"
    if line.find(b"\r") != len(line) - 2:
        return "a line has a bare CR"
    return "a line has a control byte" if _CONTROL.search(line) else None


@define(eq=False)
class Noted:
    """
    What is known of a head: values in the order of the bytes, without white space around.

    `fields` holds all of them where the head is kept; `said` the values of those that decide, by their names in lower
    case. The target, and whether it is one whole head, is what llhttp calls out.
    """

    fields: list[tuple[bytes, bytes]]
    said: dict[bytes, list[bytes]]
    is_whole: bool = False
    target: bytes = b""

    # What llhttp calls

    def on_url(self, piece: bytes) -> None:
        self.target += piece

    def on_headers_complete(self) -> None:
        self.is_whole = True

    def of(self, key: bytes) -> list[bytes]:
        """All values of a deciding field; not to be changed."""
        return self.said.get(key, _NONE)


@define(eq=False)
class Notes(Noted):
    """The fields as llhttp calls them out: those that are `deciding`, and all where the head `is_kept`."""

    fields: list[tuple[bytes, bytes]] = field(factory=list, kw_only=True)
    said: dict[bytes, list[bytes]] = field(factory=dict, kw_only=True)
    is_whole: bool = field(default=False, kw_only=True)
    target: bytes = field(default=b"", kw_only=True)
    deciding: frozenset[bytes]
    is_kept: bool = True

    def on_header(self, name: bytes, value: bytes) -> None:
        value = value.strip(b" \t")
        if self.is_kept:
            self.fields.append((name, value))
        key = name.lower()
        if key in self.deciding:
            self.said.setdefault(key, []).append(value)


def noted(head: bytes, deciding: frozenset[bytes], *, is_kept: bool = True) -> Noted:
    """
    What to give llhttp to write into: with the fields there already, where all of them can be read at one glance.

    Shape: a whole head, from its first line to the empty one, each line ended by CRLF. llhttp judges all of it in any
    case; where a name is no token, or a value has white space behind it, the fields are taken from it as well.
    """
    fields = _FIELD.findall(head)
    if len(fields) != head.count(b"\n") - 2 or b" \r\n" in head or b"\t\r\n" in head:
        return Notes(deciding, is_kept)
    said: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        key = name.lower()
        if key in deciding:
            if key in said:
                said[key].append(value)
            else:
                said[key] = [value]
    return Noted(fields if is_kept else [], said)


def unclear(notes: Noted, minor: int) -> str | None:
    """
    Say why two readers could disagree about where the body ends, in our words; None: they cannot.

    Clear are one Content-Length of digits, or a Transfer-Encoding of `chunked` alone in HTTP/1.1, or neither.
    """
    said = notes.said
    lengths, codings = said.get(LENGTH), said.get(CODING)
    if lengths:
        if len(lengths) > 1:
            return "there are several Content-Length fields"
        if not _LENGTH.fullmatch(lengths[0]):
            return "the Content-Length is not a number"
    if not codings:
        return None
    if not minor:
        return "Transfer-Encoding does not belong to HTTP/1.0"
    if lengths:
        return "there are Content-Length and Transfer-Encoding"
    if [coding.lower() for coding in codings] != [b"chunked"]:
        return "the Transfer-Encoding is not chunked"
    return None


def options(values: list[bytes]) -> list[bytes]:
    """The members of a field's comma-separated values, in lower case, without empty ones."""
    if len(values) == 1 and b"," not in values[0]:
        return [values[0].lower()] if values[0] else []
    if not values:
        return []
    members = (member.strip(b" \t") for member in b",".join(values).lower().split(b","))
    return [member for member in members if member]
