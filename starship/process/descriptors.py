"""
The descriptor budget: how many connections the process can hold.

Part of process. A carried connection takes two descriptors; the rest of the process takes the SPARE.
"""

from __future__ import annotations

import resource
from typing import Final

SPARE: Final = 512
"""Listeners, the admin port, the API's connections, the pipes of 64 spliced directions, logs; and what just closes."""

PER_CONNECTION: Final = 2


def raise_limit() -> int:
    """Raise RLIMIT_NOFILE to its hard limit, where the kernel lets us. Returns the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):  # a hard limit above fs.nr_open, or a sandbox: setrlimit(2)
        return soft
    return hard


def shortage(limit: int, connections: int) -> str | None:
    """Say in words by how much `limit` descriptors are too few for `connections` (0: as many as come), or None."""
    needed = connections * PER_CONNECTION + SPARE
    if not connections or limit == resource.RLIM_INFINITY or limit >= needed:
        return None
    room = max(0, (limit - SPARE) // PER_CONNECTION)
    return (
        f"{connections} connections need {needed} descriptors and the limit is {limit}, which is room for {room}: "
        f"raise LimitNOFILE, or lower [limits] connections"
    )
