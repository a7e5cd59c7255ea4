"""The collector looks seldom, and not at what was there at the start."""

from __future__ import annotations

import subprocess
import sys

from starship.process.garbage import THRESHOLDS


def test_it_leaves_the_start_alone_and_looks_seldom() -> None:
    code = (
        "import gc; from starship.process.garbage import settle; settle();"
        "print(gc.get_threshold(), gc.get_freeze_count() > 1000, gc.isenabled())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240).stdout
    assert said == f"{THRESHOLDS} True True\n"
