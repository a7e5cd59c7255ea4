"""
The PROXY protocol header that tells an upstream who the client is. Pure: an Arrival and a Hello in, bytes out.

Part of the dial step.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Final

from starship.tlv import ALPN, AUTHORITY, CRC32C, CRC32C_OCTETS, SIGNATURE, UNIQUE_ID, UNIQUE_ID_LIMIT_BYTES, crc32c
from starship.words import Address, Arrival, Hello, ProxyOptions, Tlv

OFF: Final = "off"
"""A route's word for none, where others get one without asking."""

V2_LOCAL: Final = 0x20  # version 2, command LOCAL
V2_PROXY: Final = 0x21  # version 2, command PROXY
UNSPECIFIED: Final = 0x00
TCP_OVER_V4: Final = 0x11
TCP_OVER_V6: Final = 0x21
V4_OCTETS: Final = 4
V4_MAPPED: Final = bytes(10) + b"\xff\xff"
HEAD_OCTETS: Final = 16


def preface(version: str | None, options: ProxyOptions, arrival: Arrival, hello: Hello) -> bytes:
    """
    Render the header that an upstream is to get: `v1`, `v2`, `off` or None (no bytes).

    v2 carries what the options want of AUTHORITY (the name), UNIQUE_ID (the arrival's id), CRC32C, and ALPN where the
    client offered exactly one protocol: with more, the upstream decides, and we do not guess. What the header that came
    in said besides is passed on where the options name it. An SSL field is never ours: TLS is not terminated here.
    Source: haproxy doc/proxy-protocol.txt, sections 2.1 and 2.2.
    """
    if version is None or version == OFF:
        return b""
    ends = _in_one_family(_packed(arrival.client), _packed(arrival.local))
    if version == "v1":
        return _v1(arrival, ends)
    return _v2(arrival, ends, _fields(arrival, hello, options), options.crc32c)


def preface_of_a_check(version: str | None) -> bytes:
    """Render the header of a connection that is nobody's but ours: LOCAL, for which version 1 has UNKNOWN."""
    if version is None or version == OFF:
        return b""
    return b"PROXY UNKNOWN\r\n" if version == "v1" else SIGNATURE + bytes((V2_LOCAL, UNSPECIFIED, 0, 0))


def _v1(arrival: Arrival, ends: tuple[bytes, bytes] | None) -> bytes:
    if ends is None:
        return b"PROXY UNKNOWN\r\n"
    family, proto = (socket.AF_INET, "TCP4") if len(ends[0]) == V4_OCTETS else (socket.AF_INET6, "TCP6")
    client, local = (socket.inet_ntop(family, end) for end in ends)
    return f"PROXY {proto} {client} {local} {arrival.client.port} {arrival.local.port}\r\n".encode("ascii")


def _v2(arrival: Arrival, ends: tuple[bytes, bytes] | None, fields: list[Tlv], checked: bool) -> bytes:
    if ends is None:
        kind, body = UNSPECIFIED, b""
    else:
        kind = TCP_OVER_V4 if len(ends[0]) == V4_OCTETS else TCP_OVER_V6
        body = b"".join(ends) + arrival.client.port.to_bytes(2, "big") + arrival.local.port.to_bytes(2, "big")
    if checked:
        fields.append(Tlv(CRC32C, bytes(CRC32C_OCTETS)))
    body += b"".join(bytes((kind,)) + len(value).to_bytes(2, "big") + value for kind, value in fields)
    header = SIGNATURE + bytes((V2_PROXY, kind)) + len(body).to_bytes(2, "big") + body
    return header[:-CRC32C_OCTETS] + crc32c(header).to_bytes(CRC32C_OCTETS, "big") if checked else header


def _fields(arrival: Arrival, hello: Hello, options: ProxyOptions) -> list[Tlv]:
    """
    Our own fields, then those that are passed on; of a type that may be said once, what is passed on is left out.

    The id is the exception: who asks for the balancer's to be passed on wants that one.
    """
    passed = [tlv for tlv in arrival.tlvs if options.relay is None or tlv.kind in options.relay]
    kinds = {tlv.kind for tlv in passed}
    fields = []
    if options.alpn and len(hello.alpn) == 1:
        fields.append(Tlv(ALPN, hello.alpn[0]))
    if options.authority and hello.name is not None:
        fields.append(Tlv(AUTHORITY, hello.name.encode("ascii")))
    if options.unique_id and UNIQUE_ID not in kinds:
        fields.append(Tlv(UNIQUE_ID, arrival.id.encode("ascii")[:UNIQUE_ID_LIMIT_BYTES]))
    said = {tlv.kind for tlv in fields}
    return fields + [tlv for tlv in passed if tlv.kind not in said]


def _packed(address: Address) -> bytes | None:
    """The address in network order, its scope left out; None where it is no IP address (a unix socket's path)."""
    try:
        return ip_address(address.host.partition("%")[0]).packed
    except ValueError:
        return None


def _in_one_family(client: bytes | None, local: bytes | None) -> tuple[bytes, bytes] | None:
    """Both addresses in one family, for the header has one field for it (an adopted socket may mix them)."""
    if client is None or local is None:
        return None
    return (client, local) if len(client) == len(local) else (_as_v6(client), _as_v6(local))


def _as_v6(packed: bytes) -> bytes:
    return packed if len(packed) > V4_OCTETS else V4_MAPPED + packed
