"""
The PROXY protocol header that tells an upstream who the client is. Pure: an Arrival and a Hello in, bytes out.

Part of the dial step.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Final

from starship.words import Address, Arrival, Hello

V2_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
V2_PROXY: Final = 0x21  # version 2, command PROXY
UNSPECIFIED: Final = 0x00
TCP_OVER_V4: Final = 0x11
TCP_OVER_V6: Final = 0x21
V4_OCTETS: Final = 4
V4_MAPPED: Final = bytes(10) + b"\xff\xff"
UNIQUE_ID_LIMIT_BYTES: Final = 128
TLV_ALPN: Final = 0x01
TLV_AUTHORITY: Final = 0x02
TLV_UNIQUE_ID: Final = 0x05


def preface(version: str | None, arrival: Arrival, hello: Hello) -> bytes:
    """
    Render the header that a route asks for: `v1`, `v2` or None (no bytes).

    v2 carries AUTHORITY (the name), UNIQUE_ID (the arrival's id), and ALPN where the client offered exactly one
    protocol: with more, the upstream decides, and we do not guess. It never carries the SSL TLV: TLS is not
    terminated here.
    Source: haproxy doc/proxy-protocol.txt, sections 2.1 and 2.2.
    """
    if version is None:
        return b""
    ends = _in_one_family(_packed(arrival.client), _packed(arrival.local))
    return _v1(arrival, ends) if version == "v1" else _v2(arrival, hello, ends)


def _v1(arrival: Arrival, ends: tuple[bytes, bytes] | None) -> bytes:
    if ends is None:
        return b"PROXY UNKNOWN\r\n"
    family, proto = (socket.AF_INET, "TCP4") if len(ends[0]) == V4_OCTETS else (socket.AF_INET6, "TCP6")
    client, local = (socket.inet_ntop(family, end) for end in ends)
    return f"PROXY {proto} {client} {local} {arrival.client.port} {arrival.local.port}\r\n".encode("ascii")


def _v2(arrival: Arrival, hello: Hello, ends: tuple[bytes, bytes] | None) -> bytes:
    if ends is None:
        kind, body = UNSPECIFIED, b""
    else:
        kind = TCP_OVER_V4 if len(ends[0]) == V4_OCTETS else TCP_OVER_V6
        body = b"".join(ends) + arrival.client.port.to_bytes(2, "big") + arrival.local.port.to_bytes(2, "big")
    if len(hello.alpn) == 1:
        body += _tlv(TLV_ALPN, hello.alpn[0])
    if hello.name is not None:
        body += _tlv(TLV_AUTHORITY, hello.name.encode("ascii"))
    body += _tlv(TLV_UNIQUE_ID, arrival.id.encode("ascii")[:UNIQUE_ID_LIMIT_BYTES])
    return V2_SIGNATURE + bytes((V2_PROXY, kind)) + len(body).to_bytes(2, "big") + body


def _tlv(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + len(value).to_bytes(2, "big") + value


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
