"""
What a remembered name weighs: a process of its own learns them all through the whole chain, and looks at itself.

Part of the benchmarks; run by `__main__.py` as `python -m benchmarks.resolver.footprint`.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import tracemalloc
from pathlib import Path
from random import Random
from typing import Final

from attrs import frozen
from twisted.internet.task import Clock

from benchmarks.resolver.chain import make_chain
from benchmarks.resolver.freshly import freshly
from benchmarks.resolver.world import ApiInMemory, name_of, turn_to
from starship.words import Ask

AT_ONCE: Final = 100
STEP_S: Final = 0.2
"""After it all of those have been answered."""


@frozen(kw_only=True)
class Footprint:
    """Bytes a name: what the process grew by, what Python allocated, what the cache counts against its bound."""

    grown: float
    allocated: float
    counted: float


def footprint(names: int) -> Footprint:
    """Measure, in two fresh processes: who traces allocations grows by that."""
    plain = freshly("benchmarks.resolver.footprint", str(names), "plain")
    traced = freshly("benchmarks.resolver.footprint", str(names), "traced")
    return Footprint(grown=plain["grown"], allocated=traced["allocated"], counted=plain["counted"])


def _measure(names: int, traced: bool) -> dict[str, float]:
    clock = Clock()
    random = Random(1)
    # The API calls all of them known, so that each name asked for leaves a route.
    chain = make_chain(clock, ApiInMemory(clock=clock, random=random, names=names, all_known=True), random)
    gc.collect()
    if traced:
        tracemalloc.start()
    before, allocated = _resident(), tracemalloc.get_traced_memory()[0]
    for first in range(0, names, AT_ONCE):
        for rank in range(first, min(first + AT_ONCE, names)):
            chain.outer.resolve(Ask(name=name_of(rank), source="192.0.2.7", door="https"))
        turn_to(clock, clock.seconds() + STEP_S)
    gc.collect()
    store = chain.cache.stores["routes"]
    return {
        "grown": (_resident() - before) / store.entries,
        "allocated": (tracemalloc.get_traced_memory()[0] - allocated) / store.entries,
        "counted": store.bytes / store.entries,
    }


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]), sys.argv[2] == "traced")))
