"""
The seam of caches: what a resolver that remembers may ask of its memory.

Part of `route`; no other room asks a cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from zope.interface import Interface

from starship.names import Hostname
from starship.words import Answer, Look


class Kept(Protocol):
    """An Answer as a cache keeps it. Moments in monotonic seconds."""

    @property
    def name(self) -> str:
        """The name or wildcard it is kept under."""

    @property
    def answer(self) -> Answer:
        """As it is handed out."""

    @property
    def born(self) -> float:
        """When it was put."""

    @property
    def refresh(self) -> float:
        """From when on a use of it should ask again; inf: never."""

    @property
    def expires(self) -> float:
        """When it is no longer fresh."""


class ICache(Interface):
    """
    Bounded, expiring memory of Answers by name; synchronous, always. Times in seconds, monotonic.

    An Answer with a wildcard is kept under it, and found for each name below. The exact name comes first, even while
    it is expired and may still be served, then the longest wildcard.
    """

    def get(name: Hostname) -> Kept | None:
        """The live entry of a name, promoted as used, of origin hit or negative; None when unknown or expired."""

    def stale(name: Hostname, within: float, used: int) -> Kept | None:
        """
        The entry of a name that expired less than `within` seconds ago, if it may still be served; of origin stale.

        `used`: only one that had at least so many hits. Counts as served; promotes nothing.
        """

    def look(name: str) -> Look | None:
        """What is held of a name or wildcard, live or stale. Promotes nothing, counts nothing, changes nothing."""

    def put(name: Hostname, answer: Answer) -> None:
        """
        Remember an Answer for its own ttl, or the cache's where it says nothing; a ttl of 0 is not remembered.

        It replaces what was known of the name, even where that leaves nothing.
        """

    def drop(name: str) -> bool:
        """Forget a name or wildcard; say whether it was there."""

    def drop_where(app: str | None, suffix: str | None) -> tuple[str, ...]:
        """Forget all of an app, or all at and below a suffix; both given, both must hold. The names forgotten."""

    def purge(expired_only: bool) -> int:
        """Forget everything, or all that has expired; say how much."""

    def page(store: str, after: str, limit: int, only: Callable[[str, Answer], bool] | None = None) -> tuple[Look, ...]:
        """At most `limit` entries of a store that `only` wants, sorted by name, beginning after a name; as `look`."""
