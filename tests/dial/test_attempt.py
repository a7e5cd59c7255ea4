"""One connection's tries among the members of a pool."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from zope.interface.verify import verifyObject

from starship.dial.attempt import Attempt
from starship.dial.candidates import TRIES_LIMIT
from starship.dial.pools.ejection import Ejection
from starship.dial.relief import QUIET_S, Relief
from starship.errors import DialBusy, DialRefused, DialReset, DialShort, DialTimeout, DialUnresolved
from starship.interfaces import ICancel, IChance, ILeg
from starship.words import Hello, Origin, Route, Stop, Upstream
from tests.dial.test_dialer import HELLO, OPENING, Outcome, Scene, refusal, up
from tests.fakes import FakeLeg, arrival

RULES = Ejection(failures=2, time=10.0, share=0.5)


class PoolScene(Scene):
    """Dials the pool `web`, with an outcome for each dial."""

    def __init__(self, *upstreams: Upstream, **terms: Any) -> None:
        kinds = {"policy": "round_robin", "ejection": RULES} | terms
        super().__init__(named={"web": upstreams}, terms=kinds)

    def come(self, pool: str = "web") -> tuple[ICancel, Outcome]:
        outcome = Outcome()
        route = Route(app="", upstreams=(), pool=pool, origin=Origin.STATIC)
        return self.dialer.dial(route, arrival(port=8443), HELLO, OPENING, outcome), outcome

    def load(self, host: str) -> int:
        (member,) = [member for member in self.pools.means.members if member.address.host == host]
        return member.load

    @property
    def loads(self) -> set[int]:
        return {member.load for member in self.pools.means.members}


def ups(count: int, **more: Any) -> list[Upstream]:
    return [up(f"192.0.2.{number}", 443, **more) for number in range(1, count + 1)]


def test_it_can_be_cancelled() -> None:
    dial, _ = PoolScene(*ups(2)).come()
    assert isinstance(dial, Attempt)
    verifyObject(ICancel, dial)


def test_a_pool_of_the_ini_file_is_the_operators_word_and_is_not_guarded() -> None:
    scene = PoolScene(up("127.0.0.1", 443), up("127.0.0.1", 444))
    scene.come()
    assert scene.hosts == ["127.0.0.1"]


def test_a_pool_that_there_is_not_has_no_endpoint() -> None:
    scene = PoolScene(*ups(2))
    dial, outcome = scene.come("other")
    dial.cancel()
    assert isinstance(outcome.why, DialUnresolved)
    assert str(outcome.why) == "there is no pool other"


def test_g4_each_try_has_the_pools_own_deadline_and_then_comes_the_next() -> None:
    scene = PoolScene(*ups(3), connect_timeout=0.25)
    _, outcome = scene.come()
    for _ in range(2):
        assert scene.connect.tries[-1].timeout == 0.25
        scene.fail(TimeoutError(errno.ETIMEDOUT, "x"))
    scene.succeed()
    assert len(set(scene.hosts)) == 3
    assert len(outcome.legs) == 1


def test_nobody_is_refused_while_one_lives_whoever_else_is_down() -> None:
    scene = PoolScene(*ups(10), retries=0.0, min_retries=0)
    living = "192.0.2.7"
    scene.connect.hasty, scene.connect.good = True, living
    outcomes = [scene.come()[1] for _ in range(300)]
    assert all(len(outcome.legs) == 1 for outcome in outcomes)
    assert {outcome.legs[0].remote.host for outcome in outcomes} == {living}


def test_one_that_is_left_out_is_tried_when_all_others_fail() -> None:
    scene = PoolScene(*ups(2))
    scene.connect.hasty, scene.connect.good = True, "192.0.2.1"
    for _ in range(20):
        scene.come()
    scene.connect.good = "192.0.2.2"
    outcomes = [scene.come()[1] for _ in range(20)]
    assert all(len(outcome.legs) == 1 for outcome in outcomes)


def test_all_down_is_all_tried_and_ends_in_why_the_last_failed() -> None:
    scene = PoolScene(*ups(3))
    scene.connect.hasty = True
    outcomes = [scene.come()[1] for _ in range(5)]
    assert {type(outcome.why) for outcome in outcomes} == {DialRefused}
    assert len(scene.tries) == 15
    assert scene.clock.getDelayedCalls() == []
    assert scene.loads == {0}


def test_an_outage_is_no_storm() -> None:
    scene = PoolScene(*ups(10), retries=0.2, min_retries=1)
    scene.connect.hasty = True
    outcomes = [scene.come()[1] for _ in range(1000)]
    assert all(isinstance(outcome.why, DialRefused) for outcome in outcomes)
    assert len(scene.tries) < 1000 + 0.2 * 1000 + 100
    assert str(outcomes[-1].why).endswith("; others failed last, and enough of those are being tried")


def test_one_connection_tries_so_many_endpoints_and_no_more() -> None:
    scene = PoolScene(*ups(50))
    scene.connect.hasty = True
    _, outcome = scene.come()
    assert isinstance(outcome.why, DialRefused)
    assert len(scene.tries) == TRIES_LIMIT


def test_our_own_want_of_means_is_no_fault_of_the_endpoints() -> None:
    scene = PoolScene(*ups(2))
    for _ in range(20):
        scene.come()
        scene.fail(refusal(errno.EMFILE))
        scene.fail(refusal(errno.EADDRNOTAVAIL))
    assert {member.failures for member in scene.pools.means.members} == {0}


class House:
    """Has so many idle connections to give up, and a loop that turns when the test says so."""

    def __init__(self, scene: Scene, idle: int) -> None:
        self.idle = idle
        self.turns: list[Callable[[], None]] = []
        scene.dialer.relief = Relief(give_up=self.give_up, next_turn=self.turns.append, clock=scene.clock)

    def give_up(self, count: int) -> int:
        given = min(self.idle, count)
        self.idle -= given
        return given

    def turn(self) -> None:
        calls, self.turns[:] = list(self.turns), []
        for call in calls:
            call()


def alone() -> Scene:
    scene = Scene()
    scene.dial(up("192.0.2.1", 443))
    return scene


def pooled() -> Scene:
    scene = PoolScene(*ups(2))
    _, scene.outcome = scene.come()
    return scene


@pytest.mark.parametrize("make", [alone, pooled])
def test_f12_without_descriptors_the_same_address_is_tried_once_more_when_idle_connections_made_room(
    make: Callable[[], Scene],
) -> None:
    scene = make()
    house = House(scene, idle=1)
    scene.fail(refusal(errno.EMFILE))
    assert (len(scene.tries), scene.outcome.calls) == (1, 0)
    house.turn()
    assert scene.tries == scene.tries[:1] * 2
    scene.succeed()
    assert len(scene.outcome.legs) == 1
    scene.clock.advance(QUIET_S)
    scene.over()


def test_f12_there_is_no_third_try_and_the_house_is_said_to_be_full() -> None:
    scene = alone()
    house = House(scene, idle=100)
    scene.fail(refusal(errno.ENFILE))
    house.turn()
    scene.fail(refusal(errno.EMFILE))
    assert house.turns == []
    assert isinstance(scene.outcome.why, DialShort)
    assert (scene.outcome.why.word, house.idle) == ("over_limit", 96)
    scene.clock.advance(QUIET_S)
    scene.over()


def test_f12_an_outcome_that_comes_at_once_is_tried_once_more_too() -> None:
    scene = Scene()
    house = House(scene, idle=1)
    scene.connect.hasty = True
    scene.connect.code = errno.EMFILE
    scene.dial(up("192.0.2.1", 443))
    house.turn()
    assert (len(scene.tries), type(scene.outcome.why)) == (2, DialShort)
    scene.clock.advance(QUIET_S)
    scene.over()


def test_f12_who_leaves_while_room_is_made_is_not_tried_for() -> None:
    scene = PoolScene(*ups(2))
    house = House(scene, idle=1)
    dial, _ = scene.come()
    scene.fail(refusal(errno.EMFILE))
    dial.cancel()
    house.turn()
    assert (len(scene.tries), scene.loads) == (1, {0})


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_client_who_leaves_leaves_nothing_behind(moment: str) -> None:
    scene = PoolScene(*ups(2))
    dial, outcome = scene.come()
    assert sorted(scene.load(host) for host in ("192.0.2.1", "192.0.2.2")) == [0, 1]
    if moment == "before":
        dial.cancel()
        assert scene.connect.tries[0].cancelled == 1
    else:
        scene.succeed()
        dial.cancel()
        outcome.legs[0].abort()
    assert scene.loads == {0}
    assert scene.clock.getDelayedCalls() == []


def test_the_whole_deadline_gives_up_the_try_that_is_under_way() -> None:
    scene = PoolScene(*ups(2))
    _, outcome = scene.come()
    scene.clock.advance(10.1)
    assert isinstance(outcome.why, DialTimeout)
    assert scene.loads == {0}
    assert scene.connect.tries[0].cancelled == 1


def test_an_endpoint_that_is_full_is_passed_by() -> None:
    scene = PoolScene(*ups(3), max_connections=2)
    legs = [scene.come()[1] for _ in range(6)]
    assert {scene.load(f"192.0.2.{number}") for number in (1, 2, 3)} == {2}
    assert all(outcome.calls == 0 for outcome in legs)


def test_where_all_are_full_one_waits_until_a_connection_is_over() -> None:
    scene = PoolScene(*ups(2), max_connections=1)
    legs = []
    for _ in range(2):
        scene.come()
        legs.append(scene.succeed())
    waiting = [scene.come()[1] for _ in range(3)]
    assert len(scene.tries) == 2
    legs[0].vanish(Stop.ENDED)
    assert len(scene.tries) == 3
    assert scene.tries[-1] == legs[0].remote
    scene.succeed()
    assert [outcome.calls for outcome in waiting] == [1, 0, 0]
    legs[1].vanish(Stop.LOST)
    scene.fail()
    assert [outcome.calls for outcome in waiting] == [1, 0, 0]
    assert scene.loads == {1}


@pytest.mark.parametrize("ends", [True, False])
def test_who_had_no_room_before_another_failed_is_looked_at_again_before_one_waits(ends: bool) -> None:
    """Room that was made meanwhile calls nobody: a client would wait for it, and be refused."""
    scene = PoolScene(*ups(2), policy="hash_host", max_connections=1)
    _, full = joined(scene)
    _, outcome = scene.come()
    full.vanish(Stop.ENDED)
    if ends:
        outcome = again(scene, outcome, scene.succeed(), Stop.ENDED)
    else:
        scene.fail()
    assert scene.tries[-1] == full.remote
    leg = scene.succeed()
    assert outcome.legs == [leg]


def test_one_waits_so_long_and_no_longer_and_it_is_said_why() -> None:
    scene = PoolScene(*ups(1), max_connections=1, queue_timeout=0.5)
    scene.come()
    _, outcome = scene.come()
    scene.clock.advance(0.49)
    assert outcome.calls == 0
    scene.clock.advance(0.02)
    assert isinstance(outcome.why, DialBusy)
    assert str(outcome.why) == "no endpoint had room in time: 1 connections are open to each"
    assert outcome.why.word == "over_limit"


def test_beyond_the_queue_one_is_told_at_once() -> None:
    scene = PoolScene(*ups(1), max_connections=1, queue=1)
    scene.come()
    _, waiting = scene.come()
    _, outcome = scene.come()
    assert waiting.calls == 0
    assert isinstance(outcome.why, DialBusy)
    assert str(outcome.why) == "no endpoint has room, and 1 clients wait: 1 connections are open to each"


def test_who_waits_and_leaves_is_not_called() -> None:
    scene = PoolScene(*ups(1), max_connections=1)
    scene.come()
    leg = scene.succeed()
    dial, outcome = scene.come()
    dial.cancel()
    leg.vanish(Stop.ENDED)
    scene.clock.advance(20)
    assert (outcome.calls, len(scene.tries)) == (0, 1)


def test_a_hundred_who_wait_are_all_served_by_one_endpoint_that_takes_one_at_a_time() -> None:
    scene = PoolScene(*ups(1), max_connections=1, queue=100)
    outcomes = [scene.come()[1] for _ in range(101)]
    for number in range(101):
        leg = scene.succeed()
        assert [outcome.calls for outcome in outcomes].count(1) == number + 1
        leg.vanish(Stop.ENDED)
    assert scene.loads == {0}


def test_waiting_crowds_whose_connections_fail_at_once_go_no_deeper() -> None:
    scene = PoolScene(*ups(1), max_connections=1, queue=800, ejection=Ejection(failures=0, time=1, share=0))
    outcomes = [scene.come()[1] for _ in range(800)]
    scene.connect.hasty = True
    scene.fail()
    assert all(isinstance(outcome.why, DialRefused) for outcome in outcomes)
    assert scene.loads == {0}


def test_everything_drained_is_a_refusal_that_says_so() -> None:
    scene = PoolScene(*ups(2))
    for upstream in ups(2):
        assert scene.pools.drain("web", str(upstream))
    _, outcome = scene.come()
    assert isinstance(outcome.why, DialRefused)
    assert str(outcome.why) == "every endpoint of the pool web is drained"
    assert scene.tries == []


def test_live_connections_stay_when_their_endpoint_is_drained_or_leaves() -> None:
    scene = PoolScene(*ups(2))
    legs = []
    for _ in range(200):
        scene.come()
        legs.append(scene.succeed())
    scene.pools.drain("web", "192.0.2.1:443")
    scene.come()
    assert scene.tries[-1].host == "192.0.2.2"
    assert sum(leg.aborted for leg in legs) == 0


def test_who_was_chosen_before_is_tried_first_and_taken_once() -> None:
    scene = PoolScene(*ups(3))
    route = Route(app="", upstreams=(), pool="web", origin=Origin.STATIC)
    for _ in range(6):
        choice = scene.dialer.choose(route, arrival(port=8443), HELLO)
        assert choice is not None
        outcome = Outcome()
        scene.dialer.dial(route, arrival(port=8443), HELLO, OPENING, outcome, choice)
        assert scene.tries[-1] == choice.address
    assert sorted(scene.hosts) == sorted(["192.0.2.1", "192.0.2.2", "192.0.2.3"] * 2)


def test_one_who_was_chosen_and_is_full_meanwhile_is_passed_by() -> None:
    scene = PoolScene(*ups(2), max_connections=1)
    route = Route(app="", upstreams=(), pool="web", origin=Origin.STATIC)
    choice = scene.dialer.choose(route, arrival(port=8443), HELLO)
    assert choice is not None
    assert choice.seat is not None
    choice.seat.begin()
    scene.dialer.dial(route, arrival(port=8443), HELLO, OPENING, Outcome(), choice)
    assert scene.tries[-1] != choice.address


def test_nobody_is_chosen_before_a_name_is_known_and_an_address_alone_is_its_own_choice() -> None:
    scene = PoolScene(up("a.example"), up("192.0.2.9", backup=True))
    route = Route(app="", upstreams=(), pool="web", origin=Origin.STATIC)
    assert scene.dialer.choose(route, arrival(port=8443), HELLO) is None
    alone = Route(app="", upstreams=(up("192.0.2.1"),), origin=Origin.FRESH)
    choice = scene.dialer.choose(alone, arrival(port=8443), HELLO)
    assert choice is not None
    assert (str(choice.address), choice.seat) == ("192.0.2.1:8443", None)


def test_a_route_with_one_address_keeps_to_a_limit_that_holds_for_all() -> None:
    scene = Scene(terms={"max_connections": 1})
    scene.dial(up("192.0.2.1"))
    second = Outcome()
    route = Route(app="", upstreams=(up("192.0.2.1"),), origin=Origin.FRESH)
    scene.dialer.dial(route, arrival(port=8443), HELLO, OPENING, second)
    assert len(scene.tries) == 1
    leg = scene.succeed()
    leg.vanish(Stop.ENDED)
    assert len(scene.tries) == 2


def test_a_leg_that_comes_too_late_is_reset_and_counted_nowhere() -> None:
    scene = PoolScene(*ups(2))
    dial, _ = scene.come()
    dial.cancel()
    leg = FakeLeg()
    scene.connect.tries[0].connected(leg)
    assert leg.aborted == 1
    assert scene.loads == {0}


# The second chance


def joined(scene: PoolScene) -> tuple[Outcome, FakeLeg]:
    """A client that is joined to the endpoint that was tried last."""
    _, outcome = scene.come()
    return outcome, scene.succeed()


def again(scene: PoolScene, before: Outcome, leg: FakeLeg, how: Stop = Stop.LOST, seconds: float = 5.0) -> Outcome:
    """It stops without a byte, and its client goes back."""
    chance, outcome = before.chance, Outcome()
    assert chance is not None
    if how is Stop.ENDED:
        leg.abort()
    chance.take(outcome, how, seconds)
    if how is Stop.LOST:
        leg.vanish(how)
    return outcome


def test_a_leg_of_a_pool_has_a_second_chance_and_one_alone_has_none() -> None:
    scene = PoolScene(*ups(2))
    outcome, _ = joined(scene)
    assert outcome.chance is not None
    verifyObject(IChance, outcome.chance)
    assert outcome.chance.is_left()
    lone = PoolScene(*ups(1))
    assert joined(lone)[0].chance is None
    scene.dial(up("192.0.2.9"))
    scene.succeed()
    assert scene.outcome.chance is None


@pytest.mark.parametrize(("hello", "said"), [(HELLO, OPENING), (HELLO, b"PROXY"), (evolve(HELLO, early=True), OPENING)])
def test_there_is_one_left_only_for_what_may_be_said_twice(hello: Hello, said: bytes) -> None:
    scene = PoolScene(*ups(2), proxy_protocol="v1" if said == OPENING else None)
    outcome = Outcome()
    route = Route(app="", upstreams=(), pool="web", origin=Origin.STATIC)
    scene.dialer.dial(route, arrival(port=8443), hello, said, outcome)
    scene.succeed()
    assert outcome.chance is not None
    assert outcome.chance.is_left() is (said == OPENING and not hello.early)


@pytest.mark.parametrize("how", [Stop.LOST, Stop.ENDED])
def test_the_next_one_is_told_the_same_and_whoever_has_stopped_is_not_tried_again(how: Stop) -> None:
    scene = PoolScene(*ups(3), proxy_protocol="v1")
    first, leg = joined(scene)
    legs = [leg]
    for _ in range(2):
        first = again(scene, first, legs[-1], how)
        legs.append(scene.succeed())
        assert first.legs == [legs[-1]]
    assert len({leg.remote for leg in legs}) == 3
    assert {bytes(leg.data) for leg in legs} == {bytes(legs[0].data)}
    last = again(scene, first, legs[-1], how)
    assert isinstance(last.why, DialReset)
    assert str(last.why).endswith(f" {'reset' if how is Stop.LOST else 'ended'} the connection before its first byte")
    assert scene.loads == {0}
    assert scene.clock.getDelayedCalls() == []


def test_it_takes_from_the_budget_of_the_pool_and_there_may_be_none() -> None:
    scene = PoolScene(*ups(3), retries=0.0, min_retries=0)
    first, leg = joined(scene)
    second = again(scene, first, leg)
    assert isinstance(second.why, DialReset)
    assert str(second.why).endswith("; enough of those are being tried again")
    assert len(scene.tries) == 1


def test_all_rounds_together_try_so_many_endpoints_and_no_more() -> None:
    scene = PoolScene(*ups(50), ejection=Ejection(failures=0, time=1, share=0))
    outcome, leg = joined(scene)
    while outcome.legs:
        outcome = again(scene, outcome, leg)
        if len(scene.tries) > TRIES_LIMIT or outcome.failures:
            break
        leg = scene.succeed()
    assert isinstance(outcome.why, DialReset)
    assert len(scene.tries) == TRIES_LIMIT


def test_it_has_the_seconds_that_it_is_given() -> None:
    scene = PoolScene(*ups(2))
    first, leg = joined(scene)
    second = again(scene, first, leg, seconds=1.5)
    scene.clock.advance(1.4)
    assert second.calls == 0
    scene.clock.advance(0.2)
    assert isinstance(second.why, DialTimeout)
    assert "before that" in str(second.why)
    assert scene.loads == {0}


def test_given_up_in_its_second_round_it_leaves_nothing() -> None:
    scene = PoolScene(*ups(2))
    dial, first = scene.come()
    leg = scene.succeed()
    second = again(scene, first, leg)
    dial.cancel()
    assert (second.calls, scene.connect.tries[-1].cancelled) == (0, 1)
    assert scene.loads == {0}
    assert scene.clock.getDelayedCalls() == []


def test_resets_that_come_at_once_are_gone_through_by_one_loop_and_have_one_deadline() -> None:
    """The outcome takes its second chance before the dial has returned."""

    class Eager(Outcome):
        def dialled(self, leg: ILeg, chance: IChance | None = None) -> None:
            super().dialled(leg, chance)
            if len(self.legs) < 10:
                assert chance is not None
                chance.take(self, Stop.LOST, 5.0)
                leg.abort()

    scene = PoolScene(*ups(12))
    scene.connect.hasty, scene.connect.all_good = True, True
    outcome = Eager()
    route = Route(app="", upstreams=(), pool="web", origin=Origin.STATIC)
    scene.dialer.dial(route, arrival(port=8443), HELLO, OPENING, outcome)
    assert len({leg.remote for leg in outcome.legs}) == 10
    assert scene.clock.getDelayedCalls() == []


def test_an_endpoint_that_ends_connections_wordlessly_is_left_out_once_others_have_answered_for_it() -> None:
    scene = PoolScene(*ups(2))
    bad = scene.pools.means.members
    for _ in range(RULES.failures):
        outcome, leg = joined(scene)
        while leg.remote.host != "192.0.2.1":
            leg.received = 1
            leg.vanish(Stop.ENDED)
            outcome, leg = joined(scene)
        again(scene, outcome, leg, Stop.ENDED)
        answering = scene.succeed()
        answering.received = 7
        answering.vanish(Stop.ENDED)
    (member,) = [member for member in bad if member.address.host == "192.0.2.1"]
    assert member.ejections == 1
    assert member.why == "192.0.2.1:443 ended a connection before its first byte, where another answered"


def test_a_chance_that_is_forgotten_while_the_leg_has_spoken_says_whose_fault_the_last_end_was() -> None:
    scene = PoolScene(*ups(2))
    outcome, leg = joined(scene)
    outcome = again(scene, outcome, leg, Stop.ENDED)
    answering = scene.succeed()
    answering.received = 7
    assert outcome.chance is not None
    outcome.chance.forget()
    (member,) = [member for member in scene.pools.means.members if member.address == leg.remote]
    assert member.failures == 1
