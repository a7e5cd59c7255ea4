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
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IReactorSocket, IReactorTCP
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.accept.sniffing import SniffingFactory
from starship.addresses import address_of
from starship.wire.ground import Ground
from starship.wire.port import Listening, WirePort, bound_socket
from starship.words import Address


def listen(reactor: Any, ground: Ground, description: str, factory: IProtocolFactory, how: Listening) -> IListeningPort:
    """
    Listen where a server endpoint string says.

    Shape: `tcp:443`, `tcp6:443` (both families), `tcp:443:interface=192.0.2.1`, `systemd:domain=INET6:index=0`.
    Raises: CannotListenError; ValueError for a string that is none, or a socket that systemd did not hand over. These
    kinds of endpoint listen at once.
    """
    try:
        endpoint = serverFromString(_Ports(reactor, ground, how), description)
    except (AttributeError, LookupError, TypeError, ValueError) as error:  # Twisted's parsers raise what comes
        raise ValueError(f"no such endpoint: {description}: {error}") from error
    results: list[Any] = []
    endpoint.listen(factory).addBoth(results.append)
    if not results:
        raise ValueError(f"{description} does not listen at once")
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return cast(IListeningPort, results[0])


@implementer(IReactorTCP, IReactorSocket)
@define(eq=False)
class _Ports:
    """Stands in for the reactor where an endpoint makes its port."""

    reactor: Any
    ground: Ground
    how: Listening

    def listenTCP(self, port: int, factory: IProtocolFactory, backlog: int = 50, interface: str = "") -> IListeningPort:
        how = evolve(self.how, backlog=max(backlog, self.how.backlog))
        return self._listen(bound_socket(interface or "0.0.0.0", port), factory, how)

    def adoptStreamPort(
        self, fileDescriptor: int, addressFamily: socket.AddressFamily, factory: IProtocolFactory
    ) -> IListeningPort:
        adopted = socket.socket(fileno=os.dup(fileDescriptor))
        if adopted.family not in (socket.AF_INET, socket.AF_INET6):
            adopted.close()
            raise ValueError("the socket that was handed over is none of TCP")
        return self._listen(adopted, factory, self.how)

    def _listen(self, listener: socket.socket, factory: IProtocolFactory, how: Listening) -> IListeningPort:
        port = WirePort(listener, factory, self.ground, self.reactor, how)
        try:
            port.startListening()
        except CannotListenError:
            listener.close()
            raise
        return port

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
    ground: Ground
    description: str
    how: Listening
    factory: SniffingFactory
    upstream_port: int | None
    port: IListeningPort | None = field(init=False, default=None)
    bound: Address | None = field(init=False, default=None)  # where this door listens
    moved: Callable[[], object] | None = field(init=False, default=None)  # who is told that it opened or closed

    def privilegedStartService(self) -> None:
        """Bind. Raises CannotListenError, or ValueError for a description that is none."""
        self.port = listen(self.reactor, self.ground, self.description, self.factory, self.how)
        manners = self.factory.manners
        self.bound = address_of(self.port.getHost())
        self._tell()
        means = self.upstream_port or self.bound.port
        self.factory.manners = evolve(manners, door=evolve(manners.door, port=means))

    @property
    def paused(self) -> int:
        """How often accepting rested for want of descriptors."""
        return self.port.paused if isinstance(self.port, WirePort) else 0

    def close(self) -> None:
        """Stop accepting; those who came in stay."""
        port = self.port
        if port is not None:
            self.port = self.bound = None
            self._tell()
            self.factory.drain()
            stopping: Deferred[None] | None = port.stopListening()
            if stopping is not None:
                stopping.addErrback(lambda failure: self._log.failure("closing a listener", failure=failure))

    def _tell(self) -> None:
        if self.moved is not None:
            self.moved()
