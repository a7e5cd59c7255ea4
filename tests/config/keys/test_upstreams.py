"""How clusters are reached: the vendor's own deadline is one that may be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from starship.config.keys.pools import POOL
from starship.config.keys.table import Section
from starship.config.keys.upstreams import UPSTREAM
from starship.config.values import Bad


def test_g4_a_try_may_be_as_short_as_250_ms() -> None:
    assert UPSTREAM.keys["connect_timeout"].kind.read("250ms", Path()) == 0.25


def test_a_try_without_a_deadline_cannot_be_written() -> None:
    assert isinstance(UPSTREAM.keys["connect_timeout"].kind.read("0", Path()), Bad)


@pytest.mark.parametrize("section", [UPSTREAM, POOL])
def test_a_proxy_header_is_described_once_for_all_and_again_for_a_pool(section: Section) -> None:
    read = {key: section.keys[key].kind.read for key in ("proxy_protocol", "proxy_options", "proxy_relay")}
    assert read["proxy_protocol"]("v2", Path()) == "v2"
    assert read["proxy_options"]("crc32c, authority", Path()) == ("crc32c", "authority")
    assert read["proxy_relay"]("unique_id 0xea", Path()) == frozenset({5, 0xEA})
    assert isinstance(read["proxy_options"]("ssl", Path()), Bad)
