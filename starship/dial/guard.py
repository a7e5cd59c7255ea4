"""
The guard against forbidden ranges: where an endpoint that a lookup brought may not lie.

Part of the dial step, asked after name resolution. Pure but for the question whether an address is this machine's,
which an OwnAddresses answers from memory: an endpoint's port is the door's more often than not.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from starship.words import Address, Network

NAT64: Final = ip_network("64:ff9b::/96")
V4_COMPATIBLE: Final = ip_network("::/96")
OWN_KEEP_S: Final = 5.0
OWN_LIMIT: Final = 4096
JUDGED_LIMIT: Final = 4096

ANYWHERE: Final = frozenset({"0.0.0.0", "::"})
"""Where a door listens on every address of the machine."""

METADATA: Final = frozenset(map(ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
"""Metadata services outside the link-local range: AWS over IPv6, Alibaba Cloud, Azure."""


def is_this_machine(host: str) -> bool:
    """
    Say whether an IP address belongs to this machine: only then it can be bound.

    Where the kernel lets anything be bound (ip_nonlocal_bind, common where addresses fail over), it is one from which
    packets to it would leave. Without a descriptor to ask with the answer is no: the dial needs one too, and fails.
    """
    family, stranger = (socket.AF_INET6, "2001:db8::1") if ":" in host else (socket.AF_INET, "192.0.2.1")
    return _can_bind(family, host) and (not _can_bind(family, stranger) or _is_own_source(family, host))


def _can_bind(family: socket.AddressFamily, host: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def _is_own_source(family: socket.AddressFamily, host: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))  # chooses a route, sends nothing
            return bool(probe.getsockname()[0] == host)
    except OSError:
        return False


@define(eq=False)
class OwnAddresses:
    """Says whether an IP address belongs to this machine, asking the kernel once in OWN_KEEP_S: they may move."""

    clock: IReactorTime
    ask: Callable[[str], bool] = is_this_machine
    _known: dict[str, bool] = field(init=False, factory=dict)
    _until: float = field(init=False, default=0.0)

    def __call__(self, host: str) -> bool:
        now = self.clock.seconds()
        if now >= self._until or len(self._known) >= OWN_LIMIT:
            self._known.clear()
            self._until = now + OWN_KEEP_S
        if host not in self._known:
            self._known[host] = self.ask(host)
        return self._known[host]


@define(eq=False, kw_only=True)
class Guard:
    """
    `allow` and `deny` are the operator's ranges; deny is read first, and allow beats what is forbidden by nature.
    `ports` are those that a lookup may name; empty: all.

    `doors` are the addresses on which this service itself listens: an endpoint there would connect us to ourselves.
    They are asked for once, and again after `look_again`: this is run for every connection.
    What is said of the last JUDGED_LIMIT addresses is remembered: the same few are dialled all the time.
    """

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()
    ports: tuple[range, ...] = ()
    doors: Callable[[], Iterable[Address]] = tuple
    is_ours: Callable[[str], bool] = is_this_machine
    _judged: dict[str, tuple[str | None, list[str]]] = field(init=False, factory=dict)
    _ports_of_doors: frozenset[int] | None = field(init=False, default=None)

    def objection(self, upstream: Address) -> str | None:
        """
        Say why a lookup may not send us to this address, or None.

        Shape: `upstream.host` is an IP address. IPv4 in IPv6's clothes (mapped, compatible, NAT64, 6to4, Teredo) is
        judged as the IPv4 address it reaches, and as itself.
        """
        if self.ports and not any(upstream.port in ports for ports in self.ports):
            return f"port {upstream.port} is not allowed"
        judged = self._judged.get(upstream.host)
        if judged is None:
            judged = self._judge(upstream.host)
        objection, faces = judged
        ours = self._ports_of_doors
        if ours is None:
            ours = self._ports_of_doors = frozenset(door.port for door in self.doors())
        if objection is None and upstream.port in ours and self._leads_home(faces, upstream.port):
            return f"{upstream} is one of our own listeners"
        return objection

    def look_again(self) -> None:
        """A door was opened or closed."""
        self._ports_of_doors = None

    def _judge(self, host: str) -> tuple[str | None, list[str]]:
        outer = ip_address(host)
        faces = _faces(outer)
        objection = None
        if any(_within(ip, self.deny) for ip in faces):
            objection = f"{outer} is in a denied range"
        elif not any(_within(ip, self.allow) for ip in faces):
            kind = next(filter(None, map(_forbidden_kind, faces)), None)
            objection = None if kind is None else f"{outer} is {kind}"
        if len(self._judged) >= JUDGED_LIMIT:
            self._judged.clear()
        judged = self._judged[host] = objection, [str(ip) for ip in faces]
        return judged

    def _leads_home(self, faces: list[str], port: int) -> bool:
        doors = {door.host for door in self.doors() if door.port == port}
        return any(host in doors for host in faces) or (
            not ANYWHERE.isdisjoint(doors) and any(map(self.is_ours, faces))
        )


def _faces(ip: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    if isinstance(ip, IPv4Address):
        return [ip]
    inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if inner is None and (ip in NAT64 or (ip in V4_COMPATIBLE and int(ip) > 1)):
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
