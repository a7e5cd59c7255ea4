"""The command shows earlier results again, puts them into a page, and says by its exit status whether all was right."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.wire.__main__ import main
from benchmarks.wire.document import Results
from benchmarks.wire.figures import Sample
from benchmarks.wire.results import BEGIN, END, save

ABOUT = {"date": "2026-01-01", "machine": "2 cores", "kernel": "Linux", "load": "0.1", "how": "5 rounds."}


def saved(folder: Path, wrong: int) -> str:
    sample = Sample(figure=2.0, good=3, wrong=wrong, why={"reset": wrong} if wrong else {})
    path = folder / "results.json"
    save(path, Results(about=ABOUT, versions={}, samples={"tls": {"nginx": [sample]}}))
    return str(path)


@pytest.mark.parametrize("wrong", [0, 2])
def test_the_exit_status_says_whether_all_work_was_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: int
) -> None:
    assert main(["--render", saved(tmp_path, wrong)]) == min(1, wrong)
    assert "### A new TLS connection" in capsys.readouterr().out


def test_the_tables_go_into_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"a\n{BEGIN}\n{END}\nb\n")
    assert main(["--render", saved(tmp_path, 0), "--into", str(page)]) == 0
    assert "### A new TLS connection" in page.read_text()
    assert capsys.readouterr().out == ""


def test_what_cannot_be_read_or_has_no_place_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks")
    assert main(["--render", str(tmp_path / "none.json")]) == 2
    assert main(["--render", saved(tmp_path, 0), "--into", str(page)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2
