"""
The tables of docs/configuration.md, printed from `keys`: `python -m starship.config.reference`.

Part of `config`, for those who write the docs; nothing of the service needs it. A test holds the page to this text.
"""

from __future__ import annotations

import sys

import attrs

from starship.config.keys import SECTIONS, Key, Section


def render() -> str:
    """All sections with their keys, in Markdown."""
    return "\n\n".join(_section(section) for section in SECTIONS.values()) + "\n"


def default_of(key: Key) -> str:
    """The default as the ini file would spell it; where it would not: required, none, empty, or as another section."""
    if key.inherits:
        return f"as `[{key.inherits}]`"
    if key.default is attrs.NOTHING:
        return "required"
    if key.default == () or (key.default is None and not key.kind.none):
        return "none"
    shown = key.kind.none if key.default is None else key.kind.show(key.default)
    return f"`{shown}`" if shown else "empty"


def _section(section: Section) -> str:
    lines = [f"### [{section.title}]", "", section.doc]
    if section.keys:
        lines += ["", "| key | type | unit | default | example | what it does |", "|---|---|---|---|---|---|"]
        lines += [_row(key) for key in section.keys.values()]
    return "\n".join(lines)


def _row(key: Key) -> str:
    cells = [f"`{key.name}`", key.kind.name, key.kind.unit, default_of(key), f"`{key.example}`", key.doc]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(render())
