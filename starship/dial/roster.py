"""
Roster: who the members of a pool are, once its names are known.

Part of the dial step. Every address of a name is a member. A name is asked about again while its pool is used; what was
known of it stays until a new answer comes.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from attrs import define, field
from twisted.internet.defer import Deferred

from starship.dial.resolve import Names
from starship.words import Address, Upstream


def is_ip(host: str) -> bool:
    """Whether an endpoint's host is an address, else it is a name."""
    return ":" in host or host.rpartition(".")[2].isdigit()  # no Hostname ends in a number


@define(eq=False)
class Roster:
    """`upstreams` as they are written; `port` is what one without a port means. `moved` is called at new answers."""

    upstreams: tuple[Upstream, ...]
    port: int
    names: Names
    moved: Callable[[], None]
    hosts: tuple[str, ...] = field(init=False)  # those that are names
    _known: dict[str, tuple[str, ...]] = field(init=False, factory=dict)
    _asked: dict[str, Deferred[None]] = field(init=False, factory=dict)

    @hosts.default
    def _(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(upstream.host for upstream in self.upstreams if not is_ip(upstream.host)))

    def places(self) -> Iterator[tuple[Address, Upstream]]:
        """The addresses of all members, each once, and who they belong to."""
        seen: set[Address] = set()
        for upstream in self.upstreams:
            known = self._known.get(upstream.host, ()) if upstream.host in self.hosts else (upstream.host,)
            for host in known:
                address = Address(host, upstream.port or self.port)
                if address not in seen:
                    seen.add(address)
                    yield address, upstream

    def look(self) -> None:
        """Take up new answers; ask beside about names whose answer is old."""
        for host in self.hosts:
            found = self.names.peek(host)
            if found is not None:
                self._learn(host, found)
            elif host not in self._asked:
                self._ask(host)

    def unknown(self, but: Container[str], *, backups: bool) -> str | None:
        """A name of a member, or of a backup, of which no address is known; none of `but`."""
        for upstream in self.upstreams:
            host = upstream.host
            if upstream.backup == backups and host in self.hosts and host not in self._known and host not in but:
                return host
        return None

    def find(self, host: str) -> Deferred[tuple[str, ...]]:
        """Wait for the addresses of a name; empty where it has none. Errors: none. Cancelling harms nobody else."""
        return self.names.addresses(host).addCallback(self._found, host)

    def close(self) -> None:
        """Ask no more."""
        for asked in tuple(self._asked.values()):
            asked.cancel()

    def _ask(self, host: str) -> None:
        asked = self.find(host).addCallbacks(lambda found: None, lambda failure: None)  # it was given up
        if not asked.called:
            self._asked[host] = asked
            asked.addCallback(lambda _: self._asked.pop(host, None))

    def _found(self, found: tuple[str, ...], host: str) -> tuple[str, ...]:
        if found:
            self._learn(host, found)
        return found

    def _learn(self, host: str, found: tuple[str, ...]) -> None:
        if self._known.get(host) != found:
            self._known[host] = found
            self.moved()
