"""The pool of each route."""

from __future__ import annotations

import pytest
from attrs import evolve

from starship.dial.pools.book import SEATS_LIMIT, NamedPool, Pools
from starship.dial.pools.terms import Terms
from starship.words import Origin, Route, Upstream
from tests.dial.pools.pooling import SOURCE, World, picks, seat_of, up


def route(*upstreams: Upstream, pool: str | None = None, policy: str | None = None) -> Route:
    return Route(app="an app", upstreams=upstreams, origin=Origin.FRESH, pool=pool, policy=policy)


def some_pools(world: World | None = None, **named: tuple[Upstream, ...]) -> Pools:
    world = world or World()
    terms = Terms(policy="round_robin")
    pools = {name: NamedPool(name, upstreams, terms, world.means) for name, upstreams in named.items()}
    return Pools(pools, Terms(), world.means)


PAIR = (up("192.0.2.1"), up("192.0.2.2"))


def test_a_named_pool_is_one_for_all_routes_and_doors() -> None:
    pools = some_pools(web=PAIR)
    pool = pools.of(route(pool="web"), 443)
    assert pool is pools.of(route(pool="web"), 80)
    assert pool is not None
    assert pool.name == "web"
    assert list(pools) == [pool]


def test_a_pool_that_there_is_not_is_none() -> None:
    assert some_pools(web=PAIR).of(route(pool="other"), 443) is None


def test_endpoints_without_a_port_make_a_pool_for_each_door() -> None:
    pools = some_pools(web=(up("192.0.2.1", None), up("192.0.2.2")))
    one, other = pools.of(route(pool="web"), 443), pools.of(route(pool="web"), 80)
    assert one is not None
    assert other is not None
    assert {seat.label for seat in one.seats} == {"192.0.2.1:443", "192.0.2.2:443"}
    assert {seat.label for seat in other.seats} == {"192.0.2.1:80", "192.0.2.2:443"}
    same = pools.of(route(pool="web"), 80)
    assert same is other


def test_a_routes_own_endpoints_are_found_again_by_themselves_and_by_their_like() -> None:
    pools = some_pools()
    first = route(*PAIR)
    pool = pools.of(first, 443)
    assert pools.of(first, 443) is pool
    assert pools.of(evolve(first, origin=Origin.HIT), 443) is pool
    assert pools.of(route(up("192.0.2.1"), up("192.0.2.2")), 443) is pool
    assert pools.of(route(up("192.0.2.1")), 443) is not pool


def test_another_policy_or_door_is_another_pool_where_it_makes_a_difference() -> None:
    pools = some_pools()
    first = route(*PAIR)
    pool = pools.of(first, 443)
    assert pools.of(first, 80) is pool
    assert pools.of(evolve(first, policy="random"), 443) is pool
    other = pools.of(evolve(first, policy="hash_source"), 443)
    assert other is not None
    assert other is not pool
    assert other.terms.policy == "hash_source"
    portless = route(up("192.0.2.1", None), up("192.0.2.2", None))
    assert pools.of(portless, 443) is not pools.of(portless, 80)
    assert pools.of(portless, 443) is pools.of(portless, 443)


def test_a_policy_that_there_is_not_is_the_usual_one() -> None:
    pool = some_pools().of(route(*PAIR, policy="by_the_moon"), 443)
    assert pool is not None
    assert pool.terms.policy == "random"


def test_what_is_remembered_of_routes_is_bounded_and_the_least_recently_used_goes_first() -> None:
    world = World()
    pools = some_pools(world)
    used = route(*(up(f"198.51.100.{number}") for number in range(100)))
    kept = pools.of(used, 443)
    assert kept is not None
    kept.refresh()
    many = [route(*(up(f"10.{number}.0.{low}") for low in range(100))) for number in range(250)]
    for number, one in enumerate(many * 3):
        pool = pools.of(evolve(one, upstreams=(*one.upstreams, up("10.255.0.1", number + 1))), 443)
        assert pool is not None
        pool.refresh()
        assert pools.of(used, 443) is kept
    assert pools._seats <= SEATS_LIMIT
    assert len(world.means.members) <= SEATS_LIMIT
    assert sum(len(upstreams) for upstreams, *_ in pools._found.values()) == pools._seats


