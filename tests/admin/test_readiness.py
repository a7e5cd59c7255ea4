"""Readiness says whether clients are welcome, and why not."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.admin.readiness import (
    PROBE_DEADLINE_S,
    PROBE_INTERVAL_S,
    PROBE_NAME,
    LookupProbe,
    Readiness,
    Standing,
    State,
)
from starship.errors import LookupRefused
from starship.interfaces import IResolver
from starship.names import canonical
from starship.words import Answer, Ask, Miss, Origin, Route, Upstream

MISS = Miss(origin=Origin.FRESH)
ROUTE = Route(app="a", upstreams=(Upstream(host="10.0.0.24"),), origin=Origin.FRESH)


@implementer(IResolver)
@define(eq=False)
class Scripted:
    """A resolver that does what it is told, question by question; the last line is repeated."""

    script: list[Callable[[], Deferred[Answer]]]
    asked: list[Ask] = field(factory=list)

    def peek(self, ask: Ask) -> Answer | None:
        return None

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        self.asked.append(ask)
        return self.script[min(len(self.asked), len(self.script)) - 1]()

    def renew(self, ask: Ask) -> Deferred[Answer]:
        return self.resolve(ask)


def refusing() -> Deferred[Answer]:
    return fail(LookupRefused("connection refused"))


def missing() -> Deferred[Answer]:
    return succeed(MISS)


def probe_of(*script: Callable[[], Deferred[Answer]]) -> tuple[LookupProbe, Scripted, Clock]:
    clock, resolver = Clock(), Scripted(list(script))
    return LookupProbe(resolver, clock), resolver, clock


def listening(*evidence: Callable[[], bool]) -> Readiness:
    return Readiness(evidence, listening=True)


def test_it_starts_with_all_that_is_missing() -> None:
    standing = Readiness((), lambda: "the lookup was not asked yet").standing()
    assert standing == Standing(
        state=State.STARTING, reasons=("the listeners are not bound yet", "the lookup was not asked yet")
    )
    assert not standing.ready


def test_open_doors_and_one_route_make_it_ready() -> None:
    assert listening(lambda: False, lambda: True).standing() == Standing(state=State.READY)
    assert listening(lambda: True).standing().ready


def test_open_doors_without_a_route_are_not_enough() -> None:
    assert listening(lambda: False).standing() == Standing(state=State.STARTING, reasons=("no route is known",))


def test_a_route_without_open_doors_is_not_enough() -> None:
    assert Readiness((lambda: True,)).standing().reasons == ("the listeners are not bound yet",)


def test_once_ready_an_outage_of_the_lookup_does_not_withdraw_it() -> None:
    known = [True]
    readiness = listening(lambda: known[0])
    assert readiness.standing().ready
    known[0] = False
    assert readiness.standing().ready


def test_draining_it_is_not_ready_whatever_is_known() -> None:
    readiness = listening(lambda: True)
    readiness.draining = True
    assert readiness.standing() == Standing(state=State.DRAINING, reasons=("the service is draining",))


def test_the_name_that_the_probe_asks_for_is_a_hostname_that_nobody_has() -> None:
    assert canonical(PROBE_NAME.encode()) == PROBE_NAME
    assert PROBE_NAME.endswith(".invalid")


def test_a_miss_proves_that_the_lookup_answers_and_ends_the_asking() -> None:
    probe, resolver, clock = probe_of(missing)
    assert probe.why == "the lookup was not asked yet"
    probe.start()
    assert (probe.answered, probe.why) == (True, "")
    assert [ask.name for ask in resolver.asked] == [PROBE_NAME]
    assert clock.getDelayedCalls() == []


def test_a_route_proves_it_as_well() -> None:
    probe, _, _ = probe_of(lambda: succeed(ROUTE))
    probe.start()
    assert probe.answered


def test_a_failed_lookup_is_asked_again_after_the_interval_and_says_why() -> None:
    probe, resolver, clock = probe_of(refusing, refusing, missing)
    probe.start()
    assert (probe.answered, probe.why) == (False, "connection refused")
    clock.advance(PROBE_INTERVAL_S - 0.01)
    assert len(resolver.asked) == 1
    clock.advance(0.01)
    assert (len(resolver.asked), probe.answered) == (2, False)
    clock.advance(PROBE_INTERVAL_S)
    assert (len(resolver.asked), probe.answered) == (3, True)
    assert clock.getDelayedCalls() == []


def test_an_outage_is_told_once_and_its_end_once() -> None:
    probe, _, clock = probe_of(*[refusing] * 5, missing)
    with capturedLogs() as events:
        probe.start()
        clock.pump([PROBE_INTERVAL_S] * 5)
    assert [event["log_level"] for event in events] == [LogLevel.warn, LogLevel.info]


def test_a_lookup_that_never_answers_is_given_up_and_asked_again() -> None:
    cancelled: list[Deferred[Answer]] = []
    probe, resolver, clock = probe_of(lambda: Deferred(cancelled.append), missing)
    probe.start()
    clock.advance(PROBE_DEADLINE_S - 0.01)
    assert not cancelled
    clock.advance(0.01)
    assert (len(cancelled), probe.why) == (1, "no answer within 10 s")
    clock.advance(PROBE_INTERVAL_S)
    assert (len(resolver.asked), probe.answered) == (2, True)


def test_an_error_of_our_own_is_logged_and_the_probe_goes_on() -> None:
    probe, _, clock = probe_of(lambda: fail(Failure(ZeroDivisionError())), missing)
    with capturedLogs() as events:
        probe.start()
    assert [event["log_level"] for event in events] == [LogLevel.critical, LogLevel.warn]
    assert probe.why == "the lookup failed on our side"
    clock.advance(PROBE_INTERVAL_S)
    assert probe.answered


def test_stopped_between_two_questions_it_leaves_no_call_behind() -> None:
    probe, resolver, clock = probe_of(refusing)
    probe.stop()
    probe.start()
    probe.stop()
    probe.stop()
    assert clock.getDelayedCalls() == []
    clock.advance(100)
    assert len(resolver.asked) == 1


def test_stopped_during_a_question_it_cancels_it() -> None:
    cancelled: list[Deferred[Answer]] = []
    probe, _, clock = probe_of(lambda: Deferred(cancelled.append))
    probe.start()
    probe.stop()
    assert len(cancelled) == 1
    assert clock.getDelayedCalls() == []
    assert not probe.answered
