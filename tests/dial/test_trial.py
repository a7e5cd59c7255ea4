"""A client's first bytes on a spare: it lives, or they go to a new connection."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starship.dial.pools.ejection import Ejection
from starship.dial.spares import Spares
from starship.dial.trial import LEAST_S
from starship.interfaces import ICancel
from starship.words import Hello, Stop
from tests.dial.sparing import SpareLeg
from tests.dial.test_dialer import HELLO, OPENING, Outcome, Scene, up
from tests.dial.test_dialer import route as route_to
from tests.fakes import arrival

RULES = Ejection(failures=2, time=10.0, share=0.5)
RAW = Hello(name=None, scheme="tcp", consumed=0)


class SpareScene(Scene):
    """A Dialer with one spare for each endpoint."""

    def __init__(self) -> None:
        clock: Any = Clock()
        super().__init__(clock=clock, terms={"preconnect": 1, "ejection": RULES})
        self.dialer.spares = Spares(
            connect=self.connect, bind_to=lambda _: (), clock=clock, total=9, idle=10.0, rate=99
        )

    def come(self, *hosts: str, hello: Hello = HELLO) -> tuple[ICancel, Outcome]:
        outcome = Outcome()
        route = route_to(*(up(host) for host in hosts))
        return self.dialer.dial(route, arrival(port=8443), hello, OPENING, outcome), outcome

    def warm(self, *hosts: str) -> list[SpareLeg]:
        """As many clients as it takes, and a spare for each endpoint."""
        for host in hosts:
            self.come(host)
            self.succeed()
        self.clock.advance(0)
        legs = []
        for one in self.connect.tries[-len(hosts) :]:
            legs.append(SpareLeg(one.remote))
            one.connected(legs[-1])
        self.connect.tries.clear()
        return legs


def test_the_opening_bytes_are_said_at_once_and_the_answer_joins() -> None:
    scene = SpareScene()
    (leg,) = scene.warm("192.0.2.1")
    dial, outcome = scene.come("192.0.2.1")
    verifyObject(ICancel, dial)
    assert leg.data == OPENING
    assert outcome.calls == 0
    leg.says(b"answer")
    assert outcome.legs == [leg]
    assert leg.unreads == b"answer"
    assert leg.data == OPENING  # once


def test_a_silent_endpoint_joins_when_a_reset_would_have_come() -> None:
    scene = SpareScene()
    (leg,) = scene.warm("192.0.2.1")
    _, outcome = scene.come("192.0.2.1")
    scene.clock.advance(LEAST_S)
    assert outcome.legs == [leg]


@pytest.mark.parametrize("how", list(Stop))
@pytest.mark.parametrize("hosts", [("192.0.2.1",), ("192.0.2.1", "192.0.2.2")])
def test_a_dead_spare_costs_nobody_the_connection(how: Stop, hosts: tuple[str, ...]) -> None:
    scene = SpareScene()
    legs = scene.warm(*hosts)
    _, outcome = scene.come(*hosts)
    (used,) = [leg for leg in legs if leg.data]
    scene.connect.tries.clear()
    used.dies(how)
    assert scene.tries == [used.remote]
    made = scene.succeed()
    assert made.data == OPENING
    assert outcome.legs == [made]
    assert {member.load for member in scene.pools.means.members} <= {0, 1}


def test_a_reset_that_waits_to_be_heard_when_the_time_is_over_costs_nobody_the_connection() -> None:
    """We were busy meanwhile: timers are looked at before descriptors."""
    scene = SpareScene()
    (leg,) = scene.warm("192.0.2.1")
    _, outcome = scene.come("192.0.2.1")
    scene.clock.advance(0)
    scene.connect.tries.clear()
    scene.clock.callLater(LEAST_S, leg.dies, Stop.LOST)  # after the deadline, in the same turn
    scene.clock.advance(LEAST_S)
    assert scene.tries == [leg.remote]
    assert outcome.legs == [scene.succeed()]


def test_given_up_the_spare_is_gone_and_nobody_is_told() -> None:
    scene = SpareScene()
    (leg,) = scene.warm("192.0.2.1")
    dial, outcome = scene.come("192.0.2.1")
    dial.cancel()
    dial.cancel()
    scene.clock.advance(5)
    assert leg.aborted == 1
    assert outcome.calls == 0


def test_what_may_not_be_said_twice_goes_out_on_a_new_spare_without_a_trial() -> None:
    scene = SpareScene()
    (leg,) = scene.warm("192.0.2.1")
    dial, outcome = scene.come("192.0.2.1", hello=RAW)
    assert outcome.legs == [leg]
    assert leg.data == OPENING
    dial.cancel()
    assert leg.aborted == 0


def test_the_guard_is_asked_before_a_spare_is_taken() -> None:
    scene = SpareScene()
    scene.warm("192.0.2.1")
    _, outcome = scene.come("127.0.0.1")
    assert outcome.failures


def test_a_pool_that_wants_none_makes_none() -> None:
    scene = Scene()
    scene.dialer.spares = Spares(
        connect=scene.connect, bind_to=lambda _: (), clock=scene.clock, total=9, idle=10.0, rate=99
    )
    scene.dial(up("192.0.2.1"))
    scene.succeed()
    scene.clock.advance(0)
    assert len(scene.tries) == 1


def test_a_spare_is_not_tried_with_nothing_to_say() -> None:
    scene = SpareScene()
    (leg,) = scene.warm("192.0.2.1")
    outcome = Outcome()
    scene.dialer.dial(route_to(up("192.0.2.1")), arrival(port=8443), RAW, b"", outcome)
    assert outcome.legs == [leg]
    assert leg.data == b""


def test_early_data_is_not_said_to_a_spare_that_may_be_dead() -> None:
    scene = SpareScene()
    (leg,) = scene.warm("192.0.2.1")
    scene.clock.advance(1.1)
    _, outcome = scene.come("192.0.2.1", hello=evolve(HELLO, early=True))
    assert outcome.calls == 0
    assert leg.data == b""
    assert scene.succeed().data == OPENING
