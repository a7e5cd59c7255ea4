"""
The tables of docs/configuration.md, made from `keys`.

    python -m starship.config.reference                                 prints the tables alone
    python -m starship.config.reference --into docs/configuration.md    puts them between the marks of that page

Part of `config`, for those who write the docs; nothing of the service needs it. A test holds the page to this text.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from starship.config.keys import SECTIONS, Key, Section

COMMAND: Final = "python -m starship.config.reference --into docs/configuration.md"
BEGIN: Final = f"<!-- begin of the tables: made by {COMMAND} -->"
END: Final = "<!-- end of the tables -->"


class NoMarks(Exception):
    """A page has no place for the tables. str(error) says what is missing."""


def main(arguments: Sequence[str]) -> int:
    """Print the tables, or put them into a page. Returns the exit status: 1 for a page that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m starship.config.reference", description="Every key of the ini file."
    )
    parser.add_argument("--into", type=Path, metavar="PAGE", help="put the tables between the marks of this page")
    page: Path | None = parser.parse_args(arguments).into
    if page is None:
        sys.stdout.write(render())
        return 0
    try:
        page.write_text(put_into(page.read_text()))
    except (OSError, ValueError, NoMarks) as error:
        sys.stderr.write(f"{parser.prog}: {page}: {error}\n")
        return 1
    return 0


def put_into(page: str) -> str:
    """The page with what stands between its two marks replaced, and nothing else. Errors: NoMarks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoMarks(f"there are no lines {BEGIN} and {END} in it")
    return f"{before}{BEGIN}\n\n{render()}\n{END}{after}"


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
    sys.exit(main(sys.argv[1:]))
