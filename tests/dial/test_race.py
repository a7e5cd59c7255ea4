"""Names with addresses of both families: whoever connects first is taken, and nobody waits for the other."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from starship.dial.candidates import TRIES_LIMIT
from starship.dial.guard import Guard
from starship.errors import DialRefused, DialTimeout
from starship.words import Address, Origin, Route, Stop
from tests.dial.test_dialer import HELLO, OPENING, Outcome, Scene, refusal, up
from tests.fakes import FakeLeg, arrival

SIX, FOUR = "2001:db8::1", "192.0.2.1"
DELAY_S = 0.25


class Race(Scene):
    """Dials a pool of one name, which has these addresses."""

    def __init__(self, *hosts: str, terms: dict[str, Any] | None = None, pool: bool = True, **changes: Any) -> None:
        name = up("a.example", 443)
        kinds = {"policy": "round_robin"} | (terms or {})
        super().__init__(named={"web": (name,)}, terms=kinds, **changes)
        self.resolver.name("a.example").answer(*hosts)
        upstreams, named = ((), "web") if pool else ((name,), None)
        self.route = Route(app="", upstreams=upstreams, pool=named, origin=Origin.STATIC)

    def come(self) -> Any:
        self.outcome = Outcome()
        return self.dialer.dial(self.route, arrival(port=8443), HELLO, OPENING, self.outcome)

    def connect_to(self, number: int) -> FakeLeg:
        """The try of that number connects."""
        leg = FakeLeg(self.tries[number])
        self.connect.tries[number].connected(leg)
        return leg

    @property
    def loads(self) -> dict[str, int]:
        return {member.address.host: member.load for member in self.pools.means.members}

    def rows(self) -> dict[str, int]:
        return {member.address.host: member.row for member in self.pools.means.members}


def other(host: str) -> str:
    return FOUR if host == SIX else SIX


def test_one_that_connects_within_the_delay_has_no_rival() -> None:
    scene = Race(SIX, FOUR)
    scene.come()
    scene.clock.advance(DELAY_S - 0.01)
    scene.connect_to(0)
    assert (len(scene.tries), scene.clock.getDelayedCalls()) == (1, [])
    assert sorted(scene.loads.values()) == [0, 1]


def test_one_that_connects_at_once_makes_no_race() -> None:
    scene = Race(SIX, FOUR)
    scene.connect.hasty, scene.connect.good = True, None
    for host in (SIX, FOUR):
        scene.connect.good = host
        scene.come()
        assert len(scene.outcome.legs) == 1
    assert scene.clock.getDelayedCalls() == []


def test_after_the_delay_the_other_family_is_tried_beside_it_and_the_slow_one_is_given_up() -> None:
    scene = Race(SIX, FOUR)
    scene.come()
    first = scene.hosts[0]
    scene.clock.advance(DELAY_S)
    assert scene.hosts == [first, other(first)]
    leg = scene.connect_to(1)
    assert scene.outcome.legs == [leg]
    assert scene.connect.tries[0].cancelled == 1
    assert scene.clock.getDelayedCalls() == []
    assert scene.loads == {first: 0, other(first): 1}
    assert scene.rows() == {first: 1, other(first): 0}
    assert leg.data == OPENING


def test_the_first_may_still_win_and_its_rival_is_given_up_without_blame() -> None:
    scene = Race(SIX, FOUR)
    scene.come()
    scene.clock.advance(DELAY_S)
    leg = scene.connect_to(0)
    assert scene.outcome.legs == [leg]
    assert scene.connect.tries[1].cancelled == 1
    assert scene.clock.getDelayedCalls() == []
    assert set(scene.rows().values()) == {0}
    assert sorted(scene.loads.values()) == [0, 1]


def test_a_rival_that_was_merely_slower_has_the_second_chance() -> None:
    scene = Race(SIX, FOUR)
    scene.come()
    first = scene.hosts[0]
    scene.clock.advance(DELAY_S)
    leg = scene.connect_to(0)
    chance, second = scene.outcome.chance, Outcome()
    assert chance is not None
    leg.abort()
    chance.take(second, Stop.ENDED, 5.0)
    assert scene.hosts == [first, other(first), other(first)]
    assert second.legs == [scene.connect_to(2)]
    assert scene.clock.getDelayedCalls() == []
    assert scene.loads == {first: 0, other(first): 1}


def test_families_take_turns_while_there_are_addresses_of_both() -> None:
    scene = Race(SIX, "2001:db8::2", FOUR, "192.0.2.2", "192.0.2.3")
    scene.come()
    scene.clock.pump([DELAY_S] * 4)
    families = [":" in host for host in scene.hosts]
    assert len(set(scene.hosts)) == 5
    assert families[0] != families[1] != families[2] != families[3]


def test_where_one_is_refused_the_other_family_follows_at_once() -> None:
    scene = Race(SIX, FOUR)
    scene.come()
    first = scene.hosts[0]
    scene.fail()
    assert scene.hosts == [first, other(first)]
    scene.connect_to(1)
    assert len(scene.outcome.legs) == 1
    assert scene.clock.getDelayedCalls() == []


def test_where_all_are_refused_the_last_reason_is_told_once() -> None:
    scene = Race(SIX, FOUR)
    scene.come()
    scene.clock.advance(DELAY_S)
    scene.connect.tries[1].refused(refusal())
    assert scene.outcome.calls == 0
    scene.connect.tries[0].refused(TimeoutError(errno.ETIMEDOUT, "x"))
    assert isinstance(scene.outcome.why, DialTimeout)
    assert (scene.outcome.calls, scene.clock.getDelayedCalls()) == (1, [])
    assert set(scene.loads.values()) == {0}


def test_where_all_are_refused_at_once_nobody_is_tried_twice() -> None:
    scene = Race(SIX, "2001:db8::2", FOUR, "192.0.2.2")
    scene.connect.hasty = True
    scene.come()
    assert sorted(scene.hosts) == sorted({SIX, "2001:db8::2", FOUR, "192.0.2.2"})
    assert isinstance(scene.outcome.why, DialRefused)
    assert scene.clock.getDelayedCalls() == []


def test_rivals_that_are_refused_at_once_are_taken_up_one_after_the_other() -> None:
    scene = Race(SIX, *(f"192.0.2.{number}" for number in range(1, 6)))
    scene.come()
    scene.connect.hasty = True
    scene.clock.advance(DELAY_S)
    assert sorted(scene.hosts) == sorted(scene.loads)
    assert scene.outcome.calls == 0
    scene.connect.tries[0].refused(refusal())
    assert (scene.outcome.calls, scene.clock.getDelayedCalls()) == (1, [])
    assert set(scene.loads.values()) == {0}


def test_who_leaves_leaves_nothing() -> None:
    scene = Race(SIX, FOUR)
    dial = scene.come()
    scene.clock.advance(DELAY_S)
    dial.cancel()
    assert [made.cancelled for made in scene.connect.tries] == [1, 1]
    assert (scene.outcome.calls, scene.clock.getDelayedCalls()) == (0, [])
    assert set(scene.loads.values()) == {0}
    late = FakeLeg(Address(FOUR, 443))
    scene.connect.tries[1].connected(late)
    assert late.aborted == 1


def test_the_time_for_all_tries_ends_a_race_too() -> None:
    scene = Race(SIX, FOUR)
    scene.come()
    scene.clock.pump([DELAY_S, 10.0])
    assert isinstance(scene.outcome.why, DialTimeout)
    assert (scene.outcome.calls, scene.clock.getDelayedCalls()) == (1, [])


@pytest.mark.parametrize("hosts", [(SIX, "2001:db8::2"), (FOUR, "192.0.2.2")])
def test_addresses_of_one_family_are_tried_one_after_the_other(hosts: tuple[str, ...]) -> None:
    scene = Race(*hosts)
    scene.come()
    scene.clock.advance(5)
    assert len(scene.tries) == 1


def test_without_a_delay_the_next_is_tried_when_one_has_failed() -> None:
    scene = Race(SIX, FOUR, attempt_delay=0.0)
    scene.come()
    scene.clock.advance(5)
    assert len(scene.tries) == 1
    scene.fail()
    assert len(scene.tries) == 2


def test_a_family_that_is_always_slower_is_left_out_after_a_while() -> None:
    scene = Race(SIX, FOUR)
    for _ in range(12):
        scene.come()
        if scene.hosts[-1] == SIX:
            scene.clock.advance(DELAY_S)
        scene.connect_to(-1)
    before = len(scene.tries)
    for _ in range(6):
        scene.come()
        scene.connect_to(-1)
    assert set(scene.hosts[before:]) == {FOUR}


def test_a_rival_is_guarded_as_any_address_of_a_lookup() -> None:
    scene = Race("2001:db8::1", "127.0.0.1", "169.254.169.254", pool=False, guard=Guard())
    while scene.hosts[:1] != ["2001:db8::1"]:
        scene.come()
        scene.connect.tries[:] = scene.connect.tries[-1:]
    scene.clock.pump([DELAY_S] * 4)
    assert set(scene.hosts) == {"2001:db8::1"}


def test_there_is_an_end_to_the_addresses_that_one_client_tries() -> None:
    many = [f"192.0.2.{number}" for number in range(1, 50)]
    scene = Race(SIX, *many)
    scene.come()
    scene.clock.pump([DELAY_S] * 30)
    assert len(scene.tries) == TRIES_LIMIT


def test_rivals_that_failed_last_are_tried_within_the_budget_alone() -> None:
    scene = Race(SIX, FOUR, terms={"retries": 0.0, "min_retries": 0})
    scene.come()
    first = scene.hosts[0]
    (rival,) = [member for member in scene.pools.means.members if member.address.host != first]
    rival.row = 1
    scene.clock.advance(DELAY_S)
    assert scene.hosts == [first]
