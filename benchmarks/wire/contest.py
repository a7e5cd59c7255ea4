"""
The nouns of a contest: who is measured, in what, and what is aimed at. Pure.

Part of the benchmarks. A group is started together and its contenders take turns; a scenario is one table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from attrs import frozen

from benchmarks.wire.world import NAMES

US: Final = 1e6
OURS: Final = "Starship"
BEST: Final = "the best peer"


class Figure(StrEnum):
    """What a table is about."""

    CPU = "cpu"  # of the proxy's processes per unit of work
    LATENCY = "latency"  # the 99th percentile
    MEMORY = "memory"  # Pss per idle connection
    RATE = "rate"  # units a second


@frozen(kw_only=True)
class Contender:
    """A proxy as it is started: whose program, and in which circumstances."""

    name: str
    program: str
    names: int = NAMES
    endpoints: int = 0  # of each name, in a pool; 0: each name at its own upstream
    held: int = 0  # idle connections through it meanwhile
    logs: bool = False


@frozen(kw_only=True)
class Aim:
    """The figure of `who` is at most (a rate: at least) `ratio` of that of `beside`."""

    ratio: float
    beside: str = BEST
    who: str = OURS


@frozen(kw_only=True)
class Scenario:
    """
    One table. `load` is what the visitors are told beside where; `unit` what a figure counts; `scale` makes it of
    seconds (CPU) of a unit of work; `flows` is bulk at full speed meanwhile; `without` names contenders who cannot;
    `seen_in` says whose samples it shows when it has no runs of its own.
    """

    key: str
    title: str
    unit: str
    door: str = "tls"
    load: tuple[str, ...] = ()
    figure: Figure = Figure.CPU
    scale: float = US
    per_byte: bool = False
    seconds: float = 1.0  # of a run, in terms of the usual length
    flows: int = 0
    without: tuple[str, ...] = ()
    aims: tuple[Aim, ...] = ()
    seen_in: str = ""
    note: str = ""


@frozen(kw_only=True)
class Group:
    """Contenders that run at once, and what they are put through. `rounds` in terms of the usual number."""

    key: str
    contenders: tuple[Contender, ...]
    scenarios: tuple[Scenario, ...]
    fresh: bool = False  # each run has a process of its own