def test_a_pool_is_kept_as_long_as_one_route_that_is_like_it() -> None:
    pools = some_pools()
    one, other = route(*PAIR), route(up("192.0.2.1"), up("192.0.2.2"))
    pool = pools.of(one, 443)
    assert pools.of(other, 443) is pool
    pools._forget(id(one.upstreams) ^ 443)
    assert pools.of(other, 443) is pool
    pools._forget(id(other.upstreams) ^ 443)
    assert pools._alike == {}
    assert pools.of(one, 443) is not pool


@pytest.mark.parametrize("endpoint", ["a.example:443", "192.0.2.1:443"])
def test_an_endpoint_is_drained_by_its_own_words_or_by_an_address(endpoint: str) -> None:
    world = World()
    pools = some_pools(world, web=(up("a.example"), up("192.0.2.9")))
    pool = pools.of(route(pool="web"), 443)
    assert pool is not None
    pool.pick(SOURCE, None)
    world.resolver.questions[0].answer("192.0.2.1")
    picks(pool)
    assert pools.drain("web", endpoint)
    assert picks(pool) == {"192.0.2.9"}
    assert pools.undrain("web", endpoint)
    assert picks(pool) == {"192.0.2.1", "192.0.2.9"}


def test_a_weight_that_is_set_counts_at_once_at_every_door() -> None:
    pools = some_pools(web=(up("192.0.2.1", None), up("192.0.2.2", None)))
    one, other = pools.of(route(pool="web"), 443), pools.of(route(pool="web"), 80)
    assert pools.set_weight("web", "192.0.2.1", 9)
    later = pools.of(route(pool="web"), 81)
    for pool in (one, other, later):
        assert pool is not None
        assert seat_of(pool, "192.0.2.1").weight == 9
    assert pools.set_weight("web", "192.0.2.1", 0)
    assert one is not None
    assert picks(one) == {"192.0.2.2"}


@pytest.mark.parametrize(("pool", "endpoint"), [("other", "192.0.2.1:443"), ("web", "192.0.2.7:443"), ("web", "")])
def test_what_there_is_not_is_not_drained_or_weighed(pool: str, endpoint: str) -> None:
    pools = some_pools(web=PAIR)
    assert not pools.drain(pool, endpoint)
    assert not pools.undrain(pool, endpoint)
    assert not pools.set_weight(pool, endpoint, 1)
    assert not pools.set_weight("web", "192.0.2.1:443", -1)
    assert not pools.set_weight("web", "192.0.2.1:443", 65_536)


def test_the_snapshot_has_every_named_pool_and_no_other() -> None:
    pools = some_pools(web=PAIR, mail=(up("192.0.2.25", None),))
    pools.of(route(*PAIR), 443)
    assert [(view.name, view.port, len(view.members)) for view in pools.snapshot()] == [("web", 0, 2), ("mail", 0, 1)]
    pools.of(route(pool="mail"), 25)
    pools.of(route(pool="mail"), 465)
    assert [(view.name, view.port) for view in pools.snapshot()] == [("web", 0), ("mail", 25), ("mail", 465)]


def test_who_only_looks_makes_nothing_and_finds_what_others_use() -> None:
    pools = some_pools(web=PAIR, mail=(up("192.0.2.25", None),))
    own = route(*PAIR)
    assert pools.peek(own, 443) is None
    assert pools.peek(route(pool="mail"), 25) is None
    assert pools.peek(route(pool="other"), 25) is None
    assert (len(pools._found), len(pools.named["mail"].pools)) == (0, 0)
    for used in (own, route(pool="mail"), route(pool="web")):
        pool = pools.of(used, 443)
        assert pool is not None
        assert pools.peek(used, 443) is pool
    assert pools.peek(route(up("192.0.2.1"), up("192.0.2.2")), 443) is pools.of(own, 443)


