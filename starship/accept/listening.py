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

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IReactorSocket, IReactorTCP
from zope.interface import implementer

from starship.wire.port import WaitingPort


def listen(reactor: Any, description: str, factory: IProtocolFactory, backlog: int) -> Deferred[IListeningPort]:
    """
    Listen where a server endpoint string says.

    Shape: `tcp:443`, `tcp6:443` (both families), `tcp:443:interface=192.0.2.1`, `systemd:domain=INET6:index=0`.
    Errors: CannotListenError; ValueError for a string that is none.
    """
    ports = _Ports(reactor, backlog)
    return cast("Deferred[IListeningPort]", serverFromString(ports, description).listen(factory))


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
