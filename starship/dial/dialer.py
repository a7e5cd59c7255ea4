"""
Dialer: a Route becomes a connected upstream.

The fourth step of the walk. Tries the route's upstreams in their order of picking, each address within its own
deadline and all of them within another; asks the guard about each address; writes the opening bytes, and hands over
a leg. For an endpoint that is an IP address it makes no Deferred; one that connects at once costs no deadline either.
"""

from __future__ import annotations

import errno
from random import Random
from typing import Final

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.dial.guard import Guard
from starship.dial.pick import order
from starship.dial.preface import preface
from starship.dial.resolve import Names
from starship.errors import DialBroken, DialFailed, DialForbidden, DialRefused, DialTimeout, DialUnresolved
from starship.interfaces import Connect, ICancel, IDialer, IDialOutcome, ILeg
from starship.words import Address, Arrival, Hello, ProxyOptions, Route, Upstream

NOWHERE: Final = Address("", 0)

TRIES_LIMIT: Final = 16
"""Addresses that one connection may try: a name with hundreds of them must not hold a client that long."""

OUR_MEANS: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.EAGAIN}
)


@implementer(IDialer)
@define(eq=False, kw_only=True)
class Dialer:
    """Deadlines in seconds: `connect_timeout` for one address, `dial_timeout` for all of a route together."""

    connect: Connect
    clock: IReactorTime
    names: Names
    guard: Guard
    random: Random
    connect_timeout: float
    dial_timeout: float
    bind_address: str | None = None
    proxy_protocol: str | None = None  # for routes that do not say
    proxy_options: ProxyOptions = field(factory=ProxyOptions)

    def dial(self, route: Route, arrival: Arrival, hello: Hello, opening: bytes, outcome: IDialOutcome) -> ICancel:
        version = route.proxy_protocol or self.proxy_protocol
        if version is not None:
            opening = preface(version, self.proxy_options, arrival, hello) + opening
        upstreams = route.upstreams
        waiting = list(upstreams) if len(upstreams) == 1 else order(upstreams, self.random)
        dial = _Dial(self, outcome, opening, route.trusted, arrival.door.port, waiting)
        dial.start()
        return dial

    def bind_to(self, address: Address) -> str | None:
        """Our end of a connection to an address: the configured one where it is of the same family."""
        bind = self.bind_address
        return bind if bind and (":" in bind) == (":" in address.host) else None


@implementer(ICancel)
@define(eq=False)
class _Dial:
    """One connection's tries. `why` is what went wrong last."""

    dialer: Dialer
    outcome: IDialOutcome
    opening: bytes
    trusted: bool
    port: int
    waiting: list[Upstream]
    over: bool = False
    tries: int = 0
    address: Address = NOWHERE
    why: DialFailed | None = None
    deadline: IDelayedCall | None = None
    connector: ICancel | None = None
    question: Deferred[tuple[str, ...]] | None = None
    more: bool = False
    turning: bool = False

    def start(self) -> None:
        self.next()
        if not self.over:
            self.deadline = self.dialer.clock.callLater(self.dialer.dial_timeout, self._too_late)

    def cancel(self) -> None:
        if not self.over:
            self._finish()
            if self.question is not None:
                self.question.cancel()
            if self.connector is not None:
                self.connector.cancel()

    def next(self) -> None:
        """
        Try the next upstream, or give up.

        An outcome that comes at once is taken up by the loop that caused it, so a thousand of them go no deeper.
        """
        self.more = True
        if self.turning:
            return
        self.turning = True
        while self.more and not self.over:
            self.more = False
            self._step()
        self.turning = False

    def _step(self) -> None:
        if not self.waiting or self.tries >= TRIES_LIMIT:
            self._finish()
            self.outcome.failed(self.why or DialUnresolved("the route names no endpoint"))
            return
        upstream = self.waiting.pop(0)
        if _is_ip(upstream.host):
            self._try(Address(upstream.host, upstream.port or self.port))
            return
        known = self.dialer.names.peek(upstream.host)
        if known is not None:
            self._resolved(known, upstream)
        else:
            self._resolve(upstream)

    def connected(self, leg: ILeg) -> None:
        """One of the addresses took the connection."""
        self.connector = None
        if self.over:
            leg.abort()
            return
        self._finish()
        leg.send(self.opening)
        self.outcome.dialled(leg)

    def refused(self, why: OSError) -> None:
        """The address that was tried did not."""
        self.connector = None
        if not self.over:
            self.why = _explained(self.address, why)
            self.next()

    def _try(self, address: Address) -> None:
        """Begin to connect, unless the guard objects."""
        objection = None if self.trusted else self.dialer.guard.objection(address)
        if objection is not None:
            self.why = DialForbidden(objection)
            self.next()
            return
        self.tries += 1
        self.address = address
        dialer = self.dialer
        bind = dialer.bind_to(address) if dialer.bind_address else None
        connector = dialer.connect(address, bind, dialer.connect_timeout, self.connected, self.refused)
        if not self.over and not self.more:  # else it is decided already
            self.connector = connector

    def _resolve(self, upstream: Upstream) -> None:
        # Kept before it is heard: cancelling is for a question whose answer we still wait for.
        self.question = self.dialer.names.addresses(upstream.host)
        self.question.addCallbacks(self._resolved, _nobody_waits, callbackArgs=(upstream,))

    def _resolved(self, found: tuple[str, ...], upstream: Upstream) -> None:
        self.question = None
        if not found:
            self.why = DialUnresolved(f"{upstream.host} has no address")
        port = upstream.port or self.port
        self.waiting[:0] = [Upstream(host=host, port=port) for host in found]
        self.next()

    def _too_late(self) -> None:
        self.cancel()
        before = f"; before that: {self.why}" if self.tries > 1 else ""
        self.outcome.failed(DialTimeout(f"not connected within {self.dialer.dial_timeout:g} s{before}"))

    def _finish(self) -> None:
        self.over = True
        if self.deadline is not None and self.deadline.active():
            self.deadline.cancel()


def _nobody_waits(failure: Failure) -> None:
    """We gave the question up."""
    failure.trap(CancelledError)


def _is_ip(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()  # no Hostname ends in a number


def _explained(address: Address, why: OSError) -> DialFailed:
    said = errno.errorcode.get(why.errno or 0, str(why))
    if why.errno in OUR_MEANS:
        return DialBroken(f"cannot connect to {address}: {said}")
    if isinstance(why, TimeoutError):
        return DialTimeout(f"{address} did not answer in time")
    return DialRefused(f"{address}: {said}")
