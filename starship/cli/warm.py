"""
`starship cache warm`: a list of names is looked up ahead by a running Starship, and its progress is shown.

Part of cli, floor 8. A long list goes in parts, one after another; Ctrl-C gives up what is left.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from attrs import define, field

from starship.cli.window import Window, WindowError, with_window

PART_NAMES: Final = 50_000
PART_BYTES: Final = 900_000
"""Of one request: the admin port takes 100,000 names, and a mebibyte."""
LOOK_S: Final = 0.25
"""Between two looks at the progress."""


@define
class Progress:
    """What came of the names so far."""

    total: int
    counts: dict[str, int] = field(factory=lambda: dict.fromkeys(("done", "routes", "misses", "failed"), 0))

    def line(self) -> str:
        """One line."""
        counts = self.counts
        return (
            f"{counts['done']} of {self.total}: {counts['routes']} routes, {counts['misses']} unknown,"
            f" {counts['failed']} failed"
        )


def add_warm(parser: ArgumentParser) -> None:
    """The arguments of `cache warm`."""
    parser.add_argument("file", metavar="FILE", help="a name a line, # begins a comment; - reads the standard input")
    parser.set_defaults(run=run_warm)


def run_warm(arguments: Namespace, rest: Callable[[float], object] = time.sleep) -> int:
    """Send the list, and watch. `rest` waits between two looks."""
    return with_window(arguments, lambda window: _warm(window, arguments.file, rest))


def parts_of(names: list[str]) -> Iterator[list[str]]:
    """The list in parts that one request takes."""
    part: list[str] = []
    room = PART_BYTES
    for name in names:
        size = len(json.dumps(name)) + 2
        if part and (size > room or len(part) >= PART_NAMES):
            yield part
            part, room = [], PART_BYTES
        part.append(name)
        room -= size
    if part:
        yield part


def _warm(window: Window, file: str, rest: Callable[[float], object]) -> int:
    names = _names(file)
    progress = Progress(total=len(names))
    for part in parts_of(names):
        _follow(window, part, progress, rest)
    print(("\r" if sys.stdout.isatty() else "") + progress.line())
    return 1 if progress.counts["failed"] else 0


def _follow(window: Window, part: list[str], progress: Progress, rest: Callable[[float], object]) -> None:
    before = dict(progress.counts)
    job = window.do("POST", "/cache/warm", body=json.dumps({"names": part}).encode())
    progress.total += job["total"] - len(part)  # a name that is said twice is looked up once
    path = f"/cache/warm/{job['id']}"
    try:
        while True:
            progress.counts = {key: before[key] + job[key] for key in before}
            if job["state"] != "running":
                break
            if sys.stdout.isatty():
                print(f"\r{progress.line()}", end="", flush=True)
            rest(LOOK_S)
            job = window.do("GET", path)
    except KeyboardInterrupt:
        window.do("DELETE", path)
        raise WindowError(f"given up at {progress.line()}") from None
    if job["state"] != "done":
        raise WindowError(f"the list was {job['state']} at {progress.line()}")


def _names(file: str) -> list[str]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise WindowError(f"{file} cannot be read: {error}") from error
    names = [line.partition("#")[0].strip() for line in text.splitlines()]
    found = [name for name in names if name]
    if not found:
        raise WindowError(f"{file} names nothing")
    return found
