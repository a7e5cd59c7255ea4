"""
Failover: several APIs that know the same, asked in their order, each behind a breaker of its own.

Part of `route`: stands around the RemoteResolvers. Remembers nothing of names; what each API is like is for the metrics
and the admin site.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from starship.errors import LookupBusy, LookupFailed, LookupRefused
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.reasons import Reason
from starship.route.breaker import Breaker, Pass, State
from starship.words import Answer, Ask, Miss, Origin


def without_secrets(url: str) -> str:
    """Where a URL leads, for people: its query may hold a key, and is left out."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@frozen(kw_only=True)
class Standing:
    """What an API is like now. Seconds; `error_age` None where it never failed, `state_age` where no breaker turned."""

    index: int
    url: str
    state: State
    retry_in: float
    well: bool
    answers: int
    failures: int
    error: str
    error_age: float | None
    state_age: float | None = None


@define(eq=False, kw_only=True)
class Api:
    """One API. `url` is shown, without secrets; `well`: its last question was answered."""

    log: ClassVar[Logger] = Logger()

    index: int
    url: str
    resolver: IResolver
    breaker: Breaker
    well: bool = field(default=True, init=False)
    answers: int = field(default=0, init=False)
    failures: int = field(default=0, init=False)
    last: LookupFailed | None = field(default=None, init=False)
    last_at: float = field(default=0.0, init=False)
    _told: bool = field(default=False, init=False)

    def answered(self) -> None:
        """It knew."""
        self.answers += 1
        self.well = True
        self.breaker.answered()

    def failed(self, leave: Pass, name: Hostname, error: LookupFailed, now: float) -> None:
        """It did not."""
        self.failures += 1
        self.well = False
        self.last, self.last_at = error, now
        self.breaker.failed(leave, name, error)

    def turned(self, state: State) -> None:
        """Its breaker turned. The probes of a long outage, one after another, are no news."""
        match state:
            case State.OPEN if not self._told:
                self._told = True
                self.log.warn("the lookup API {api} fails: it is tried by single questions", api=self.url)
            case State.CLOSED:
                self._told = False
                self.log.info("the lookup API {api} is well: it is asked as before", api=self.url)
            case _:
                self.log.debug("the breaker of the lookup API {api} is {state}", api=self.url, state=state.value)


@implementer(IResolver)
@define(eq=False)
class Failover:
    """
    Asks the first API whose breaker lets it, and the next one where that fails.

    A failure of an API that is known to fail is `shared`: it says nothing of the name. An overload of our own
    (LookupBusy) is no failure of the API.
    """

    apis: tuple[Api, ...]
    _clock: IReactorTime

    @property
    def troubled(self) -> bool:
        """Whether no API is known to work."""
        return all(api.breaker.state is not State.CLOSED for api in self.apis)

    def peek(self, ask: Ask) -> Answer | None:
        """Nothing is known here without asking."""
        return None

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """Ask. Errors: LookupFailed of the API that was asked last, or of the first one where none was asked."""
        if ask.name is None:
            return succeed(Miss(origin=Origin.NONE, reason=Reason.NO_NAME))
        return Deferred.fromCoroutine(self._ask(ask, ask.name))

    def renew(self, ask: Ask) -> Deferred[Answer]:
        """As `resolve`."""
        return self.resolve(ask)

    def snapshot(self) -> tuple[Standing, ...]:
        """What each API is like."""
        now = self._clock.seconds()
        return tuple(
            Standing(
                index=api.index,
                url=api.url,
                state=api.breaker.state,
                retry_in=api.breaker.retry_in,
                well=api.well,
                answers=api.answers,
                failures=api.failures,
                error="" if api.last is None else str(api.last),
                error_age=None if api.last is None else now - api.last_at,
                state_age=None if api.breaker.since is None else now - api.breaker.since,
            )
            for api in self.apis
        )

    def refusal(self) -> LookupFailed | None:
        """What a question would fail with at once, where no API may be asked now. A look."""
        return None if any(api.breaker.admits for api in self.apis) else self._nobody_to_ask()

    async def _ask(self, ask: Ask, name: Hostname) -> Answer:
        why: LookupFailed | None = None
        for api in self.apis:
            leave = api.breaker.admit()
            if leave is None:
                continue
            try:
                answer = await self._one(api, leave, ask, name)
            except LookupFailed as error:
                why = error
            else:
                return answer
        raise why or self._nobody_to_ask()

    async def _one(self, api: Api, leave: Pass, ask: Ask, name: Hostname) -> Answer:
        try:
            answer: Answer = await api.resolver.resolve(ask)
        except LookupBusy:
            api.breaker.gave_up(leave)
            raise
        except LookupFailed as error:
            api.failed(leave, name, error, self._clock.seconds())
            error.shared = api.breaker.state is not State.CLOSED
            raise
        except BaseException:  # given up, or a fault of our own: nothing was found out
            api.breaker.gave_up(leave)
            raise
        api.answered()
        return answer

    def _nobody_to_ask(self) -> LookupFailed:
        """In the words of how the first API failed."""
        last = self.apis[0].last
        kind = LookupRefused if last is None else type(last)
        wait = min(api.breaker.retry_in for api in self.apis)
        return kind(f"not asked: the API fails ({last})", last.retry_after if last else wait, shared=True)
