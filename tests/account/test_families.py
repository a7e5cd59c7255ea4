"""The families: each name once, spelled as Prometheus wants it."""

from __future__ import annotations

import re

from starship.account.families import FAMILIES


def test_each_family_is_declared_once_and_named_as_its_kind_is() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))
    for family in FAMILIES:
        assert re.fullmatch(r"starship_[a-z_]+", family.name)
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert family.metric().documentation == family.meaning
