"""What the rooms count reaches the Collector in its words."""

from __future__ import annotations

from typing import Any

from twisted.internet import error
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from starship.accept.gate import Gate
from starship.config.settings import Shadow
from starship.names import Hostname
from starship.service.chain import Chain, make_chain
from starship.service.make import make_house
from starship.service.views import CareView, GateView, LookupView, pool_figures, sources_of
from starship.words import Ask
from tests.admin.basins import Waters
from tests.fakes import arrival, failure_of
from tests.service.material import API, settings


def test_a_gate_shows_who_is_inside() -> None:
    gate = Gate(connections=5, per_source=2, guests={})
    gate.admit(arrival())
    view = GateView(gate)
    assert (view.connections, view.limit, view.sources) == (1, 5, 1)


def chain_of(reactor: Any = None, **wanted: Any) -> Chain:
    made = settings(lookup=API, **wanted)
    return make_chain(made, API, reactor or MemoryReactorClock())


def test_lookups_show_what_the_api_answered() -> None:
    reactor = MemoryReactorClock()
    chain = chain_of(reactor)
    question = chain.outer.resolve(Ask(name=Hostname("b.com"), source="192.0.2.1", door="https"))
    view = LookupView(chain)
    assert (view.results, view.in_flight) == ({}, 1)
    (client,), (connector,) = reactor.tcpClients, reactor.connectors
    client[2].clientConnectionFailed(connector, Failure(error.ConnectionRefusedError()))
    assert failure_of(question)
    assert (view.results, view.in_flight, sum(view.seconds.counts)) == ({"refused": 1}, 0, 1)


def test_what_keeps_a_failing_lookup_unnoticed_is_shown() -> None:
    made = CareView(chain_of(shadow=Shadow(url=API.url)))
    assert (made.breakers, made.well) == ({"0": 0}, {"0": 1})
    assert made.beside == {"ahead": 0, "revalidate": 0, "renew": 0}
    assert made.over_budget == {"source": 0, "overall": 0}
    assert (made.queue, made.joined, made.failed_names, made.failures_served) == (0, 0, 0, 0)
    assert made.shadow is not None
    assert set(made.shadow.values()) == {0}
    plain = CareView(chain_of())
    assert (plain.shadow, plain.snapshot) == (None, None)


def test_without_an_api_nothing_of_it_is_counted() -> None:
    sources = sources_of(make_house(settings(), MemoryReactorClock()))
    assert (sources.stores, sources.cache, sources.lookups, sources.care) == (None, None, None, None)
    assert (sources.gate is not None, sources.access_log, sources.spares) == (True, None, None)


def test_every_pool_of_the_ini_file_shows_what_it_did_used_or_not() -> None:
    waters = Waters()
    web, mail = pool_figures(waters.pools)
    assert (web.pool, dict(web.states), len(web.endpoints)) == ("web", {"up": 3}, 3)
    assert (mail.pool, mail.total, [one.endpoint for one in mail.endpoints]) == ("mail", 0, ["mail.internal"])
