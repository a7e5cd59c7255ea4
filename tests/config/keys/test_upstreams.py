"""How clusters are reached: the vendor's own deadline is one that may be written."""

from __future__ import annotations

from pathlib import Path

from starship.config.keys.upstreams import UPSTREAM
from starship.config.values import Bad


def test_g4_a_try_may_be_as_short_as_250_ms() -> None:
    assert UPSTREAM.keys["connect_timeout"].kind.read("250ms", Path()) == 0.25


def test_a_try_without_a_deadline_cannot_be_written() -> None:
    assert isinstance(UPSTREAM.keys["connect_timeout"].kind.read("0", Path()), Bad)
