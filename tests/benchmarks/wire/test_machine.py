"""What the kernel says is read right."""

from __future__ import annotations

import os
import subprocess

from benchmarks.wire.machine import TICKS, about, busy_of, cpu_seconds, proportional, pss_kib, tree_of, user_share

STAT = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 100 1 50 1000 7 2 3 11 5 0\ncpu1 1 0 0 5 0 0 0 0 0 0\nintr 5\n"
ROLLUP = "00400000-7ffc r--p 00000000 00:00 0 [rollup]\nRss:   20 kB\nPss:   12 kB\nPss_Dirty:  3 kB\n"


def test_a_core_is_busy_when_it_is_neither_idle_nor_waiting_nor_stolen() -> None:
    assert busy_of(STAT, 0) == (100 + 1 + 50 + 2 + 3) / TICKS
    assert busy_of(STAT, 1) == 1 / TICKS


def test_memory_is_what_is_proportionally_ours() -> None:
    assert proportional(ROLLUP) == 12
    assert proportional("") == 0


def test_a_process_has_its_cpu_time_memory_and_descendants() -> None:
    own = os.getpid()
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    try:
        assert {own, child.pid} <= set(tree_of(own))
        assert tree_of(child.pid) == [child.pid]
    finally:
        child.communicate()
    assert cpu_seconds([own]) > 0
    assert pss_kib([own]) > 1000
    user, both = user_share([own])
    assert 0 < user <= both


def test_a_process_that_is_gone_counts_nothing() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    assert (cpu_seconds([child.pid]), pss_kib([child.pid]), user_share([child.pid])) == (0.0, 0, (0.0, 0.0))


def test_the_machine_is_told_in_words() -> None:
    assert set(about()) == {"date", "machine", "kernel", "load"}
    assert all(about().values())
