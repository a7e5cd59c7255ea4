"""
What an endpoint may be asked to find out whether it is well: kinds of values of their own. Pure.

Part of `config`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from starship.config.values import NAME_TEXT_LIMIT, Bad, Kind
from starship.names import BadName, from_text

PATH_LIMIT: Final = 1024

_PATH = re.compile(r"/[!-\"$-~]*")
_STATUSES = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")


def _read_host(text: str, base: Path) -> str | Bad:
    name = from_text(text[:NAME_TEXT_LIMIT])
    return Bad(f"a hostname ({name.why})") if isinstance(name, BadName) else str(name)


def _read_path(text: str, base: Path) -> str | Bad:
    if len(text) <= PATH_LIMIT and _PATH.fullmatch(text):
        return text
    return Bad(f"a path that begins with /, of up to {PATH_LIMIT} visible ASCII characters and without #")


def _read_statuses(text: str, base: Path) -> tuple[range, ...] | Bad:
    found = []
    for item in re.split(r"[ \t\n]*[,\n][ \t\n]*|[ \t]+", text):
        match = _STATUSES.fullmatch(item)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            return Bad("statuses from 100 to 599 such as 200 or 200-399, between commas or spaces")
        found.append(range(first, last + 1))
    return tuple(found)


def _show_statuses(statuses: Iterable[range]) -> str:
    return ", ".join(str(one.start) if len(one) == 1 else f"{one.start}-{one.stop - 1}" for one in statuses)


HOST: Final = Kind(name="hostname", read=_read_host)
PATH: Final = Kind(name="path", read=_read_path)
STATUSES: Final = Kind(name="statuses", read=_read_statuses, show=_show_statuses)
