"""Where something lives is read strictly, and an answer may leave it out only where its paths say it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from starship.route.endpoints import ENDPOINTS_LIMIT, read_endpoints
from starship.route.fields import Malformed, parse_object
from starship.words import Endpoints, PoolName, Upstream


def read(answer: dict[str, Any], pools: frozenset[str] | None = frozenset({"blue"})) -> Endpoints | None:
    return read_endpoints(parse_object(json.dumps(answer).encode()), pools)


def test_endpoints_come_before_endpoint_and_both_are_checked() -> None:
    both = {"endpoint": "10.0.0.1", "endpoints": [{"address": "10.0.0.2"}]}
    assert read(both) == (Upstream(host="10.0.0.2"),)
    with pytest.raises(Malformed, match="endpoint is not usable"):
        read({**both, "endpoint": "10.0.0.1:0"})


def test_an_endpoint_of_weight_0_is_left_out() -> None:
    entries = [{"address": "10.0.0.1", "weight": 0}, {"address": "10.0.0.2", "weight": 5, "backup": True}]
    assert read({"endpoints": entries}) == (Upstream(host="10.0.0.2", weight=5, backup=True),)


def test_a_pool_is_one_that_there_is_and_has_the_whole_word() -> None:
    assert read({"endpoint": "pool:blue"}) == PoolName("blue")
    assert read({"endpoint": "pool:any"}, None) == PoolName("any")
    with pytest.raises(Malformed, match="a pool that there is not"):
        read({"endpoint": "pool:green"})
    with pytest.raises(Malformed, match="both a pool and endpoints"):
        read({"endpoint": "pool:blue", "endpoints": [{"address": "10.0.0.2"}]})


def test_who_says_neither_says_nothing() -> None:
    assert read({"app": "A"}) is None


def test_there_are_not_endless_endpoints() -> None:
    with pytest.raises(Malformed, match="more than 256"):
        read({"endpoints": [{"address": "10.0.0.1"}] * (ENDPOINTS_LIMIT + 1)})
