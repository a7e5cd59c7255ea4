"""
Pools, their members and the names of endpoints, as they stand: what the dial step and `dns` tell whoever looks.

Floor 3, frozen. The admin site, the metrics and explain read these; looking changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from starship.words import Place


@frozen(kw_only=True)
class MemberView:
    """
    An endpoint as it stands. `since` (s): how long so; `back_in` (s) until an ejected one is used again, else 0.

    `share`: of the connections, 0 where it is not used. `spares`: connections that stand ready, for whichever pool.
    """

    address: str
    endpoint: str
    state: str
    since: float
    back_in: float
    why: str
    live: int
    total: int
    failures: int
    ejections: int
    weight: int
    backup: bool
    draining: bool
    share: float
    spares: int


@frozen(kw_only=True)
class PoolView:
    """
    A pool as it stands. `panic`: nobody is well, so all are used. `port`: what an endpoint without one means, else 0.

    `waiting` clients of at most `queue`, since all endpoints have `max_connections` (0: no limit).
    """

    name: str
    policy: str
    port: int
    panic: bool
    total: int
    waiting: int
    queue: int
    max_connections: int
    retries: int
    retries_refused: int
    members: tuple[MemberView, ...]


@frozen
class Forecast:
    """Whom the next connection would be given to, where that is certain (an address), and why."""

    address: str | None
    why: str


@frozen(kw_only=True)
class NameView:
    """
    What is known of a name. `age` is that of the last good answer, `left` until it is asked about again (s; None: it
    is not); `trouble` what went wrong since, empty where nothing did.
    """

    name: str
    places: tuple[Place, ...]
    age: float | None
    left: float | None
    trouble: str


@frozen(kw_only=True)
class EndpointFigures:
    """`used`: new connections may be given to one of its addresses. `live` connections are open now, whoever's."""

    endpoint: str
    used: bool
    live: int
    total: int
    failures: int
    ejections: int


@frozen(kw_only=True)
class PoolFigures:
    """
    `total` the connections that were asked for; `panic`: nobody is well.

    `states` counts members by their state, those who drain as draining alone.
    """

    pool: str
    states: Mapping[str, int]
    panic: bool
    total: int
    waiting: int
    retries: int
    retries_refused: int
    endpoints: tuple[EndpointFigures, ...]
