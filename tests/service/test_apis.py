"""The APIs are made as the settings say: their order, their credentials, what they said last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.testing import MemoryReactorClock

from starship.config.settings import Shadow
from starship.route.breaker import State
from starship.route.credentials import CredentialsUnusable
from starship.service.apis import Apis, make_apis
from tests.service.material import API, settings


def made(**options: Any) -> Apis:
    lookup = evolve(API, **options)
    return make_apis(settings(lookup=lookup), MemoryReactorClock(), lambda: 0.0)


def test_the_urls_are_asked_in_their_order_and_shown_without_secrets() -> None:
    apis = made(url="http://a.test/?host={host}&key=s3cret", fallback_urls=("http://b.test/{host}",))
    standings = apis.failover.snapshot()
    assert [(one.index, one.url, one.state) for one in standings] == [
        (0, "http://a.test/", State.CLOSED),
        (1, "http://b.test/{host}", State.CLOSED),
    ]


def test_a_shadow_is_there_only_where_it_is_asked_for() -> None:
    assert made().shadow is None
    apis = make_apis(settings(lookup=API, shadow=Shadow(url="http://s.test/{host}")), MemoryReactorClock(), lambda: 0.0)
    assert apis.shadow is not None


@pytest.mark.parametrize("key", ["token_file", "ca_file", "client_certificate"])
def test_credentials_that_cannot_be_used_are_told_at_the_start(key: str, tmp_path: Path) -> None:
    with pytest.raises(CredentialsUnusable):
        made(**{key: tmp_path / "missing"})


def test_a_client_that_is_given_is_the_one_that_is_used() -> None:
    given = made().client
    apis = make_apis(settings(lookup=API), MemoryReactorClock(), lambda: 0.0, given)
    assert apis.client is given
