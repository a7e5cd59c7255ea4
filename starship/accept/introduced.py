"""
Connections that do not begin with the client's own hello: a balancer's PROXY header comes first, or nothing does.

Part of accept. Each kind of door has its own class, so that a plain one pays nothing for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from attrs import define, evolve, field
from zope.interface import implementer

from starship.accept.sniffing import Manners, SniffingProtocol
from starship.interfaces import IPrefaceReader, ISniffer
from starship.reasons import Reason
from starship.words import NEED_MORE, NeedMore, Preface, Refusal, Verdict


class EagerProtocol(SniffingProtocol):
    """One connection to a door whose sniffer may know enough before the first byte: where the server speaks first."""

    def _come_in(self) -> None:
        super()._come_in()
        self._read(b"")


class IntroducedProtocol(SniffingProtocol):
    """
    One connection that a balancer passes on.

    On the porch until the PROXY header is complete; then the client that it names comes in as any other does, and
    everybody behind knows that client's address alone.
    """

    def __init__(self, manners: Manners, live: set[SniffingProtocol]) -> None:
        super().__init__(manners, live)
        self._waits = False

    def _come_in(self) -> None:
        balancers = self._manners.balancers
        if balancers is None:
            raise RuntimeError("a door without balancers has no use for PROXY headers")
        refusal = balancers.porch.enter(self.arrival)
        if refusal is not None:
            self.journey.refused(refusal)
            return
        self._waits = True
        self._sniffer = _PrefaceFirst(balancers.reader(), self._introduced)
        self._deadline = self._manners.guides.clock.callLater(balancers.timeout, self._too_slow)

    def _introduced(self, preface: Preface) -> ISniffer | None:
        """The header is read: from here on there is a client. Its sniffer, or None where it may not come in."""
        self._stop_sniffing()
        leg, arrival = self.leg, self.arrival
        first = leg.take()
        leg.received -= preface.consumed  # the header is the balancer's
        leg.unread(first[preface.consumed :])
        if preface.client is not None and preface.local is not None:
            arrival = evolve(arrival, client=preface.client, local=preface.local, via=arrival.client)
        self.arrival = self.journey.arrival = evolve(arrival, tlvs=preface.tlvs)
        super()._come_in()
        return self._sniffer

    def _too_slow(self) -> None:
        if self._waits:
            self._fall_silent(Reason.PREFACE_TIMEOUT)
        else:
            super()._too_slow()

    def _stop_sniffing(self) -> None:
        super()._stop_sniffing()
        if self._waits:
            self._waits = False
            if self._manners.balancers is not None:
                self._manners.balancers.porch.leave()


@implementer(ISniffer)
@define(eq=False)
class _PrefaceFirst:
    """Reads the header, then whatever the sniffer reads that `introduced` answers with."""

    _reader: IPrefaceReader
    _introduced: Callable[[Preface], ISniffer | None]
    _seen: int = field(init=False, default=0)

    def feed(self, data: bytes) -> Verdict:
        """As ISniffer has it. What follows the header in `data` is the client's first."""
        found = self._reader.feed(data)
        self._seen += len(data)
        match found:
            case NeedMore() | Refusal():
                return found
            case Preface():
                sniffer = self._introduced(found)
                return NEED_MORE if sniffer is None else sniffer.feed(data[len(data) - self._seen + found.consumed :])
            case _:
                assert_never(found)
