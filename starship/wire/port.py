"""
WirePort: a listening socket on the wire.

The ground under accept. Accepts in batches and hands each connection to its Factory with the first bytes ready to be
read. When descriptors run out it rests, and leaves the clients in the kernel's backlog, instead of spinning.

Options that Linux lets an accepted socket inherit are set once, here: TCP_NODELAY and keepalive (tcp(7)).
"""

from __future__ import annotations

import errno
import os
import socket
from functools import partial
from typing import Any, Final, cast

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IProtocolFactory, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from starship.addresses import plain_ip
from starship.wire.ground import Ground
from starship.wire.loop import LEVEL
from starship.wire.transport import WireTransport, twisted_address
from starship.words import Address

BATCH: Final = 64
"""Connections taken in one event, so that those already there get their turn too."""

REST_S: Final = 0.5
"""How long accepting rests when descriptors or memory ran out."""

GONE_AGAIN: Final = frozenset(
    {
        errno.ECONNABORTED,
        errno.ECONNRESET,
        errno.EPERM,
        errno.EPROTO,
        errno.ENETDOWN,
        errno.ENOPROTOOPT,
        errno.EHOSTDOWN,
        errno.ENONET,
        errno.EHOSTUNREACH,
        errno.EOPNOTSUPP,
        errno.ENETUNREACH,
    }
)
"""The client left while it waited: errors of one connection, not of the port. Source: accept(2), "Error handling"."""

V4_PARTS: Final = 2
_as_address: Final = partial(tuple.__new__, Address)

PROBES: Final = 3
PROBE_INTERVAL_S: Final = 10


@frozen(kw_only=True)
class Listening:
    """
    How to listen. `keepalive` (s): silence before the first probe to a client, 0: none.

    `defer`: a connection is accepted when its first bytes are there (TCP_DEFER_ACCEPT for 1 s; larger values would
    hide silent clients past their deadline). Off where the server speaks first.
    """

    backlog: int = 4096
    keepalive: float = 0.0
    defer: bool = True


def peer_address(peer: tuple[Any, ...]) -> Address:
    """What accept said of a client."""
    return _as_address(peer) if len(peer) == V4_PARTS else Address(plain_ip(peer[0]), peer[1])


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket bound to an address; `::` takes IPv4 too, whatever the machine says. Raises CannotListenError."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise CannotListenError(host, port, error) from error
    return made


@implementer(IListeningPort)
@define(eq=False)
class WirePort:
    """`paused` counts how often accepting rested."""

    _log = Logger()

    _socket: socket.socket
    _factory: IProtocolFactory
    _ground: Ground
    _clock: IReactorTime
    _how: Listening
    paused: int = field(init=False, default=0)
    _resting: bool = field(init=False, default=False)
    _timer: IDelayedCall | None = field(init=False, default=None)
    _expected: int = field(init=False, default=1)
    _local: Address | None = field(init=False, default=None)
    _accept: Any = field(init=False, default=None)
    _begins: bool = field(init=False, default=False)  # the protocols ask who comes, and begin to read, by themselves

    def startListening(self) -> None:
        listener, how = self._socket, self._how
        host, port = listener.getsockname()[:2]
        try:
            _set_options(listener, how)
            listener.setblocking(False)
            listener.listen(how.backlog)
        except OSError as error:
            raise CannotListenError(host, port, error) from error
        self._local = None if host in ("0.0.0.0", "::") else Address(host, port)
        self._accept = cast(Any, listener)._accept  # without the socket object that `accept` would make of each
        self._begins = getattr(self._factory, "begins", False)
        self._factory.doStart()
        self._ground.loop.watch(listener.fileno(), self, LEVEL)
        self._log.info("{who} starting on {port}", who=_name(self._factory), port=port)

    def stopListening(self) -> Deferred[None]:
        if self._socket.fileno() >= 0:
            if self._timer is not None and self._timer.active():
                self._timer.cancel()
            self._ground.loop.close(self._socket.detach())
            self._factory.doStop()
        return succeed(None)

    def getHost(self) -> Any:
        return twisted_address(Address(*self._socket.getsockname()[:2]))

    def ready(self, flags: int) -> None:
        """Clients wait. As many are taken as came last time: asking once more than that is a wasted system call."""
        taken = 0
        for _ in range(self._expected):
            try:
                fd, peer = self._accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in GONE_AGAIN:
                    continue
                self._rest(error)
                break
            taken += 1
            os.set_blocking(fd, False)
            self._take(WireTransport(self._ground, fd, peer_address(peer), self._local))
            if self._resting:
                self._well()
            if self._socket.fileno() < 0:
                return  # a client of this batch has made us stop
        self._expected = min(taken + 1, BATCH) if taken == self._expected else max(1, taken)

    def broke(self) -> None:
        """An exception of ours came through: the port goes on."""

    def _take(self, transport: WireTransport) -> None:
        try:
            address: Any = None if self._begins else transport.getPeer()
            protocol = self._factory.buildProtocol(address)
            if protocol is None:
                transport.abort()
                return
            owner: Any = protocol
            transport.owner = owner
            protocol.makeConnection(transport)
            if not self._begins:
                transport.begin()
        except Exception:
            self._log.failure("an arrival broke")
            transport.broke()

    def _rest(self, error: OSError) -> None:
        self.paused += 1
        if not self._resting:
            self._resting = True
            self._log.warn("{who} rests: {why}", who=_name(self._factory), why=error.strerror)
        self._ground.loop.rest(self._socket.fileno(), None)
        self._ground.pipes.close()  # the spare ones are descriptors too
        self._timer = self._clock.callLater(REST_S, self._wake)

    def _wake(self) -> None:
        if self._socket.fileno() >= 0:
            self._ground.loop.rest(self._socket.fileno(), self)

    def _well(self) -> None:
        self._resting = False
        self._log.info("{who} accepts again", who=_name(self._factory))


def _set_options(listener: socket.socket, how: Listening) -> None:
    tcp = socket.IPPROTO_TCP
    listener.setsockopt(tcp, socket.TCP_NODELAY, 1)
    if how.defer:
        listener.setsockopt(tcp, socket.TCP_DEFER_ACCEPT, 1)
    if how.keepalive:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listener.setsockopt(tcp, socket.TCP_KEEPIDLE, max(1, round(how.keepalive)))
        listener.setsockopt(tcp, socket.TCP_KEEPINTVL, PROBE_INTERVAL_S)
        listener.setsockopt(tcp, socket.TCP_KEEPCNT, PROBES)


def _name(factory: IProtocolFactory) -> str:
    prefix = getattr(factory, "logPrefix", None)
    return str(prefix()) if prefix is not None else type(factory).__name__
