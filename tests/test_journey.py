"""Every walk ends once, with one Ending, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, capturedLogs
from zope.interface.verify import verifyObject

from starship import errors
from starship.accept.gate import TenantGate
from starship.guides import Guides
from starship.inside import Step
from starship.interfaces import IDialOutcome, IJourney, ILeg, ITenantGate
from starship.journey import Journey
from starship.names import Hostname
from starship.reasons import Mood, Reason
from starship.words import (
    Address,
    Answer,
    Ending,
    Hello,
    Manner,
    Miss,
    Origin,
    PathRule,
    Refusal,
    Route,
    Stop,
    Upstream,
)
from tests import fakes
from tests.fakes import errors_in

NAME = Hostname("a.com")
HELLO = Hello(name=NAME, scheme="tls", consumed=5, manner=Manner(tls_version=0x0301))
ROUTE = Route(app="A Simple App", upstreams=(Upstream(host="192.0.2.80"),), origin=Origin.HIT)
MISS = Miss(origin=Origin.NEGATIVE)


@define(eq=False)
class Walk:
    """A Journey among fakes."""

    resolver: fakes.FakeResolver = field(factory=fakes.FakeResolver)
    dialer: fakes.FakeDialer = field(factory=fakes.FakeDialer)
    tenants: ITenantGate = field(factory=fakes.FakeTenants)
    client: fakes.FakeClient = field(factory=lambda: fakes.FakeClient(first=b"hello"))
    ledger: fakes.FakeLedger = field(factory=fakes.FakeLedger)
    clock: Clock = field(factory=Clock)
    journey: Journey = field(init=False)

    def __attrs_post_init__(self) -> None:
        guides = Guides(
            resolver=self.resolver, tenants=self.tenants, dialer=self.dialer, ledger=self.ledger, clock=self.clock
        )
        self.journey = Journey(fakes.arrival(), self.client, guides)

    def answer(self, answer: Answer | Exception) -> None:
        """The lookup ends."""
        if isinstance(answer, Exception):
            self.resolver.questions[0].errback(answer)
        else:
            self.resolver.questions[0].callback(answer)

    @property
    def ending(self) -> Ending:
        """The one Ending."""
        (ending,) = self.ledger.endings
        return ending

    @property
    def refusal(self) -> Refusal:
        """The one Refusal."""
        (refusal,) = self.client.refusals
        return refusal


def cached(answer: Answer = ROUTE, **parts: Any) -> Walk:
    """A walk whose resolver knows the answer."""
    return Walk(resolver=fakes.FakeResolver(known=answer), **parts)


def joined() -> Walk:
    """A walk that has come to its upstream."""
    walk = cached(dialer=fakes.FakeDialer(leg=fakes.FakeLeg()))
    walk.journey.hello(HELLO)
    return walk


def asking() -> Walk:
    """A walk whose lookup is under way."""
    walk = Walk()
    walk.journey.hello(HELLO)
    return walk


def dialling() -> Walk:
    """A walk whose dial is under way."""
    walk = cached()
    walk.journey.hello(HELLO)
    return walk


@pytest.fixture
def log() -> Iterator[Sequence[LogEvent]]:
    """What is logged meanwhile."""
    with capturedLogs() as events:
        yield events


def test_a_journey_offers_both_of_its_interfaces() -> None:
    journey = Walk().journey
    assert verifyObject(IJourney, journey)
    assert verifyObject(IDialOutcome, journey)


def test_a_known_name_is_dialled_joined_and_carried_s3_s5() -> None:
    leg = fakes.FakeLeg()
    walk = cached(dialer=fakes.FakeDialer(leg=leg))
    walk.clock.advance(0.5)
    walk.journey.hello(HELLO)
    assert walk.dialer.dials[0].opening == b"hello"
    assert walk.client.joined == [leg]
    assert not walk.ledger.endings
    walk.clock.advance(2)
    walk.client.received, walk.client.sent = 300, 4000
    walk.journey.carried(Reason.OK, "as it should")
    ending = walk.ending
    assert (ending.mood, ending.reason, ending.status) == (Mood.CARRIED, Reason.OK, 200)
    assert (ending.origin, ending.app, ending.name, ending.detail) == (
        Origin.HIT,
        "A Simple App",
        "a.com",
        "as it should",
    )
    assert (ending.upstream, ending.hello) == (leg.remote, HELLO)
    assert (ending.received, ending.sent) == (300, 4000)
    assert ending.seconds.total == 2.5


def test_the_hot_path_asks_nobody_and_makes_no_deferred(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    plain = Deferred.__init__

    def counted(self: Deferred[Any], *args: Any) -> None:
        made.append(self)
        plain(self, *args)

    monkeypatch.setattr(Deferred, "__init__", counted)
    walk = joined()
    walk.journey.carried(Reason.OK, "")
    assert not made
    assert not walk.resolver.questions
    assert walk.ending.reason is Reason.OK


def test_each_step_is_timed_on_its_own() -> None:
    walk = Walk()
    walk.clock.advance(1)
    walk.journey.hello(HELLO)
    walk.clock.advance(2)
    walk.answer(ROUTE)
    walk.clock.advance(4)
    walk.dialer.dials[0].outcome.dialled(fakes.FakeLeg())
    walk.clock.advance(8)
    walk.journey.carried(Reason.OK, "")
    seconds = walk.ending.seconds
    assert (seconds.hello, seconds.route, seconds.dial, seconds.total) == (1, 2, 4, 15)


def test_the_question_names_the_host_the_source_and_the_door() -> None:
    (ask,) = asking().resolver.asks
    assert (ask.name, ask.source, ask.door) == ("a.com", "192.0.2.7", "https")


def test_a_name_that_is_looked_up_is_carried_too_s4() -> None:
    walk = asking()
    assert not walk.dialer.dials
    walk.answer(ROUTE)
    walk.dialer.dials[0].outcome.dialled(fakes.FakeLeg())
    walk.journey.carried(Reason.OK, "")
    assert walk.ending.reason is Reason.OK


@pytest.mark.parametrize("known", [True, False])
def test_a_miss_is_refused_in_the_words_of_who_asked_s9_s10(known: bool) -> None:
    walk = cached(MISS) if known else Walk()
    walk.journey.hello(HELLO)
    if not known:
        walk.answer(MISS)
    assert (walk.refusal.reason, walk.refusal.name) == (Reason.UNKNOWN_NAME, "a.com")
    assert (walk.refusal.scheme, walk.refusal.manner) == ("tls", HELLO.manner)
    ending = walk.ending
    assert (ending.mood, ending.origin, ending.status) == (Mood.MISSED, Origin.NEGATIVE, 495)
    assert (ending.app, ending.upstream) == ("", None)
    assert not walk.dialer.dials


def test_who_names_nobody_is_refused_for_that() -> None:
    walk = cached(Miss(origin=Origin.STATIC, reason=Reason.NO_NAME))
    walk.journey.hello(Hello(name=None, scheme="http", consumed=5))
    assert (walk.refusal.reason, walk.refusal.name) == (Reason.NO_NAME, None)
    assert (walk.ending.mood, walk.ending.name) == (Mood.REFUSED, None)


def test_a_refusal_before_the_hello_keeps_its_own_words() -> None:
    walk = Walk()
    walk.journey.refused(Refusal(reason=Reason.BAD_NAME, detail="a NUL", name="a\\x00b", scheme="http"))
    assert (walk.refusal.scheme, walk.refusal.manner) == ("http", Manner())
    assert (walk.ending.reason, walk.ending.detail, walk.ending.name) == (Reason.BAD_NAME, "a NUL", "a\\x00b")
    assert walk.ending.hello is None
    assert walk.ending.seconds.hello is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.LookupRefused("refused"), Reason.LOOKUP_REFUSED),
        (errors.LookupTimeout("late"), Reason.LOOKUP_TIMEOUT),
        (errors.LookupServerError("502"), Reason.LOOKUP_5XX),
        (errors.LookupInvalid("garbage"), Reason.LOOKUP_INVALID),
        (errors.LookupBusy("many"), Reason.LOOKUP_BUSY),
    ],
)
def test_a_lookup_that_fails_is_never_a_miss_s8_s11(
    error: errors.LookupFailed, reason: Reason, log: Sequence[LogEvent]
) -> None:
    error.retry_after = 7.0
    walk = asking()
    walk.clock.advance(3)
    walk.answer(error)
    assert (walk.refusal.reason, walk.refusal.retry_after) == (reason, 7.0)
    ending = walk.ending
    assert (ending.mood, ending.reason, ending.origin) == (Mood.UNREACHABLE, reason, Origin.NONE)
    assert (ending.detail, ending.seconds.route) == (str(error), 3)
    assert not errors_in(log)


@pytest.mark.parametrize(
    ("error", "reason", "mood"),
    [
        (errors.DialRefused("refused"), Reason.UPSTREAM_REFUSED, Mood.UNREACHABLE),
        (errors.DialTimeout("late"), Reason.UPSTREAM_TIMEOUT, Mood.UNREACHABLE),
        (errors.DialUnresolved("no address"), Reason.UPSTREAM_UNRESOLVED, Mood.UNREACHABLE),
        (errors.DialForbidden("metadata"), Reason.UPSTREAM_FORBIDDEN, Mood.UNREACHABLE),
        (errors.DialBroken("EMFILE"), Reason.INTERNAL, Mood.BROKEN),
    ],
)
def test_a_dial_that_fails_says_why_and_leaves_the_tenant(
    error: errors.DialFailed, reason: Reason, mood: Mood, log: Sequence[LogEvent]
) -> None:
    tenants = fakes.FakeTenants()
    walk = cached(evolve(ROUTE, origin=Origin.FRESH), tenants=tenants)
    walk.journey.hello(HELLO)
    walk.dialer.dials[0].outcome.failed(error)
    assert walk.refusal.reason is reason
    assert (walk.ending.mood, walk.ending.detail, walk.ending.origin) == (mood, str(error), Origin.FRESH)
    assert walk.ending.app == "A Simple App"
    assert tenants.left == [NAME]
    assert walk.dialer.dials[0].cancelled == 0
    assert not errors_in(log)


def test_a_client_that_goes_during_the_lookup_cancels_its_question(log: Sequence[LogEvent]) -> None:
    cancelled: list[object] = []
    walk = asking()
    walk.resolver.questions[0]._canceller = cancelled.append
    walk.journey.gone(Reason.CLIENT_GONE)
    assert cancelled == walk.resolver.questions
    assert (walk.ending.mood, walk.ending.status) == (Mood.GONE, 499)
    assert not walk.client.refusals
    assert not errors_in(log)


@pytest.mark.parametrize("answer", [ROUTE, MISS, errors.LookupTimeout("late")])
@pytest.mark.parametrize("leave", ["gone", "stop"])
def test_an_answer_that_comes_of_cancelling_changes_nothing(answer: Answer | Exception, leave: str) -> None:
    """A resolver may serve a stale route, or fail in its own words, when its question is given up."""
    walk = asking()

    def canceller(question: Deferred[Answer]) -> None:
        walk.answer(answer)

    walk.resolver.questions[0]._canceller = canceller
    if leave == "gone":
        walk.journey.gone(Reason.CLIENT_GONE)
    else:
        walk.journey.stop(Reason.DRAINED)
    assert walk.ending.reason is (Reason.CLIENT_GONE if leave == "gone" else Reason.DRAINED)
    assert len(walk.client.refusals) == (leave == "stop")
    assert not walk.dialer.dials


def test_a_client_that_goes_during_the_dial_cancels_it_and_a_late_leg_is_reset() -> None:
    walk = dialling()
    dial = walk.dialer.dials[0]
    walk.journey.gone(Reason.CLIENT_GONE)
    assert dial.cancelled == 1
    late = fakes.FakeLeg()
    dial.outcome.dialled(late)
    dial.outcome.failed(errors.DialTimeout("late"))
    assert late.aborted == 1
    assert not walk.client.joined
    assert not walk.client.refusals
    assert walk.ending.reason is Reason.CLIENT_GONE


@pytest.mark.parametrize(
    "refusal", [Refusal(reason=Reason.MAINTENANCE), Refusal(reason=Reason.DENIED), Refusal(reason=Reason.OVER_LIMIT)]
)
def test_a_tenant_that_refuses_is_not_dialled_and_not_left(refusal: Refusal) -> None:
    tenants = fakes.FakeTenants(refusal=refusal)
    walk = cached(tenants=tenants)
    walk.journey.hello(HELLO)
    assert (walk.refusal.reason, walk.ending.mood) == (refusal.reason, Mood.REFUSED)
    assert not tenants.left
    assert not walk.dialer.dials


def test_a_route_s_own_limit_counts_those_inside_and_no_others() -> None:
    tenants = TenantGate()
    limited = Route(app="a", upstreams=ROUTE.upstreams, origin=Origin.HIT, max_connections=1)
    first, second, third = (cached(limited, tenants=tenants) for _ in range(3))
    first.journey.hello(HELLO)
    second.journey.hello(HELLO)
    assert second.ending.reason is Reason.OVER_LIMIT
    first.journey.gone(Reason.CLIENT_GONE)
    third.journey.hello(HELLO)
    assert not third.ledger.endings


def test_a_route_s_own_networks_are_enforced() -> None:
    closed = Route(app="a", upstreams=ROUTE.upstreams, origin=Origin.HIT, deny=(ip_network("192.0.2.0/24"),))
    walk = cached(closed, tenants=TenantGate())
    walk.journey.hello(HELLO)
    assert walk.ending.reason is Reason.DENIED


def test_stop_ends_a_walk_that_has_not_begun() -> None:
    walk = Walk()
    walk.journey.stop(Reason.DRAINED)
    assert walk.refusal.reason is Reason.DRAINED
    assert walk.ending.mood is Mood.SEVERED


def test_stop_ends_a_lookup() -> None:
    walk = asking()
    walk.journey.stop(Reason.DRAINED)
    assert walk.resolver.questions[0].called
    assert (walk.refusal.reason, walk.refusal.scheme) == (Reason.DRAINED, "tls")
    assert walk.ending.reason is Reason.DRAINED


def test_stop_ends_a_dial() -> None:
    walk = dialling()
    walk.journey.stop(Reason.DRAINED)
    assert walk.dialer.dials[0].cancelled == 1
    assert walk.refusal.reason is Reason.DRAINED
    assert walk.ending.origin is Origin.HIT


def test_stop_severs_what_is_joined() -> None:
    walk = joined()
    walk.journey.stop(Reason.DRAINED)
    assert (walk.client.severed, walk.client.refusals) == (1, [])
    assert (walk.ending.reason, walk.ending.status) == (Reason.DRAINED, 200)


def test_stop_after_the_end_changes_nothing() -> None:
    walk = joined()
    walk.journey.carried(Reason.OK, "")
    walk.journey.stop(Reason.DRAINED)
    assert walk.client.severed == 0
    assert walk.ending.reason is Reason.OK


def test_a_walk_ends_once_however_often_it_is_told() -> None:
    tenants = fakes.FakeTenants()
    walk = cached(tenants=tenants, dialer=fakes.FakeDialer(leg=fakes.FakeLeg()))
    walk.journey.hello(HELLO)
    walk.journey.carried(Reason.IDLE, "")
    walk.journey.carried(Reason.OK, "")
    walk.journey.gone(Reason.CLIENT_GONE)
    walk.journey.refused(Refusal(reason=Reason.DENIED))
    assert walk.ending.reason is Reason.IDLE
    assert tenants.entered == tenants.left == [NAME]


@pytest.mark.parametrize("breaks", ["resolver", "question", "tenants", "dialer", "join"])
@pytest.mark.filterwarnings("error")
def test_what_breaks_on_our_side_ends_this_walk_alone_and_is_logged_once(breaks: str, log: Sequence[LogEvent]) -> None:
    walk = Walk(client=fakes.FakeClient(breaks=breaks), dialer=fakes.FakeDialer(leg=fakes.FakeLeg()))
    boom = RuntimeError("boom")
    match breaks:
        case "resolver":
            walk.resolver.error = boom
        case "dialer":
            walk.dialer.error = boom
        case "tenants":
            walk = Walk(tenants=_BrokenTenants())
    walk.journey.hello(HELLO)
    if breaks != "resolver":
        walk.answer(boom if breaks == "question" else ROUTE)
    assert walk.refusal.reason is Reason.INTERNAL
    assert (walk.ending.mood, walk.ending.reason) == (Mood.BROKEN, Reason.INTERNAL)
    assert len(errors_in(log)) == 1
    assert errors_in(log)[0]["id"] == "test-1"


@define(eq=False)
class _BrokenTenants(fakes.FakeTenants):
    def enter(self, hello: Hello, route: Route, arrival: Any) -> Refusal | None:
        raise RuntimeError("boom")


def test_a_leg_that_could_not_be_joined_is_reset(log: Sequence[LogEvent]) -> None:
    leg = fakes.FakeLeg()
    walk = cached(client=fakes.FakeClient(breaks="join"), dialer=fakes.FakeDialer(leg=leg))
    walk.journey.hello(HELLO)
    assert leg.aborted == 1
    assert len(errors_in(log)) == 1


def test_a_refusal_that_breaks_severs_the_client(log: Sequence[LogEvent]) -> None:
    walk = cached(MISS, client=fakes.FakeClient(breaks="refuse"))
    walk.journey.hello(HELLO)
    assert walk.client.severed == 1
    assert (walk.ending.mood, walk.ending.status) == (Mood.BROKEN, 500)
    assert len(errors_in(log)) == 1


def test_a_client_that_goes_in_the_midst_of_being_joined_has_one_ending() -> None:
    walk = cached()

    @define(eq=False)
    class _Hasty(fakes.FakeClient):
        def join(self, leg: ILeg, back: bool = False) -> None:
            walk.journey.carried(Reason.CLIENT_GONE, "client reset")

    walk.journey.client = _Hasty()
    walk.dialer.leg = fakes.FakeLeg(remote=Address("2001:db8::1", 8443))
    walk.journey.hello(HELLO)
    walk.journey.gone(Reason.CLIENT_GONE)
    assert walk.ending.detail == "client reset"


# Self-healing: a route that was remembered and cannot be reached is asked about anew, once

MOVED = Route(app="Moved", upstreams=(Upstream(host="192.0.2.81"),), origin=Origin.FRESH)
REFUSED = errors.DialRefused("192.0.2.80:443: ECONNREFUSED")


def unreachable(answer: Answer = ROUTE, why: errors.DialFailed = REFUSED, **parts: Any) -> Walk:
    """A walk whose remembered route could not be dialled, after two seconds."""
    walk = cached(answer, **parts)
    walk.journey.hello(HELLO)
    walk.clock.advance(2)
    walk.dialer.dials[0].outcome.failed(why)
    return walk


@pytest.mark.parametrize("origin", [Origin.HIT, Origin.STALE])
@pytest.mark.parametrize("why", [REFUSED, errors.DialTimeout("late"), errors.DialUnresolved("no address")])
def test_a_tenant_that_moved_is_found_with_the_same_bytes(origin: Origin, why: errors.DialFailed) -> None:
    tenants = fakes.FakeTenants()
    walk = unreachable(evolve(ROUTE, origin=origin), why, tenants=tenants)
    assert not walk.client.refusals
    walk.resolver.renewals[0].callback(MOVED)
    first, second = walk.dialer.dials
    assert (second.route, second.opening) == (MOVED, first.opening)
    second.outcome.dialled(fakes.FakeLeg())
    walk.clock.advance(100)
    walk.journey.carried(Reason.OK, "")
    ending = walk.ending
    assert (ending.reason, ending.origin, ending.app) == (Reason.OK, Origin.FRESH, "Moved")
    assert tenants.entered == tenants.left == [NAME, NAME]
    assert not walk.clock.getDelayedCalls()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (evolve(ROUTE, origin=Origin.FRESH), REFUSED),
        (evolve(ROUTE, origin=Origin.STATIC), REFUSED),
        (ROUTE, errors.DialForbidden("metadata")),
        (ROUTE, errors.DialBroken("EMFILE")),
    ],
)
def test_where_asking_anew_cannot_help_nobody_is_asked(answer: Answer, why: errors.DialFailed) -> None:
    walk = unreachable(answer, why)
    assert not walk.resolver.renewals
    assert walk.ending.detail == str(why)


@pytest.mark.parametrize(
    "answer", [evolve(MOVED, upstreams=ROUTE.upstreams), evolve(ROUTE, origin=Origin.HIT), errors.LookupTimeout("late")]
)
def test_where_it_is_still_said_to_live_there_or_nobody_knows_the_first_failure_counts_F9(
    answer: Answer | Exception,
) -> None:
    walk = unreachable()
    if isinstance(answer, Exception):
        walk.resolver.renewals[0].errback(answer)
    else:
        walk.resolver.renewals[0].callback(answer)
    assert (walk.ending.reason, walk.ending.detail) == (Reason.UPSTREAM_REFUSED, str(REFUSED))
    assert len(walk.dialer.dials) == 1
    assert not walk.clock.getDelayedCalls()


def test_a_tenant_that_is_gone_by_now_is_a_miss() -> None:
    tenants = fakes.FakeTenants()
    walk = unreachable(tenants=tenants)
    walk.resolver.renewals[0].callback(Miss(origin=Origin.FRESH))
    assert walk.ending.reason is Reason.UNKNOWN_NAME
    assert tenants.left == [NAME]


def test_it_is_asked_anew_once_and_no_more_F9() -> None:
    walk = unreachable()
    walk.resolver.renewals[0].callback(evolve(MOVED, origin=Origin.HIT))
    walk.dialer.dials[1].outcome.failed(errors.DialTimeout("192.0.2.81:443 did not answer in time"))
    assert len(walk.resolver.renewals) == 1
    assert walk.ending.reason is Reason.UPSTREAM_TIMEOUT


def test_both_dials_and_the_question_between_have_one_deadline() -> None:
    walk = unreachable()
    walk.clock.advance(7)
    walk.resolver.renewals[0].callback(MOVED)
    walk.clock.advance(0.875)
    assert not walk.ledger.endings
    walk.clock.advance(0.125)
    assert walk.ending.reason is Reason.UPSTREAM_TIMEOUT
    assert walk.dialer.dials[1].cancelled == 1
    assert str(REFUSED) in walk.ending.detail


def test_a_question_that_does_not_end_within_the_deadline_is_given_up() -> None:
    walk = unreachable()
    walk.clock.advance(8)
    assert walk.ending.reason is Reason.UPSTREAM_TIMEOUT
    assert walk.resolver.renewals[0].called


def test_a_dial_that_took_all_the_time_is_not_followed_by_another() -> None:
    walk = cached()
    walk.journey.hello(HELLO)
    walk.clock.advance(10)
    walk.dialer.dials[0].outcome.failed(errors.DialTimeout("late"))
    assert not walk.resolver.renewals
    assert walk.ending.reason is Reason.UPSTREAM_TIMEOUT


@pytest.mark.parametrize("renewed", [False, True])
def test_a_client_that_goes_while_its_tenant_is_looked_for_ends_all_of_it(
    renewed: bool, log: Sequence[LogEvent]
) -> None:
    walk = unreachable()
    if renewed:
        walk.resolver.renewals[0].callback(MOVED)
    walk.journey.gone(Reason.CLIENT_GONE)
    assert walk.ending.reason is Reason.CLIENT_GONE
    assert walk.dialer.dials[1].cancelled == 1 if renewed else walk.resolver.renewals[0].called
    assert not walk.clock.getDelayedCalls()
    assert not errors_in(log)


def test_what_breaks_while_it_is_looked_for_ends_this_walk_alone(log: Sequence[LogEvent]) -> None:
    walk = unreachable()
    walk.resolver.renewals[0].errback(RuntimeError("boom"))
    assert walk.ending.mood is Mood.BROKEN
    assert len(errors_in(log)) == 1


def test_who_is_over_the_limit_for_new_names_meets_an_unknown_one_and_the_log_says_why() -> None:
    walk = cached(Miss(origin=Origin.NONE, reason=Reason.OVER_LIMIT, told=Reason.UNKNOWN_NAME))
    walk.journey.hello(HELLO)
    assert walk.refusal.reason is Reason.UNKNOWN_NAME
    assert (walk.ending.reason, walk.ending.mood) == (Reason.OVER_LIMIT, Mood.REFUSED)


def test_a_walk_tells_how_far_it_is_and_to_whom_it_leads() -> None:
    walk = Walk()
    journey = walk.journey
    told = [(journey.step, journey.name, journey.app, journey.upstream)]
    journey.hello(HELLO)
    told.append((journey.step, journey.name, journey.app, journey.upstream))
    walk.answer(ROUTE)
    told.append((journey.step, journey.name, journey.app, journey.upstream))
    walk.dialer.dials[0].outcome.dialled(fakes.FakeLeg())
    told.append((journey.step, journey.name, journey.app, journey.upstream))
    journey.carried(Reason.OK, "")
    assert told == [
        (Step.SNIFFING, None, "", None),
        (Step.ROUTING, NAME, "", None),
        (Step.DIALLING, NAME, ROUTE.app, None),
        (Step.CARRYING, NAME, ROUTE.app, Address("192.0.2.80", 443)),
    ]
    assert journey.step is Step.CLOSING


def test_a_walk_whose_route_failed_is_routing_again_while_it_asks() -> None:
    walk = cached()
    walk.journey.hello(HELLO)
    walk.dialer.dials[0].outcome.failed(errors.DialRefused("refused"))
    assert walk.resolver.renewals
    assert walk.journey.step is Step.ROUTING


def test_bytes_are_uncounted_until_the_ending_counts_as_many() -> None:
    walk = joined()
    walk.client.received, walk.client.sent = 7, 9
    assert walk.journey.uncounted() == (7, 9)
    walk.journey.carried(Reason.OK, "")
    assert (walk.ending.received, walk.ending.sent) == (7, 9)
    assert walk.journey.uncounted() == (0, 0)


PARTICULAR = [
    evolve(ROUTE, paths=(PathRule(path="/x", kind="prefix", upstreams=ROUTE.upstreams),)),
    evolve(ROUTE, redirect=True),
]


def choosy(route: Route, narrowed: Route | Refusal, **parts: Any) -> Walk:
    """A walk whose route is narrowed to this."""
    walk = cached(route, **parts)
    guides = evolve(walk.journey.guides, narrow=lambda *_: narrowed)
    walk.journey = Journey(walk.journey.arrival, walk.client, guides)
    return walk


@pytest.mark.parametrize("route", PARTICULAR)
def test_k2_a_route_that_is_particular_about_requests_is_dialled_as_it_is_narrowed(route: Route) -> None:
    narrowed = evolve(ROUTE, upstreams=(Upstream(host="192.0.2.99"),))
    walk = choosy(route, narrowed)
    walk.journey.hello(HELLO)
    assert walk.dialer.dials[0].route is narrowed


@pytest.mark.parametrize("route", PARTICULAR)
def test_a_route_that_does_not_want_this_request_refuses_it_in_the_tenants_name(route: Route) -> None:
    walk = choosy(route, Refusal(reason=Reason.REDIRECTED, location="https://a.com/"))
    walk.journey.hello(HELLO)
    assert walk.refusal.location == "https://a.com/"
    assert not walk.dialer.dials
    ending = walk.ending
    assert (ending.reason, ending.app, ending.origin, ending.name) == (
        Reason.REDIRECTED,
        "A Simple App",
        Origin.HIT,
        "a.com",
    )


def test_a_door_that_redirects_is_particular_about_every_route() -> None:
    walk = choosy(ROUTE, Refusal(reason=Reason.REDIRECTED, location="https://a.com/"))
    door = evolve(walk.journey.arrival.door, redirect=443)
    walk.journey.arrival = evolve(walk.journey.arrival, door=door)
    walk.journey.hello(HELLO)
    assert walk.ending.reason is Reason.REDIRECTED


def test_all_other_routes_are_narrowed_by_nobody() -> None:
    walk = choosy(ROUTE, Refusal(reason=Reason.REDIRECTED))
    walk.journey.hello(HELLO)
    assert walk.dialer.dials[0].route is ROUTE


def test_a_route_whose_rules_changed_is_worth_a_second_dial() -> None:
    walk = cached(PARTICULAR[0])
    walk.journey.hello(HELLO)
    walk.dialer.dials[0].outcome.failed(errors.DialRefused("no"))
    walk.resolver.renewals[0].callback(evolve(PARTICULAR[0], origin=Origin.FRESH, paths=()))
    assert len(walk.dialer.dials) == 2


# The second chance: an upstream that stopped before it said a byte


def with_chance(chance: fakes.FakeChance | None = None, answer: Answer = ROUTE) -> tuple[Walk, fakes.FakeChance]:
    """A walk that has come to the first endpoint of a pool, a second after its answer."""
    chance = chance or fakes.FakeChance()
    walk = cached(answer)
    walk.journey.hello(HELLO)
    walk.clock.advance(1)
    walk.dialer.dials[0].outcome.dialled(fakes.FakeLeg(), chance)
    return walk, chance


def test_a_leg_alone_has_no_way_back() -> None:
    walk = joined()
    assert walk.client.backs == [False]
    assert not walk.journey.may_go_back()
    walk.journey.go_back(Stop.LOST)
    walk.journey.stay()
    assert walk.journey.step is Step.CARRYING


def test_who_goes_back_is_dialling_again_and_has_one_ending_with_whom_it_was_joined_to_last() -> None:
    walk, chance = with_chance()
    assert walk.client.backs == [True]
    assert walk.journey.may_go_back()
    walk.clock.advance(2)
    walk.journey.go_back(Stop.LOST)
    assert (walk.journey.step, walk.journey.upstream) == (Step.DIALLING, None)
    ((outcome, how, seconds),) = chance.takes
    assert (how, seconds) == (Stop.LOST, 7.0)
    walk.clock.advance(1)
    other = fakes.FakeLeg(remote=Address("192.0.2.81", 443))
    outcome.dialled(other)
    assert walk.client.joined[1] is other
    assert not walk.journey.may_go_back()
    walk.clock.advance(3)
    walk.journey.carried(Reason.OK, "")
    ending = walk.ending
    assert (ending.reason, ending.upstream) == (Reason.OK, other.remote)
    assert (ending.seconds.dial, ending.seconds.total) == (4, 7)


def test_there_are_as_many_ways_back_as_legs_that_have_one() -> None:
    walk, chance = with_chance()
    for _ in range(3):
        walk.journey.go_back(Stop.ENDED)
        chance.takes[-1][0].dialled(fakes.FakeLeg(), chance)
    assert walk.client.backs == [True] * 4


@pytest.mark.parametrize("why", ["late", "spent", "stayed"])
def test_the_way_back_closes_with_the_time_of_the_dial_with_what_may_be_said_and_when_it_is_not_needed(
    why: str,
) -> None:
    walk, chance = with_chance()
    if why == "late":
        walk.clock.advance(9.1)
    elif why == "spent":
        chance.left = False
    else:
        walk.journey.stay()
        walk.journey.stay()
    assert not walk.journey.may_go_back()
    assert chance.forgotten == (why == "stayed")


@pytest.mark.parametrize("origin", [Origin.FRESH, Origin.HIT])
def test_where_nobody_is_left_the_client_is_refused_in_words_or_the_route_asked_about_anew(origin: Origin) -> None:
    walk, chance = with_chance(answer=evolve(ROUTE, origin=origin))
    walk.journey.go_back(Stop.LOST)
    why = errors.DialReset("192.0.2.80:443 reset the connection before its first byte")
    chance.takes[0][0].failed(why)
    if origin is Origin.HIT:
        walk.resolver.renewals[0].callback(evolve(ROUTE, origin=Origin.FRESH))
    assert walk.refusal.reason is Reason.UPSTREAM_RESET
    assert (walk.ending.detail, walk.ending.upstream, walk.ending.status) == (str(why), None, 502)
    assert walk.ending.seconds.dial is None


def test_a_client_that_leaves_while_another_is_dialled_ends_the_dial() -> None:
    walk, chance = with_chance()
    walk.journey.go_back(Stop.LOST)
    walk.journey.gone(Reason.CLIENT_GONE)
    assert chance.cancelled == 1
    late = fakes.FakeLeg()
    chance.takes[0][0].dialled(late, chance)
    assert late.aborted == 1
    assert walk.ending.reason is Reason.CLIENT_GONE


def test_who_is_stopped_while_another_is_dialled_is_refused_as_anybody_who_waits() -> None:
    walk, chance = with_chance()
    walk.journey.go_back(Stop.LOST)
    walk.journey.stop(Reason.DRAINED)
    assert walk.refusal.reason is Reason.DRAINED
    assert chance.cancelled == 1


def test_a_second_chance_that_breaks_ends_this_walk_alone(log: Sequence[LogEvent]) -> None:
    walk, _ = with_chance(fakes.FakeChance(error=RuntimeError("boom")))
    walk.journey.go_back(Stop.LOST)
    assert (walk.ending.mood, walk.refusal.reason) == (Mood.BROKEN, Reason.INTERNAL)
    assert len(errors_in(log)) == 1


def test_another_that_connects_at_once_leaves_no_dial_to_give_up() -> None:
    walk, chance = with_chance(fakes.FakeChance(leg=fakes.FakeLeg()))
    walk.journey.go_back(Stop.LOST)
    assert walk.journey.step is Step.CARRYING
    walk.journey.carried(Reason.OK, "")
    assert chance.cancelled == 0


def test_a_leg_that_took_the_place_of_another_has_a_way_back_of_its_own() -> None:
    walk = joined()
    chance = fakes.FakeChance()
    walk.journey.moved(fakes.FakeLeg(), chance)
    assert walk.journey.may_go_back()


@pytest.mark.parametrize(("sent", "logged"), [(None, 200), (0, 0), (206, 206)])
def test_the_status_of_who_is_severed_is_what_was_sent_where_the_client_knows(sent: int | None, logged: int) -> None:
    walk = joined()
    walk.client.status = sent
    walk.journey.stop(Reason.CLOSED)
    assert (walk.ending.reason, walk.ending.status) == (Reason.CLOSED, logged)
