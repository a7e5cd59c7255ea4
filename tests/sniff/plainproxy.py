"""
A second reader of PROXY headers, for comparison: plain, slow, of whole bytes only, written from the specification.

It shares no code and no approach with the one under test. Source: haproxy doc/proxy-protocol.txt, sections 2.1 and 2.2.
"""

from __future__ import annotations

import re
import struct
from ipaddress import IPv4Address, IPv6Address

from starship.words import Address, Preface, Tlv

LINE = re.compile(
    rb"PROXY (?:(UNKNOWN)(?: [ -~]*)?|(TCP4|TCP6) ([0-9a-fA-F.:]+) ([0-9a-fA-F.:]+) (0|[1-9]\d*) (0|[1-9]\d*))\r\n"
)
WAYS: dict[int, tuple[str, type[IPv4Address] | type[IPv6Address]]] = {
    0x11: ("4s4sHH", IPv4Address),
    0x21: ("16s16sHH", IPv6Address),
}
SKIPPED = {0x10: 12, 0x12: 12, 0x20: 36, 0x22: 36, 0x30: 216, 0x31: 216, 0x32: 216, 0x00: 0, 0x01: 0, 0x02: 0}


class Unreadable(Exception):
    """No header, or not all of it."""


def preface_in(data: bytes) -> Preface:
    """Errors: Unreadable."""
    if data[:12] == bytes.fromhex("0d0a0d0a000d0a515549540a"):
        return _binary(data)
    return _line(data)


def _line(data: bytes) -> Preface:
    found = LINE.match(data)
    if found is None or found.end() > 107:
        raise Unreadable
    unknown, family, client, local, sport, dport = found.groups()
    if unknown:
        return Preface(consumed=found.end())
    kind = IPv4Address if family == b"TCP4" else IPv6Address
    try:
        ends = [_host(kind(host.decode())) for host in (client, local)]
    except ValueError:
        raise Unreadable from None
    if int(sport) > 65535 or int(dport) > 65535:
        raise Unreadable
    return Preface(consumed=found.end(), client=Address(ends[0], int(sport)), local=Address(ends[1], int(dport)))


def _host(ip: IPv4Address | IPv6Address) -> str:
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def _binary(data: bytes) -> Preface:
    if len(data) < 16:
        raise Unreadable
    command, way, size = struct.unpack_from("!BBH", data, 12)
    end = 16 + size
    if command not in (0x20, 0x21) or size > 8192 or len(data) < end:
        raise Unreadable
    if command == 0x20:
        return Preface(consumed=end)
    if way in WAYS:
        layout, kind = WAYS[way]
        start = 16 + struct.calcsize("!" + layout)
        if end < start:
            raise Unreadable
        client, local, sport, dport = struct.unpack_from("!" + layout, data, 16)
        ends = Address(_host(kind(client)), sport), Address(_host(kind(local)), dport)
        return Preface(consumed=end, client=ends[0], local=ends[1], tlvs=_tlvs(data[:end], start))
    if way not in SKIPPED or end < 16 + SKIPPED[way]:
        raise Unreadable
    try:
        return Preface(consumed=end, tlvs=_tlvs(data[:end], 16 + SKIPPED[way]))
    except Unreadable:
        if way != 0:
            raise
        return Preface(consumed=end)


def _tlvs(header: bytes, at: int) -> tuple[Tlv, ...]:
    found = []
    while at != len(header):
        if at + 3 > len(header):
            raise Unreadable
        kind, size = struct.unpack_from("!BH", header, at)
        value = header[at + 3 : at + 3 + size]
        if len(value) < size:
            raise Unreadable
        if kind == 3 and (
            size != 4 or value != struct.pack("!I", _crc(header[: at + 3] + bytes(4) + header[at + 7 :]))
        ):
            raise Unreadable
        found.append(Tlv(kind, value))
        at += 3 + size
    kinds = [tlv.kind for tlv in found]
    kept = tuple(tlv for tlv in found if tlv.kind not in (3, 4))
    if kinds.count(3) > 1 or len(kept) > 64 or any(tlv.kind == 5 and len(tlv.value) > 128 for tlv in kept):
        raise Unreadable
    return kept


def _crc(data: bytes) -> int:
    """CRC-32C, bit by bit."""
    value = 0xFFFFFFFF
    for octet in data:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
