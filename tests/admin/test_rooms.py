"""The workshops' own classes are what the pages want to look into."""

from __future__ import annotations

from twisted.internet.task import Clock

from starship.admin import rooms
from starship.admin.lookups import Spending
from starship.route.budget import Spending as RealSpending
from starship.route.raw import Raw
from starship.route.warming import Warming
from tests.admin.houses import House


def test_what_the_workshops_have_fits_what_the_pages_ask_for() -> None:
    house = House()
    keeper: rooms.Keeper = house.caching.keeper
    raw: rooms.Raw = Raw(0, 200, "", b"", 0.0)
    standing: rooms.Standing = house.failover().snapshot()[0]
    work: rooms.Work = Warming(names=(), asking=house.caching.warm, clock=Clock())
    spending: Spending = RealSpending(sources=0, over_source=0, over_overall=0)
    assert (keeper.page("routes"), raw.status, standing.state, work.total, spending.sources) == (
        (),
        200,
        "closed",
        0,
        0,
    )
