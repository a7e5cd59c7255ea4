"""
The proxies as processes: configured, started on their core, found among all processes, stopped.

Part of the benchmarks. Knows how each program is called; `configs.py` knows what they are told.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final

from attrs import define, field

from benchmarks.wire.configs import LISTEN, Place, haproxy, haproxy_table, nginx, sniproxy, starship
from benchmarks.wire.contest import Contender
from benchmarks.wire.machine import tree_of
from benchmarks.wire.routes import write_routes
from benchmarks.wire.world import World, name_of

START_S: Final = 60.0
STOP_S: Final = 30.0
DOORS: Final = ("tls", "http", "web")
PATH: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
VERSIONS: Final = {
    "nginx": ["nginx", "-v"],
    "haproxy": ["haproxy", "-v"],
    "haproxy-splicing": ["haproxy", "-v"],
    "sniproxy": ["sniproxy", "-V"],
}


class ProxyError(Exception):
    """A proxy does not start. str(error) says which and why."""


def is_here(program: str) -> bool:
    """Whether it is installed."""
    return program not in VERSIONS or shutil.which(VERSIONS[program][0], path=PATH) is not None


def version_of(program: str) -> str:
    """In one line, as it says itself."""
    if not is_here(program):
        return "not installed, so not measured"
    if program == "starship":
        packages = ", ".join(f"{name} {version(name)}" for name in ("starship", "Twisted"))
        return f"{packages}, Python {sys.version.split()[0]}"
    done = subprocess.run(
        VERSIONS[program], env={"PATH": PATH}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout.partition("\n")[0].removesuffix(" - https://haproxy.org/").removeprefix("nginx version: ")


@define(eq=False, kw_only=True)
class Proxy:
    """A contender on a core. `folder` is made, for all that it writes; `doors` are the ports it gets."""

    contender: Contender
    world: World
    core: int
    folder: Path
    doors: Mapping[str, int]
    place: Place = field(init=False)
    pids: list[int] = field(factory=list, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _output: IO[bytes] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.place = Place(
            doors=self.doors, folder=self.folder, log=self.folder / "access.log" if self.contender.logs else None
        )

    def start(self) -> None:
        """Errors: ProxyError."""
        command = self._configured()
        self._output = (self.folder / ("access.log" if self._logs_to_output() else "output.log")).open("ab")
        self._process = subprocess.Popen(
            ["taskset", "-c", str(self.core), *command],
            cwd=self.folder,
            env=os.environ | {"PATH": PATH},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        self._await_doors(self._process)
        self.pids = tree_of(self._process.pid)

    def stop(self) -> None:
        """By SIGTERM; what is left after some time is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        pids = tree_of(process.pid)
        process.terminate()
        try:
            process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
        if self._output is not None:
            self._output.close()

    def log_bytes(self) -> int:
        """How long its access log is."""
        return self.place.log.stat().st_size if self.place.log and self.place.log.exists() else 0

    def _logs_to_output(self) -> bool:
        return self.contender.logs and self.contender.program.startswith("haproxy")

    def _configured(self) -> list[str]:
        """Write what it reads; the command."""
        config, program = self.folder / "config", self.contender.program
        if program == "nginx":
            config.write_text(nginx(self.world, self.place))
            return ["nginx", "-c", str(config)]
        if program.startswith("haproxy"):
            config.write_text(haproxy(self.world, self.place, splicing=program.endswith("splicing")))
            (self.folder / "hosts.map").write_text(haproxy_table(self.world))
            return ["haproxy", "-f", str(config)]
        if program == "sniproxy":
            config.write_text(sniproxy(self.world, self.place))
            return ["sniproxy", "-f", "-c", str(config)]
        config.write_text(starship(self.world, self.place))
        write_routes(self.folder / "routes", self._routes())
        twistd = Path(sys.executable).parent / "twistd"
        return [str(twistd), "--nodaemon", "--pidfile=", "starship", "--config", str(config)]

    def _routes(self) -> dict[str, tuple[str, ...]]:
        homes: dict[str, tuple[str, ...]] = {
            name: (home,) for name, home in self.world.homes(self.contender.names).items()
        }
        if self.contender.endpoints:
            pool = self.world.pool(self.contender.endpoints)
            homes |= {name_of("tenant", number): pool for number in range(self.contender.names)}
        return homes

    def _await_doors(self, process: subprocess.Popen[bytes]) -> None:
        doors = {self.place.doors[door] for door in DOORS if door != "web" or self.contender.program != "sniproxy"}
        end = time.monotonic() + START_S
        while doors:
            doors = {port for port in doors if not _answers(port)}
            if process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise ProxyError(f"{self.contender.name} does not start: {self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        texts = [path.read_text(errors="replace").strip() for path in self.folder.glob("*.log")]
        return "; ".join(text.rpartition("\n")[2][-300:] for text in texts if text)


def _answers(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex((LISTEN, port)) == 0
