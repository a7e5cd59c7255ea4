"""
The garbage collector, told what kind of process this is.

Part of process. What stands at the start stays for good, and a connection frees itself when it ends (its objects let go
of each other), so the collector has next to nothing to find; left at its defaults it would look through every live
connection again and again, which under load was a quarter of the process's time.
"""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (20_000, 50, 100)
"""New containers before the young are looked through; and how many such rounds before the older ones are."""


def settle() -> None:
    """Put what is there now out of the collector's sight, and let it look seldom from here on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
