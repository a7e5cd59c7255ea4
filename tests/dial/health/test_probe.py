"""One check of one endpoint: from connecting to a finding, and nothing left of it."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
from zope.interface.verify import verifyObject

from starship.dial.health.check import Ill, Outcome, Question, Unmade, Well
from starship.dial.health.probe import PART_S, REST_LIMIT_BYTES, Probe
from starship.dial.preface import preface_of_a_check
from starship.interfaces import ICancel
from starship.words import Address, Stop
from tests.dial.health.probing import OUR_END, Field, Try, hangs, refuses, takes

HERE = Address("192.0.2.1", 443)
TIMEOUT_S = 2.0
TCP = Question(kind="tcp")
HTTP = Question(kind="http", host="a.com")
TLS = Question(kind="tls", host="a.com")
OK = b"HTTP/1.1 200 OK\r\n\r\n"


class Scene:
    """A probe that has begun."""

    def __init__(self, question: Question, conduct: Callable[[Try], object] = hangs) -> None:
        self.field = Field(conduct={HERE.host: conduct})
        self.clock = self.field.clock
        self.outcomes: list[Outcome] = []
        self.probe = Probe(self.field.line, HERE, question, TIMEOUT_S, self.outcomes.append)
        self.probe.start()
        self.try_: Try = self.field.tries[0]

    def over(self) -> bool:
        """Whether nothing is left: no connection, no deadline."""
        return not self.field.open and not self.clock.getDelayedCalls()


def test_it_can_be_cancelled() -> None:
    verifyObject(ICancel, Scene(TCP).probe)


def test_it_connects_as_clients_are_connected_within_its_time() -> None:
    tried = Scene(TCP).try_
    assert (tried.remote, tried.bind, tried.timeout) == (HERE, OUR_END, TIMEOUT_S)


def test_to_take_a_connection_is_enough_for_tcp_and_the_connection_ends_in_order() -> None:
    scene = Scene(TCP)
    leg = scene.try_.succeeds()
    assert scene.outcomes == [Well()]
    assert (leg.ended, leg.aborted, bytes(leg.data)) == (True, 0, b"")
    leg.ends(Stop.ENDED)
    assert scene.over()


def test_who_does_not_end_its_side_of_the_connection_is_given_a_time_for_it() -> None:
    scene = Scene(TCP)
    leg = scene.try_.succeeds()
    scene.clock.advance(PART_S - 0.01)
    assert leg.aborted == 0
    scene.clock.advance(0.02)
    assert leg.aborted == 1
    assert scene.over()


def test_who_goes_on_talking_then_is_not_listened_to_for_ever() -> None:
    scene = Scene(HTTP)
    leg = scene.try_.succeeds()
    leg.says(OK)
    leg.says(b"x" * (REST_LIMIT_BYTES - 100))
    assert leg.aborted == 0
    leg.says(b"x" * 200)
    assert leg.aborted == 1
    assert scene.over()


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (errno.ECONNREFUSED, Ill("it could not be connected to: ECONNREFUSED")),
        (errno.EHOSTUNREACH, Ill("it could not be connected to: EHOSTUNREACH")),
        (errno.ETIMEDOUT, Ill("it did not answer in time")),
        (errno.EMFILE, Unmade()),
        (errno.EADDRNOTAVAIL, Unmade()),
    ],
)
def test_what_fails_by_our_own_fault_says_nothing_of_the_endpoint(code: int, outcome: Outcome) -> None:
    scene = Scene(TCP)
    scene.try_.fails(code)
    assert scene.outcomes == [outcome]
    assert scene.clock.getDelayedCalls() == []


def test_an_outcome_may_come_at_once() -> None:
    assert Scene(TCP, takes).outcomes == [Well()]
    assert len(Scene(TCP, refuses).outcomes) == 1


def test_a_request_is_sent_and_its_answer_decides() -> None:
    for answer, outcome in ((OK, Well()), (b"HTTP/1.1 503 No\r\n\r\n", Ill("the status is 503"))):
        scene = Scene(HTTP)
        leg = scene.try_.succeeds()
        assert leg.data.startswith(b"GET / HTTP/1.1\r\nHost: a.com\r\n")
        leg.says(answer[:9])
        assert scene.outcomes == []
        leg.says(answer[9:])
        assert scene.outcomes == [outcome]
        leg.ends(Stop.ENDED)
        assert scene.over()


def test_who_accepts_and_says_nothing_has_until_the_deadline() -> None:
    for question in (HTTP, TLS):
        scene = Scene(question)
        scene.clock.advance(1.0)
        leg = scene.try_.succeeds()
        scene.clock.advance(TIMEOUT_S - 1.01)
        assert scene.outcomes == []
        scene.clock.advance(0.02)
        assert scene.outcomes == [Ill("it did not answer in time")]
        assert leg.aborted == 1
        assert scene.over()


def test_a_black_hole_has_until_the_deadline_too() -> None:
    scene = Scene(TCP)
    scene.clock.advance(TIMEOUT_S - 0.01)
    assert scene.outcomes == []
    scene.clock.advance(0.02)
    assert scene.outcomes == [Ill("it did not answer in time")]
    assert scene.over()


def test_a_reset_and_an_early_end_are_failures() -> None:
    for how in Stop:
        scene = Scene(HTTP)
        scene.try_.succeeds().ends(how)
        assert scene.outcomes == [Ill("the connection ended before the answer")]
        assert scene.over()


def test_a_connection_that_is_gone_without_a_word_to_who_reads_is_a_failure() -> None:
    scene = Scene(TLS)
    scene.try_.succeeds().vanish(Stop.LOST)
    assert scene.outcomes == [Ill("the connection ended in the handshake")]
    assert scene.clock.getDelayedCalls() == []


def test_an_alert_is_a_failure_and_the_hello_names_the_host() -> None:
    scene = Scene(TLS)
    leg = scene.try_.succeeds()
    assert leg.data[:3] == b"\x16\x03\x01"
    assert b"a.com" in leg.data
    leg.says(b"\x15\x03\x03\x00\x02\x02\x70")
    (outcome,) = scene.outcomes
    assert isinstance(outcome, Ill)
    assert "unrecognized name" in outcome.why
    assert scene.over()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_pools_proxy_header_goes_first_and_names_nobody(version: str) -> None:
    header = preface_of_a_check(version)
    for question in (Question(kind="tcp", preface=header), Question(kind="http", host="a.com", preface=header)):
        assert Scene(question).try_.succeeds().data.startswith(header)


def test_what_is_cancelled_leaves_nothing_at_any_point() -> None:
    connecting, asking, parting = Scene(HTTP), Scene(HTTP), Scene(HTTP)
    asking.try_.succeeds()
    parting.try_.succeeds().says(OK)
    for scene, outcomes in ((connecting, []), (asking, []), (parting, [Well()])):
        scene.probe.cancel()
        assert scene.outcomes == outcomes
        assert scene.clock.getDelayedCalls() == []
    assert connecting.try_.cancelled == 1
    assert asking.try_.leg.aborted == parting.try_.leg.aborted == 1


def test_a_connection_that_comes_too_late_is_closed() -> None:
    scene = Scene(TCP)
    scene.clock.advance(TIMEOUT_S)
    assert scene.try_.succeeds().aborted == 1
    assert len(scene.outcomes) == 1
