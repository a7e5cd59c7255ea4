"""
The names that a request names: read in the operator's spelling, kept in the one that everybody uses. Pure.

Part of `admin`, floor 6. What is no name raises Unfit, with words that repeat nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from starship.admin.replies import Unfit
from starship.names import BadName, Hostname, from_text

TEXT_LIMIT = 1024


def hostname(text: str) -> Hostname:
    """A hostname; U-labels become A-labels."""
    name = from_text(text) if len(text) <= TEXT_LIMIT else BadName("the name is too long")
    if isinstance(name, BadName):
        raise Unfit(name.why if text.isascii() else "the name is not an internationalised name")
    return name


def host_or_wildcard(text: str) -> str:
    """A hostname, or `*.` before one."""
    return "*." + hostname(text[2:]) if text.startswith("*.") else hostname(text)


def suffix_of(asked: Mapping[str, str]) -> str | None:
    """The parameter `suffix`: a name which stands for itself and all below it; a `*.` or a dot before it is let by."""
    if "suffix" not in asked:
        return None
    return hostname(asked["suffix"].removeprefix("*").removeprefix("."))
