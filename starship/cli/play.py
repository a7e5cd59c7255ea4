"""
`starship mock-api | demo`: the embedded world, to try things out.

Part of cli, floor 8: the only module of it that turns a reactor.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogBeginner
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.config.load import parse
from starship.mock.api import LookupApi
from starship.mock.demo import Plan, based, ini
from starship.mock.faults import Fault, fault
from starship.mock.hosts import BadHosts, HostsFile
from starship.mock.play import processes, visitor
from starship.mock.stage import Stage
from starship.mock.streams import quiet_site
from starship.mock.world import PlaceTaken, World, check_places
from starship.service import make_service

LISTEN: Final = "tcp:8500:interface=127.0.0.1"


def add_mock_api(parser: ArgumentParser) -> None:
    """The arguments of `mock-api`."""
    parser.add_argument("--hosts", metavar="FILE", type=Path, required=True, help="JSON, reread when it changes")
    parser.add_argument("--listen", metavar="ENDPOINT", default=LISTEN, help=f"where; {LISTEN} unless told")
    parser.add_argument("--token", metavar="WORD", help="want `Authorization: Bearer WORD`")
    parser.add_argument("--fault", metavar="FAULT", type=_fault, help="fail for every host: status:503, hang, slow:2 …")
    parser.set_defaults(run=run_mock_api)


def add_demo(parser: ArgumentParser) -> None:
    """The arguments of `demo`."""
    parser.add_argument(
        "--once", action="store_true", help="play the lines to paste, and exit 1 if one is not as promised"
    )
    parser.add_argument("--port-base", metavar="N", type=_port_base, help="use the ports N to N+3")
    parser.set_defaults(run=run_demo)


def _fault(text: str) -> Fault:
    try:
        return fault(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def _port_base(text: str) -> int:
    if not (text.isdecimal() and len(text) < 6 and 1 <= int(text) <= 65532):
        raise ArgumentTypeError(f"{text!r} is not between 1 and 65532")
    return int(text)


def run_mock_api(arguments: Namespace) -> int:
    """Answer questions until Ctrl-C, and print each."""
    from twisted.internet import reactor

    loop: Any = reactor
    try:
        hosts = HostsFile(arguments.hosts)
        api = LookupApi(hosts, loop, token=arguments.token, heard=_say)
        api.fault = arguments.fault
        listening = serverFromString(loop, arguments.listen).listen(quiet_site(api, loop))
    except (BadHosts, ValueError) as error:
        print(f"starship mock-api: {error}", file=sys.stderr)
        return 1
    failures: list[Failure] = []

    def failed(failure: Failure) -> None:
        failures.append(failure)
        loop.callWhenRunning(loop.stop)

    def listens(port: IListeningPort) -> None:
        at: Any = port.getHost()
        where = f"http://{at.host}:{at.port}/?host=" if hasattr(at, "port") else arguments.listen
        count = len(hosts())
        _say(f"{count} host{'' if count == 1 else 's'} of {arguments.hosts}, asked at {where}; Ctrl-C ends")

    listening.addCallbacks(listens, failed)
    _show_log()
    loop.run()
    for failure in failures:
        print(f"starship mock-api: {failure.getErrorMessage()}", file=sys.stderr)
    return 1 if failures else 0


def run_demo(arguments: Namespace) -> int:
    """Run the demo until Ctrl-C, or with `--once` until its lines are played."""
    from twisted.internet import reactor

    loop: Any = reactor
    with TemporaryDirectory(prefix="starship-demo-") as directory:
        plan = Plan(directory=Path(directory), visitor=visitor())
        if arguments.port_base is not None:
            plan = based(plan, arguments.port_base)
        try:
            check_places(plan)
        except PlaceTaken as error:
            print(f"starship demo: {error}", file=sys.stderr)
            return 1
        _show_log()
        return _on_stage(loop, plan, once=arguments.once)


def _on_stage(loop: Any, plan: Plan, *, once: bool) -> int:
    stage = Stage(
        plan=plan,
        world=World(plan=plan, reactor=loop, clock=loop, heard=lambda question: _say(f"api: {question}")),
        service=lambda plan: make_service(parse(ini(plan).encode(), "demo.ini", plan.directory), loop),
        say=_say,
        run=processes(loop, dict(os.environ)),
        clock=loop,
        bold=_bold if sys.stdout.isatty() else str,
    )

    def ended(stays: bool) -> None:
        if not stays and loop.running:
            loop.stop()

    def broken(failure: Failure) -> None:
        stage.status = 1
        print(failure.getTraceback(), file=sys.stderr)
        ended(False)

    def begin() -> None:
        Deferred.fromCoroutine(stage.perform(datetime.now(UTC), once=once)).addCallbacks(ended, broken)

    loop.callWhenRunning(begin)
    loop.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(stage.stop()))
    loop.run()
    return stage.status


def _say(what: object) -> None:
    print(what, flush=True)


def _bold(text: str) -> str:
    return f"\033[1m{text}\033[0m"


def _show_log() -> None:
    """Print what Starship logs itself, and all warnings."""

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        # A factory that starts or stops says so in its module's name, by Twisted's own hand.
        ours = str(event.get("log_namespace", "")).startswith("starship.") and "factory" not in event
        level = event.get("log_level", LogLevel.info)
        if level >= (LogLevel.info if ours else LogLevel.warn):
            _say(formatEvent(event))
            if "log_failure" in event:
                _say(event["log_failure"].getTraceback())

    globalLogBeginner.beginLoggingTo([observe], redirectStandardIO=False)
