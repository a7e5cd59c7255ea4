"""
The world of a run: which names there are, and which upstream each belongs to. Pure.

Part of the benchmarks. Name i belongs to upstream i mod 16; `tenant-` names are for short exchanges and `stream-` names
for bulk and echoes, which other upstreams serve, so that bulk does not stand in the way of the rest.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

UPSTREAMS: Final = 16
NAMES: Final = 32
POOL: Final = 100
"""Endpoints of the largest pool; all of them say that they are upstream 0."""

KINDS: Final = ("tenant", "stream")


def name_of(kind: str, number: int) -> str:
    """As the visitors spell it: six digits."""
    return f"{kind}-{number:06d}.bench.test"


@frozen(kw_only=True)
class World:
    """The ports at which the upstreams listen, by kind, and that of the lookup API."""

    tenant_port: int
    stream_port: int
    api_port: int

    def upstream(self, kind: str, index: int) -> str:
        """Its ip:port."""
        return f"127.0.2.{index + 1}:{self._port(kind)}"

    def pool(self, size: int) -> tuple[str, ...]:
        """The ip:port of so many endpoints of one tenant."""
        return tuple(f"127.0.3.{number + 1}:{self.tenant_port}" for number in range(size))

    def homes(self, names: int = NAMES) -> dict[str, str]:
        """Where each name lives, as ip:port. `names` of the first kind."""
        return {
            name_of(kind, number): self.upstream(kind, number % UPSTREAMS)
            for kind, count in zip(KINDS, (names, NAMES), strict=True)
            for number in range(count)
        }

    def groups(self) -> dict[str, str]:
        """Each upstream by a word that configurations can use."""
        return {f"{kind}{index}": self.upstream(kind, index) for kind in KINDS for index in range(UPSTREAMS)}

    def group_of(self, name: str) -> str:
        """The word of the upstream where a name lives."""
        kind, _, rest = name.partition("-")
        return f"{kind}{int(rest[:6]) % UPSTREAMS}"

    def listening(self, kind: str) -> tuple[str, ...]:
        """What the upstreams of a kind are told: ADDRESS=INDEX."""
        own = tuple(f"{self.upstream(kind, index)}={index}" for index in range(UPSTREAMS))
        return own + tuple(f"{place}=0" for place in self.pool(POOL) if kind == "tenant")

    def _port(self, kind: str) -> int:
        return self.tenant_port if kind == "tenant" else self.stream_port
