"""
How the one who sent a request head wants to be refused: with a body or without, as a page or as JSON.

Part of `sniff`, floor 4, pure: knows the head's first word and its Accept fields.
Source: RFC 9110 sections 9.3.2 and 12.5.1.
"""

from __future__ import annotations

import re
from typing import Final

from starship.framing import fields_of
from starship.words import Manner

ACCEPT_READ_OCTETS: Final = 1024

ACCEPT: Final = b"accept"

_MANNERS = {(bare, json): Manner(bodyless=bare, json=json) for bare in (False, True) for json in (False, True)}
_USUAL = _MANNERS[False, False]
_HEADLESS = _MANNERS[True, False]
_QUALITY = re.compile(rb";\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)", re.IGNORECASE)


def manner_for(method: bytes, lines: bytes) -> Manner:
    """How to refuse a request of this method, with these lines of fields (those of others than Accept do not count)."""
    if b"json" in lines.lower():
        accepts = [value for name, value in fields_of(lines) if name.lower() == ACCEPT]
        return _MANNERS[method == b"HEAD", prefers_json(accepts)]
    return _HEADLESS if method == b"HEAD" else _USUAL


def manner_of(bodyless: bool) -> Manner:
    """How to refuse who did not say more: one of four values that are made once."""
    return _HEADLESS if bodyless else _USUAL


def is_headless(head: bytes | bytearray) -> bool:
    """Whether this head, or its beginning, is of a HEAD request: its answer has no body."""
    return head.lstrip(b"\r\n").startswith(b"HEAD ")


def prefers_json(accepts: list[bytes]) -> bool:
    """
    Say whether a page should be JSON: application/json is named, with a higher quality than text/html.

    Shape: the values of the Accept fields, of which the first KiB is read. Wildcards name neither, so a client that
    takes anything gets the page; equal quality, the page too.
    """
    said = (accepts[0] if len(accepts) == 1 else b",".join(accepts))[:ACCEPT_READ_OCTETS].lower()
    if b"application/json" not in said:
        return False
    quality = {b"application/json": 0.0, b"text/html": 0.0}
    for item in said.split(b","):
        kind = item.partition(b";")[0].strip()
        if kind in quality:
            found = _QUALITY.search(item)
            quality[kind] = float(found[1]) if found else 1.0
    return quality[b"application/json"] > quality[b"text/html"]
