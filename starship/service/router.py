"""
The running service: what is started and stopped, in which order.

Part of service, floor 7. Stopping is a drain: the admin site and the access log outlive the last connection.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure

from starship.errors import StarshipError
from starship.process.descriptors import raise_limit, shortage
from starship.process.drain import Drain
from starship.process.notify import Notifier
from starship.reasons import Reason
from starship.service.house import House
from starship.service.upstreams import strange_sources
from starship.service.window import Window

LAST_LINES_S: Final = 2.0
"""How long the access log has to write what waits when the service stops."""


class CannotStart(StarshipError):
    """What could not be listened on, one line each."""


@define(eq=False, kw_only=True)
class Admin:
    """The admin site's port; description None: there is none."""

    reactor: Any
    description: str | None
    window: Window
    port: IListeningPort | None = field(init=False, default=None)

    def bind(self) -> None:
        """Listen. Raises CannotListenError."""
        if self.description is None:
            return
        results: list[Any] = []
        serverFromString(self.reactor, self.description).listen(self.window.site).addBoth(results.append)
        if isinstance(results[0], Failure):
            results[0].raiseException()
        self.port = results[0]

    def close(self) -> Deferred[None]:
        """Stop listening."""
        port, self.port = self.port, None
        stopping: Deferred[None] | None = None if port is None else port.stopListening()
        return stopping or succeed(None)


class Router(Service):
    """Starship as a service. `stopService` fires when the last connection is gone, or the drain's time is over."""

    _log = Logger()

    def __init__(self, house: House, admin: Admin, notifier: Notifier) -> None:
        self.house = house
        self.admin = admin
        self._notifier = notifier
        self._bound = False
        self._drain = Drain(
            clock=house.reactor,
            lame_duck=house.settings.lame_duck,
            timeout=house.settings.drain_timeout,
            inside=lambda: house.ledger.live,
            close_doors=self._close_doors,
            end_all=self._end_all,
        )

    def privilegedStartService(self) -> None:
        """Bind all that listens, while the process may still be root. Raises CannotStart, with nothing bound."""
        self._bound = True
        troubles = []
        for bind in (*(door.privilegedStartService for door in self.house.doors), self.admin.bind):
            try:
                bind()
            except (CannotListenError, ValueError, OSError) as error:
                troubles.append(_said(error))
        if troubles:
            self._close_doors()
            self.admin.close()
            raise CannotStart("\n".join(troubles))

    def warnings(self) -> list[str]:
        """What an operator should know of settings that can be used as they are."""
        said = (*strange_sources(self.house.settings.upstream), self.admin.window.warning)
        return [warning for warning in said if warning]

    def startService(self) -> None:
        """Begin to serve. Raises CannotStart."""
        if not self._bound:
            self.privilegedStartService()
        Service.startService(self)
        short = shortage(raise_limit(), self.house.settings.limits.connections)
        if short is not None:
            self._log.warn("{short}", short=short)
        for warning in self.warnings():
            self._log.warn("{warning}", warning=warning)
        house = self.house
        house.lookups.start()
        house.book.start()
        house.checks.start()
        try:
            if house.access_log is not None:
                house.access_log.start()
        except OSError as error:
            raise CannotStart(f"the access log cannot be opened: {error}") from error
        house.pulse.start()
        if house.probe is not None:
            house.probe.start()
        house.readiness.listening = True
        self._notifier.say("READY=1")

    def stopService(self) -> Deferred[None]:
        """Drain, then stop the rest."""
        self._notifier.say("STOPPING=1")
        self.house.readiness.draining = True
        for door in self.house.doors:
            door.factory.forewarn()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        house = self.house
        await self._drain.start()
        if house.probe is not None:
            house.probe.stop()
        house.pulse.stop()
        self.admin.window.stop()
        house.checks.stop()
        if house.dialer.spares is not None:
            house.dialer.spares.stop()
        house.book.stop()
        await house.lookups.stop()
        await self.admin.close()
        if house.access_log is not None:
            house.access_log.close(LAST_LINES_S)
        Service.stopService(self)

    def hurry(self) -> None:
        """A second SIGTERM: end at once."""
        self._drain.hurry()

    def reopen_logs(self) -> None:
        """SIGUSR1: the access log was rotated."""
        if self.house.access_log is not None:
            self.house.access_log.reopen()

    def _close_doors(self) -> None:
        for door in self.house.doors:
            door.close()

    def _end_all(self) -> None:
        for door in self.house.doors:
            door.factory.stop(Reason.DRAINED)


def _said(error: Exception) -> str:
    if isinstance(error, CannotListenError):
        where = f"{error.interface or '*'}:{error.port}"
        why = getattr(error.socketError, "strerror", None) or error.socketError
        return f"cannot listen on {where}: {why}"
    return str(error)
