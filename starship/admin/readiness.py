"""
Readiness: whether a balancer should send us clients, and if not, why not.

Part of `admin`, floor 6. Knows a resolver and a clock by their interfaces; service.py tells it what it cannot see.
Ready means: the doors are open, and a route is known or a lookup can be answered. Once ready it stays so until the
drain: when the API fails later, known hosts are still served, and a fleet whose routers all withdrew at once would
turn an outage of the API into an outage of everything.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import ClassVar, Final

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from starship.errors import LookupFailed
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.words import Answer, Ask

PROBE_NAME: Final = Hostname("starship-readiness.invalid")
"""Asked of the API at start; `.invalid` never exists (RFC 6761 section 6.4), and its 404 is as good as a route."""

PROBE_INTERVAL_S: Final = 2.0
PROBE_DEADLINE_S: Final = 10.0


class State(StrEnum):
    """Where the service is in its life."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


@frozen(kw_only=True)
class Standing:
    """The state of now, and what is missing for it to be ready."""

    state: State
    reasons: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether clients are welcome."""
        return self.state is State.READY


@define(eq=False)
class LookupProbe:
    """
    Asks a reserved name until the resolver has answered once, be it with a miss; then never again.

    `why` says in our words what the last question came to.
    """

    resolver: IResolver
    clock: IReactorTime
    interval_s: float = PROBE_INTERVAL_S
    name: Hostname = PROBE_NAME
    answered: bool = field(default=False, init=False)
    why: str = field(default="the lookup was not asked yet", init=False)
    _asking: Deferred[None] | None = field(default=None, init=False)

    log: ClassVar[Logger] = Logger()

    def start(self) -> None:
        """Begin to ask."""
        self._asking = Deferred.fromCoroutine(self._until_answered())
        self._asking.addErrback(_trap_cancelled)

    def stop(self) -> None:
        """Ask no more."""
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()

    async def _until_answered(self) -> None:
        while not self.answered:
            try:
                await self._ask()
            except (LookupFailed, DeferredTimeout) as error:
                self._failed(str(error) or type(error).__name__)
            except CancelledError:
                raise
            except Exception:
                self.log.failure("the readiness probe failed")
                self._failed("the lookup failed on our side")
            else:
                self.answered, self.why = True, ""
                self.log.info("the lookup answers")
                return
            await deferLater(self.clock, self.interval_s, lambda: None)

    def _ask(self) -> Deferred[Answer]:
        ask = Ask(name=self.name, source="127.0.0.1", door="readiness")
        return self.resolver.resolve(ask).addTimeout(
            PROBE_DEADLINE_S, self.clock, onTimeoutCancel=lambda result, deadline: _late(deadline)
        )

    def _failed(self, why: str) -> None:
        if why != self.why:
            self.why = why
            self.log.warn("the lookup does not answer yet: {why}", why=why)


@define(eq=False)
class Readiness:
    """
    What /readyz says. `listening` and `draining` are set by the service.

    `evidence`: cheap callables, each true when a route is known or a lookup was answered (static routes, entries in
    the cache, lookups that traffic made, `lambda: probe.answered`). `missing` says why none is, in our words.
    """

    evidence: tuple[Callable[[], bool], ...]
    missing: Callable[[], str] = field(default=lambda: "no route is known")
    listening: bool = False
    draining: bool = False
    _proven: bool = field(default=False, init=False)

    def standing(self) -> Standing:
        """The state of now. Cheap: asked for at each scrape and each health check."""
        if self.draining:
            return Standing(state=State.DRAINING, reasons=("the service is draining",))
        self._proven = self._proven or any(known() for known in self.evidence)
        reasons = []
        if not self.listening:
            reasons.append("the listeners are not bound yet")
        if not self._proven:
            reasons.append(self.missing())
        return Standing(state=State.STARTING if reasons else State.READY, reasons=tuple(reasons))


def _late(deadline: float) -> Answer:
    raise DeferredTimeout(f"no answer within {deadline:g} s")


def _trap_cancelled(failure: Failure) -> None:
    failure.trap(CancelledError)
