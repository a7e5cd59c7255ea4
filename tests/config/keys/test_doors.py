"""What a listener has to say, and what it may leave out."""

from __future__ import annotations

import attrs

from starship.config.keys.doors import DOOR, LIMITS, ROUTES


def test_a_listener_must_say_what_it_speaks_and_where_it_listens() -> None:
    assert {key.name for key in DOOR.keys.values() if key.default is attrs.NOTHING} == {"protocol", "endpoint"}


def test_no_limit_has_to_be_named() -> None:
    assert not [key.name for key in LIMITS.keys.values() if key.default is attrs.NOTHING]


def test_a_route_is_no_key_but_a_name() -> None:
    assert ROUTES.keys == {}
