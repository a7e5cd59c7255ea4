"""Pages, log and admin site are there without a word, and can be switched off."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from starship.config.keys.outlook import ACCESS_LOG, ADMIN, PAGES
from starship.config.keys.table import Section
from starship.config.load import parse
from starship.errors import ConfigError


@pytest.mark.parametrize("section", [ACCESS_LOG, ADMIN, PAGES], ids=lambda section: section.title)
def test_nothing_has_to_be_said(section: Section) -> None:
    assert not [key.name for key in section.keys.values() if key.default is attrs.NOTHING]


def test_the_access_log_can_be_switched_off() -> None:
    assert ACCESS_LOG.keys["enabled"].kind.read("no", Path()) is False


def test_fields_of_proxy_headers_are_for_json() -> None:
    door = b"[listener:a]\nprotocol = tls\nendpoint = tcp:443\n[routes]\na.com = 10.0.0.24\n"
    text = door + b"[access_log]\nproxy_fields = yes\n"
    assert parse(text + b"format = json\n", "a.ini", Path()).access_log.proxy_fields
    with pytest.raises(ConfigError, match="proxy_fields: expected format = json beside it"):
        parse(text, "a.ini", Path())
