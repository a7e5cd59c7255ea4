"""
Hostnames: one canonical spelling, or a reason why not.

Floor 1: the cache key, the log, the API and both doors see this spelling and no other.
"""

from __future__ import annotations

import re
from typing import Final, NewType

import idna
from attrs import frozen

Hostname = NewType("Hostname", str)
"""Lower case, A-labels, no final dot, 1 to 253 octets, labels of 1 to 63 from `a-z 0-9 - _`, not an address."""

NAME_LIMIT_OCTETS: Final = 253
LABEL_LIMIT_OCTETS: Final = 63

KNOWN_LIMIT: Final = 4096
"""Spellings that are remembered. All are forgotten when it is reached: a flood of names costs what it did before."""

_CANONICAL = re.compile(rb"(?:[a-z0-9_-]{1,63}\.)*(?![0-9]+$|0x[0-9a-f]*$)[a-z0-9_-]{1,63}")
_known: dict[bytes, Hostname] = {}  # as they were sent; what is asked for again and again is spelled once
_LABEL_BYTES = re.compile(rb"[a-z0-9_-]*")


@frozen
class BadName:
    """Why these bytes are no hostname, in our words (no byte of the client in it)."""

    why: str


def canonical(raw: bytes) -> Hostname | BadName:
    """
    Spell a name that a client sent.

    Shape: ASCII octets as they came; one final dot is dropped, case is folded, underscores are let through.
    Returns: the Hostname; or a BadName for addresses, NUL and control bytes, non-ASCII, URL characters,
    empty labels, labels over 63 and names over 253 octets.
    Raises: nothing, whatever the bytes.
    Source: RFC 6066 section 3; RFC 1035 section 2.3.4; RFC 1123 section 2.1. A last label that is a number makes
    an address of any spelling (`1.2.3.4`, `127.1`, `0x7f000001`), as in the WHATWG URL standard, section 3.5.
    """
    known = _known.get(raw)
    if known is not None:
        return known
    name = (raw[:-1] if raw.endswith(b".") else raw).lower()
    if len(name) <= NAME_LIMIT_OCTETS and _CANONICAL.fullmatch(name):
        if len(_known) >= KNOWN_LIMIT:
            _known.clear()
        spelled = _known[raw] = Hostname(name.decode("ascii"))
        return spelled
    return BadName(_why_not(name))


def from_text(text: str) -> Hostname | BadName:
    """
    Spell a name that an operator wrote: as `canonical`, but U-labels become A-labels first.

    Source: RFC 5891 section 5 through the idna package (UTS 46 mapping).
    """
    if text.isascii():
        return canonical(text.encode("ascii"))
    try:
        return canonical(idna.encode(text, uts46=True))
    except idna.IDNAError as error:
        return BadName(f"not an internationalised name: {error}")


def covers(pattern: str, name: Hostname) -> bool:
    """
    Say whether a pattern is the name itself or a wildcard above it.

    Shape: `a.example.com`, or `*.example.com`, which covers every name below example.com at any depth and not
    example.com itself.
    """
    return pattern == name or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def _why_not(name: bytes) -> str:
    if not name:
        return "the name is empty"
    if b":" in name or name.startswith(b"["):
        return "the name is an address or has a port"
    if len(name) > NAME_LIMIT_OCTETS:
        return f"the name is longer than {NAME_LIMIT_OCTETS} octets"
    for label in name.split(b"."):
        if not label:
            return "the name has an empty label"
        if not _LABEL_BYTES.fullmatch(label):
            return "the name has a byte that no hostname has"
        if len(label) > LABEL_LIMIT_OCTETS:
            return f"the name has a label longer than {LABEL_LIMIT_OCTETS} octets"
    return "the name is an address"
