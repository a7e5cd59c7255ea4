"""
What the kernel says of processes and cores: CPU time, memory, and what machine this is. Linux alone.

Part of the benchmarks. CPU time is the run time of all threads of all processes (schedstat, in nanoseconds): what the
hypervisor took is not in it; what the kernel did in the process's context is.
"""

from __future__ import annotations

import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICKS: Final = os.sysconf("SC_CLK_TCK")


def tree_of(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = defaultdict(list)
    for stat in PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            children[int(_fields(stat.read_text())[1])].append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children[found[-1]]
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Of all their threads. A process that is gone counts nothing."""
    nanoseconds = 0
    for pid in pids:
        with suppress(OSError):
            for task in (PROC / str(pid) / "task").iterdir():
                nanoseconds += int((task / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def user_share(pids: Iterable[int]) -> tuple[float, float]:
    """Seconds in user mode, and in all, as coarse as the kernel's ticks."""
    user = both = 0
    for pid in pids:
        with suppress(OSError):
            fields = _fields((PROC / str(pid) / "stat").read_text())
            user += int(fields[11])
            both += int(fields[11]) + int(fields[12])
    return user / TICKS, both / TICKS


def pss_kib(pids: Iterable[int]) -> int:
    """Memory: what is shared with other processes counts by its share."""
    return sum(proportional(_read(PROC / str(pid) / "smaps_rollup")) for pid in pids)


def proportional(rollup: str) -> int:
    """The KiB of a smaps_rollup; 0 if it says nothing."""
    return next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)


def busy_seconds(core: int) -> float:
    """That a core has worked so far, the spinner that keeps it awake included."""
    return busy_of((PROC / "stat").read_text(), core)


def busy_of(stat: str, core: int) -> float:
    """The same from the text of /proc/stat: neither idle, nor waiting, nor stolen."""
    line = next(line for line in stat.splitlines() if line.startswith(f"cpu{core} "))
    ticks = [int(word) for word in line.split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4] - ticks[7]) / TICKS


def about() -> dict[str, str]:
    """What the figures depend on."""
    cpu = _cpuinfo("model name")
    virtual = ", in a virtual machine" if "hypervisor" in _cpuinfo("flags").split() else ""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores of {cpu or platform.machine()}{virtual}, {gigabytes:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load": f"{os.getloadavg()[0]:.1f} when it began",
    }


def _cpuinfo(key: str) -> str:
    lines = _read(PROC / "cpuinfo").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith(key)), "")


def _fields(stat: str) -> list[str]:
    """Those of /proc/PID/stat behind the name, which may hold anything: state, parent, …"""
    return stat[stat.rindex(")") + 2 :].split()


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""
