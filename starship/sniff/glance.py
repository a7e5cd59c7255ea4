"""
A whole ClientHello at one glance: what nearly every client sends, one record in one segment.

Part of `sniff`, floor 4, pure. It knows a flawless hello and nothing else: whatever is odd, split or not yet there is
left to the patient readers (sniff/tls.py, sniff/clienthello.py), whose verdict on the same bytes is the same.
Source: RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3, RFC 7301 section 3.1.
"""

from __future__ import annotations

from struct import Struct, error
from typing import Final

from starship import names
from starship.sniff.clienthello import ALPN, EARLY_DATA, ECH, LIST_MAX_OCTETS, MANNERS, SERVER_NAME, read_offers
from starship.words import Hello

KNOWN_LISTS: Final = 256
KNOWN_OCTETS: Final = 64
KNOWN_HELLOS: Final = 4096

_HANDSHAKE: Final = 22
_MAJOR: Final = 3
_CLIENT_HELLO: Final = 1
_RECORD_MAX_OCTETS: Final = 2**14
_SESSION_ID_MAX_OCTETS: Final = 32

_opening = Struct(">BBxHBBHH32xB").unpack_from  # headers of the record and the message, version, random, session id
_OPENING_OCTETS: Final = 44
_pair = Struct(">HH").unpack_from
_short = Struct(">H").unpack_from
_named = Struct(">2xHHBH").unpack_from  # an extension's header, its list's length, its one name's header
_NAMED_OCTETS: Final = 9

_hellos: dict[tuple[names.Hostname | None, int, tuple[bytes, ...], bool, bool, int], Hello] = {}
_known: dict[bytes, tuple[bytes, ...]] = {}  # the same few lists of offers come again and again


def glance(data: bytes, limit: int) -> Hello | None:
    """
    Read the hello at the front of `data`, where it is whole, flawless and ends within `limit` octets; else None.

    Raises: nothing, whatever the bytes. Written out in one piece: it is run for every connection.
    """
    try:
        kind, major, length, message, high, low, version, session = _opening(data)
        end = 5 + length
        if kind != _HANDSHAKE or major != _MAJOR or message != _CLIENT_HELLO or (high << 16 | low) + 4 != length:
            return None
        if length > _RECORD_MAX_OCTETS or session > _SESSION_ID_MAX_OCTETS or end > limit or end > len(data):
            return None
        at = _OPENING_OCTETS + session
        (ciphers,) = _short(data, at)
        at += 2 + ciphers
        compressions = data[at]
        at += 1 + compressions
        if ciphers < 2 or ciphers & 1 or not compressions or at + 2 + _short(data, at)[0] != end:
            return None
        at += 2
        found = {}
        count = 0
        while at < end:
            kind, length = _pair(data, at)
            found[kind] = at
            at += 4 + length
            count += 1
    except (error, IndexError):
        return None
    if at != end or len(found) != count:
        return None
    name = offers = None
    if SERVER_NAME in found and (name := _name(data, found[SERVER_NAME])) is None:
        return None
    if ALPN in found and (offers := _offers(data, found[ALPN])) is None:
        return None
    asked = (name, end, offers or (), ECH in found, EARLY_DATA in found, version)
    hello = _hellos.get(asked)
    return _new(*asked) if hello is None else hello


def _new(
    name: names.Hostname | None, consumed: int, offers: tuple[bytes, ...], ech: bool, early: bool, version: int
) -> Hello:
    """A hello that was not made before: thousands of connections share one."""
    if len(_hellos) >= KNOWN_HELLOS:
        _hellos.clear()
    manner = MANNERS[min(max(version, 0x0301), 0x0303)]
    hello = Hello(name=name, scheme="tls", consumed=consumed, alpn=offers, ech=ech, early=early, manner=manner)
    if sum(map(len, offers)) <= KNOWN_OCTETS:
        _hellos[name, consumed, offers, ech, early, version] = hello
    return hello


def _name(data: bytes, at: int) -> names.Hostname | None:
    """The one name of the extension at `at`."""
    if len(data) < at + _NAMED_OCTETS:
        return None
    size, listed, kind, length = _named(data, at)
    if kind or not length or length + 5 != size or listed + 2 != size or size > LIST_MAX_OCTETS:
        return None
    name = names.canonical(data[at + _NAMED_OCTETS : at + _NAMED_OCTETS + length])
    return None if isinstance(name, names.BadName) else name


def _offers(data: bytes, at: int) -> tuple[bytes, ...] | None:
    """The application protocols of the extension at `at`."""
    (size,) = _short(data, at + 2)
    raw = data[at + 4 : at + 4 + size]
    offers = _known.get(raw)
    if offers is not None or size > LIST_MAX_OCTETS:
        return offers
    offers = read_offers(raw)
    if offers is not None and size <= KNOWN_OCTETS:
        if len(_known) >= KNOWN_LISTS:
            _known.clear()
        _known[raw] = offers
    return offers
