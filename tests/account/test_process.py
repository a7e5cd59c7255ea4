"""The process tells of itself as every other does, and counts its descriptors without listing them."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, ProcessCollector

from starship.account.process import DESCRIPTORS, ProcessFigures, booted, entries


def figures(registry: CollectorRegistry) -> dict[str, tuple[str, str, float]]:
    """By the name of the sample: type, meaning and value."""
    return {
        sample.name: (family.type, family.documentation, sample.value)
        for family in registry.collect()
        for sample in family.samples
    }


def test_it_has_the_families_of_the_client_library_with_the_same_values() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    ours.register(ProcessFigures())
    ProcessCollector(registry=theirs)
    mine, usual = figures(ours), figures(theirs)
    assert {name: row[:2] for name, row in mine.items()} == {name: row[:2] for name, row in usual.items()}
    for name, (_, _, value) in mine.items():
        assert value == pytest.approx(usual[name][2], rel=0.05, abs=2), name


def test_each_open_descriptor_counts() -> None:
    gc.collect()  # or what other tests have left is closed meanwhile
    before = entries(DESCRIPTORS)
    opened = [os.dup(2) for _ in range(7)]
    assert entries(DESCRIPTORS) - before == 7
    for descriptor in opened:
        os.close(descriptor)


def test_a_directory_without_a_size_is_listed() -> None:
    assert Path("/proc/self/task").stat().st_size == 0
    assert entries("/proc/self/task") >= threading.active_count()


def test_the_machine_was_booted_some_time_ago() -> None:
    assert 1e9 < booted() < 1e11
