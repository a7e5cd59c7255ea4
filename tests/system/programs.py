"""Runs a program and keeps what it said, in words."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

LIMIT_S = 300.0


@frozen(kw_only=True)
class Run:
    """How a program ended. `said` is what it wrote to stdout and stderr, one after the other."""

    command: tuple[str, ...]
    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    def expect(self, status: int) -> Run:
        """Itself, if it ended so."""
        assert self.status == status, f"{' '.join(self.command)} ended with {self.status}:\n{self.said}"
        return self


def run(
    *command: str,
    stdin: bytes | int = b"",
    seconds: float = LIMIT_S,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Run:
    """Run to the end, within a time. `stdin` is all of its input, or the descriptor that it is read from."""
    given: dict[str, Any] = {"stdin": stdin} if isinstance(stdin, int) else {"input": stdin}
    done = subprocess.run(command, **given, capture_output=True, timeout=seconds, env=environment, cwd=directory)
    return Run(
        command=command,
        status=done.returncode,
        out=done.stdout.decode(errors="backslashreplace"),
        err=done.stderr.decode(errors="backslashreplace"),
    )
