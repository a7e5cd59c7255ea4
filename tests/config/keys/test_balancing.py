"""How a load is shared: said once for all, and again by a pool that wants it otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from starship.config.keys.balancing import add_balancing
from starship.config.keys.pools import POOL
from starship.config.keys.table import Section
from starship.config.keys.upstreams import UPSTREAM
from starship.config.settings import Pool
from starship.config.values import Bad


def test_a_pool_leaves_to_upstream_whatever_it_may_say_itself() -> None:
    shared = Section(title="shared", owner=Pool, doc="")
    add_balancing(shared, inherits="upstream")
    assert {key.inherits for key in shared.keys.values()} == {"upstream"}
    assert list(UPSTREAM.keys)[: len(shared.keys)] == list(shared.keys)
    assert set(shared.keys) <= set(POOL.keys)


@pytest.mark.parametrize("section", [UPSTREAM, POOL])
def test_a_proxy_header_is_described_once_for_all_and_again_for_a_pool(section: Section) -> None:
    read = {key: section.keys[key].kind.read for key in ("proxy_protocol", "proxy_options", "proxy_relay")}
    assert read["proxy_protocol"]("v2", Path()) == "v2"
    assert read["proxy_options"]("crc32c, authority", Path()) == ("crc32c", "authority")
    assert read["proxy_relay"]("unique_id 0xea", Path()) == frozenset({5, 0xEA})
    assert isinstance(read["proxy_options"]("ssl", Path()), Bad)
