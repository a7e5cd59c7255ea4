"""
How long the reactor is kept waiting while the routes are written to the disk, and how long that takes.

Part of the benchmarks; run by `__main__.py` as `python -m benchmarks.resolver.stalls`. The reactor is the real one.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from attrs import asdict, define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from benchmarks.resolver.chain import fill, make_chain
from benchmarks.resolver.freshly import freshly
from starship.config.settings import Cache
from starship.wire.reactor import install

TICK_S: Final = 0.001
WRITINGS: Final = 5


@frozen(kw_only=True)
class Stalls:
    """
    Milliseconds: the longest time between two ticks of the reactor, one each ms, while nothing is written (`idle`) and
    in five writings (`writing`; `typical` is the median of the longest of each); seconds that a writing took, and that
    reading took at a start; bytes of the file.
    """

    idle: float
    writing: float
    typical: float
    seconds: float
    reading: float
    size: int


def stalls(names: int) -> Stalls:
    """Measure, in a fresh process."""
    return Stalls(**freshly("benchmarks.resolver.stalls", str(names)))


@define(eq=False)
class Ticker:
    """Ticks as often as the reactor lets it. `longest` (s) since it was last asked."""

    _reactor: Any
    _last: float = field(factory=time.perf_counter)
    _longest: float = 0.0

    def tick(self) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        self._last = now
        self._reactor.callLater(TICK_S, self.tick)

    def longest_ms(self) -> float:
        longest, self._longest = self._longest * 1000, 0.0
        return longest


async def _measure(reactor: Any, names: int, path: Path) -> Stalls:
    chain = make_chain(reactor, None, Random(1), Cache(ttl=86_400.0, snapshot=path))
    fill(chain, range(names))
    fill(chain, Random(2).sample(range(names), names // 2))  # later refreshes: the order of use is not that in memory
    assert chain.snapshot is not None
    gc.collect()
    ticker = Ticker(reactor)
    ticker.tick()
    await deferLater(reactor, 0.1)
    ticker.longest_ms()
    await deferLater(reactor, names / 50_000)
    idle = ticker.longest_ms()
    began, longest = time.perf_counter(), []
    for _ in range(WRITINGS):
        await chain.snapshot.save()
        longest.append(ticker.longest_ms())
    seconds = (time.perf_counter() - began) / WRITINGS
    began = time.perf_counter()
    if chain.snapshot.load() != names:
        raise SystemExit("the snapshot was not written, or not read")
    reading = time.perf_counter() - began
    return Stalls(
        idle=idle,
        writing=max(longest),
        typical=median(longest),
        seconds=seconds,
        reading=reading,
        size=path.stat().st_size,
    )


def _main(names: int) -> None:
    install()
    from twisted.internet import reactor  # once ours is installed

    running: Any = reactor
    found: list[Any] = []

    def begin() -> None:
        measuring = Deferred.fromCoroutine(_measure(running, names, Path(folder) / "routes"))
        measuring.addBoth(found.append).addBoth(lambda _: running.stop())

    with TemporaryDirectory() as folder:
        running.callWhenRunning(begin)
        running.run()
    (result,) = found
    if not isinstance(result, Stalls):
        result.raiseException()
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    _main(int(sys.argv[1]))
