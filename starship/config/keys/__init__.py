"""
Every key of the ini file, once: what it may be, what it does, and how it looks.

Part of `config`: `load` reads a file by this table, `reference` prints it.
"""

from __future__ import annotations

from typing import Final

from starship.config.keys.doors import DOOR, LIMITS, ROUTES, STARSHIP
from starship.config.keys.http import HTTP
from starship.config.keys.lookups import CACHE, LOOKUP, NAMES, SHADOW
from starship.config.keys.outlook import ACCESS_LOG, ADMIN, PAGES
from starship.config.keys.pools import POOL
from starship.config.keys.table import Key, Section
from starship.config.keys.upstreams import UPSTREAM

__all__ = [
    "ACCESS_LOG",
    "ADMIN",
    "CACHE",
    "DOOR",
    "HTTP",
    "LIMITS",
    "LISTENER",
    "LOOKUP",
    "NAMES",
    "PAGES",
    "POOL",
    "POOLS",
    "ROUTES",
    "SECTIONS",
    "SHADOW",
    "STARSHIP",
    "UPSTREAM",
    "Key",
    "Section",
]

LISTENER: Final = "listener:"
"""How the name of a listener's section begins."""

POOLS: Final = "pool:"
"""And that of a pool's."""

SECTIONS: Final[dict[str, Section]] = {
    section.title: section
    for section in (
        STARSHIP,
        DOOR,
        ROUTES,
        LOOKUP,
        CACHE,
        NAMES,
        SHADOW,
        UPSTREAM,
        POOL,
        LIMITS,
        HTTP,
        PAGES,
        ACCESS_LOG,
        ADMIN,
    )
}
