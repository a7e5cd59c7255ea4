"""
Warming: a list of names is looked up before anybody asks for them, a few at a time.

Part of `route`, for who administers the cache. Knows a way to ask, not the cache.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from starship.errors import LookupFailed
from starship.names import Hostname
from starship.route.questions import Asking
from starship.words import Ask, Route


@define(eq=False, kw_only=True)
class Warming:
    """
    Asks for each of `names` by `asking`, `at_once` of them at a time. Progress: `total`, `routes`, `misses`, `failed`.

    Between two names of one worker the reactor gets its turn, so that a list of names that are known already does not
    hold everyone up.
    """

    _names: tuple[Hostname, ...]
    _asking: Asking
    _clock: IReactorTime
    _at_once: int = 16
    routes: int = field(default=0, init=False)
    misses: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)
    _workers: list[Deferred[None]] = field(factory=list, init=False)

    @property
    def total(self) -> int:
        """How many are to be asked for."""
        return len(self._names)

    @property
    def done(self) -> int:
        """How many were answered, or failed."""
        return self.routes + self.misses + self.failed

    def start(self) -> Deferred[None]:
        """Begin. Fires when all are done; cancelling it, or `stop`, gives the rest up."""
        names = iter(self._names)
        workers = range(min(self._at_once, self.total))
        self._workers = [Deferred.fromCoroutine(self._work(names)) for _ in workers]
        return gatherResults(self._workers, consumeErrors=True).addCallback(lambda _: None)

    def stop(self) -> None:
        """Give up what is not done."""
        for worker in self._workers:
            worker.cancel()

    async def _work(self, names: Iterator[Hostname]) -> None:
        for name in names:
            try:
                answer = await self._asking(Ask(name=name, source="127.0.0.1", door="warming"))
            except CancelledError:
                raise
            except LookupFailed:
                self.failed += 1
            else:
                if isinstance(answer, Route):
                    self.routes += 1
                else:
                    self.misses += 1
            await deferLater(self._clock, 0)
