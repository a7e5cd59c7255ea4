"""Errors say whose side failed, with a word of the closed list."""

from __future__ import annotations

import pytest

from starship import errors
from starship.words import Reason

ALL = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.StarshipError)]


@pytest.mark.parametrize("error", ALL)
def test_an_error_speaks_a_word_of_the_table(error: type[errors.StarshipError]) -> None:
    assert Reason(error.word).row.status >= 500


def test_an_answer_that_breaks_the_contract_is_not_worth_another_try() -> None:
    assert not errors.LookupInvalid("endpoint is a number").retriable


def test_the_wish_of_the_api_to_be_left_alone_is_kept() -> None:
    assert errors.LookupServerError("503", retry_after=7.0).retry_after == 7.0
