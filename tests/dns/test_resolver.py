"""What is asked of whom, and what the answers mean together."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from starship.dns.messages import FAMILIES, Reply, Service, Trouble
from starship.dns.resolver import (
    FILE_TTL_S,
    IN_FLIGHT_LIMIT,
    PLACES_LIMIT,
    QUESTIONS_LIMIT,
    ROUNDS,
    TARGETS_LIMIT,
    Found,
    Resolver,
)
from starship.dns.system import Plan
from starship.names import Hostname
from starship.words import Address, Place
from tests.dns.scenes import FakeAsker, found
from tests.fakes import failure_of, success_of

FIRST, SECOND = Address("10.0.0.2", 53), Address("10.0.0.3", 53)
WEB = Hostname("web.example")
FOUR = Reply(addresses=("192.0.2.2", "192.0.2.1"), ttl=60)
SIX = Reply(addresses=("2001:db8::1",), ttl=30)
EMPTY = Reply(trouble=Trouble.EMPTY)
NO = Reply(trouble=Trouble.NXDOMAIN)
SERVFAIL = Reply(trouble=Trouble.SERVFAIL)
TIMEOUT = Reply(trouble=Trouble.TIMEOUT)


class Scene:
    """A resolver whose servers say what `asker.known` has."""

    def __init__(self, *servers: Address, families: tuple[int, ...] = (4, 6), **plan: Any) -> None:
        self.asker = FakeAsker()
        self.plan = Plan(servers=servers or (FIRST,), **plan)
        self.resolver = Resolver(asker=self.asker, plan=lambda: self.plan, timeout=4.0, families=families)

    def find(self, name: str = WEB, *, srv: bool = False) -> Deferred[Found | Trouble]:
        return self.resolver.resolve(Hostname(name), srv=srv)


def test_both_families_are_asked_at_once_and_come_in_one_order() -> None:
    scene = Scene()
    scene.asker.known = {"web.example A": FOUR, "web.example AAAA": SIX}
    assert success_of(scene.find()) == found("192.0.2.1", "192.0.2.2", "2001:db8::1", ttl=30)
    assert scene.asker.names() == ["web.example A", "web.example AAAA"]


@pytest.mark.parametrize(("family", "host"), [(4, "192.0.2.1"), (6, "2001:db8::1")])
def test_one_family_may_be_all_that_is_wanted(family: int, host: str) -> None:
    scene = Scene(families=(family,))
    scene.asker.known = {"web.example A": FOUR, "web.example AAAA": SIX}
    answer = success_of(scene.find())
    assert isinstance(answer, Found)
    assert answer.places[0] == Place(host)
    assert len(scene.asker.asked) == 1


@pytest.mark.parametrize(
    ("four", "six", "expected"),
    [
        (NO, NO, Trouble.NXDOMAIN),
        (EMPTY, EMPTY, Trouble.EMPTY),
        (SERVFAIL, EMPTY, Trouble.SERVFAIL),
        (NO, SERVFAIL, Trouble.SERVFAIL),
        (EMPTY, SIX, found("2001:db8::1", ttl=30)),
        (SERVFAIL, SIX, found("2001:db8::1", ttl=30, unheard=frozenset({4}))),
    ],
)
def test_what_both_families_say_together(four: Reply, six: Reply, expected: Found | Trouble) -> None:
    scene = Scene()
    scene.asker.known = {"web.example A": four, "web.example AAAA": six}
    assert success_of(scene.find()) == expected


def test_an_alias_of_which_no_more_was_said_is_asked_about_and_there_is_an_end_to_it() -> None:
    scene = Scene(families=(4,))
    scene.asker.known = {"web.example A": Reply(alias=Hostname("a.example"), ttl=5), "a.example A": FOUR}
    assert success_of(scene.find()) == found("192.0.2.1", "192.0.2.2", ttl=5)
    scene.asker.known["a.example A"] = Reply(alias=Hostname("web.example"))
    del scene.asker.asked[:]
    assert success_of(scene.find()) is Trouble.GARBLED
    assert len(scene.asker.asked) == QUESTIONS_LIMIT


def test_the_next_server_is_asked_where_one_fails_and_no_server_where_there_is_no_such_name() -> None:
    scene = Scene(FIRST, SECOND, families=(4,))
    answer = scene.find()
    scene.asker.asked[0].reply.callback(SERVFAIL)
    assert [one.server for one in scene.asker.asked] == [FIRST, SECOND]
    scene.asker.asked[1].reply.callback(NO)
    assert success_of(answer) is Trouble.NXDOMAIN
    assert len(scene.asker.asked) == 2


def test_each_server_is_asked_twice_and_then_the_last_trouble_is_told() -> None:
    scene = Scene(FIRST, SECOND, families=(4,))
    scene.asker.known = {"web.example A": SERVFAIL}
    assert success_of(scene.find()) is Trouble.SERVFAIL
    assert [one.server for one in scene.asker.asked] == [FIRST, SECOND] * ROUNDS
    assert sum(one.timeout for one in scene.asker.asked) < scene.resolver.timeout


def test_a_server_that_was_silent_is_asked_last_for_a_while() -> None:
    scene = Scene(FIRST, SECOND, families=(4,))
    scene.find()
    scene.asker.asked[0].reply.callback(TIMEOUT)
    scene.asker.asked[1].reply.callback(FOUR)
    scene.find()
    assert scene.asker.asked[2].server == SECOND
    scene.asker.asked[2].reply.callback(FOUR)
    scene.asker.time.advance(31)
    scene.find()
    assert scene.asker.asked[3].server == FIRST


def test_who_does_not_know_edns_is_asked_again_without() -> None:
    scene = Scene(families=(4,))
    answer = scene.find()
    scene.asker.asked[0].reply.callback(Reply(trouble=Trouble.SERVFAIL, plain=True))
    assert [one.edns for one in scene.asker.asked] == [True, False]
    scene.asker.asked[1].reply.callback(FOUR)
    assert success_of(answer) == found("192.0.2.1", "192.0.2.2", ttl=60)


def test_silence_ends_with_the_deadline_of_the_name_and_nothing_is_left() -> None:
    scene = Scene()
    answer = scene.find()
    scene.asker.time.advance(3.9)
    assert not answer.called
    scene.asker.time.advance(0.2)
    assert success_of(answer) is Trouble.TIMEOUT
    assert scene.asker.time.getDelayedCalls() == []
    assert all(one.reply.called for one in scene.asker.asked)


def test_who_gives_up_leaves_nothing() -> None:
    scene = Scene()
    answer = scene.find()
    answer.cancel()
    assert failure_of(answer) is not None
    assert scene.asker.time.getDelayedCalls() == []
    assert all(one.reply.called for one in scene.asker.asked)
    assert scene.resolver._room.tokens == IN_FLIGHT_LIMIT


def test_something_of_ours_that_breaks_is_not_taken_for_silence() -> None:
    scene = Scene()
    answer = scene.find()
    scene.asker.asked[0].reply.errback(RuntimeError("ours"))
    assert failure_of(answer) is not None


def test_names_are_searched_as_the_system_does_and_the_search_ends_at_silence() -> None:
    scene = Scene(families=(4,), search=("ns.example", "example"), dots=1)
    scene.asker.known = {"web.ns.example A": NO, "web.example A": FOUR}
    assert success_of(scene.find("web")) == found("192.0.2.1", "192.0.2.2", ttl=60)
    scene.asker.known = {"web.ns.example A": SERVFAIL, "web.example A": FOUR}
    assert success_of(scene.find("web")) is Trouble.SERVFAIL
    scene.asker.known = {"web.ns.example A": EMPTY, "web.example A": NO, "web A": NO}
    assert success_of(scene.find("web")) is Trouble.EMPTY


def test_hosts_and_localhost_are_not_asked_about() -> None:
    scene = Scene(hosts={"web.example": ("192.0.2.9", "2001:db8::9")})
    assert success_of(scene.find()) == found("192.0.2.9", "2001:db8::9", ttl=FILE_TTL_S)
    assert success_of(scene.find("localhost")) == found("127.0.0.1", "::1", ttl=FILE_TTL_S)
    assert scene.asker.asked == []
    scene = Scene(hosts={"web.example": ("192.0.2.9",)}, families=(6,))
    assert success_of(scene.find()) is Trouble.EMPTY


def test_priorities_are_tiers_and_weights_are_kept() -> None:
    scene = Scene(families=(4,))
    services = (
        Service(10, 3, 8080, Hostname("a.example")),
        Service(10, 0, 8081, Hostname("b.example")),
        Service(20, 5, 80, Hostname("a.example")),
        Service(5, 1, 80, Hostname("gone.example")),
    )
    scene.asker.known = {
        "web.example SRV": Reply(services=services, ttl=60),
        "a.example A": Reply(addresses=("192.0.2.1",), ttl=9),
        "b.example A": Reply(addresses=("192.0.2.2",), ttl=90),
        "gone.example A": NO,
    }
    places = (
        Place("192.0.2.1", 8080, 3, 0),
        Place("192.0.2.2", 8081, 0, 0),
        Place("192.0.2.1", 80, 5, 1),
    )
    assert success_of(scene.find(srv=True)) == Found(places, 9)
    assert scene.asker.names().count("a.example A") == 1


@pytest.mark.parametrize(
    ("service", "target", "expected"),
    [
        (NO, FOUR, Trouble.NXDOMAIN),
        (EMPTY, FOUR, Trouble.EMPTY),
        (SERVFAIL, FOUR, Trouble.SERVFAIL),
        (None, NO, Trouble.EMPTY),
        (None, SERVFAIL, Trouble.SERVFAIL),
    ],
)
def test_services_without_an_address_are_a_trouble(service: Reply | None, target: Reply, expected: Trouble) -> None:
    scene = Scene(families=(4,))
    one = Reply(services=(Service(0, 0, 80, Hostname("a.example")),), ttl=5)
    scene.asker.known = {"web.example SRV": service or one, "a.example A": target}
    assert success_of(scene.find(srv=True)) is expected


def test_a_target_that_was_not_heard_of_leaves_the_others_and_says_so() -> None:
    scene = Scene(families=(4,))
    services = tuple(Service(0, 1, 80, Hostname(f"{name}.example")) for name in "ab")
    scene.asker.known = {
        "web.example SRV": Reply(services=services, ttl=5),
        "a.example A": FOUR,
        "b.example A": SERVFAIL,
    }
    answer = success_of(scene.find(srv=True))
    assert isinstance(answer, Found)
    assert (len(answer.places), answer.unheard) == (2, frozenset(FAMILIES))


def test_addresses_and_targets_are_bounded() -> None:
    scene = Scene(families=(4,))
    many = tuple(f"10.0.{number // 250}.{number % 250}" for number in range(500))
    scene.asker.known = {"web.example A": Reply(addresses=many, ttl=5)}
    answer = success_of(scene.find())
    assert isinstance(answer, Found)
    assert len(answer.places) == PLACES_LIMIT
    services = tuple(Service(0, 1, 80, Hostname(f"n{number}.example")) for number in range(200))
    scene.asker.known = {"web.example SRV": Reply(services=services, ttl=5)}
    scene.find(srv=True)
    assert len(scene.asker.asked) == 1 + 1 + IN_FLIGHT_LIMIT
    assert IN_FLIGHT_LIMIT == TARGETS_LIMIT


def test_no_more_questions_are_under_way_than_there_is_room_for() -> None:
    scene = Scene(families=(4,))
    for number in range(IN_FLIGHT_LIMIT + 10):
        scene.find(f"n{number}.example")
    assert len(scene.asker.asked) == IN_FLIGHT_LIMIT
    scene.asker.asked[0].reply.callback(FOUR)
    assert len(scene.asker.asked) == IN_FLIGHT_LIMIT + 1
