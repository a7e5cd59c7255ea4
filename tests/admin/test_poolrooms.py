"""What the dial step has is what the pages want to look into."""

from __future__ import annotations

from starship.admin import poolrooms
from starship.dial.pools.views import foresee, view
from tests.admin.basins import Waters


def test_the_pools_and_names_fit_what_the_pages_ask_for() -> None:
    waters = Waters()
    pools: poolrooms.Waters = waters.pools
    pool = waters.web.at(443)
    choosing = poolrooms.Choosing(standing=view(pool), forecast=foresee(pool, None, None))
    known = waters.known()
    assert (pools.names(), choosing.standing.name, known.name) == (("web", "mail"), "web", "mail.internal")
    assert [member.state for member in pools.views("mail")[0].members] == ["up"]
