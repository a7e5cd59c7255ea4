"""
How this Starship was built: as it stands, or with the modules that every connection passes through compiled.

Floor 0: knows nothing. Both do the same; setup.py says what is compiled, and metrics and `starship --version` which one
it is.
"""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from typing import Final

PURE: Final = "pure"
COMPILED: Final = "compiled"


def built(module: str = "starship.wire.flow") -> str:
    """PURE or COMPILED: what one of these modules is. Raises ModuleNotFoundError for one in a package that is none."""
    spec = find_spec(module)
    origin = (spec.origin if spec is not None else None) or ""
    return COMPILED if origin.endswith(tuple(EXTENSION_SUFFIXES)) else PURE
