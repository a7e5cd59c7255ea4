"""
The demo's course: the world and Starship start, the banner is shown, the lines are played or people paste them.

Part of `mock`, which knows only the ground: Starship itself comes in as a callable that makes its service.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import define, field
from twisted.application.service import IService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime

from starship.errors import StarshipError
from starship.mock.demo import Plan, banner, lines
from starship.mock.play import Runner, play
from starship.mock.world import World


@define(eq=False, kw_only=True)
class Stage:
    """
    `service` makes Starship's service from the plan's ini file; `say` prints; `run` runs programs; `bold` stresses.

    `status` is the exit status so far: 0 unless something was not as promised.
    """

    plan: Plan
    world: World
    service: Callable[[Plan], IService]
    say: Callable[[str], None]
    run: Runner
    clock: IReactorTime
    bold: Callable[[str], str] = str
    status: int = field(default=0, init=False)
    _running: IService | None = field(default=None, init=False)

    def start(self, now: datetime) -> None:
        """Start all parts. Raises: StarshipError, whose text is for people. `stop` is due even then."""
        self.world.start(now)
        service = self.service(self.plan)
        self._running = service
        try:
            service.privilegedStartService()
            service.startService()
        except CannotListenError as error:
            raise StarshipError(f"{error.interface}:{error.port} cannot be listened on: {error.socketError}") from error

    async def perform(self, now: datetime, *, once: bool) -> bool:
        """
        Start, show the banner, and with `once` play the lines.

        Returns: whether the stage is to stay; where it is not, `status` is final.
        """
        try:
            self.start(now)
        except StarshipError as error:
            self.say(f"starship demo: {error}")
            self.status = 1
            return False
        self.say(banner(self.plan, self.bold))
        if once:
            self.status = 1 if await play(lines(self.plan), self.run, self.say, self.clock) else 0
        return not once

    async def stop(self) -> None:
        """Starship first, so that what is under way still has its world."""
        running, self._running = self._running, None
        if running is not None:
            stopping: Deferred[Any] = maybeDeferred(running.stopService)
            await stopping
        await self.world.stop()
