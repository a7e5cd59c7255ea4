"""Several APIs in their order, each behind its breaker; what each is like can be seen (no secrets in it)."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from zope.interface.verify import verifyObject

from starship.errors import LookupBusy, LookupFailed, LookupRefused, LookupServerError, LookupTimeout
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.route.breaker import Breaker, State
from starship.route.failover import Api, Failover, without_secrets
from starship.words import Answer, Miss
from tests.fakes import failure_of, success_of
from tests.route.resolvers import PatientResolver, ReadyResolver, ask, route


@define(eq=False)
class Two:
    """Two APIs that answer as they are told."""

    first: ReadyResolver = field(factory=lambda: ReadyResolver(route("first")))
    second: ReadyResolver = field(factory=lambda: ReadyResolver(route("second")))
    clock: Clock = field(factory=Clock)
    failover: Failover = field(init=False)

    def __attrs_post_init__(self) -> None:
        apis = []
        for index, resolver in enumerate((self.first, self.second)):
            breaker = Breaker(clock=self.clock, failures=3, interval=2.0, told=lambda state: None)
            apis.append(Api(index=index, url=f"http://api{index}/", resolver=resolver, breaker=breaker))
        self.failover = Failover(tuple(apis), self.clock)

    def app(self) -> str:
        answer = success_of(self.failover.resolve(ask()))
        return getattr(answer, "app", "")


def test_it_is_a_resolver() -> None:
    assert verifyObject(IResolver, Two().failover)
    assert Two().failover.peek(ask()) is None


def test_the_first_is_asked_and_the_next_one_where_it_fails() -> None:
    two = Two()
    assert two.app() == "first"
    assert two.second.asked == []
    two.first.outcome = LookupTimeout("late")
    assert two.app() == "second"
    two.first.outcome = route("first")
    assert two.app() == "first"


def test_a_miss_is_an_answer_and_not_a_failure() -> None:
    two = Two(first=ReadyResolver(Miss(origin=route().origin)))
    assert isinstance(success_of(two.failover.resolve(ask())), Miss)
    assert two.second.asked == []


def test_an_api_that_fails_again_and_again_is_not_asked_any_more_until_its_breaker_lets_one_question() -> None:
    two = Two(first=ReadyResolver(LookupTimeout("late")))
    for _ in range(10):
        assert two.app() == "second"
    assert len(two.first.asked) == 3
    assert not two.failover.troubled
    two.clock.advance(0.5)
    two.first.outcome = route("first")
    assert two.app() == "first"
    assert two.app() == "first"


def test_where_all_fail_the_last_ones_failure_is_told_and_where_none_is_asked_the_first_ones() -> None:
    two = Two(first=ReadyResolver(LookupTimeout("late")), second=ReadyResolver(LookupRefused("refused")))
    told = []
    for _ in range(4):
        error = failure_of(two.failover.resolve(ask()))
        assert isinstance(error, LookupFailed)
        told.append((type(error), error.shared, "not asked" in str(error)))
    assert told == [(LookupRefused, shared, False) for shared in (False, False, True)] + [(LookupTimeout, True, True)]
    assert two.failover.troubled


def test_an_overload_of_our_own_is_no_failure_of_the_api() -> None:
    two = Two(first=ReadyResolver(LookupBusy("many")))
    for _ in range(5):
        assert two.app() == "second"
    assert two.failover.snapshot()[0].state is State.CLOSED
    assert two.failover.snapshot()[0].failures == 0


def test_a_question_that_is_given_up_leaves_the_breaker_as_it_was() -> None:
    clock, patient = Clock(), PatientResolver()
    breaker = Breaker(clock=clock, failures=1, interval=2.0)
    failover = Failover((Api(index=0, url="", resolver=patient, breaker=breaker),), clock)
    first = failover.resolve(ask())
    patient.questions[0].errback(LookupTimeout("late"))
    assert isinstance(failure_of(first), LookupTimeout)
    clock.advance(0.5)
    probe = failover.resolve(ask())
    probe.cancel()
    assert isinstance(failure_of(probe), CancelledError)
    assert patient.cancelled == 1
    again = failover.resolve(ask())
    patient.questions[2].callback(route())
    assert success_of(again) == route()


def test_what_each_is_like_can_be_seen() -> None:
    two = Two(first=ReadyResolver(LookupServerError("the API answered 503", retry_after=7)))
    two.app()
    two.clock.advance(4)
    first, second = two.failover.snapshot()
    assert (first.index, first.url, first.state, first.well) == (0, "http://api0/", State.CLOSED, False)
    assert (first.answers, first.failures, first.error, first.error_age) == (0, 1, "the API answered 503", 4)
    assert (second.well, second.answers, second.error, second.error_age) == (True, 1, "", None)


def test_secrets_in_a_url_are_not_shown() -> None:
    assert without_secrets("https://user:word@api:8443/v1/{host}?key=s3cret") == "https://api:8443/v1/{host}"


def test_an_outage_and_its_end_are_a_line_each_however_many_probes_it_took() -> None:
    api = Api(index=0, url="http://api/", resolver=ReadyResolver(route()), breaker=Two().failover.apis[0].breaker)
    with capturedLogs() as events:
        for state in (State.OPEN, State.HALF_OPEN, State.OPEN, State.HALF_OPEN, State.CLOSED):
            api.turned(state)
    said = [event["log_level"] for event in events if event["log_level"] is not LogLevel.debug]
    assert said == [LogLevel.warn, LogLevel.info]


def test_who_names_nobody_costs_no_question() -> None:
    two = Two()
    answer: Answer = success_of(two.failover.resolve(ask(None)))
    assert isinstance(answer, Miss)
    assert two.first.asked == []
    assert success_of(two.failover.renew(ask(Hostname("b.com")))) == route("first")


def test_a_look_says_what_a_question_would_fail_with_and_lets_nobody_ask() -> None:
    late = LookupTimeout("late")
    two = Two(first=ReadyResolver(late), second=ReadyResolver(late))
    for _ in range(3):
        assert two.failover.refusal() is None
        failure_of(two.failover.resolve(ask()))
    refusal = two.failover.refusal()
    assert isinstance(refusal, LookupTimeout)
    assert str(refusal) == "not asked: the API fails (late)"
    two.clock.advance(0.5)
    assert two.failover.refusal() is None
    assert two.failover.snapshot()[0].state is State.OPEN
    assert two.failover.snapshot()[0].state_age == 0.5
