"""
Journey: the walk itself. Carries one Hello to its Ending, or an Arrival that never says one.

Floor 5, written against the seams alone: it owns no transport, and knows no workshop. On the hot path (the answer is
known, the endpoint is an IP address) nothing here waits or makes a Deferred.
"""

from __future__ import annotations

from functools import partial
from typing import assert_never

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.errors import DialFailed, LookupFailed, StarshipError
from starship.guides import Guides
from starship.healing import Healing, is_hopeful
from starship.inside import Step
from starship.interfaces import (
    ICancel,
    IChance,
    IClient,
    IDialOutcome,
    IJourney,
    ILeg,
)
from starship.names import Hostname
from starship.reasons import Reason
from starship.words import (
    Address,
    Answer,
    Arrival,
    Ask,
    Ending,
    Hello,
    Miss,
    Origin,
    Refusal,
    Route,
    Seconds,
    Stop,
)


@implementer(IJourney, IDialOutcome)
@define(eq=False)
class Journey:
    """
    One walk. Ends exactly once, with one Ending in the ledger.

    Whatever fails in here by our own fault ends this walk alone: mood `broken`, logged once.
    """

    _log = Logger()

    arrival: Arrival
    client: IClient
    guides: Guides
    ended: bool = field(init=False, default=False)
    _hello: Hello | None = field(init=False, default=None)
    _answer: Answer | None = field(init=False, default=None)
    _entered: bool = field(init=False, default=False)
    _joined: bool = field(init=False, default=False)
    _question: Deferred[Answer] | None = field(init=False, default=None)
    _dial: ICancel | None = field(init=False, default=None)
    _chance: IChance | None = field(init=False, default=None)
    _healing: Healing | None = field(init=False, default=None)
    _upstream: Address | None = field(init=False, default=None)
    _pool: str | None = field(init=False, default=None)
    _hello_at: float | None = field(init=False, default=None)
    _answer_at: float | None = field(init=False, default=None)
    _dialled_at: float | None = field(init=False, default=None)

    # IJourney: what the side that came in tells

    def hello(self, hello: Hello) -> None:
        guides, arrival = self.guides, self.arrival
        self._hello = hello
        self._hello_at = guides.clock.seconds()
        try:
            ask = Ask(hello.name, arrival.client.host, arrival.door.name)
            answer = guides.resolver.peek(ask)
            if answer is None:
                self._look_up(ask, hello)
            else:
                self._answered(answer, hello)
        except Exception:
            self.broke(Failure())

    def refused(self, refusal: Refusal, hello: Hello | None = None) -> None:
        if hello is not None:
            self._hello, self._hello_at = hello, self.guides.clock.seconds()
        self._refuse(refusal)

    def gone(self, reason: Reason) -> None:
        if self._close():
            self._account(reason, reason.row.logged)

    def carried(self, reason: Reason, detail: str, status: int | None = None) -> None:
        if self._close():
            self._account(reason, reason.row.logged if status is None else status, detail)

    def moved(self, leg: ILeg, chance: IChance | None = None) -> None:
        self._upstream, self._chance = leg.remote, chance

    def may_go_back(self) -> bool:
        chance = self._chance
        return chance is not None and not self.ended and self._time_left() > 0 and chance.is_left()

    def go_back(self, how: Stop) -> None:
        chance, self._chance = self._chance, None
        if self.ended or chance is None:
            return
        self._joined, self._upstream, self._dialled_at = False, None, None
        try:
            self.client.hold()
            dial = chance.take(self, how, self._time_left())
        except Exception:
            self.broke(Failure())
        else:
            if not self.ended and not self._joined:
                self._dial = dial

    def stay(self) -> None:
        chance, self._chance = self._chance, None
        if chance is not None:
            chance.forget()

    def stop(self, reason: Reason) -> None:
        if self._joined:
            self._sever(reason)
        else:
            self._refuse(Refusal(reason=reason))

    def broke(self, failure: Failure) -> None:
        self._log.failure("a journey broke: {id}", failure=failure, id=self.arrival.id)
        self.stop(Reason.INTERNAL)

    # How far it is, for who looks at it or counts

    @property
    def step(self) -> Step:
        """Where it is now."""
        if self.ended:
            return Step.CLOSING
        if self._joined:
            return Step.CARRYING
        if self._hello is None:
            return Step.SNIFFING
        asks = self._answer is None or (self._healing is not None and self._healing.is_asking)
        return Step.ROUTING if asks else Step.DIALLING

    @property
    def name(self) -> Hostname | None:
        """Whom the client asked for, once it has."""
        return None if self._hello is None else self._hello.name

    @property
    def app(self) -> str:
        """Whose route it is, once there is one."""
        return self._answer.app if isinstance(self._answer, Route) else ""

    @property
    def upstream(self) -> Address | None:
        """Whom it is joined to."""
        return self._upstream

    @property
    def pool(self) -> str | None:
        """The pool of the ini file that its upstream was taken from, if any."""
        return self._pool

    def uncounted(self) -> tuple[int, int]:
        """The bytes of its client, received and sent, that no Ending has counted yet: those that its own will."""
        return (0, 0) if self.ended else (self.client.received, self.client.sent)

    # IDialOutcome

    def dialled(self, leg: ILeg, chance: IChance | None = None) -> None:
        if self.ended:
            leg.abort()
            return
        self._dial = None
        if self._healing is not None:
            self._healing.stop_clock()
        self._dialled_at = self.guides.clock.seconds()
        self._upstream = leg.remote
        self._joined = True
        self._chance = chance
        try:
            self.client.join(leg, chance is not None)
        except Exception:
            self._joined = False  # nothing was carried, so the client can still be told
            leg.abort()
            self.broke(Failure())

    def failed(self, why: DialFailed) -> None:
        self._dial = None
        try:
            if not self._heal(why):
                self._refuse_error(why)
        except Exception:
            self.broke(Failure())

    # The steps

    def _look_up(self, ask: Ask, hello: Hello) -> None:
        self.client.hold()
        question = self._question = self.guides.resolver.resolve(ask)
        question.addCallback(self._answered, hello).addErrback(self._unanswered)

    def _heal(self, why: DialFailed) -> bool:
        """The remembered route may be out of date: dial what is said of it anew. False where there is no hope of it."""
        route, hello, left = self._answer, self._hello, self._time_left()
        if self.ended or self._healing is not None or hello is None or left <= 0:
            return False
        if not isinstance(route, Route) or not is_hopeful(route, why):
            return False
        guides = self.guides
        self._healing = Healing(
            resolver=guides.resolver,
            clock=guides.clock,
            timeout=guides.dial_timeout,
            ask=self._ask(hello),
            old=route,
            why=why,
            renewed=partial(self._renewed, hello),
            failed=self._refuse_error,
            broke=self.broke,
        )
        self._healing.start(left)
        return True

    def _renewed(self, hello: Hello, answer: Answer) -> None:
        self._entered = False
        self.guides.tenants.leave(hello.name)
        self._answer = answer
        self._decided(answer, hello)

    def _time_left(self) -> float:
        """For all that is dialled (s), from the answer on."""
        asked = self._answer_at
        return 0.0 if asked is None else asked + self.guides.dial_timeout - self.guides.clock.seconds()

    def _ask(self, hello: Hello) -> Ask:
        return Ask(name=hello.name, source=self.arrival.client.host, door=self.arrival.door.name)

    def _answered(self, answer: Answer, hello: Hello) -> None:
        self._question = None
        if self.ended:
            return
        self._answer = answer
        self._answer_at = self.guides.clock.seconds()
        self._decided(answer, hello)

    def _decided(self, answer: Answer, hello: Hello) -> None:
        match answer:
            case Route():
                self._go(answer, hello)
            case Miss():
                self._refuse(Refusal(reason=answer.reason, told=answer.told))
            case _:
                assert_never(answer)

    def _unanswered(self, failure: Failure) -> None:
        self._question = None
        if self._answer_at is None:
            self._answer_at = self.guides.clock.seconds()
        if isinstance(failure.value, LookupFailed):
            self._refuse_error(failure.value)
        elif not (self.ended and failure.check(CancelledError)):  # we gave it up
            self.broke(failure)

    def _go(self, route: Route, hello: Hello) -> None:
        if route.paths or route.redirect or self.arrival.door.redirect:
            narrowed = self.guides.narrow(route, hello, self.arrival.door)
            if isinstance(narrowed, Refusal):
                self._refuse(narrowed)
                return
            route = narrowed
        refusal = self.guides.tenants.enter(hello, route, self.arrival)
        if refusal is not None:
            self._refuse(refusal)
            return
        self._entered = True
        self._pool = route.pool
        self.client.hold()
        dial = self.guides.dialer.dial(route, self.arrival, hello, self.client.opening(route), self)
        if not self.ended and not self._joined:
            self._dial = dial

    # The ends

    def _refuse_error(self, error: StarshipError) -> None:
        retry_after = error.retry_after if isinstance(error, LookupFailed) else None
        self._refuse(Refusal(reason=Reason(error.word), detail=str(error), retry_after=retry_after))

    def _refuse(self, refusal: Refusal) -> None:
        if not self._close():
            return
        if self._hello is not None:
            refusal = _as_asked(refusal, self._hello)
        try:
            status = self.client.refuse(evolve(refusal, reason=refusal.told or refusal.reason))
        except Exception:
            self._log.failure("a refusal broke: {id}", id=self.arrival.id)
            self.client.sever()
            self._account(Reason.INTERNAL, Reason.INTERNAL.row.logged)
        else:
            self._account(refusal.reason, status, refusal.detail, refusal.name)

    def _sever(self, reason: Reason) -> None:
        if self._close():
            status = self.client.sever()
            self._account(reason, reason.row.logged if status is None else status)

    def _close(self) -> bool:
        """
        Begin the end, and give up what is under way; False where the end has begun before.

        The end begins first: a resolver may turn a cancelled question into an answer (a stale one) on the spot.
        """
        if self.ended:
            return False
        self.ended = True
        self._chance = None
        if self._dial is not None or self._question is not None or self._healing is not None:
            self._give_up()
        return True

    def _give_up(self) -> None:
        question, self._question = self._question, None
        dial, self._dial = self._dial, None
        if dial is not None:
            dial.cancel()
        if question is not None:
            question.cancel()
        if self._healing is not None:
            self._healing.cancel()

    def _account(self, reason: Reason, status: int, detail: str = "", name: str | None = None) -> None:
        hello, answer, client = self._hello, self._answer, self.client
        if self._entered:
            self.guides.tenants.leave(hello.name if hello is not None else None)
        self.guides.ledger.ended(
            Ending(
                self.arrival,
                reason,
                status,
                self._seconds(),
                hello,
                name or (hello.name if hello is not None else None),
                answer.origin if answer is not None else Origin.NONE,
                answer.app if isinstance(answer, Route) else "",
                self._upstream,
                detail,
                client.received,
                client.sent,
            )
        )
        client.over()

    def _seconds(self) -> Seconds:
        start, hello, answer, dialled = self.arrival.start, self._hello_at, self._answer_at, self._dialled_at
        return Seconds(
            self.guides.clock.seconds() - start,
            None if hello is None else hello - start,
            None if answer is None or hello is None else answer - hello,
            None if dialled is None or answer is None else dialled - answer,
        )


def _as_asked(refusal: Refusal, hello: Hello) -> Refusal:
    """The refusal in the words of who asked."""
    return evolve(refusal, name=refusal.name or hello.name, scheme=hello.scheme, manner=hello.manner)
