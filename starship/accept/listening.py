"""
Endpoint strings to listening ports of ours.

Part of accept. Twisted's own parser reads the string; a stand-in for the reactor makes our kind of port where Twisted
would make its own, so that `tcp:`, `tcp6:` and `systemd:` keep their meaning.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, cast

from attrs import define, evolve, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IReactorSocket, IReactorTCP
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.accept.options import address_of
from starship.accept.sniffing import SniffingFactory
from starship.wire.port import WaitingPort
from starship.words import Address


def listen(reactor: Any, description: str, factory: IProtocolFactory, backlog: int) -> IListeningPort:
    """
    Listen where a server endpoint string says.

    Shape: `tcp:443`, `tcp6:443` (both families), `tcp:443:interface=192.0.2.1`, `systemd:domain=INET6:index=0`.
    Raises: CannotListenError; ValueError for a string that is none, or a socket that systemd did not hand over. These
    kinds of endpoint listen at once.
    """
    try:
        endpoint = serverFromString(_Ports(reactor, backlog), description)
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # Twisted's parsers raise what comes
        raise ValueError(f"no such endpoint: {description}: {error}") from error
    results: list[Any] = []
    endpoint.listen(factory).addBoth(results.append)
    if not results:
        raise ValueError(f"{description} does not listen at once")
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return cast(IListeningPort, results[0])


class _DualStackPort(WaitingPort):
    """A port that takes IPv4 too when it listens on `::`, whatever the machine's default is."""

    def createInternetSocket(self) -> socket.socket:
        create: Callable[[], socket.socket] = super().createInternetSocket
        made = create()
        if self.addressFamily == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, self.interface != "::")
        return made


@implementer(IReactorTCP, IReactorSocket)
@define(eq=False)
class _Ports:
    """Stands in for the reactor where an endpoint makes its port."""

    reactor: Any
    backlog: int

    def listenTCP(self, port: int, factory: IProtocolFactory, backlog: int = 50, interface: str = "") -> IListeningPort:
        made = _DualStackPort(port, factory, max(backlog, self.backlog), interface, self.reactor)
        made.startListening()
        return cast(IListeningPort, made)

    def adoptStreamPort(
        self, fileDescriptor: int, addressFamily: socket.AddressFamily, factory: IProtocolFactory
    ) -> IListeningPort:
        os.set_blocking(fileDescriptor, False)
        make: Callable[..., WaitingPort] = WaitingPort._fromListeningDescriptor
        made = make(self.reactor, fileDescriptor, addressFamily, factory)
        made.startListening()
        return cast(IListeningPort, made)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reactor, name)


@define(eq=False, kw_only=True)
class DoorService(Service):
    """
    One endpoint of a listener: binds it as early as a service can, while the process may still be root.

    `upstream_port` is what an endpoint of a route without a port means; None: the port that is listened on.
    """

    _log = Logger()

    reactor: Any
    description: str
    backlog: int
    factory: SniffingFactory
    upstream_port: int | None
    port: IListeningPort | None = field(init=False, default=None)

    def privilegedStartService(self) -> None:
        """Bind. Raises CannotListenError, or ValueError for a description that is none."""
        self.port = listen(self.reactor, self.description, self.factory, self.backlog)
        manners = self.factory.manners
        means = self.upstream_port or address_of(self.port.getHost()).port
        self.factory.manners = evolve(manners, door=evolve(manners.door, port=means))

    @property
    def bound(self) -> Address | None:
        """Where this door listens."""
        return None if self.port is None else address_of(self.port.getHost())

    @property
    def paused(self) -> int:
        """How often accepting rested for want of descriptors."""
        return self.port.paused if isinstance(self.port, WaitingPort) else 0

    def close(self) -> None:
        """Stop accepting; those who came in stay."""
        port = self.port
        if port is not None:
            self.port = None
            stopping: Deferred[None] | None = port.stopListening()
            if stopping is not None:
                stopping.addErrback(lambda failure: self._log.failure("closing a listener", failure=failure))
