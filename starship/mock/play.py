"""
Plays the demo's lines as a person would paste them, and says whether each kept its promise.

Part of `mock`, which knows only the ground. Runs programs through an injected runner; writes through `say`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutputAndValue

from starship.mock.demo import Line

SHOWN_LINES: Final = 10
SHOWN_COLUMNS: Final = 200
TIME_LIMIT_S: Final = 10
REST_S: Final = 0.2


@frozen
class Outcome:
    """What a program left: its exit status (minus the signal where one ended it), and all its output."""

    code: int
    output: str


class Runner(Protocol):
    """Runs a program to its end."""

    def __call__(self, argv: Sequence[str], /) -> Deferred[Outcome]: ...


def visitor() -> tuple[str, ...]:
    """What the lines begin with: curl where it is installed, or our stand-in for it."""
    return ("curl",) if shutil.which("curl") else (sys.executable, "-m", "starship.mock.visit")


def processes(reactor: IReactorProcess, environment: dict[str, str]) -> Runner:
    """A runner of real programs. Each is given `--max-time`, which all visitors know, so that none stays."""

    async def run(argv: Sequence[str]) -> Outcome:
        program = shutil.which(argv[0], path=environment.get("PATH")) or argv[0]
        arguments = [*argv[1:], "--max-time", str(TIME_LIMIT_S)]
        result: Any = await getProcessOutputAndValue(program, arguments, env=environment, reactor=reactor)
        out, err, code = result
        return Outcome(int(code), (out + err).decode("utf-8", "replace"))

    return lambda argv: Deferred.fromCoroutine(run(argv))


async def play(lines: Sequence[Line], run: Runner, say: Callable[[str], None], clock: IReactorTime) -> int:
    """
    Run each line, show it with its output and ✓ or ✗; returns how many did not keep their promise.

    Between two lines is a short rest, so that the access log's line stands under what caused it.
    """
    failed = 0
    for line in lines:
        say(f"\n# {line.says}\n$ {line}")
        outcome = await run(line.argv)
        for shown in excerpt(outcome.output, line.shows):
            say(f"  {shown}")
        faults = broken(line, outcome)
        failed += bool(faults)
        say("✓ as promised" if not faults else "✗ " + "; ".join(faults))
        await deferLater(clock, REST_S)
    say(f"\n{len(lines) - failed} of {len(lines)} lines as promised")
    return failed


def broken(line: Line, outcome: Outcome) -> tuple[str, ...]:
    """The promises that an outcome does not keep, in words."""
    faults = [] if outcome.code == line.code else [f"exit status {outcome.code}, not {line.code}"]
    output = outcome.output.casefold()
    faults += [f"{text!r} is not in the output" for text in line.shows if text.casefold() not in output]
    return tuple(faults)


def excerpt(output: str, wanted: Sequence[str]) -> list[str]:
    """The output, or of a long one the lines that matter; bounded, and printable."""
    rows = ["".join(sign if sign.isprintable() else " " for sign in row) for row in output.splitlines()]
    rows = [row[:SHOWN_COLUMNS] for row in rows if row.strip()]
    if len(rows) <= SHOWN_LINES:
        return rows
    matter = [row for row in rows if any(text.casefold() in row.casefold() for text in wanted)] or rows
    matter = matter[:SHOWN_LINES]
    return [*matter, f"… and {len(rows) - len(matter)} lines more"]
