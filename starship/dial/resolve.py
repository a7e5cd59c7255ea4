"""
Endpoint names to addresses, through the system's resolver.

Part of the dial step. The system's resolver works in a pool of ten threads, so an answer is kept for a few seconds
and one question per name is in flight.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IReactorTime,
    IResolutionReceiver,
)
from zope.interface import implementer

KEEP_S: Final = 5.0
NAMES_LIMIT: Final = 4096


@implementer(IResolutionReceiver)
@define(eq=False)
class _Addresses:
    """Gathers what one resolution brings."""

    done: Deferred[tuple[str, ...]]
    found: list[str] = field(factory=list)

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing to do: a question that nobody waits for any more still fills the memory."""

    def addressResolved(self, address: IAddress) -> None:
        host = getattr(address, "host", None)
        if isinstance(host, str) and host not in self.found:
            self.found.append(host)

    def resolutionComplete(self) -> None:
        self.done.callback(tuple(self.found))


@define(eq=False)
class Names:
    """Resolves endpoint names. Remembers at most NAMES_LIMIT of them, each for KEEP_S."""

    resolver: IHostnameResolver
    clock: IReactorTime
    _known: OrderedDict[str, tuple[float, tuple[str, ...]]] = field(init=False, factory=OrderedDict)
    _waiting: dict[str, list[Deferred[tuple[str, ...]]]] = field(init=False, factory=dict)

    def addresses(self, name: str) -> Deferred[tuple[str, ...]]:
        """
        Find the IP addresses of a name, in the system's order of preference; empty where it has none.

        Errors: none. Cancelling leaves other waiters alone.
        """
        waiter: Deferred[tuple[str, ...]] = Deferred()
        known = self._known.get(name)
        if known is not None and known[0] > self.clock.seconds():
            waiter.callback(known[1])
        elif name in self._waiting:
            self._waiting[name].append(waiter)
        else:
            self._waiting[name] = [waiter]
            done: Deferred[tuple[str, ...]] = Deferred()
            done.addCallback(self._learned, name)
            self.resolver.resolveHostName(_Addresses(done), name)
        return waiter

    def _learned(self, found: Sequence[str], name: str) -> None:
        answer = tuple(found)
        if answer:
            self._known[name] = (self.clock.seconds() + KEEP_S, answer)
            self._known.move_to_end(name)
            while len(self._known) > NAMES_LIMIT:
                self._known.popitem(last=False)
        for waiter in self._waiting.pop(name, []):
            if not waiter.called:
                waiter.callback(answer)
