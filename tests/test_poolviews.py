"""A view of a pool cannot be changed by who looks at it, and pages and metrics read the same one."""

from __future__ import annotations

import attrs
import pytest

from starship import poolviews

NOUNS = [noun for noun in vars(poolviews).values() if attrs.has(noun) and noun.__module__ == poolviews.__name__]


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_who_looks_changes_nothing(noun: type) -> None:
    fields = {field.name: "seen" for field in attrs.fields(noun)}
    view = noun(**fields)
    for name in fields:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(view, name, "changed")
