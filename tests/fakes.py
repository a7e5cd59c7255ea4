"""Small implementations of our interfaces, and unwrappers for Deferreds that have fired."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import wraps
from io import BytesIO
from typing import Any, ParamSpec, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, LogLevel
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.interfaces import (
    ICancel,
    IChance,
    IClient,
    IDialer,
    IDialOutcome,
    ILedger,
    ILeg,
    IResolver,
    ITenantGate,
    IWayBack,
)
from starship.names import Hostname
from starship.reasons import Reason
from starship.wire.wheel import Late, Slot, Wheel
from starship.words import Address, Answer, Arrival, Ask, Door, Ending, Hello, Refusal, Route, Stop

T = TypeVar("T")
P = ParamSpec("P")


def success_of(deferred: Deferred[T]) -> T:
    """The result of a Deferred that has fired; an assertion otherwise."""
    results: list[T | Failure] = []
    deferred.addBoth(results.append)
    assert results, "the Deferred has not fired"
    assert not isinstance(results[0], Failure), results[0].getTraceback()
    return results[0]


def failure_of(deferred: Deferred[Any]) -> BaseException:
    """The exception of a Deferred that has failed; an assertion otherwise."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "the Deferred has not fired"
    assert isinstance(results[0], Failure), f"it succeeded: {results[0]!r}"
    error = results[0].value
    assert isinstance(error, BaseException)
    return error


def arrival(number: int = 1, *, door: str = "https", port: int = 443, client: str = "192.0.2.7") -> Arrival:
    """An Arrival as the doors make them."""
    return Arrival(
        number=number,
        id=f"test-{number:x}",
        door=Door(door, port),
        client=Address(client, 50000),
        local=Address("192.0.2.1", port),
        start=0.0,
    )


def errors_in(events: Iterable[LogEvent]) -> list[LogEvent]:
    """Of the events that `twisted.logger.capturedLogs` has caught, those that a person should look at."""
    return [event for event in events if event["log_level"] >= LogLevel.error]


def turning(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, Deferred[None]]:
    """Make an `async def` test one that pytest-twisted waits for while the reactor turns."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> Deferred[None]:
        return Deferred.fromCoroutine(test(*args, **kwargs))

    return run


class ExactWheel(Wheel):
    """A wheel that is not coarse: each deadline is one of the clock's."""

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(clock)
        self.callLater: Any = clock.callLater

    def put(self, delay: float, late: Late) -> Slot:
        moment = _Moment()
        moment.call = self.callLater(delay, late.late)
        return moment


class _Moment(dict[Late, None]):
    """A slot of one."""

    call: IDelayedCall

    def pop(self, late: Any, default: Any = None) -> None:
        if self.call.active():
            self.call.cancel()


@implementer(IResolver)
@define(eq=False)
class FakeResolver:
    """Knows `known` at once; or hands out `questions` for the test to answer. Raises `error` where it has one."""

    known: Answer | None = None
    error: Exception | None = None
    asks: list[Ask] = field(factory=list)
    questions: list[Deferred[Answer]] = field(factory=list)
    renewals: list[Deferred[Answer]] = field(factory=list)

    def peek(self, ask: Ask) -> Answer | None:
        self.asks.append(ask)
        return self.known

    def renew(self, ask: Ask) -> Deferred[Answer]:
        self.renewals.append(Deferred())
        return self.renewals[-1]

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        if self.error is not None:
            raise self.error
        self.questions.append(Deferred())
        return self.questions[-1]


@implementer(ICancel)
@define(eq=False)
class FakeDial:
    """One dial under way; the test calls its outcome."""

    route: Route
    opening: bytes
    outcome: IDialOutcome
    cancelled: int = 0

    def cancel(self) -> None:
        self.cancelled += 1


@implementer(IChance, ICancel)
@define(eq=False)
class FakeChance:
    """A second chance, and the dial that comes of it. Joins `leg` at once where there is one; raises `error` if any."""

    left: bool = True
    leg: ILeg | None = None
    error: Exception | None = None
    takes: list[tuple[IDialOutcome, Stop, float]] = field(factory=list)
    forgotten: int = 0
    cancelled: int = 0

    def is_left(self) -> bool:
        return self.left

    def take(self, outcome: IDialOutcome, how: Stop, seconds: float) -> ICancel:
        if self.error is not None:
            raise self.error
        self.takes.append((outcome, how, seconds))
        if self.leg is not None:
            outcome.dialled(self.leg)
        return self

    def cancel(self) -> None:
        self.cancelled += 1

    def forget(self) -> None:
        self.forgotten += 1


@implementer(IDialer)
@define(eq=False)
class FakeDialer:
    """Keeps each dial; connects it to `leg` at once where there is one. Raises `error` where it has one."""

    leg: ILeg | None = None
    error: Exception | None = None
    dials: list[FakeDial] = field(factory=list)

    def dial(self, route: Route, arrival: Arrival, hello: Hello, opening: bytes, outcome: IDialOutcome) -> ICancel:
        if self.error is not None:
            raise self.error
        self.dials.append(FakeDial(route, opening, outcome))
        if self.leg is not None:
            outcome.dialled(self.leg)
        return self.dials[-1]


