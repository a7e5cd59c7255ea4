"""Results can be kept, read again, and put into a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.wire.document import Results, document
from benchmarks.wire.figures import Sample
from benchmarks.wire.results import BEGIN, END, NoBlock, load, put_into, save

ABOUT = {"date": "2026-01-01", "machine": "2 cores", "kernel": "Linux", "load": "0.1", "how": "5 rounds."}
RESULTS = Results(
    about=ABOUT, versions={"nginx": "1"}, samples={"tls": {"nginx": [Sample(figure=2.0, good=3)]}}, faults=["one"]
)


def test_what_is_read_again_makes_the_same_tables(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.json"
    save(path, RESULTS)
    assert document(load(path)) == document(RESULTS)


def test_figures_replace_what_stood_between_the_marks_and_nothing_else() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = put_into(page, "new\n")
    assert once == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    assert put_into(once, "new") == once


@pytest.mark.parametrize("page", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n"])
def test_a_page_without_the_marks_is_not_touched(page: str) -> None:
    with pytest.raises(NoBlock):
        put_into(page, "new")
