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
    client, local = _same_family(arrival.client, arrival.local)
    return _v1(client, local) if version == "v1" else _v2(client, local, arrival, hello)


def _v1(client: Address, local: Address) -> bytes:
    family = "TCP6" if ":" in client.host else "TCP4"
    return f"PROXY {family} {client.host} {local.host} {client.port} {local.port}\r\n".encode("ascii")


def _v2(client: Address, local: Address, arrival: Arrival, hello: Hello) -> bytes:
    family, kind = (socket.AF_INET6, 0x21) if ":" in client.host else (socket.AF_INET, 0x11)
    addresses = socket.inet_pton(family, client.host) + socket.inet_pton(family, local.host)
    body = addresses + client.port.to_bytes(2, "big") + local.port.to_bytes(2, "big")
    if len(hello.alpn) == 1:
        body += _tlv(TLV_ALPN, hello.alpn[0])
    if hello.name is not None:
        body += _tlv(TLV_AUTHORITY, hello.name.encode("ascii"))
    body += _tlv(TLV_UNIQUE_ID, arrival.id.encode("ascii")[:128])
    return V2_SIGNATURE + bytes((0x21, kind)) + len(body).to_bytes(2, "big") + body


def _tlv(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + len(value).to_bytes(2, "big") + value


def _same_family(client: Address, local: Address) -> tuple[Address, Address]:
    """Both addresses in one family, for the header has one field for it (an adopted socket may mix them)."""
    if (":" in client.host) == (":" in local.host):
        return client, local
    return _as_v6(client), _as_v6(local)


def _as_v6(address: Address) -> Address:
    ip = ip_address(address.host)
    return address if ip.version == 6 else Address(f"::ffff:{address.host}", address.port)
