"""docs/configuration.md holds what the table says: every key, its default, and no stale row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from starship.config.keys import SECTIONS
from starship.config.load import parse
from starship.config.reference import default_of, render
from starship.errors import ConfigError

PAGE = (Path(__file__).parent.parent.parent / "docs" / "configuration.md").read_text()


def test_the_page_holds_the_tables_as_they_are_printed() -> None:
    begin, end = PAGE.index("<!-- begin of the tables"), PAGE.index("<!-- end of the tables")
    assert PAGE[PAGE.index("\n", begin) :][: end - PAGE.index("\n", begin)].strip() == render().strip(), (
        "print them with python -m starship.config.reference"
    )


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
