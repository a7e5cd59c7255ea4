"""Who is asked where a name lives, in which order: the table, the cache, the API."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from twisted.internet import error
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from starship.config.settings import Cache, Listener, Lookup
from starship.errors import LookupBusy, LookupRefused
from starship.names import Hostname
from starship.reasons import Reason
from starship.route.credentials import CredentialsUnusable
from starship.service.lookups import Lookups, make_lookups
from starship.words import Ask, Miss, Origin, Route, Upstream
from tests.fakes import failure_of, success_of
from tests.service.material import API, HTTP, settings

A_COM, B_COM = Hostname("a.com"), Hostname("b.com")
HOME = (Upstream(host="10.0.0.9"),)


def ask(name: Hostname | None, door: str = "http") -> Ask:
    return Ask(name=name, source="192.0.2.7", door=door)


def refuse_all(reactor: MemoryReactorClock) -> None:
    """The API's port is closed."""
    for client, connector in zip(reactor.tcpClients, reactor.connectors, strict=True):
        client[2].clientConnectionFailed(connector, Failure(error.ConnectionRefusedError()))


def made(lookup: Lookup = API, *, listener: Listener = HTTP) -> tuple[Lookups, MemoryReactorClock]:
    reactor = MemoryReactorClock()
    return make_lookups(settings(listeners=(listener,), lookup=lookup), reactor), reactor


def test_the_table_is_read_before_anybody_is_asked() -> None:
    lookups, reactor = made()
    answer = lookups.outer.peek(ask(A_COM))
    assert isinstance(answer, Route)
    assert (answer.origin, answer.trusted) == (Origin.STATIC, True)
    assert reactor.tcpClients == []


def test_s11_a_lookup_that_failed_is_counted_timed_and_not_remembered() -> None:
    lookups, reactor = made()
    question = lookups.outer.resolve(ask(B_COM))
    refuse_all(reactor)
    assert isinstance(failure_of(question), LookupRefused)
    assert lookups.chain is not None
    assert lookups.chain.api.results == {"refused": 1}
    assert sum(lookups.chain.seconds.counts) == 1
    assert lookups.outer.peek(ask(B_COM)) is None


def test_s8_with_miss_on_error_it_is_a_miss_that_is_remembered() -> None:
    """The original's behaviour, where it is asked for; the metrics still tell the two apart."""
    lookups, reactor = made(evolve(API, miss_on_error=True))
    question = lookups.outer.resolve(ask(B_COM))
    refuse_all(reactor)
    assert success_of(question) == Miss(origin=Origin.FRESH)
    assert lookups.outer.peek(ask(B_COM)) == Miss(origin=Origin.NEGATIVE)
    assert lookups.chain is not None
    assert lookups.chain.api.results == {"refused": 1}


def test_m4_those_who_ask_about_one_name_are_one_question() -> None:
    lookups, reactor = made(evolve(API, concurrency=1, queue=0))
    first, second = lookups.outer.resolve(ask(B_COM)), lookups.outer.resolve(ask(B_COM))
    other = lookups.outer.resolve(ask(Hostname("c.com")))
    assert isinstance(failure_of(other), LookupBusy)
    assert len(reactor.tcpClients) == 1
    refuse_all(reactor)
    assert isinstance(failure_of(first), LookupRefused)
    assert isinstance(failure_of(second), LookupRefused)


def test_s16_no_name_and_unknown_name_go_where_their_door_says_and_nowhere_else() -> None:
    kind = evolve(HTTP, no_name=HOME, default=HOME)
    strict = evolve(HTTP, name="strict")
    lookups = make_lookups(settings(listeners=(kind, strict)), MemoryReactorClock())
    for name, reason in ((None, Reason.NO_NAME), (B_COM, Reason.UNKNOWN_NAME)):
        answer = lookups.outer.peek(ask(name))
        assert isinstance(answer, Route)
        assert answer.upstreams == HOME
        miss = lookups.outer.peek(ask(name, "strict"))
        assert isinstance(miss, Miss)
        assert miss.reason is reason


def test_without_an_api_the_table_is_all_there_is() -> None:
    lookups = make_lookups(settings(), MemoryReactorClock())
    assert lookups.chain is None
    assert success_of(lookups.stop()) is None


def test_stopping_gives_up_the_questions_under_way() -> None:
    lookups, reactor = made()
    question = lookups.outer.resolve(ask(B_COM))
    assert success_of(lookups.stop()) is None
    assert failure_of(question)
    assert reactor.getDelayedCalls() == []
    assert lookups.chain is not None
    assert (lookups.chain.api.in_flight, lookups.chain.api.results) == (0, {})


def test_s6_the_cache_is_made_as_the_settings_say() -> None:
    chain = make_lookups(settings(lookup=API, cache=Cache(routes=3, misses=2)), MemoryReactorClock()).chain
    assert chain is not None
    assert {name: store.size for name, store in chain.cache.stores.items()} == {"routes": 3, "misses": 2}


def test_a_token_file_that_is_gone_is_told_before_anything_listens(tmp_path: Path) -> None:
    with pytest.raises(CredentialsUnusable, match="token"):
        made(evolve(API, token_file=tmp_path / "token"))
