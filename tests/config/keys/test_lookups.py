"""What a lookup has to say, and that remembering needs nothing said."""

from __future__ import annotations

import attrs
import pytest

from starship.config.keys.lookups import CACHE, LOOKUP, NAMES, SHADOW
from starship.config.keys.table import Section


@pytest.mark.parametrize(
    ("section", "required"), [(LOOKUP, {"url"}), (SHADOW, {"url"}), (CACHE, set()), (NAMES, set())]
)
def test_only_where_to_ask_has_to_be_said(section: Section, required: set[str]) -> None:
    assert {key.name for key in section.keys.values() if key.default is attrs.NOTHING} == required
