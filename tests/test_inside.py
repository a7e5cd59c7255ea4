"""Who is inside is told in words that stand in the docs, and nothing is meant unless it is said."""

from __future__ import annotations

import re
from pathlib import Path

from starship.inside import Step, Wanted

DOCS = Path(__file__).parent.parent / "docs" / "admin.md"


def test_each_step_is_in_the_docs_in_its_order() -> None:
    table = DOCS.read_text().partition("| state | the connection |\n")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Step)


def test_who_says_nothing_means_everybody() -> None:
    wanted = Wanted()
    assert {wanted.id, wanted.name, wanted.source, wanted.app, wanted.upstream} == {None}
