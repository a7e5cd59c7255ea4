"""
The request head that nearly all clients send, read at one glance: one regular expression finds all of it.

Part of `sniff`, floor 4, pure. Whatever is not just so is for head.py, which has llhttp call out each field. Both read
the same in a head, which a test holds them to; llhttp is the judge here too.
"""

from __future__ import annotations

import re
from typing import Final

import httptools

from starship.framing import JUDGE, lines_but, spelled
from starship.hops import OF_REQUESTS, REQUEST_ID, SPOOFED
from starship.names import canonical
from starship.sniff.manner import manner_for
from starship.words import Hello, Request

_OTHERS = lines_but(OF_REQUESTS | {b"expect"})
_SLOT = rb"(?:[Cc]onnection: ([Kk]eep-[Aa]live|close)|[Cc]ontent-[Ll]ength: ([0-9]{1,18}))\r\n"
GLANCE: Final = re.compile(
    rb"(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) (/[!\"$-~]*+) HTTP/1\.1\r\n"
    + _OTHERS
    + rb"[Hh]ost: (([0-9A-Za-z._-]++)(?::([1-9][0-9]{0,4}))?)\r\n"
    + _OTHERS
    + rb"(?:%b%b(?:%b%b)?)?\r\n" % (_SLOT, _OTHERS, _SLOT, _OTHERS)
)
"""
A head of HTTP/1.1 with a path, a Host, perhaps Connection and Content-Length in their usual words, and no other fields
but such as pass on as they are.
"""

CLAIMED: Final = re.compile(rb"\n" + spelled(SPOOFED | {REQUEST_ID}) + rb":")
"""A line that may not be everybody's to send."""

PORTS: Final = 65536
_KEPT = (b"keep-alive",)
_CLOSED = (b"close",)


def read_plain(found: re.Match[bytes], *, is_kept: bool = False) -> Hello | None:
    """
    Read the head that GLANCE has `found`. `is_kept`: the Hello has the whole request. None: it takes a closer look.

    What is left of the lines is as if written anew from what was understood: see `lines_but`.
    """
    method, target, before, authority, host, port, lines, kept, size, behind, kept_too, size_too, last = found.groups()
    if behind is not None:
        if last is not None:
            if (kept is None) is (kept_too is None):
                return None  # one of them twice
            kept, size, behind = kept or kept_too, size or size_too, behind + last
        lines += behind
    if before:
        lines = before + lines
    name = canonical(host)
    head = found[0]
    if not isinstance(name, str) or (port is not None and int(port) >= PORTS):
        return None
    JUDGE.is_whole = False
    try:
        httptools.HttpRequestParser(JUDGE).feed_data(head)
    except httptools.HttpParserError:
        return None
    if not JUDGE.is_whole:
        return None
    request = None
    if is_kept:
        request = Request(
            method,
            target,
            target.partition(b"?")[0].decode("ascii"),
            1,
            lines,
            None if size is None else int(size),
            False,
            kept == b"close",
            None,
            False,
            authority,
            () if kept is None else _CLOSED if kept == b"close" else _KEPT,
            CLAIMED.search(head) is None,
        )
    return Hello(name, "http", len(head), (), False, manner_for(method, lines), request)
