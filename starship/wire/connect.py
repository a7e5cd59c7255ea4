"""
Connecting on the wire.

The ground under dial. A connect that is over at once (on the same machine) costs no event; any other is watched until
the descriptor is writable. The leg that comes of it is watched already. What is not asked for of a socket costs no
call.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Sequence
from select import EPOLLERR, EPOLLHUP
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from starship.interfaces import Connect, ICancel, ILeg
from starship.wire.ground import Ground
from starship.wire.leg import WireLeg
from starship.wire.tcp import Manners
from starship.words import Address

IP_BIND_ADDRESS_NO_PORT: Final = 24
"""ip(7): choose the port at connect, when the kernel knows the whole four-tuple: ports are shared by destinations."""

NAGLE_UNTIL_WRITE: Final = 2
"""TCP_NODELAY is set at this write: the opening bytes are the first."""

USUAL: Final = Manners()

TAKEN: Final = frozenset({errno.EADDRNOTAVAIL, errno.EADDRINUSE})
"""What the kernel says of an address of ours that has no port left, or is not here (any more)."""

UPSTREAM_TYPE: Final = socket.SOCK_STREAM | socket.SOCK_NONBLOCK


@implementer(ICancel)
class WireConnector:
    """
    One connect under way.

    Calls `connected(leg)` or `refused(OSError)` once; TimeoutError when it took too long.
    """

    __slots__ = ("_connected", "_deadline", "_fd", "_ground", "_nagle", "_refused", "_remote")

    def __init__(
        self,
        ground: Ground,
        fd: int,
        remote: Address,
        connected: Callable[[ILeg], object],
        refused: Callable[[OSError], object],
        nagle: int = NAGLE_UNTIL_WRITE,
    ) -> None:
        self._ground = ground
        self._nagle = nagle
        self._fd = fd
        self._remote = remote
        self._connected = connected
        self._refused = refused
        self._deadline: IDelayedCall | None = None

    def cancel(self) -> None:
        """Give up; nobody is told."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._ground.loop.close(fd)
        self._forget_deadline()

    def ready(self, flags: int) -> None:
        """The connect is over, one way or the other."""
        fd, self._fd = self._fd, -1
        self._forget_deadline()
        if flags & (EPOLLERR | EPOLLHUP):
            held = socket.socket(fileno=fd)
            code = held.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            held.detach()
            self._ground.loop.close(fd)
            self._refused(OSError(code or errno.ECONNRESET, os.strerror(code or errno.ECONNRESET)))
            return
        leg = _leg(self._ground, fd, self._remote, self._nagle)
        leg.adopt(flags)
        _hand_over(leg, self._connected)

    def broke(self) -> None:
        """An exception of ours came through."""
        self.cancel()

    def wait(self, clock: IReactorTime, timeout: float) -> None:
        """Begin to wait for it."""
        self._deadline = clock.callLater(timeout, self._too_late)
        try:
            self._ground.loop.watch(self._fd, self)
        except OSError as error:
            self.cancel()
            self._refused(error)

    def _too_late(self) -> None:
        self._deadline = None
        self.cancel()
        self._refused(TimeoutError(errno.ETIMEDOUT, "not connected in time"))

    def _forget_deadline(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            deadline.cancel()


@implementer(ICancel)
class _Decided:
    """What is over already, one way or the other."""

    def cancel(self) -> None:
        """Too late."""


DECIDED: Final = _Decided()


def connect_on(ground: Ground, clock: IReactorTime, manners: Manners = USUAL) -> Connect:
    """A way to connect, for who does not know the wire."""
    options = manners.options()
    nagle = NAGLE_UNTIL_WRITE if manners.nodelay else 0

    def connect(
        remote: Address,
        bind: tuple[str, ...],
        timeout: float,
        connected: Callable[[ILeg], object],
        refused: Callable[[OSError], object],
    ) -> ICancel:
        try:
            made = socket.SocketType(socket.AF_INET6 if ":" in remote.host else socket.AF_INET, UPSTREAM_TYPE, 0)
        except OSError as error:
            refused(error)
            return DECIDED
        try:
            code = _begin(made, remote, bind, options)
        except OSError as error:
            made.close()
            if len(bind) > 1 and error.errno in TAKEN:
                return connect(remote, bind[1:], timeout, connected, refused)
            refused(error)
            return DECIDED
        if code == 0:
            leg = _leg(ground, made.detach(), remote, nagle)
            _hand_over(leg, connected)
            if leg.fd >= 0:
                leg.watch()
        elif code in (errno.EINPROGRESS, errno.EALREADY):
            connector = WireConnector(ground, made.detach(), remote, connected, refused, nagle)
            connector.wait(clock, timeout)
            return connector
        else:
            made.close()
            if len(bind) > 1 and code in TAKEN:
                return connect(remote, bind[1:], timeout, connected, refused)
            refused(OSError(code, os.strerror(code)))
        return DECIDED

    return connect


def _begin(
    made: socket.SocketType, remote: Address, bind: tuple[str, ...], options: Sequence[tuple[int, int, int]]
) -> int:
    """The errno of a connect; 0: it is over, and well. Raises OSError for an address that cannot be bound."""
    if options:
        for level, option, value in options:
            made.setsockopt(level, option, value)
    if bind:
        made.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        made.bind((bind[0], 0))
    code = made.connect_ex(remote)
    if code == errno.EINPROGRESS and (remote.host.startswith("127.") or remote.host == "::1"):
        # The handshake with this machine is over as soon as the call lets go of the socket: asked again, the kernel
        # says so, and the connection costs no event.
        code = made.connect_ex(remote)
    return code


def _leg(ground: Ground, fd: int, remote: Address, nagle: int) -> WireLeg:
    leg = WireLeg(ground, fd, remote)
    leg.nagle = nagle
    return leg


def _hand_over(leg: WireLeg, connected: Callable[[ILeg], object]) -> None:
    try:
        connected(leg)
    except Exception:
        leg.broke()  # nobody has it
        raise
