"""
A measurement in a process of its own, whose memory and reactor nothing else has touched.

Part of the benchmarks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
DEADLINE_S: Final = 600


def freshly(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module of the benchmarks; the JSON object that it prints last. Errors: CalledProcessError."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=DEADLINE_S)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
