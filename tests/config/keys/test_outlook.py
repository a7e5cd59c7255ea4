"""Pages, log and admin site are there without a word, and can be switched off."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from starship.config.keys.outlook import ACCESS_LOG, ADMIN, PAGES
from starship.config.keys.table import Section


@pytest.mark.parametrize("section", [ACCESS_LOG, ADMIN, PAGES], ids=lambda section: section.title)
def test_nothing_has_to_be_said(section: Section) -> None:
    assert not [key.name for key in section.keys.values() if key.default is attrs.NOTHING]


def test_the_access_log_can_be_switched_off() -> None:
    assert ACCESS_LOG.keys["enabled"].kind.read("no", Path()) is False
