"""A pool says who its members are, and may leave all else to [upstream]."""

from __future__ import annotations

import attrs

from starship.config.keys.pools import POOL
from starship.config.keys.upstreams import UPSTREAM


def test_only_its_members_have_to_be_said() -> None:
    assert [key.name for key in POOL.keys.values() if key.default is attrs.NOTHING] == ["endpoints"]


def test_what_a_pool_leaves_out_is_a_key_of_upstream() -> None:
    inherited = {key.name for key in POOL.keys.values() if key.inherits}
    assert inherited
    assert inherited <= set(UPSTREAM.keys)
    assert {key.inherits for key in POOL.keys.values()} == {"", UPSTREAM.title}
