"""The estimate of an answer's bytes is near what it takes, and never far below (M10)."""

from __future__ import annotations

import tracemalloc
from ipaddress import ip_network

import pytest
from attrs import evolve
from twisted.internet.task import Clock

from starship.names import Hostname
from starship.route.weight import weight
from starship.words import Answer, PathRule, Route, Upstream
from tests.route.resolvers import memory, miss, route

COUNT = 5000


def one_route(number: int) -> Answer:
    return route(f"App {number}", host=f"10.1.{number // 250}.{number % 250}")


def many_upstreams(number: int) -> Route:
    hosts = tuple(Upstream(host=f"10.{one}.{number // 250}.{number % 250}") for one in range(8))
    return evolve(route("A"), upstreams=hosts)


def networks(number: int) -> Route:
    return evolve(route("A"), allow=tuple(ip_network(f"10.{one}.0.0/16") for one in range(8)))


def rules(number: int) -> Route:
    paths = tuple(
        PathRule(
            path=f"/part-{one}-of-{number}",
            kind="prefix",
            upstreams=(Upstream(host=f"10.{one}.{number // 250}.{number % 250}"),),
            rewrite=f"/for-{number}",
        )
        for one in range(8)
    )
    return evolve(route("A"), paths=paths)


@pytest.mark.parametrize("make", [one_route, many_upstreams, networks, rules, lambda number: miss()])
def test_the_estimate_is_near_the_truth_M10(make: object) -> None:
    assert callable(make)
    cache = memory(Clock(), routes=COUNT, misses=COUNT, ahead=0.1)
    estimate = 0
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(COUNT):
        name = Hostname(f"tenant-{number}.example.com")
        answer = make(number)
        estimate += weight(name, answer)
        cache.put(name, answer)
        del answer, name
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert sum(store.bytes for store in cache.stores.values()) == estimate
    assert 0.85 * taken <= estimate <= 1.35 * taken, (taken / COUNT, estimate / COUNT)


def test_a_route_of_one_endpoint_is_under_a_kibibyte_M10() -> None:
    assert weight("tenant-12345.example.com", one_route(1)) < 1024
