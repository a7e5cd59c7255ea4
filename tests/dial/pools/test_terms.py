"""What a pool says of itself."""

from __future__ import annotations

import attrs

from starship.config.settings import Dialling
from starship.dial.pools.terms import Terms
from starship.service.upstreams import terms_of


def test_who_says_nothing_gets_what_the_ini_file_would_give() -> None:
    assert terms_of(Dialling()) == Terms()


def test_terms_can_be_changed_one_by_one() -> None:
    assert attrs.evolve(Terms(), policy="hash_host").policy == "hash_host"
