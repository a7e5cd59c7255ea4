"""
What the pages may ask of pools, as Protocols. Looking changes nothing.

Part of `admin`, floor 6, which knows no workshop: service.py hands these in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import frozen

from starship.words import Place, Upstream


class Member(Protocol):
    """
    An address of a pool as it stands. `since` (s): how long so; `back_in` (s) until an ejected one is used again.

    `endpoint` is what the ini file says, `address` what is dialled; `share` of the connections, 0 where it is not used.
    """

    @property
    def address(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def since(self) -> float: ...
    @property
    def back_in(self) -> float: ...
    @property
    def why(self) -> str: ...
    @property
    def live(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def ejections(self) -> int: ...
    @property
    def weight(self) -> int: ...
    @property
    def backup(self) -> bool: ...
    @property
    def draining(self) -> bool: ...
    @property
    def share(self) -> float: ...


class Standing(Protocol):
    """
    A pool as it stands at a port (0: at all). `panic`: nobody is well, so all are used.

    `waiting` clients of at most `queue`, since all endpoints have `max_connections` (0: no limit). `retries` were made
    of endpoints that had failed last, `retries_refused` were not.
    """

    @property
    def name(self) -> str: ...
    @property
    def policy(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def panic(self) -> bool: ...
    @property
    def total(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def queue(self) -> int: ...
    @property
    def max_connections(self) -> int: ...
    @property
    def retries(self) -> int: ...
    @property
    def retries_refused(self) -> int: ...
    @property
    def members(self) -> Sequence[Member]: ...


class Known(Protocol):
    """
    What is known of a name. `age` of the last good answer, `left` until it is asked about again (s; None: never);
    `trouble` is what went wrong since, empty where nothing did.
    """

    @property
    def name(self) -> str: ...
    @property
    def places(self) -> Sequence[Place]: ...
    @property
    def age(self) -> float | None: ...
    @property
    def left(self) -> float | None: ...
    @property
    def trouble(self) -> str: ...


class Forecast(Protocol):
    """Whom the next connection would be given to, where that is certain, and why."""

    @property
    def address(self) -> str | None: ...
    @property
    def why(self) -> str: ...


class Waters(Protocol):
    """
    The pools of the ini file. What is said of an endpoint counts until the next start; False: there is no such pool or
    endpoint, or no such weight. `weight` None: the one that is written.
    """

    def names(self) -> Sequence[str]: ...
    def views(self, pool: str) -> Sequence[Standing]: ...
    def drain(self, pool: str, endpoint: str) -> bool: ...
    def undrain(self, pool: str, endpoint: str) -> bool: ...
    def set_weight(self, pool: str, endpoint: str, weight: int | None) -> bool: ...


@frozen(kw_only=True)
class Basin:
    """
    All that the pages of pools look into: `upstreams` of a pool as they are written, None where there is none of that
    name; `known` of an endpoint's name.
    """

    pools: Waters
    upstreams: Callable[[str], tuple[Upstream, ...] | None]
    known: Callable[[Upstream], Known | None]


@frozen(kw_only=True)
class Choosing:
    """Of one route: how its pool stands, and whom it would choose."""

    standing: Standing
    forecast: Forecast
