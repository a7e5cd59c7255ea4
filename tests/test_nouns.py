"""Nouns that are cheap to make are like all the others."""

from __future__ import annotations

from attrs import evolve

from starship.nouns import noun


@noun(kw_only=True)
class Thing:
    """A noun."""

    size: int = 1


def test_equal_nouns_are_one_key_and_can_be_changed_by_making_another() -> None:
    assert {Thing(): "a"}[Thing(size=1)] == "a"
    assert evolve(Thing(), size=2) == Thing(size=2) != Thing()
