"""
Results on disk: as JSON, from which the tables can be made again, and as a block within a page.

Part of the benchmarks.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from benchmarks.wire.document import Results
from benchmarks.wire.figures import read, spelled

BEGIN: Final = "<!-- figures: begin -->"
END: Final = "<!-- figures: end -->"


class NoBlock(Exception):
    """A page has no place for the figures. str(error) says what is missing."""


def save(path: Path, results: Results) -> None:
    """Write them; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = {
        key: {name: [spelled(one) for one in rounds] for name, rounds in found.items()}
        for key, found in results.samples.items()
    }
    fields = {"about": results.about, "versions": results.versions, "faults": results.faults, "samples": samples}
    path.write_text(json.dumps(fields, indent=1) + "\n")


def load(path: Path) -> Results:
    """Errors: OSError, ValueError, KeyError, TypeError."""
    fields = json.loads(path.read_text())
    samples = {
        key: {name: [read(one) for one in rounds] for name, rounds in found.items()}
        for key, found in fields["samples"].items()
    }
    return Results(about=fields["about"], versions=fields["versions"], faults=fields["faults"], samples=samples)


def put_into(page: str, figures: str) -> str:
    """The page with what stands between its two marks replaced. Errors: NoBlock."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoBlock(f"there are no lines {BEGIN} and {END} in it")
    return f"{before}{BEGIN}\n\n{figures.strip()}\n\n{END}{after}"
