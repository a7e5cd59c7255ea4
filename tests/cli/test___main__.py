"""The command line runs where no script is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent.parent / "etc" / "starship.ini"


def test_it_runs_as_a_program() -> None:
    found = subprocess.run([sys.executable, "-m", "starship.cli", "check", EXAMPLE], capture_output=True, check=False)
    assert (found.returncode, found.stdout[:3], found.stderr) == (0, b"OK:", b"")
