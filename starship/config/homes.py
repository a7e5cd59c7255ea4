"""
Where something lives, as the ini file says it: endpoints with their weights, or a pool. Pure.

Part of `config`: a Kind for listeners and pools, and what `[routes]` reads its values with. Whether there is a pool of
that name is a matter of the whole file (`crosscheck`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from attrs import evolve

from starship.addresses import BadAddress, is_ip, parse_pool, parse_upstream
from starship.config.values import Bad, Kind
from starship.words import Address, Endpoints, Upstream

WEIGHT_LIMIT: Final = 65_535

DNS_PORT: Final = 53
DNS_SERVERS_LIMIT: Final = 8

_EXAMPLES: Final = "10.0.0.24, 10.0.0.24:8443, [2001:db8::1]:443, a name or srv:_http._tcp.name"
_WORD = re.compile(r"backup|weight=([0-9]{1,5})")


def read_endpoints(text: str, base: Path) -> Endpoints | Bad:
    """One pool (`pool:NAME`), or endpoints."""
    pool = parse_pool(text)
    if isinstance(pool, BadAddress):
        return Bad(f"a pool such as pool:web ({pool.why})")
    return _read_upstreams(text, base) if pool is None else pool


def _read_upstreams(text: str, base: Path) -> tuple[Upstream, ...] | Bad:
    """Endpoints between commas or on lines of their own: one or more, each with its `weight=N` and `backup`."""
    found: dict[tuple[str, int | None], Upstream] = {}
    for item in (part.strip() for part in re.split(r"[,\n]", text)):
        upstream = _upstream(item)
        if isinstance(upstream, BadAddress):
            return Bad(f"endpoints such as {_EXAMPLES} ({upstream.why})")
        place = upstream.host, upstream.port
        if place in found:
            return Bad("each endpoint once")
        found[place] = upstream
    return tuple(found.values())


def _upstream(item: str) -> Upstream | BadAddress:
    place, *words = item.split() or [""]
    upstream = parse_upstream(place) if place else BadAddress("one is empty")
    said: set[str] = set()
    for word in words:
        match = _WORD.fullmatch(word)
        weight = int(match[1] or 1) if match else WEIGHT_LIMIT + 1
        kind = word.partition("=")[0]
        if isinstance(upstream, BadAddress) or weight > WEIGHT_LIMIT or kind in said:
            return BadAddress(f"behind an endpoint go weight=N (up to {WEIGHT_LIMIT}) and backup, each once")
        if kind == "weight" and upstream.srv:
            return BadAddress("SRV records say the weights themselves")
        said.add(kind)
        upstream = evolve(upstream, backup=True) if kind == "backup" else evolve(upstream, weight=weight)
    return upstream


def _read_servers(text: str, base: Path) -> tuple[Address, ...] | Bad:
    """DNS servers between commas or spaces."""
    allowed = Bad(f"1 to {DNS_SERVERS_LIMIT} IP addresses such as 10.0.0.53 or 127.0.0.1:5353, each once")
    found: list[Address] = []
    for item in re.split(r"[,\s]+", text):
        upstream = parse_upstream(item)
        if isinstance(upstream, BadAddress) or upstream.srv or not is_ip(upstream.host):
            return allowed
        found.append(Address(upstream.host, upstream.port or DNS_PORT))
    return tuple(found) if len(set(found)) == len(found) <= DNS_SERVERS_LIMIT else allowed


def _show_servers(servers: Iterable[Address]) -> str:
    return ", ".join(map(str, servers))


def _show(endpoints: Endpoints) -> str:
    return ", ".join(map(_shown, endpoints)) if isinstance(endpoints, tuple) else f"pool:{endpoints}"


def _shown(upstream: Upstream) -> str:
    weight = "" if upstream.weight == 1 else f" weight={upstream.weight}"
    return f"{upstream}{weight}{' backup' if upstream.backup else ''}"


ENDPOINTS: Final = Kind(name="endpoints or pool", read=read_endpoints, show=_show)
DNS_SERVERS: Final = Kind(name="DNS servers", read=_read_servers, show=_show_servers)
MEMBERS: Final = Kind(name="endpoints", read=_read_upstreams, show=_show)
