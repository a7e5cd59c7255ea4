"""
`twistd starship`: options, and the service made of them.

Floor 8. Importing this installs our reactor, unless another was chosen or is there already.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorCore, IReactorFromThreads
from twisted.python.usage import Options as UsageOptions

from starship.config.load import load
from starship.errors import StarshipError
from starship.process.garbage import settle
from starship.process.signals import Signals
from starship.service.make import make_service
from starship.service.router import Router
from starship.wire.reactor import install

install()


class Options(UsageOptions):
    """The command line behind `twistd starship`."""

    synopsis = "[--config FILE]"
    optParameters = [["config", "c", "/etc/starship/starship.ini", "The ini file."]]


class Reporting(Service):
    """
    Ends the process with words where the router cannot start: twistd itself would print a traceback.

    The error goes on as it is: of a daemon's start, twistd tells the terminal of an Exception alone, and for a
    SystemExit it would wait for ever.
    """

    def __init__(self, router: Router) -> None:
        self.router = router

    def privilegedStartService(self) -> None:
        with _last_words():
            self.router.privilegedStartService()

    def startService(self) -> None:
        Service.startService(self)
        with _last_words():
            self.router.startService()

    def stopService(self) -> Deferred[None]:
        Service.stopService(self)
        return self.router.stopService()


def makeService(options: Options) -> IService:
    """Build the service. Where something is wrong, the process ends with words and status 1; nothing listens yet."""
    from twisted.internet import reactor  # the one place where the global reactor is taken

    with _words():
        router = make_service(load(Path(options["config"])), reactor, os.environ)
    signals = Signals(call=IReactorFromThreads(reactor).callFromThread, reopen=router.reopen_logs, hurry=router.hurry)
    IReactorCore(reactor).callWhenRunning(signals.install)
    IReactorCore(reactor).callWhenRunning(settle)
    return Reporting(router)


@contextmanager
def _words() -> Iterator[None]:
    try:
        yield
    except StarshipError as error:
        raise SystemExit(f"starship: {error}") from error


@contextmanager
def _last_words() -> Iterator[None]:
    try:
        yield
    except StarshipError:
        sys.excepthook = _say
        raise


def _say(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """What the interpreter prints of an exception that nobody caught."""
    sys.stderr.write(f"starship: {error}\n")
