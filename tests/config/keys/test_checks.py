"""A pool says how its endpoints are checked, or leaves it to [upstream]."""

from __future__ import annotations

from pathlib import Path

from starship.config.keys.pools import POOL
from starship.config.keys.upstreams import UPSTREAM
from starship.config.values import Bad

KEYS = {key for key in POOL.keys if key.startswith("check") or key == "on_down"}


def test_each_key_of_a_check_has_its_default_in_upstream() -> None:
    assert len(KEYS) == 10
    assert all(POOL.keys[key].inherits == UPSTREAM.title and key in UPSTREAM.keys for key in KEYS)


def test_no_endpoint_is_checked_and_no_connection_is_cut_unless_it_is_said() -> None:
    assert (POOL.keys["check"].default, POOL.keys["on_down"].default) == ("off", "keep")


def test_a_check_may_come_ten_times_a_second_and_no_more_often() -> None:
    read = POOL.keys["check_interval"].kind.read
    assert read("100ms", Path()) == 0.1
    assert isinstance(read("50ms", Path()), Bad)
