"""How many connections the process can hold, said before it is too late."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from starship.process.descriptors import PER_CONNECTION, SPARE, shortage

RAISE = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from starship.process.descriptors import raise_limit
print(raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""

HINDERED = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))
def refuse(which, limits):
    raise ValueError("not allowed to raise maximum limit")
resource.setrlimit = refuse
from starship.process.descriptors import raise_limit
print(raise_limit())
"""


def said_by(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=240, text=True
    ).stdout


@pytest.mark.parametrize(("soft", "hard"), [(64, 128), (128, 128)])
def test_the_limit_is_raised_to_the_hard_one(soft: int, hard: int) -> None:
    assert said_by(RAISE.format(soft=soft, hard=hard)) == f"{hard} {hard} {hard}\n"


def test_a_kernel_that_does_not_let_us_leaves_the_limit_as_it_is() -> None:
    assert said_by(HINDERED) == "64\n"


def test_enough_is_enough() -> None:
    assert shortage(1000 * PER_CONNECTION + SPARE, 1000) is None
    assert shortage(resource.RLIM_INFINITY, 1000) is None
    assert shortage(10, 0) is None


def test_one_descriptor_too_few_is_said_with_what_there_is_room_for() -> None:
    said = shortage(1000 * PER_CONNECTION + SPARE - 1, 1000)
    assert said is not None
    assert "1000 connections need 2512 descriptors and the limit is 2511, which is room for 999" in said
    assert "LimitNOFILE" in said


def test_a_limit_below_the_spare_is_room_for_nobody() -> None:
    assert "room for 0" in (shortage(64, 1000) or "")
