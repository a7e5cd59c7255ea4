"""The settings' words become what a PROXY header holds."""

from __future__ import annotations

import attrs
import pytest

from starship.config.settings import Dialling, Pool
from starship.service.headers import header_options, header_version
from starship.words import ProxyOptions, Upstream

HOME = (Upstream(host="10.0.0.5"),)


@pytest.mark.parametrize("said", [Dialling(), Pool(name="a", endpoints=HOME)])
def test_without_a_word_there_is_no_header_and_the_options_are_the_products(said: Dialling | Pool) -> None:
    assert header_version(said) is None
    assert header_options(said) == ProxyOptions()


@pytest.mark.parametrize("word", ["authority", "alpn", "unique_id", "crc32c"])
def test_each_word_is_one_of_the_options(word: str) -> None:
    options = header_options(Dialling(proxy_options=(word,), proxy_relay=None))
    flags = {field.name for field in attrs.fields(ProxyOptions) if getattr(options, field.name) is True}
    assert (flags, options.relay) == ({word}, None)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_version_is_for_who_does_not_say(version: str) -> None:
    assert header_version(Dialling(proxy_protocol=version)) == version
    assert header_version(Pool(name="a", endpoints=HOME, proxy_protocol=version)) == version
