"""
What the process itself is like: memory, CPU time, descriptors. The usual `process_*` families.

Part of `account`, floor 4. As prometheus_client's own collector, but for how descriptors are counted: that one lists
them all, which with 20,000 connections took 50 ms in which no client was served.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from attrs import define, field
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

DESCRIPTORS: Final = "/proc/self/fd"


@define(eq=False)
class ProcessFigures(Collector):
    """Reads the kernel's files of this process whenever somebody scrapes."""

    _booted: float = field(factory=lambda: booted(), init=False)
    _ticks: int = field(factory=lambda: os.sysconf("SC_CLK_TCK"), init=False)

    def collect(self) -> Iterable[Metric]:
        """Source: proc(5); the figures count from the word behind the name in brackets."""
        figures = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        user, system, started, virtual, pages = (int(figures[at]) for at in (11, 12, 19, 20, 21))
        yield _gauge("virtual_memory_bytes", "Virtual memory size in bytes.", virtual)
        yield _gauge("resident_memory_bytes", "Resident memory size in bytes.", pages * resource.getpagesize())
        yield _gauge(
            "start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            self._booted + started / self._ticks,
        )
        spent = (user + system) / self._ticks
        yield CounterMetricFamily(
            "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", value=spent
        )
        yield _gauge("open_fds", "Number of open file descriptors.", entries(DESCRIPTORS))
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        yield _gauge("max_fds", "Maximum number of open file descriptors.", limit)


def entries(directory: str) -> int:
    """
    How many entries a directory of /proc has; that of descriptors says it as its size.

    Source: Linux 6.2, "proc: report open files as size in stat() for /proc/pid/fd". Before that they are listed.
    """
    size = Path(directory).stat().st_size
    if size:
        return size
    with os.scandir(directory) as found:
        return sum(1 for _ in found)


def booted() -> float:
    """When the machine was, in seconds since the epoch; 0 where it cannot be told."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"process_{name}", meaning, value=value)
