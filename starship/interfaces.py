"""
The seams between rooms.

Floor 3. Every seam on the hit path answers at once; a Deferred exists only where we must wait. The workshops meet
here and in `service.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface

from starship.errors import DialFailed
from starship.legs import Connect as Connect
from starship.legs import ICancel as ICancel
from starship.legs import ILeg as ILeg
from starship.names import Hostname
from starship.reasons import Reason
from starship.words import (
    Answer,
    Arrival,
    Ask,
    Ending,
    Farewell,
    Hello,
    NeedMore,
    Preface,
    Refusal,
    Route,
    Stop,
    Verdict,
)


class ISniffer(Interface):
    """Reads a client's first bytes. Pure: no transport, no clock, no log."""

    def feed(data: bytes) -> Verdict:
        """
        Take the next bytes and say what is known so far.

        Shape: any split of the stream, empty chunks too; earlier bytes are remembered (within the bound).
        Returns: NeedMore until sure, then a Hello or a Refusal, once; not fed again after that.
        Raises: nothing, whatever the bytes.
        """


class IPrefaceReader(Interface):
    """Reads the PROXY header that a balancer puts before a client's first byte. Pure, as a sniffer."""

    def feed(data: bytes) -> Preface | Refusal | NeedMore:
        """
        Take the next bytes and say what is known so far.

        Shape: any split of the stream, empty chunks too; what comes behind the header is left alone.
        Returns: NeedMore until sure, then a Preface or a Refusal, once; not fed again after that.
        Raises: nothing, whatever the bytes.
        """


class IRefuser(Interface):
    """Knows how one protocol says no. Pure."""

    def farewell(refusal: Refusal, arrival: Arrival) -> Farewell:
        """Render the last bytes for a client. Bounded; contains no byte of the client unescaped."""


@frozen
class Scheme:
    """A protocol as a value: its name, a maker of sniffers, its way of refusing."""

    name: str
    sniffer: Callable[[], ISniffer]
    refuser: IRefuser


class IResolver(Interface):
    """Turns a name into an Answer. Wrapped by others of its kind; service.py spells out the order."""

    def peek(ask: Ask) -> Answer | None:
        """Answer at once from what is known, or None. Never waits, never asks; counts the hit it gives."""

    def resolve(ask: Ask) -> Deferred[Answer]:
        """
        Find the Answer, only after peek said None. Cancelling leaves other waiters alone.

        Errors: LookupFailed when there is neither a route nor a miss.
        """

    def renew(ask: Ask) -> Deferred[Answer]:
        """
        Ask again about a name that is known: its route did not work, or is about to expire. As `resolve` otherwise.

        Who remembers answers may answer with what is known where the name was asked about only just now.
        """


class IDialOutcome(Interface):
    """Who waits for a dial. Exactly one of the two is called, once, perhaps before `dial` returns."""

    def dialled(leg: ILeg, chance: IChance | None = None) -> None:
        """Connected, and the opening bytes are written. `chance`: what is left to do where the leg turns out dead."""

    def failed(why: DialFailed) -> None:
        """No upstream of the route could be reached."""


class IChance(Interface):
    """The second chance of a dial whose leg stopped before it had said a byte. Taken once, or forgotten."""

    def is_left() -> bool:
        """Whether the opening may be said to somebody else."""

    def take(outcome: IDialOutcome, how: Stop, seconds: float) -> ICancel:
        """Say it to the next, as `dial`, and within so many seconds. `how` the leg stopped; it has been let go of."""

    def forget() -> None:
        """It is not needed: the leg has spoken, or it is too late."""


class IWayBack(Interface):
    """From carrying back to dialling, for a client whose upstream stopped before it had said a byte."""

    def may_go_back() -> bool:
        """Whether another may be told what this one was told, at this moment."""

    def go_back(how: Stop) -> None:
        """Tell another. `how` the upstream stopped; it is let go of, and the client's bytes wait in its leg."""

    def stay() -> None:
        """There is no way back any more: let go of what is kept for it."""


class IDialer(Interface):
    """Connects a Route."""

    def dial(route: Route, arrival: Arrival, hello: Hello, opening: bytes, outcome: IDialOutcome) -> ICancel:
        """Try the route's upstreams until one takes the connection, within the deadlines; write `opening` to it."""


class IClient(Interface):
    """The side that came in, as far as a Journey may ask it."""

    received: int = Attribute("bytes from the client so far")
    sent: int = Attribute("bytes to the client so far")

    def hold() -> None:
        """We are looking up or dialling (again): keep what still arrives, within a bound."""

    def opening(route: Route) -> bytes:
        """
        What this route's upstream is to get first: all bytes that arrived so far, or a request's head worded for it.

        Asked again, with another route, where the first could not be dialled.
        """

    def join(leg: ILeg, back: bool = False) -> None:
        """
        Carry both ways from here on; the Journey's `carried` is called with the reason it stopped.

        back: until the upstream has said a byte, the Journey has a way back, and is told to take it or to stay.
        """

    def refuse(refusal: Refusal) -> int:
        """Say no and close in order. Returns the status for the log."""

    def sever() -> int | None:
        """
        Reset the connection, and whatever was joined to it.

        Returns: the HTTP status that had been sent, 0 where there was none; None where none is sent but in pages.
        """

    def over() -> None:
        """The walk has its Ending: nothing more is asked."""


class IJourney(IWayBack):
    """A walk under way, as far as the side that came in may tell it."""

    def hello(hello: Hello) -> None:
        """The client said what it wants."""

    def refused(refusal: Refusal, hello: Hello | None = None) -> None:
        """The client is to be refused before it said a hello that we take; `hello`: one that we understood."""

    def gone(reason: Reason) -> None:
        """The client left, or fell silent, before it was joined."""

    def carried(reason: Reason, detail: str, status: int | None = None) -> None:
        """The joined legs have finished. `status` is what the client was told, where that was more than bytes."""

    def moved(leg: ILeg, chance: IChance | None = None) -> None:
        """Another leg has taken the place of the one that was joined, with a second chance of its own."""

    def stop(reason: Reason) -> None:
        """End this walk now, wherever it is."""

    def broke(failure: Failure) -> None:
        """Something of ours failed for this client: log it, and end this walk alone."""


class IGate(Interface):
    """Limits on who comes in."""

    def admit(arrival: Arrival) -> Refusal | None:
        """None lets the arrival in, and counts it until `leave`; a Refusal counts nothing."""

    def leave(arrival: Arrival) -> None:
        """An admitted arrival is gone."""


class ITenantGate(Interface):
    """Limits that a route sets for its own name."""

    def enter(hello: Hello, route: Route, arrival: Arrival) -> Refusal | None:
        """None lets the hello in, and counts it until `leave`; a Refusal counts nothing."""

    def leave(name: Hostname | None) -> None:
        """A hello that was let in has ended."""


class ILedger(Interface):
    """What happened. Nothing accepted goes unaccounted."""

    def arrived(arrival: Arrival) -> None:
        """A connection was accepted."""

    def ended(ending: Ending) -> None:
        """A Hello ended, or an Arrival that never said one. Once each."""

    def departed(arrival: Arrival) -> None:
        """The connection is closed: nothing of it is left."""


class Relay(Protocol):
    """
    Joins two legs. `done` is called once with the reason, when nothing of either is left.

    `back` is taken where the upstream stops before it said a byte, and the client was heard no further than it was when
    they were joined: then `done` is not called.
    """

    def __call__(
        self, client: ILeg, upstream: ILeg, done: Callable[[Reason, str], None], back: IWayBack | None = None
    ) -> ICancel: ...
