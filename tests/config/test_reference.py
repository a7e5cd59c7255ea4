"""docs/configuration.md holds what the table says: every key, its default, and no stale row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from starship.config.keys import SECTIONS
from starship.config.load import parse
from starship.config.reference import BEGIN, COMMAND, END, default_of, main, put_into, render
from starship.errors import ConfigError

PAGE = (Path(__file__).parent.parent.parent / "docs" / "configuration.md").read_text()


def test_the_page_holds_the_tables_as_they_are_made() -> None:
    assert put_into(PAGE) == PAGE, f"make them anew with {COMMAND}"


def test_tables_replace_what_stood_between_the_marks_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert main(["--into", str(page)]) == 0
    assert page.read_text() == f"before\n{BEGIN}\n\n{render()}\n{END}\nafter\n"
    assert put_into(page.read_text()) == page.read_text()


@pytest.mark.parametrize("text", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n"])
def test_a_page_without_the_marks_is_left_as_it_is(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    assert main(["--into", str(page)]) == 1
    assert page.read_text() == text
    assert f"{page}: there are no lines {BEGIN}" in capsys.readouterr().err


def test_a_page_that_is_not_there_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--into", str(tmp_path / "page.md")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_without_a_page_the_tables_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == render()


@pytest.mark.parametrize("title", SECTIONS)
def test_each_key_has_its_row_with_its_default_and_there_is_no_other(title: str) -> None:
    part = PAGE.split(f"### [{title}]\n")[1].split("\n### ")[0].split("<!--")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:[^|\\]|\\.)* \| [a-z]* \| ([^|]*) \|", part, flags=re.MULTILINE)
    assert rows == [(key.name, default_of(key)) for key in SECTIONS[title].keys.values()]


def test_every_default_is_spelled_as_the_file_would_spell_it() -> None:
    defaults = {f"{title}.{key.name}": default_of(key) for title, row in SECTIONS.items() for key in row.keys.values()}
    assert defaults["listener:NAME.protocol"] == "required"
    assert defaults["listener:NAME.allow"] == "none"
    assert defaults["lookup.connect_timeout"] == "`1s`"
    assert defaults["limits.hello_size"] == "`64 KiB`"
    assert defaults["access_log.path"] == "`-`"
    assert defaults["access_log.enabled"] == "`yes`"
    assert defaults["pages.colour"] == "`#4f46e5`"
    assert defaults["admin.endpoint"] == "`tcp:9901:interface=127.0.0.1`"


def test_the_mistakes_on_the_page_are_real() -> None:
    wrong, told = re.findall(r"```(?:ini|console)\n(.*?)```", PAGE, flags=re.DOTALL)[1:3]
    with pytest.raises(ConfigError) as caught:
        parse(wrong.encode(), "starship.ini", Path("/nowhere"))
    assert told.splitlines()[1:-1] == str(caught.value).splitlines()
