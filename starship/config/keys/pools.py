"""
The keys of pools, and those of them that `[upstream]` has for all.

Part of `config`.
"""

from __future__ import annotations

from typing import Final

from starship.config import settings
from starship.config.homes import MEMBERS
from starship.config.keys.balancing import add_balancing
from starship.config.keys.checks import add_checks
from starship.config.keys.table import Section
from starship.config.keys.upstreams import UPSTREAM
from starship.config.values import POLICY

POOL: Final = Section(
    title="pool:NAME",
    owner=settings.Pool,
    doc=(
        "Endpoints that share a load; any number of pools. `pool:NAME` stands where an endpoint could: in `[routes]`,"
        " for a listener's `default`, `no_name` and `upstream`, and in what a lookup answers. NAME has letters, digits,"
        " `_`, `.`, `@` and `-`. What a pool leaves out is as `[upstream]` has it. [pools.md](pools.md) tells the rest."
    ),
)
POOL.add(
    "endpoints",
    MEMBERS,
    "10.0.0.5:443 weight=3, 10.0.0.6:443, 10.0.0.9 backup",
    "The members, between commas or one a line, each perhaps with `weight=N` (0: only when the others fail) and"
    " `backup` (only when all others fail).",
)
POOL.add("policy", POLICY, "least_connections", "How a member is chosen for each connection.")
add_balancing(POOL, inherits=UPSTREAM.title)
add_checks(POOL, inherits=UPSTREAM.title)
