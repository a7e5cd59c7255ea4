"""
Whom a machine asks: resolv.conf(5) and hosts(5), read as its other programs do.

Part of `dns`. The files are read again when they have changed; a file that is not there is as an empty one. Lines that
mean nothing to us are passed over, as the C library does.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Generic, TypeVar

from attrs import define, field, frozen

from starship.addresses import plain_ip
from starship.names import BadName, Hostname, canonical
from starship.words import Address

PORT: Final = 53
FILE_LIMIT_OCTETS: Final = 4 * 1024 * 1024

SERVERS_LIMIT: Final = 3
SEARCH_LIMIT: Final = 6
DOTS_LIMIT: Final = 15
"""resolv.conf(5): MAXNS, MAXDNSRCH and the most that ndots may be."""

T = TypeVar("T")

LOOPBACK: Final = ("127.0.0.1", "::1")


@frozen(kw_only=True)
class Plan:
    """
    How a name is resolved: the servers in their order, suffixes to search, and from how many dots on a name is first
    tried as it is. `hosts` has the addresses of names that are not asked about.
    """

    servers: tuple[Address, ...]
    search: tuple[str, ...] = ()
    dots: int = 1
    hosts: dict[str, tuple[str, ...]] = field(factory=dict)

    def candidates(self, name: Hostname) -> tuple[Hostname, ...]:
        """The names that are tried, in their order: the rule of res_search(3)."""
        below = [canonical(f"{name}.{suffix}".encode()) for suffix in self.search]
        searched = [one for one in below if not isinstance(one, BadName)]
        return (name, *searched) if name.count(".") >= self.dots else (*searched, name)

    def local(self, name: Hostname) -> tuple[str, ...]:
        """The addresses of a name that no server is asked about; `localhost` is ours always (RFC 6761)."""
        known = self.hosts.get(name, ())
        return known or (LOOPBACK if name == "localhost" or name.endswith(".localhost") else ())


def read_resolv(text: str) -> Plan:
    """What resolv.conf says; without a server in it, the one on this machine. Raises nothing, whatever the text."""
    servers: list[Address] = []
    search: list[str] = []
    dots = 1
    for line in text.splitlines():
        word, *values = line.split() or [""]
        if word == "nameserver" and values:
            host = _ip(values[0])
            if host is not None:
                servers.append(Address(host, PORT))
        elif word in ("search", "domain"):  # the last one counts
            search = values if word == "search" else values[:1]
        elif word == "options":
            dots = next((_dots(value) for value in values if value.startswith("ndots:")), dots)
    suffixes = [canonical(one.encode()) for one in search[:SEARCH_LIMIT]]
    return Plan(
        servers=tuple(servers[:SERVERS_LIMIT]) or (Address(LOOPBACK[0], PORT),),
        search=tuple(one for one in suffixes if not isinstance(one, BadName)),
        dots=dots,
    )


def read_hosts(text: str) -> dict[str, tuple[str, ...]]:
    """The addresses of each name in hosts(5), in the order of the file. Raises nothing, whatever the text."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        host = _ip(address)
        if host is None or "%" in host:
            continue
        for name in map(canonical, map(str.encode, names)):
            known = [host] if isinstance(name, BadName) else found.setdefault(name, [])
            if host not in known:
                known.append(host)
    return {name: tuple(known) for name, known in found.items()}


def _ip(text: str) -> str | None:
    """In its canonical text; a scope is kept, as a server on the link needs it."""
    try:
        ip_address(text)
    except ValueError:
        return None
    return plain_ip(text)


def _dots(option: str) -> int:
    digits = option.removeprefix("ndots:")
    return min(int(digits), DOTS_LIMIT) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 1


@define(eq=False)
class _File(Generic[T]):
    """What a file means, as long as it stays as it is."""

    path: Path
    read: Callable[[str], T]
    _value: T = field(init=False)
    _stamp: tuple[int, int, int] | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._value = self.read("")

    def now(self) -> T:
        try:
            found = self.path.stat()
            stamp = found.st_mtime_ns, found.st_size, found.st_ino
            if stamp != self._stamp:
                with self.path.open("rb") as file:
                    text = file.read(FILE_LIMIT_OCTETS).decode("utf-8", "replace")
                self._value, self._stamp = self.read(text), stamp
        except OSError:
            self._value, self._stamp = self.read(""), None
        return self._value


@define(eq=False)
class SystemPlan:
    """The machine's own plan, as its files have it now."""

    resolv: Path = Path("/etc/resolv.conf")
    hosts: Path = Path("/etc/hosts")
    _resolv: _File[Plan] = field(init=False)
    _hosts: _File[dict[str, tuple[str, ...]]] = field(init=False)
    _plan: Plan | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._resolv, self._hosts = _File(self.resolv, read_resolv), _File(self.hosts, read_hosts)

    def __call__(self) -> Plan:
        asked, known = self._resolv.now(), self._hosts.now()
        plan = self._plan
        if plan is None or plan.servers is not asked.servers or plan.hosts is not known:
            plan = self._plan = Plan(servers=asked.servers, search=asked.search, dots=asked.dots, hosts=known)
        return plan
