"""
The load: a small C program, compiled when it is needed, that is the upstreams and the visitors.

Part of the benchmarks. See load/*.c for what it does; here it is started, told to go, and listened to.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from benchmarks.wire.world import KINDS, World

SOURCES: Final = Path(__file__).parent / "load"
PATIENCE_S: Final = 120.0
BACKGROUND: Final = 10
"""How nice bulk is, so that it does not delay the visitors whose time is taken."""


class LoadError(Exception):
    """The load could not do what it was asked for. str(error) says what."""


def compile_load(folder: Path) -> Path:
    """Errors: LoadError."""
    program = folder / "load"
    sources = [str(source) for source in sorted(SOURCES.glob("*.c"))]
    command = [os.environ.get("CC", "cc"), "-O2", "-Wall", "-Wextra", "-o", str(program), *sources]
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LoadError(f"the load cannot be compiled: {error}") from error
    return program


@define(eq=False, kw_only=True)
class Load:
    """One process of it, pinned to a core. A watchdog ends what takes too long, so that nothing here waits for ever."""

    _program: Path
    _core: int
    _arguments: Sequence[str]
    _nice: int = 0
    _process: subprocess.Popen[str] = field(init=False)
    _watchdog: threading.Timer | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        command = ["taskset", "-c", str(self._core), "nice", "-n", str(self._nice), str(self._program)]
        self._process = subprocess.Popen(
            [*command, *self._arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._watch()

    def ready(self) -> None:
        """Wait until it is. Errors: LoadError."""
        self._read()
        self._rest()  # it may stand for long

    def go(self) -> None:
        """Let visitors begin; a second time: let them end."""
        assert self._process.stdin is not None
        self._watch()
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def report(self) -> dict[str, Any]:
        """What they say at their end. Errors: LoadError."""
        found: dict[str, Any] = json.loads(self._read())
        return found

    def leave(self) -> None:
        """Close all connections and end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._watch()
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._rest()

    def stop(self) -> dict[str, Any]:
        """End upstreams; what they saw."""
        self._watch()
        self._process.terminate()
        found = self.report()
        self.leave()
        return found

    def _watch(self) -> None:
        self._rest()
        self._watchdog = threading.Timer(PATIENCE_S, self._process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def _rest(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LoadError(f"ended before it was done: load {' '.join(self._arguments)}")
        return line


@contextmanager
def upstreams(program: Path, core: int, world: World) -> Iterator[dict[str, int]]:
    """Both kinds run; the dict is filled at their end: connections `accepted`, and `malformed` flights."""
    seen: dict[str, int] = {}
    running = [
        Load(
            program=program,
            core=core,
            arguments=["upstreams", *world.listening(kind)],
            nice=BACKGROUND if kind == "stream" else 0,
        )
        for kind in KINDS
    ]
    try:
        for load in running:
            load.ready()
        yield seen
    finally:
        for load in running:
            for key, count in load.stop().items():
                seen[key] = seen.get(key, 0) + count


@contextmanager
def awake(program: Path, cores: Iterable[int]) -> Iterator[dict[int, int]]:
    """The cores do not halt meanwhile: spinners that yield to everything. Their pids by core."""
    spinners = {core: subprocess.Popen(["taskset", "-c", str(core), str(program), "awake"]) for core in cores}
    try:
        yield {core: spinner.pid for core, spinner in spinners.items()}
    finally:
        for spinner in spinners.values():
            spinner.terminate()
            spinner.wait()
