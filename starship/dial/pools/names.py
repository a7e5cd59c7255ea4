"""
Names of endpoints, as far as pools and who dials want to know.

Part of the dial step: a view of the room that asks DNS servers, which is a stranger. It tells who watches of new
answers, so that whoever dials asks nobody and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred

from starship.words import Place


class KnownName(Protocol):
    """
    One name. `stale`: nothing is known of it that may still be used; whoever comes has to wait for an answer.

    Who uses `places` sets `used`, so that it is asked about again. `trouble`: why there was no new answer, in a word.
    """

    used: bool

    @property
    def places(self) -> tuple[Place, ...]: ...
    @property
    def stale(self) -> bool: ...
    @property
    def trouble(self) -> str | None: ...

    def ask(self) -> None:
        """Ask beside whoever uses it, unless that is under way or has failed just now."""

    def find(self) -> Deferred[tuple[Place, ...]]:
        """Wait for its places; none where it has none. Errors: none. Cancelling leaves other waiters alone."""

    def watch(self, moved: Callable[[], None], *, lasting: bool) -> None:
        """Call at each change of `places` and `stale`. `lasting`: keep it known even while nobody uses it."""

    def leave(self, moved: Callable[[], None], *, lasting: bool) -> None:
        """Call no more; said as it was said to `watch`."""


class Names(Protocol):
    """All of them."""

    def name(self, host: str, *, srv: bool = False) -> KnownName:
        """One of them; `srv`: by its SRV records."""
