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
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IReactorTime,
    IResolutionReceiver,
)
from twisted.logger import Logger
from zope.interface import implementer

KEEP_S: Final = 5.0
NAMES_LIMIT: Final = 4096
ADDRESSES_LIMIT: Final = 64


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
        if isinstance(host, str) and host not in self.found and len(self.found) < ADDRESSES_LIMIT:
            self.found.append(host)

    def resolutionComplete(self) -> None:
        self.done.callback(tuple(self.found))


@define(eq=False)
class Names:
    """Resolves endpoint names. Remembers at most NAMES_LIMIT of them, each for KEEP_S; asks about as many at once."""

    _log = Logger()

    resolver: IHostnameResolver
    clock: IReactorTime
    _known: OrderedDict[str, tuple[float, tuple[str, ...]]] = field(init=False, factory=OrderedDict)
    _waiting: dict[str, list[Deferred[tuple[str, ...]]]] = field(init=False, factory=dict)

    def peek(self, name: str) -> tuple[str, ...] | None:
        """The addresses of a name where they are known; None where one has to ask. Never waits."""
        known = self._known.get(name)
        return known[1] if known is not None and known[0] > self.clock.seconds() else None

    def addresses(self, name: str) -> Deferred[tuple[str, ...]]:
        """
        Find the IP addresses of a name, in the system's order of preference; empty where it has none.

        Errors: none. Cancelling leaves other waiters alone.
        """
        known = self.peek(name)
        if known is not None:
            return succeed(known)
        asked = name in self._waiting
        if not asked and len(self._waiting) >= NAMES_LIMIT:
            return succeed(())
        waiters = self._waiting.setdefault(name, [])
        waiter: Deferred[tuple[str, ...]] = Deferred(waiters.remove)
        waiters.append(waiter)
        if not asked:
            self._ask(name)
        return waiter

    def _ask(self, name: str) -> None:
        done: Deferred[tuple[str, ...]] = Deferred()
        done.addCallback(self._learned, name)
        try:
            self.resolver.resolveHostName(_Addresses(done), name)
        except Exception:  # no thread to be had, say: the next one who asks tries again
            self._log.failure("the name of an endpoint could not be asked for: {name}", name=name)
            self._learned((), name)

    def _learned(self, found: Sequence[str], name: str) -> None:
        answer = tuple(found)
        if answer:
            self._known[name] = (self.clock.seconds() + KEEP_S, answer)
            self._known.move_to_end(name)
            while len(self._known) > NAMES_LIMIT:
                self._known.popitem(last=False)
        waiters = self._waiting.pop(name, [])
        while waiters:  # one whom the answer reaches may cancel another
            waiters.pop(0).callback(answer)
