"""Who would answer, in the order of the resolvers, and what a client would meet; nothing is counted on the way."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from attrs import evolve

from starship.admin.poolrooms import Choosing
from starship.admin.reasoning import Finding, Outcome, Question, choosing, endpoints, find, judge
from starship.dial.pools.views import foresee, view
from starship.errors import LookupInvalid, LookupTimeout
from starship.names import Hostname
from starship.reasons import Reason
from starship.words import Address, Miss, Network, Origin, Place, Route, Upstream
from tests.admin.basins import Waters
from tests.admin.houses import House, route, static
from tests.dial.pools.pooling import eject
from tests.fakes import failure_of
from tests.route.resolvers import miss


def question(house: House, name: str | None = "a.com", client: str | None = None, why_not: str = "") -> Question:
    known = None if name is None else Hostname(name)
    return Question(asked=name or "", name=known, why_not=why_not, door=house.doors()[0], client=client)


def found(house: House, name: str | None = "a.com", client: str | None = None) -> Finding:
    return find(house.rooms(), question(house, name, client))


def judged(house: House, name: str | None = "a.com", client: str | None = None) -> Outcome:
    finding = found(house, name, client)
    return judge(house.rooms(), question(house, name, client), finding.answer, finding.error)


def test_a_name_that_is_none_goes_nowhere() -> None:
    house = House(no_name=static("no_name"))
    bad = question(house, None, why_not="the name is an address")
    assert find(house.rooms(), bad).provider == "nobody"
    outcome = judge(house.rooms(), bad, None, None)
    assert (outcome.verdict, outcome.reason, outcome.detail) == ("refused", Reason.BAD_NAME, "the name is an address")


def test_who_names_nobody_goes_where_the_door_says() -> None:
    assert judged(House(), None).reason is Reason.NO_NAME
    house = House(no_name=static("no_name"))
    assert (found(house, None).provider, judged(house, None).verdict) == ("no_name", "served")


def test_the_table_comes_first() -> None:
    house = House(table={"a.com": static("*.com")})
    house.cache.put(Hostname("a.com"), route())
    assert found(house) == Finding(provider="static", how="[routes] *.com", answer=static("*.com"))


def test_without_an_api_the_rest_is_unknown_and_so_is_what_is_below_no_suffix() -> None:
    assert (found(House(has_api=False)).provider, judged(House(has_api=False)).reason) == (
        "nobody",
        Reason.UNKNOWN_NAME,
    )
    house = House(suffix=".org")
    assert (found(house).provider, judged(house).reason) == ("suffixes", Reason.UNKNOWN_NAME)


@pytest.mark.parametrize("house", [House(has_api=False), House(suffix=".org"), House()])
def test_an_unknown_name_goes_to_the_default_of_the_door(house: House) -> None:
    house.cache.put(Hostname("a.com"), miss())
    house.default = static("default")
    finding = found(house)
    assert (finding.provider, finding.answer) == ("default", static("default"))
    assert judged(house).verdict == "served"


def test_a_fresh_route_or_miss_is_the_caches() -> None:
    house = House()
    house.cache.put(Hostname("a.com"), route())
    house.cache.put(Hostname("b.com"), miss(wildcard="*.b.com"))
    assert found(house).how == "a fresh route, kept as a.com"
    finding = found(house, "x.b.com")
    assert (finding.provider, finding.how) == ("cache", "a fresh miss, kept as *.b.com")
    assert judged(house, "x.b.com").reason is Reason.UNKNOWN_NAME


def test_a_stale_route_is_the_answer_or_what_is_left_where_asking_fails() -> None:
    house = House()
    house.cache.put(Hostname("a.com"), route())
    house.clock.advance(61)
    finding = found(house)
    assert (finding.provider, finding.answer) == ("api", None)
    assert getattr(finding.fallback, "app", "") == "A"
    assert judged(house).verdict == "unknown"
    waiter = house.ask("a.com")
    house.inner.questions[0].errback(LookupTimeout("late"))
    waiter.addErrback(lambda _: None)
    finding = found(house)
    assert (finding.provider, judged(house).verdict) == ("cache", "served")
    assert "given at once" in finding.how


def test_a_failure_that_is_remembered_is_given_again() -> None:
    house = House()
    waiter = house.ask("a.com")
    assert "under way" in found(house).how
    house.inner.questions[0].errback(LookupInvalid("garbage"))
    failure_of(waiter)
    assert found(house).provider == "failures"
    outcome = judged(house)
    assert (outcome.reason, outcome.detail) == (Reason.LOOKUP_INVALID, "garbage")


def test_a_new_name_costs_a_budget_which_only_a_client_can_be_over() -> None:
    house = House(over="too many unknown names came from 192.0.2.7")
    assert judged(house).verdict == "unknown"
    assert found(house, client="192.0.2.7").provider == "budget"
    outcome = judged(house, client="192.0.2.7")
    assert (outcome.reason, outcome.told) == (Reason.OVER_LIMIT, Reason.UNKNOWN_NAME)


def test_where_no_api_may_be_asked_the_failure_is_known_and_may_count_as_a_miss() -> None:
    house = House(refused=LookupTimeout("not asked: the API fails (late)"))
    assert judged(house).reason is Reason.LOOKUP_TIMEOUT
    house.forgiving = True
    assert judged(house).reason is Reason.UNKNOWN_NAME


NETWORK: Network = ip_network("10.0.0.0/8")


@pytest.mark.parametrize(
    ("home", "client", "reason"),
    [
        (route(), None, Reason.OK),
        (route(maintenance=True), None, Reason.MAINTENANCE),
        (route(allow=(NETWORK,)), None, Reason.OK),
        (route(allow=(NETWORK,)), "10.1.1.1", Reason.OK),
        (route(allow=(NETWORK,)), "192.0.2.7", Reason.DENIED),
        (route(deny=(NETWORK,)), "10.1.1.1", Reason.DENIED),
        (route(deny=(NETWORK,)), "192.0.2.7", Reason.OK),
        (route(), "192.0.2.66", Reason.DENIED),
        (route(max_connections=5), None, Reason.OVER_LIMIT),
        (route(max_connections=6), None, Reason.OK),
        (route("169.254.169.254"), None, Reason.UPSTREAM_FORBIDDEN),
        (route("169.254.169.254", "10.0.0.1"), None, Reason.OK),
        (route("meta.internal"), None, Reason.UPSTREAM_FORBIDDEN),
        (route("unknown.internal"), None, Reason.OK),
        (route("nowhere.internal"), None, Reason.OK),
    ],
)
def test_a_route_is_judged_by_what_it_asks_for_and_where_it_leads(
    home: Route, client: str | None, reason: Reason
) -> None:
    house = House(inside=5, denied="192.0.2.66")
    house.names = {"meta.internal": (Place("169.254.1.1"),), "nowhere.internal": ()}
    house.cache.put(Hostname("a.com"), home)
    assert judged(house, client=client).reason is reason


def test_the_guard_is_asked_about_the_ports_that_srv_records_say() -> None:
    house = House()
    house.names = {"_http._tcp.a.internal": (Place("10.0.0.1", 8443, 5), Place("169.254.1.1", 9000, 1))}
    home = evolve(route(), upstreams=(Upstream(host="_http._tcp.a.internal", srv=True),))
    (endpoint,) = endpoints(house.rooms(), question(house), home)
    assert endpoint.addresses == ("10.0.0.1:8443", "169.254.1.1:9000")
    assert house.asked_of_guard == [Address("10.0.0.1", 8443), Address("169.254.1.1", 9000)]
    assert len(endpoint.objections) == 1


def test_endpoints_are_in_the_order_of_trying_with_their_share_and_port() -> None:
    home = evolve(
        route(),
        upstreams=(
            Upstream(host="10.0.0.3", backup=True),
            Upstream(host="10.0.0.1", weight=1),
            Upstream(host="10.0.0.2", port=8443, weight=3),
        ),
    )
    house = House()
    tried = endpoints(house.rooms(), question(house), home)
    assert [(one.upstream.host, one.port, one.share) for one in tried] == [
        ("10.0.0.2", 8443, 0.75),
        ("10.0.0.1", 443, 0.25),
        ("10.0.0.3", 443, 0.0),
    ]


def test_static_routes_are_the_operators_word_and_not_guarded() -> None:
    house = House(table={"a.com": evolve(static("a.com"), upstreams=(Upstream(host="169.254.1.1"),))})
    assert judged(house).verdict == "served"


def test_nothing_is_counted_promoted_or_asked() -> None:
    house = House()
    house.cache.put(Hostname("a.com"), route())
    house.cache.put(Hostname("b.com"), Miss(origin=Origin.FRESH))
    before = [entry.name for entry in house.cache.entries()]
    for name in ("a.com", "b.com", "c.com"):
        judged(house, name, "192.0.2.7")
    look = house.cache.look("a.com")
    assert look is not None
    assert look.hits == 0
    assert (house.cache.hits, house.cache.negatives, house.cache.stales, house.cache.misses) == (0, 0, 0, 0)
    assert [entry.name for entry in house.cache.entries()] == before
    assert (house.inner.asked, house.live.asked) == ([], [])


def test_r1_a_route_to_a_pool_leads_to_its_endpoints_which_are_the_operators_word() -> None:
    home = evolve(route(), upstreams=(), pool="web")
    house = House(pools={"web": (Upstream(host="127.0.0.1", weight=3), Upstream(host="127.0.0.2", backup=True))})
    tried = endpoints(house.rooms(), question(house), home)
    assert [(one.upstream.host, one.share, one.objections) for one in tried] == [
        ("127.0.0.1", 1.0, ()),
        ("127.0.0.2", 0.0, ()),
    ]
    assert judge(house.rooms(), question(house), home, None).verdict == "served"


def test_a_route_to_a_pool_that_there_is_not_leads_nowhere() -> None:
    house = House()
    outcome = judge(house.rooms(), question(house), evolve(route(), upstreams=(), pool="web"), None)
    assert (outcome.reason, outcome.detail) == (Reason.UPSTREAM_UNRESOLVED, "there is no pool web")


def pooled(waters: Waters) -> tuple[House, Route]:
    """A house whose pool `web` is in use, and a route to it."""
    pool = waters.web.at(443)
    house = House(pools={"web": waters.web.upstreams})
    house.choosing = Choosing(standing=view(pool), forecast=foresee(pool, None, None))
    return house, evolve(route(), upstreams=(), pool="web")


def test_the_shares_of_a_pool_in_use_are_those_of_now_whoever_is_left_out_or_drained() -> None:
    waters = Waters()
    eject(waters.web.at(443), "192.0.2.1")
    waters.pools.drain("web", "192.0.2.9:443")
    house, home = pooled(waters)
    tried = endpoints(house.rooms(), question(house), home)
    assert [(one.upstream.host, one.share, one.drained) for one in tried] == [
        ("192.0.2.2", 1.0, False),
        ("192.0.2.1", 0.0, False),
        ("192.0.2.9", 0.0, True),
    ]
    assert judge(house.rooms(), question(house), home, None).verdict == "served"
    assert choosing(house.rooms(), question(house), home) is house.choosing


def test_a_pool_that_is_drained_altogether_refuses_its_clients() -> None:
    waters = Waters()
    for host in ("192.0.2.1", "192.0.2.2", "192.0.2.9"):
        waters.pools.drain("web", f"{host}:443")
    house, home = pooled(waters)
    outcome = judge(house.rooms(), question(house), home, None)
    assert (outcome.reason, outcome.detail) == (Reason.UPSTREAM_REFUSED, "every endpoint of the pool web is drained")


def test_a_route_that_a_request_does_not_get_has_no_pool_to_choose_from() -> None:
    house, home = pooled(Waters())
    house.redirect = 443
    asked = evolve(question(house), door=house.doors()[1], target="/")
    assert choosing(house.rooms(), asked, home) is None
    assert endpoints(house.rooms(), asked, home) == ()
