"""
Asking one DNS server one question: over UDP, and over TCP where the reply did not fit.

Part of `dns`: knows sockets and one deadline. Each question has a socket of its own, connected to the server, so that
the kernel chooses a port nobody can guess and takes datagrams from nobody else; the ID and the question are compared
too (RFC 5452). Which server is asked, and what an answer means, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import ClientFactory
from twisted.protocols.basic import Int16StringReceiver
from twisted.python.failure import Failure

from starship.dns.datagrams import Datagrams
from starship.dns.messages import GARBLED, Question, Reply, Trouble, ask, read
from starship.words import Address

DATAGRAM_OCTETS: Final = 65_535
"""What is read of one: the largest that there is, since not every server heeds what we ask for."""

STRANGERS_LIMIT: Final = 16
"""Datagrams that are no reply to our question, after which we stop listening: somebody is guessing."""

TIMEOUT: Final = Reply(trouble=Trouble.TIMEOUT)
UNREACHABLE: Final = Reply(trouble=Trouble.UNREACHABLE)

Told = Callable[[Reply], None]


@frozen(kw_only=True)
class _Ask:
    """One question as it is sent to a server, and who wants to know. `told` is called once."""

    question: Question
    number: int
    edns: bool
    server: Address
    told: Told

    @property
    def octets(self) -> bytes:
        return ask(self.question, self.number, edns=self.edns)

    def read(self, data: bytes) -> Reply | None:
        return read(data, self.question, self.number)


@define(eq=False)
class _Hearing:
    """Asks over UDP: what comes is a reply, or from somebody who guesses."""

    asked: _Ask
    strangers: int = 0

    def heard(self, datagram: bytes) -> None:
        reply = self.asked.read(datagram)
        if reply is None:
            self.strangers += 1
            if self.strangers < STRANGERS_LIMIT:
                return
            reply = GARBLED
        self.asked.told(reply)

    def broke(self) -> None:
        self.asked.told(UNREACHABLE)


class _Stream(Int16StringReceiver):
    """Asks over TCP: RFC 1035 section 4.2.2. The first message decides."""

    def __init__(self, asked: _Ask) -> None:
        self.asked = asked

    def connectionMade(self) -> None:
        octets, transport = self.asked.octets, self.transport
        if transport is not None:
            transport.write(len(octets).to_bytes(2, "big") + octets)

    def stringReceived(self, string: bytes) -> None:
        reply = self.asked.read(string)
        self.asked.told(GARBLED if reply is None or reply.truncated else reply)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.asked.told(UNREACHABLE)  # it is heard only where nothing came before


class _Streams(ClientFactory):
    """Makes one."""

    noisy = False

    def __init__(self, asked: _Ask) -> None:
        self.asked = asked

    def buildProtocol(self, addr: Any) -> _Stream:
        return _Stream(self.asked)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        self.asked.told(UNREACHABLE)


@define(eq=False)
class _Try:
    """One question to one server, until it is answered or given up. Nothing is left of it then."""

    reactor: Any
    question: Question
    number: int
    edns: bool
    server: Address
    answered: Deferred[Reply] = field(init=False)
    _deadline: IDelayedCall | None = field(init=False, default=None)
    _close: Callable[[], object] | None = field(init=False, default=None)
    _over: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self.answered = Deferred(lambda _: self._end())

    def start(self, timeout: float) -> None:
        self._deadline = self.reactor.callLater(timeout, self._told, TIMEOUT)
        hearing = _Hearing(self._ask(self._over_udp))
        datagrams = Datagrams(self.reactor, DATAGRAM_OCTETS, hearing.heard, hearing.broke)
        try:
            datagrams.send(self.server, hearing.asked.octets)
        except OSError:  # no way there, or no descriptor to be had
            self._told(UNREACHABLE)
            return
        self._hold(datagrams.close)

    def _over_udp(self, reply: Reply) -> None:
        if not reply.truncated or self._over:
            self._told(reply)
            return
        self._let_go()
        connector = self.reactor.connectTCP(*self.server, _Streams(self._ask(self._told)), None)
        self._hold(connector.disconnect)

    def _ask(self, told: Told) -> _Ask:
        return _Ask(question=self.question, number=self.number, edns=self.edns, server=self.server, told=told)

    def _told(self, reply: Reply) -> None:
        if not self._over:
            self._end()
            self.answered.callback(reply)

    def _hold(self, close: Callable[[], object]) -> None:
        if self._over:  # it was over at once
            close()
        else:
            self._close = close

    def _let_go(self) -> None:
        close, self._close = self._close, None
        if close is not None:
            close()

    def _end(self) -> None:
        self._over = True
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._let_go()


@define(eq=False)
class Asker:
    """`reactor` watches sockets (IReactorFDSet, IReactorTCP) and keeps time; `random` chooses IDs."""

    reactor: Any
    random: Random

    @property
    def clock(self) -> IReactorTime:
        """The reactor, as who keeps time."""
        clock: IReactorTime = self.reactor
        return clock

    def ask(self, server: Address, question: Question, timeout: float, *, edns: bool = True) -> Deferred[Reply]:
        """Ask. `timeout` in seconds, for UDP and TCP together. Errors: none but CancelledError."""
        attempt = _Try(self.reactor, question, self.random.getrandbits(16), edns, server)
        attempt.start(timeout)
        return attempt.answered
