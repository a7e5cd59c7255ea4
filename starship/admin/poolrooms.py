"""
What the pages may ask of pools. Looking changes nothing.

Part of `admin`, floor 6, which knows no workshop: service.py hands these in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import frozen

from starship.poolviews import Forecast, NameView, PoolView
from starship.words import Upstream


class Waters(Protocol):
    """
    The pools of the ini file. What is said of an endpoint counts until the next start; False: there is no such pool or
    endpoint, or no such weight. `weight` None: the one that is written.
    """

    def names(self) -> Sequence[str]: ...
    def views(self, pool: str) -> Sequence[PoolView]: ...
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
    known: Callable[[Upstream], NameView | None]


@frozen(kw_only=True)
class Choosing:
    """Of one route: how its pool stands, and whom it would choose."""

    standing: PoolView
    forecast: Forecast
