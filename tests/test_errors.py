"""Errors say whose side failed, with a word of the closed list."""

from __future__ import annotations

import pytest

from starship import errors
from starship.reasons import Reason

ALL = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.StarshipError)]


@pytest.mark.parametrize("error", ALL)
def test_an_error_speaks_a_word_of_the_table(error: type[errors.StarshipError]) -> None:
    assert Reason(error.word).row.status >= 500


def test_an_answer_that_breaks_the_contract_is_not_worth_another_try() -> None:
    assert not errors.LookupInvalid("endpoint is a number").retriable


def test_the_wish_of_the_api_to_be_left_alone_is_kept() -> None:
    assert errors.LookupServerError("503", retry_after=7.0).retry_after == 7.0


def test_a_mistake_is_one_line_that_says_where_and_what_is_allowed() -> None:
    mistake = errors.Mistake(
        file="etc/starship.ini", line=12, section="lookup", key="timeout", found="soon", allowed="a duration"
    )
    assert str(mistake) == 'etc/starship.ini:12: [lookup] timeout = "soon": expected a duration'


def test_a_mistake_shows_no_more_than_there_is() -> None:
    assert str(errors.Mistake(file="a.ini", line=0, allowed="a readable file")) == "a.ini: expected a readable file"
    hidden = errors.Mistake(file="a.ini", line=3, section="lookup", key="url", allowed="a URL")
    assert str(hidden) == "a.ini:3: [lookup] url: expected a URL"


def test_what_was_found_is_escaped_and_bounded() -> None:
    mistake = errors.Mistake(file="a\n.ini", line=1, key="k\x1b", found="\x00\n" + "x" * 10_000, allowed="less")
    assert str(mistake).isprintable()
    assert len(str(mistake)) < 200


def test_the_path_of_a_file_is_told_whole_however_long() -> None:
    path = "/" + "/".join(["directory"] * 20) + "/starship.ini"
    assert str(errors.Mistake(file=path, line=1, allowed="less")) == f"{path}:1: expected less"


def test_a_config_error_has_all_mistakes_and_prints_so_many() -> None:
    many = tuple(errors.Mistake(file="a.ini", line=line, allowed="less") for line in range(1, 1001))
    error = errors.ConfigError(many)
    assert error.mistakes == many
    assert str(error).splitlines()[0] == "a.ini:1: expected less"
    assert str(error).splitlines()[-1] == "... and 800 more"
