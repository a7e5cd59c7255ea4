"""The endpoints that lookups list, as far as they are asked how they are."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from starship.dial.pools.book import Pools
from starship.dial.pools.listed import KEEP_S, Listed, nobody
from starship.dial.pools.pool import Pool
from starship.dial.pools.terms import Terms
from starship.words import Address, Origin, Route, Upstream
from tests.dial.pools.pooling import SOURCE, World, up


@define(eq=False)
class Scene:
    """Routes that clients use, of which `limit` endpoints are asked; the guard objects to 169.254."""

    limit: int = 100
    world: World = field(factory=World)
    pools: Pools = field(init=False)
    listed: Listed = field(init=False)

    def __attrs_post_init__(self) -> None:
        clock: Any = self.world.clock
        self.pools = Pools({}, Terms(), self.world.means)
        self.listed = Listed(pools=self.pools.lately, clock=clock, limit=self.limit, objection=_objection)

    def use(self, *upstreams: Upstream) -> Pool:
        route = Route(app="an app", upstreams=upstreams, origin=Origin.FRESH)
        pool = self.pools.of(route, 443)
        assert pool is not None
        pool.pick(SOURCE, None)
        return pool

    @property
    def asked(self) -> list[str]:
        return [seat.member.address.host for _, seat in self.listed.seats()]


def _objection(address: Address) -> str | None:
    return "link-local" if address.host.startswith("169.254.") else None


PAIR = up("192.0.2.1"), up("192.0.2.2")
OTHERS = up("192.0.2.3"), up("192.0.2.4")


def test_those_that_were_used_last_come_first_and_so_many_are_asked() -> None:
    scene = Scene(limit=3)
    pairs = PAIR, OTHERS
    for pair in pairs:
        scene.use(*pair)
    assert scene.asked == ["192.0.2.3", "192.0.2.4", "192.0.2.1"]
    scene.use(*PAIR)
    assert scene.asked == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


def test_one_that_nobody_used_for_long_is_asked_no_more_until_somebody_does() -> None:
    scene = Scene()
    scene.use(*PAIR)
    assert len(scene.asked) == 2
    scene.world.clock.advance(KEEP_S - 1)
    scene.use(*OTHERS)
    assert len(scene.asked) == 4
    scene.world.clock.advance(1)
    assert scene.asked == ["192.0.2.3", "192.0.2.4"]
    scene.use(*PAIR)
    assert len(scene.asked) == 4


def test_looking_is_no_use() -> None:
    scene = Scene()
    scene.use(*PAIR)
    for _ in range(10):
        scene.world.clock.advance(KEEP_S / 5)
        asked = scene.asked
    assert asked == []


def test_one_that_is_alone_is_not_asked() -> None:
    scene = Scene()
    scene.use(up("a.example"))
    name = scene.world.resolver.questions[0]
    name.answer("192.0.2.1")
    assert scene.asked == []
    name.answer("192.0.2.1", "192.0.2.2")
    assert scene.asked == ["192.0.2.1", "192.0.2.2"]


def test_an_address_that_the_guard_objects_to_is_never_asked() -> None:
    scene = Scene()
    scene.use(up("169.254.169.254"), up("192.0.2.1"))
    assert scene.asked == ["192.0.2.1"]
    scene.use(up("rebound.example"), up("192.0.2.2"))
    scene.world.resolver.questions[0].answer("169.254.169.254", "192.0.2.7")
    assert scene.asked == ["192.0.2.7", "192.0.2.2", "192.0.2.1"]


def test_a_name_is_not_held_in_use_by_being_looked_at() -> None:
    scene = Scene()
    scene.use(up("a.example"), up("192.0.2.2"))
    name = scene.world.resolver.questions[0]
    name.answer("192.0.2.1")
    name.used = False
    assert scene.asked == ["192.0.2.1", "192.0.2.2"]
    assert not name.used
    name.grow_stale()
    assert scene.asked == []
    assert len(scene.world.resolver.questions) == 1


def test_nobody_is_nobody() -> None:
    assert list(nobody()) == []
