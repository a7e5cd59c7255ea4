"""Plain HTTP needs nothing said, and what an upstream can be told of a client is one list."""

from __future__ import annotations

from pathlib import Path

import attrs

from starship.config.keys.http import FORWARDED, HTTP
from starship.config.settings import Http
from starship.config.values import Bad
from starship.exchange.forwarded import NAMES, USUAL


def test_nothing_has_to_be_said() -> None:
    assert not [key.name for key in HTTP.keys.values() if key.default is attrs.NOTHING]


def test_k6_the_fields_that_may_be_said_are_those_that_can_be_made() -> None:
    assert frozenset(FORWARDED) == frozenset(NAMES)
    assert frozenset(Http().forwarded) == USUAL


def test_k6_the_fields_are_named_in_any_case_or_not_at_all() -> None:
    read = HTTP.keys["forwarded"].kind.read
    assert read("x-real-ip, FORWARDED", Path()) == ("X-Real-IP", "Forwarded")
    assert read("none", Path()) == ()
    assert isinstance(read("X-Real-IP X-Real-IP", Path()), Bad)
    assert isinstance(read("X-Client-IP", Path()), Bad)
    assert isinstance(read("", Path()), Bad)


def test_k8_a_body_has_no_limit_unless_one_is_said() -> None:
    assert HTTP.keys["body_size"].default == 0