@implementer(ITenantGate)
@define(eq=False)
class FakeTenants:
    """Refuses with `refusal`, or lets in."""

    refusal: Refusal | None = None
    entered: list[Hostname | None] = field(factory=list)
    left: list[Hostname | None] = field(factory=list)

    def enter(self, hello: Hello, route: Route, arrival: Arrival) -> Refusal | None:
        if self.refusal is None:
            self.entered.append(hello.name)
        return self.refusal

    def leave(self, name: Hostname | None) -> None:
        self.left.append(name)


@implementer(ILedger)
@define(eq=False)
class FakeLedger:
    """Keeps what it is told."""

    arrivals: list[Arrival] = field(factory=list)
    endings: list[Ending] = field(factory=list)
    departures: list[Arrival] = field(factory=list)

    def arrived(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)

    def ended(self, ending: Ending) -> None:
        self.endings.append(ending)

    def departed(self, arrival: Arrival) -> None:
        self.departures.append(arrival)


@implementer(IClient)
@define(eq=False)
class FakeClient:
    """A side that came in with `first` bytes. `breaks` names the method that raises."""

    first: bytes = b""
    breaks: str = ""
    received: int = 0
    sent: int = 0
    joined: list[ILeg] = field(factory=list)
    backs: list[bool] = field(factory=list)  # whether there was a way back, of each
    refusals: list[Refusal] = field(factory=list)
    severed: int = 0
    status: int | None = None  # what had been sent when it was severed
    overs: int = 0

    def hold(self) -> None:
        """Holds anyway."""

    def opening(self, route: Route) -> bytes:
        return self.first

    def join(self, leg: ILeg, back: bool = False) -> None:
        if self.breaks == "join":
            raise RuntimeError("join broke")
        self.joined.append(leg)
        self.backs.append(back)

    def refuse(self, refusal: Refusal) -> int:
        if self.breaks == "refuse":
            raise RuntimeError("refuse broke")
        self.refusals.append(refusal)
        return refusal.reason.row.logged

    def sever(self) -> int | None:
        self.severed += 1
        return self.status

    def over(self) -> None:
        self.overs += 1


class Wire(StringTransport):
    """A transport in memory that can be half-closed and reset, and heeds no call after its end, as a real one does."""

    shut = False
    aborted = False

    def _checkState(self) -> None:
        """A real transport heeds no call that comes after its end."""

    def loseWriteConnection(self) -> None:
        self.shut = True

    def abortConnection(self) -> None:
        self.aborted = self.disconnected = True
        self.disconnecting = True

    def unregisterProducer(self) -> None:
        self.producer = None

    @property
    def paused(self) -> bool:
        """Whether nothing is read."""
        return bool(self.producerState == "paused")

    @property
    def heard(self) -> bytes:
        """All that was written."""
        return bytes(self.io.getvalue())

    def take(self) -> bytes:
        """What was written since this was asked last, or ever."""
        heard, self.io = self.heard, BytesIO()
        return heard


@implementer(ICancel)
@define(eq=False)
class Join:
    """A relay that only remembers whom it joined."""

    client: ILeg
    upstream: ILeg
    done: Callable[[Reason, str], None]
    back: IWayBack | None = None
    cancelled: int = 0

    def cancel(self) -> None:
        self.cancelled += 1
        self.client.abort()


@implementer(ILeg)
@define(eq=False)
class FakeLeg:
    """An upstream's side that keeps what is sent to it, and never says a word of its own."""

    remote: Address = field(factory=lambda: Address("192.0.2.80", 443))
    received: int = 0
    sent: int = 0
    held: int = 0
    full: bool = False
    dead: bool = False
    dialogue: bool = False
    waits: int = 0  # bytes that are not confirmed
    closed: int = 0
    aborted: int = 0
    data: bytearray = field(factory=bytearray)
    ended: bool = False
    over: Callable[[ILeg, Stop], object] | None = None

    def send(self, data: bytes) -> bool:
        self.sent += len(data)
        self.data += data
        return True

    def drained(self, resume: Callable[[], None]) -> None:
        resume()

    def pause(self) -> None:
        """Says nothing anyway."""

    def resume(self) -> None:
        """Says nothing anyway."""

    def end(self, done: Callable[[Stop], None]) -> None:
        self.ended = True
        done(Stop.ENDED)

    def later(self) -> None:
        """Says nothing anyway."""

    def pending(self) -> int:
        return self.waits

    def close(self) -> None:
        self.closed += 1
        self.vanish(Stop.ENDED)

    def abort(self) -> None:
        self.aborted += 1
        self.vanish(Stop.ENDED)

    def vanish(self, why: Stop) -> None:
        """Nothing is left of it."""
        over, self.over = self.over, None
        if over is not None:
            over(self, why)

    def carry(self, to: ILeg, limit: int | None, done: Callable[[Stop], None]) -> None:
        """Has nothing to carry."""

    def read(self, heard: Callable[[bytes], None], ended: Callable[[Stop], None]) -> None:
        """Has nothing to say."""

    def unread(self, data: bytes) -> None:
        """Keeps nothing."""
