"""The chain to the API: who stands in it, in which order, as the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock

from starship.config.settings import Cache, Names, Shadow
from starship.names import Hostname
from starship.service.chain import Chain, make_chain
from starship.words import Ask, Miss, Origin
from tests.fakes import success_of
from tests.service.material import API, settings

A_COM, X_COM = Hostname("a.com"), Hostname("x.com")


def chain_of(reactor: Any = None, **wanted: Any) -> Chain:
    made = settings(lookup=API, **wanted)
    return make_chain(made, API, reactor or MemoryReactorClock())


def test_without_suffixes_every_name_is_ours_and_the_cache_comes_first() -> None:
    chain = chain_of()
    assert (chain.suffixes, chain.outer is chain.caching) == (None, True)
    assert (chain.ours(X_COM), chain.ours(None)) == (True, True)


def test_names_outside_the_suffixes_are_a_miss_before_the_cache_is_looked_at() -> None:
    chain = chain_of(names=Names(suffixes=("a.com",)))
    assert [chain.ours(name) for name in (A_COM, X_COM, None)] == [True, False, True]
    assert chain.outer.peek(Ask(name=X_COM, source="192.0.2.7", door="http")) == Miss(origin=Origin.STATIC)
    assert chain.cache.misses == 0


@pytest.mark.parametrize("wanted", [{}, {"shadow": Shadow(url=API.url)}])
def test_a_shadow_stands_there_only_where_one_is_wanted(wanted: dict[str, Any]) -> None:
    assert (chain_of(**wanted).shadow is not None) is bool(wanted)


def test_what_is_known_is_kept_on_disk_only_where_that_is_wanted(tmp_path: Path) -> None:
    reactor = MemoryReactorClock()
    chain_of(reactor).start()
    assert reactor.getDelayedCalls() == []
    cache = Cache(snapshot=tmp_path / "routes", snapshot_interval=47.0)
    chain_of(reactor, cache=cache).start()
    assert [call.getTime() for call in reactor.getDelayedCalls()] == [47.0]


def test_the_settings_of_the_api_are_those_that_it_was_made_of() -> None:
    forgiving = evolve(API, miss_on_error=True)
    assert make_chain(settings(lookup=forgiving), forgiving, MemoryReactorClock()).wanted is forgiving


def test_a_stop_closes_the_connections_to_the_api() -> None:
    assert success_of(Deferred.fromCoroutine(chain_of().stop())) is None
