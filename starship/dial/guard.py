"""
The guard against forbidden ranges: where an endpoint that a lookup brought may not lie.

Part of the dial step, asked after name resolution. Pure but for the question whether an address is this machine's.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from attrs import frozen

from starship.words import Address, Network

NAT64: Final = ip_network("64:ff9b::/96")
METADATA: Final = frozenset(map(ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
"""Metadata services outside the link-local range: AWS over IPv6, Alibaba Cloud, Azure."""


def is_this_machine(host: str) -> bool:
    """Say whether an IP address belongs to this machine: only then it can be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


@frozen(kw_only=True)
class Guard:
    """
    `allow` and `deny` are the operator's ranges; deny is read first, and allow beats what is forbidden by nature.

    `doors` are the ports on which this service itself listens: an endpoint there would connect us to ourselves.
    """

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()
    doors: Callable[[], frozenset[int]] = frozenset
    is_ours: Callable[[str], bool] = is_this_machine

    def objection(self, upstream: Address) -> str | None:
        """
        Say why a lookup may not send us to this address, or None.

        Shape: `upstream.host` is an IP address. IPv4 in IPv6's clothes (mapped, NAT64, 6to4, Teredo) is judged as the
        IPv4 address it reaches.
        """
        outer = ip_address(upstream.host)
        for ip in _faces(outer):
            if _within(ip, self.deny):
                return f"{outer} is in a denied range"
            if _within(ip, self.allow):
                continue
            kind = _forbidden_kind(ip)
            if kind:
                return f"{outer} is {kind}"
        if upstream.port in self.doors() and self.is_ours(upstream.host):
            return f"{upstream} is one of our own listeners"
        return None


def _faces(ip: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    if isinstance(ip, IPv4Address):
        return [ip]
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inner is None and ip in NAT64:
        inner = IPv4Address(int(ip) & 0xFFFFFFFF)
    return [ip] if inner is None else [inner, ip]


def _within(ip: IPv4Address | IPv6Address, networks: tuple[Network, ...]) -> bool:
    return any(ip.version == network.version and ip in network for network in networks)


def _forbidden_kind(ip: IPv4Address | IPv6Address) -> str | None:
    kinds = {
        "a loopback address": ip.is_loopback,
        "a link-local address": ip.is_link_local,
        "a multicast address": ip.is_multicast,
        "an unspecified address": ip.is_unspecified or (ip.version == 4 and int(ip) >> 24 == 0),
        "a metadata service": ip in METADATA,
        "the broadcast address": ip.version == 4 and int(ip) == 0xFFFFFFFF,
    }
    return next((kind for kind, forbidden in kinds.items() if forbidden), None)
