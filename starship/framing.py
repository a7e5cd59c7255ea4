"""
The rules of HTTP/1 framing that hold in both directions: where a head ends, what its lines may be, how long a body is.

Floor 1, pure: it knows neither requests nor responses, and imports nothing of the house. sniff reads requests by these
rules, exchange responses; both give the head to llhttp and refuse here what it is too kind about.
Source: RFC 9112 sections 2.2, 5, 6 and 7; RFC 9110 sections 5.6.2, 7.6.1 and 8.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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

Said = dict[bytes, list[bytes]]
"""The values of fields by their names in lower case, in the order of the bytes."""

_FIELD = re.compile(rb"([^:\r\n]++): ([^\r\n]*+)\r\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LENGTH = re.compile(rb"[0-9]{1,18}")


def fault_of_line(line: bytes) -> str | None:
    """What is wrong with a line that ends in LF, in our words; None: nothing. Whether it is folded is not looked at."""
    if not line.endswith(b"\r\n"):
        return "a line ends in LF alone"
    if line.find(b"\r") != len(line) - 2:
        return "a line has a bare CR"
    return "a line has a control byte" if _CONTROL.search(line) else None


class Judge:
    """
    Whom llhttp tells of a head that is read already: `is_whole`, to be looked at at once, and nothing else.

    What llhttp refuses is refused all the same. Some heads it neither refuses nor finishes (of a method PRI).
    """

    __slots__ = ("is_whole",)

    on_message_begin = on_url = on_status = on_header = on_body = on_message_complete = None
    on_chunk_header = on_chunk_complete = None

    def __init__(self) -> None:
        self.is_whole = False

    def on_headers_complete(self) -> None:
        self.is_whole = True


JUDGE: Final = Judge()
"""One for all: a head is judged in one go."""


@define(eq=False)
class Notes:
    """What llhttp calls out of a head: its fields without white space around, its target, and that it is whole."""

    fields: list[tuple[bytes, bytes]] = field(factory=list)
    target: bytes = b""
    is_whole: bool = False

    def on_url(self, piece: bytes) -> None:
        self.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.is_whole = True


def spelled(words: Iterable[bytes]) -> bytes:
    """A regular expression of words (lower case) in either case: a tree, so that most of them are not even tried."""
    tails: dict[bytes, list[bytes]] = {}
    for word in words:
        tails.setdefault(word[:1], []).append(word[1:])
    is_end = tails.pop(b"", None) is not None
    branches = [
        (b"[%b%b]" % (head.upper(), head) if head.isalpha() else re.escape(head)) + spelled(tails[head])
        for head in sorted(tails)
    ]
    if not branches:
        return b""
    return b"(?:%b)%b" % (b"|".join(branches), b"?" if is_end else b"")


def lines_but(names: Iterable[bytes]) -> bytes:
    """
    A regular expression, one group: field lines that are written just as we write them, and are not of these names.

    `Name: value` and CRLF: a token, no control octet, nothing folded, no white space to spare, no empty value; and no
    underscore in the name, which some servers take for a hyphen. So such lines may go out as they came: to write them
    anew from what was understood of them would give the same octets.
    """
    return (
        rb"((?:(?!" + spelled(names) + rb":)[!#$%&'*+.^`|~0-9A-Za-z-]++: "
        rb"[!-~\x80-\xff][\t -~\x80-\xff]*+(?<![\t ])\r\n)*+)"
    )


def sift(fields: list[tuple[bytes, bytes]], names: frozenset[bytes]) -> tuple[bytes, Said]:
    """Part the fields of a head: the lines of those that are not of these `names`, and what those say that are."""
    said: Said = {}
    lines = []
    for name, value in fields:
        key = name.lower()
        if key not in names:
            lines.append(b"%b: %b\r\n" % (name, value))
        elif key in said:
            said[key].append(value)
        else:
            said[key] = [value]
    return b"".join(lines), said


def fields_of(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Name and value of each line of a head that was understood."""
    return _FIELD.findall(lines)


def unclear(said: Said, minor: int) -> str | None:
    """
    Say why two readers could disagree about where the body ends, in our words; None: they cannot.

    Clear are one Content-Length of digits, or a Transfer-Encoding of `chunked` alone in HTTP/1.1, or neither.
    """
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
