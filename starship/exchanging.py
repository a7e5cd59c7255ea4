"""
The seams of plain HTTP, request by request: whose exchange it is, the exchange, and what is kept between.

Floor 3, above interfaces. `accept` holds the conversation, `exchange` moves the messages, and `dial` keeps upstream
connections: they meet here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from zope.interface import Attribute, Interface

from starship.interfaces import ILeg, IWayBack
from starship.reasons import Reason
from starship.words import Arrival, Exchanged, Hello, Request, Route


class IAlarm(Interface):
    """The one deadline of a connection. What is set replaces what was."""

    def set(seconds: float, call: Callable[[], None]) -> None:
        """Call after so many seconds, perhaps a little later."""

    def clear() -> None:
        """There is nothing to wait for."""


class IPatron(IWayBack):
    """Whose exchange it is. Goes back where the exchange was told that it may: then it is cancelled."""

    def exchanged(outcome: Exchanged) -> None:
        """It is over. Once, unless it was cancelled."""

    def again() -> None:
        """The upstream's connection was used before and is dead, and nothing is lost: `start` it with another."""


class IExchange(Interface):
    """One request and its response, carried between two legs."""

    keep: bool = Attribute("whether the client's connection may go on afterwards, as far as it is up to us; may change")
    back: bool = Attribute("whether the patron may have a way back")
    tunnel: bool = Attribute("whether both sides have changed to another protocol: a relay looks after them")
    status: int = Attribute("of the final response that the client is given (or of the switch), 0 until there is one")

    def start(upstream: ILeg) -> None:
        """The head has been written to this leg: carry the request's body and the response."""

    def announce_end() -> None:
        """Tell the client that its connection ends with this response, unless the response is on its way already."""

    def fail(reason: Reason, detail: str) -> None:
        """It cannot go on: the upstream is reset, and the patron told."""

    def cancel() -> None:
        """Reset the upstream; nobody is told."""


class ExchangeMaker(Protocol):
    """Makes the exchange of a request that came from `client`."""

    def __call__(self, client: ILeg, request: Request, alarm: IAlarm, patron: IPatron) -> IExchange: ...


class IIdle(Interface):
    """Upstream connections between two requests."""

    def keep(leg: ILeg, route: Route, arrival: Arrival, hello: Hello) -> None:
        """Keep a leg that stands where the next message begins for a while, for those whom the route lets have it."""

    def part(leg: ILeg) -> None:
        """End a connection that is of no more use, in order and within a deadline."""
