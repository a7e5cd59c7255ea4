"""What the rooms count reaches the Collector in its words."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock

from starship.accept.gate import Gate
from starship.account.ledger import Timings
from starship.config.settings import Shadow
from starship.route.counting import CountingResolver
from starship.route.table import TableResolver
from starship.service.lookups import Lookups, make_lookups
from starship.service.views import CareView, GateView, LookupView, pool_figures
from starship.words import Ask
from tests.admin.basins import Waters
from tests.fakes import arrival
from tests.service.material import API, settings


def test_a_gate_shows_who_is_inside() -> None:
    gate = Gate(connections=5, per_source=2, guests={})
    gate.admit(arrival())
    view = GateView(gate)
    assert (view.connections, view.limit, view.sources) == (1, 5, 1)


def test_lookups_without_an_api_show_nothing() -> None:
    view = LookupView(Lookups(outer=TableResolver(routes={}, inner=None), seconds=Timings()))
    assert (view.results, view.in_flight) == ({}, 0)


def test_lookups_of_an_api_show_what_it_answered() -> None:
    table, seconds = TableResolver(routes={}, inner=None), Timings()
    api = CountingResolver(table, Clock(), seconds.observe)
    api.resolve(Ask(name=None, source="192.0.2.1", door="https"))
    view = LookupView(Lookups(outer=table, api=api, seconds=seconds))
    assert (view.results, view.in_flight) == ({"miss": 1}, 0)
    assert sum(view.seconds.counts) == 1


def test_what_keeps_a_failing_lookup_unnoticed_is_shown_and_nothing_without_an_api() -> None:
    none = CareView(Lookups(outer=TableResolver(routes={}, inner=None), seconds=Timings()))
    assert (none.breakers, none.well, none.beside, none.over_budget) == ({}, {}, {}, {})
    assert (none.queue, none.joined, none.failed_names, none.failures_served) == (0, 0, 0, 0)
    assert (none.shadow, none.snapshot) == (None, None)
    made = CareView(make_lookups(settings(lookup=API, shadow=Shadow(url=API.url)), MemoryReactorClock()))
    assert (made.breakers, made.well) == ({"0": 0}, {"0": 1})
    assert made.beside == {"ahead": 0, "revalidate": 0, "renew": 0}
    assert made.over_budget == {"source": 0, "overall": 0}
    assert made.shadow is not None
    assert set(made.shadow.values()) == {0}


def test_every_pool_of_the_ini_file_shows_what_it_did_used_or_not() -> None:
    waters = Waters()
    web, mail = pool_figures(waters.pools)
    assert (web.pool, dict(web.states), len(web.endpoints)) == ("web", {"up": 3}, 3)
    assert (mail.pool, mail.total, [one.endpoint for one in mail.endpoints]) == ("mail", 0, ["mail.internal"])