def test_a_weight_that_is_taken_back_is_the_one_that_is_written() -> None:
    pools = some_pools(web=(up("192.0.2.1", weight=3), up("192.0.2.2")))
    pool = pools.of(route(pool="web"), 443)
    assert pool is not None
    for weight, stands in ((9, 9), (None, 3)):
        assert pools.set_weight("web", "192.0.2.1:443", weight)
        assert seat_of(pool, "192.0.2.1").weight == stands


def test_the_last_word_on_an_endpoint_is_the_last_word_on_its_addresses() -> None:
    world = World()
    pools = some_pools(world, web=(up("a.example"), up("192.0.2.9")))
    pool = pools.of(route(pool="web"), 443)
    assert pool is not None
    pool.pick(SOURCE, None)
    world.resolver.questions[0].answer("192.0.2.1", "192.0.2.2")
    picks(pool)
    assert pools.drain("web", "a.example:443")
    assert pools.undrain("web", "192.0.2.1:443")
    assert picks(pool) == {"192.0.2.1", "192.0.2.9"}
    assert pools.undrain("web", "a.example:443")
    assert picks(pool) == {"192.0.2.1", "192.0.2.2", "192.0.2.9"}
    assert pools.drain("web", "192.0.2.1:443")
    assert pools.drain("web", "a.example:443")
    assert pools.undrain("web", "a.example:443")
    assert picks(pool) == {"192.0.2.1", "192.0.2.2", "192.0.2.9"}


def test_the_views_are_those_of_one_pool() -> None:
    pools = some_pools(web=PAIR, mail=(up("192.0.2.25", None),))
    assert pools.names() == ("web", "mail")
    assert [view.name for view in pools.views("web")] == ["web"]
    assert pools.views("other") == ()


def test_an_endpoint_that_may_be_used_again_takes_who_waits_for_room() -> None:
    world = World()
    terms = Terms(policy="round_robin", max_connections=1)
    pools = Pools({"web": NamedPool("web", PAIR, terms, world.means)}, Terms(), world.means)
    assert pools.drain("web", "192.0.2.2:443")
    pool = pools.of(route(pool="web"), 443)
    assert pool is not None
    assert pool.room is not None
    called: list[bool] = []

    class Waiter:
        def room(self) -> bool:
            called.append(True)
            return False

        def tired(self) -> None:
            """Never."""

    assert pool.room.join(Waiter())
    assert pools.undrain("web", "192.0.2.2:443")
    assert called == [True]


def test_the_names_of_a_pool_are_to_be_known_before_anybody_comes_to_a_door() -> None:
    """With ports or without: the first client of all waits for no name, and no server that is down holds it up."""
    world = World()
    for upstream in (up("a.example", None), up("b.example", 8443), up("_x._tcp.c.example", None, srv=True)):
        NamedPool("web", (upstream,), Terms(), world.means)
        assert world.resolver.name(upstream.host, srv=upstream.srv).lasting


def test_services_have_ports_of_their_own_so_all_doors_share_one_pool_of_them() -> None:
    world = World()
    home = (up("_x._tcp.c.example", None, srv=True),)
    pools = Pools({"web": NamedPool("web", home, Terms(), world.means)}, Terms(), world.means)
    assert pools.of(route(pool="web"), 80) is pools.of(route(pool="web"), 443) is not None
    found = route(*home)
    assert pools.of(found, 80) is pools.of(found, 443) is not None


def test_one_that_is_drained_is_used_no_more_at_once() -> None:
    world = World()
    unused: list[str] = []
    world.means.unused = lambda address: unused.append(str(address))
    pools = some_pools(world, web=PAIR)
    assert pools.drain("web", "192.0.2.2:443")
    assert unused == ["192.0.2.2:443"]
