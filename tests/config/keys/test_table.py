"""The table: every field of the settings has its key, and every default and example is a value of it."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from starship.config import keys
from starship.config.keys import SECTIONS, Key, Section
from starship.config.values import Bad

HERE = Path()
KEYS = [(section, key) for section in SECTIONS.values() for key in section.keys.values()]
FILES = {"token_file", "ca_file", "client_certificate", "client_key", "logo", "templates", "snapshot"}
IDS = [f"{section.title}.{key.name}" for section, key in KEYS]


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_every_field_of_the_settings_has_its_key(section: Section) -> None:
    attributes = {key.attribute for key in section.keys.values()}
    fields = {field.name for field in attrs.fields(section.owner)}
    if section is keys.STARSHIP:
        assert attributes == {"drain_timeout", "lame_duck"}
    elif section is not keys.ROUTES:
        assert attributes == fields - {"name"}


@pytest.mark.parametrize(("section", "key"), KEYS, ids=IDS)
def test_a_default_is_a_value_of_its_key(section: Section, key: Key) -> None:
    if key.default in (attrs.NOTHING, None, ()):
        return
    assert key.kind.read(key.kind.show(key.default), HERE) == key.default


@pytest.mark.parametrize(("section", "key"), KEYS, ids=IDS)
def test_an_example_is_a_value_of_its_key_and_not_the_default(section: Section, key: Key, tmp_path: Path) -> None:
    value = key.kind.read(key.example, HERE)
    assert value != key.default
    if key.name in FILES or key is keys.ACCESS_LOG.keys["path"]:
        assert key.example.startswith("/")
    else:
        assert not isinstance(value, Bad)


def test_what_may_hold_a_secret_is_hidden() -> None:
    hidden = {key.name for _, key in KEYS if key.hidden}
    assert hidden == {"url", "fallback_urls", "token_file", "client_certificate", "client_key"}


@pytest.mark.parametrize(("section", "key"), KEYS, ids=IDS)
def test_what_a_key_does_is_one_table_cell(section: Section, key: Key) -> None:
    assert "\n" not in key.doc
    assert "|" not in key.doc + key.example
    assert key.doc.endswith(".") or key.doc.endswith("link.")
