"""Routes on disk, written whole and read at the start; a disk that is full or a file that is torn hurts nobody."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs

from starship.route.memory import MemoryCache
from starship.route.snapshot import SLICE, Snapshot
from starship.words import PathRule, Route
from tests.fakes import errors_in, success_of
from tests.route.resolvers import A_COM, B_COM, memory, miss, route


@define(eq=False)
class House:
    """A cache with a snapshot; the wall clock is a thousand seconds ahead of the monotonic one."""

    path: Path
    clock: Clock = field(factory=Clock)
    cache: MemoryCache = field(init=False)
    snapshot: Snapshot = field(init=False)
    ahead: float = 1000.0
    pools: frozenset[str] = frozenset()
    turns: int = 0

    def __attrs_post_init__(self) -> None:
        self.cache = memory(self.clock, stale_ttl=100, routes=5000)
        self.snapshot = Snapshot(
            path=self.path,
            cache=self.cache,
            clock=self.clock,
            wall=lambda: self.clock.seconds() + self.ahead,
            in_thread=self.in_thread,
            interval=30.0,
            pools=self.pools,
        )

    def in_thread(self, work: Callable[[], Any]) -> Deferred[Any]:
        self.turns += 1
        return maybeDeferred(work)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "routes"


def test_a_start_finds_the_routes_with_the_time_they_had_left(path: Path) -> None:
    first = House(path)
    first.cache.put(A_COM, route("A"))
    first.cache.put(B_COM, route("B", ttl=10))
    first.cache.put(B_COM, miss())
    first.clock.advance(20)
    success_of(first.snapshot.save())
    assert first.snapshot.written == 1
    later = House(path, ahead=1030.0)
    assert later.snapshot.load() == 1
    look = later.cache.look(A_COM)
    assert look is not None
    assert (look.left, look.stale_left) == (30, 130)
    assert later.cache.look(B_COM) is None


def test_what_expired_meanwhile_is_stale_and_what_is_too_old_is_gone(path: Path) -> None:
    first = House(path)
    first.cache.put(A_COM, route("A"))
    success_of(first.snapshot.save())
    stale = House(path, ahead=1070.0)
    stale.snapshot.load()
    assert stale.cache.get(A_COM) is None
    assert stale.cache.stale(A_COM, 1000) is not None
    gone = House(path, ahead=1170.0)
    gone.snapshot.load()
    assert gone.cache.look(A_COM) is None


def test_a_wall_clock_that_was_set_back_makes_no_route_immortal(path: Path) -> None:
    first = House(path)
    first.cache._lifetimes = first.cache._lifetimes.__class__(ttl=60, neg_ttl=10, max_ttl=300, max_stale_ttl=600)
    first.cache.put(A_COM, route("A"))
    success_of(first.snapshot.save())
    later = House(path, ahead=-1e9)
    later.cache._lifetimes = first.cache._lifetimes
    later.snapshot.load()
    look = later.cache.look(A_COM)
    assert look is not None
    assert look.left <= 300


def test_it_is_written_at_each_interval_and_when_it_stops(path: Path) -> None:
    house = House(path)
    house.snapshot.start()
    assert not path.exists()
    house.cache.put(A_COM, route())
    house.clock.advance(30)
    assert path.exists()
    house.cache.put(B_COM, route())
    success_of(Deferred.fromCoroutine(house.snapshot.stop()))
    assert House(path).snapshot.load() == 2
    assert not house.clock.getDelayedCalls()


def test_it_is_for_its_owner_alone_and_put_in_place_whole(path: Path) -> None:
    house = House(path)
    path.write_text("before")
    success_of(house.snapshot.save())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_many_routes_are_written_in_slices_so_that_the_reactor_gets_its_turn(path: Path) -> None:
    house = House(path)
    for number in range(4 * SLICE + 1):
        house.cache.put(A_COM, route(wildcard=None, host="10.0.0.1"))
        house.cache.restore(f"n{number}.com", route(), 50, 60)
    success_of(house.snapshot.save())
    assert house.turns == 2 + 5
    assert House(path).snapshot.load() == 4 * SLICE + 2


def test_a_route_to_a_pool_is_restored_where_the_pool_is_still_there(path: Path) -> None:
    house = House(path)
    house.cache.put(A_COM, evolve(route(), upstreams=(), pool="web"))
    success_of(house.snapshot.save())
    gone, there = House(path), House(path, pools=frozenset({"web"}))
    assert (gone.snapshot.load(), there.snapshot.load()) == (0, 1)
    look = there.cache.look(A_COM)
    assert look is not None
    assert isinstance(look.answer, Route)
    assert look.answer.pool == "web"


def test_a_route_one_of_whose_paths_goes_to_a_pool_that_is_gone_is_not_restored(path: Path) -> None:
    house = House(path)
    rule = PathRule(path="/x", kind="prefix", upstreams=(), pool="gone")
    house.cache.put(A_COM, evolve(route(), paths=(rule,)))
    house.cache.put(B_COM, evolve(route(), paths=(evolve(rule, pool=None, upstreams=route().upstreams),)))
    success_of(house.snapshot.save())
    later = House(path)
    assert later.snapshot.load() == 1
    assert later.cache.look(B_COM) is not None


def test_a_disk_that_cannot_be_written_is_told_of_once_and_keeps_the_old_file(tmp_path: Path) -> None:
    house = House(tmp_path / "missing" / "routes")
    with capturedLogs() as events:
        success_of(house.snapshot.save())
        success_of(house.snapshot.save())
        (tmp_path / "missing").mkdir()
        success_of(house.snapshot.save())
    assert [event["log_level"] for event in events] == [LogLevel.warn]
    assert house.snapshot.failures == 2


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 1000, b'{"kind":"starship routes","version":1}\n'])
def test_a_torn_or_alien_file_is_refused_with_a_warning_and_never_a_crash(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    house = House(path)
    with capturedLogs() as events:
        assert house.snapshot.load() == 0
    assert [event["log_level"] for event in events] == [LogLevel.warn]
    assert not errors_in(events)


def test_no_file_is_a_first_start_and_a_directory_is_none(path: Path) -> None:
    with capturedLogs() as events:
        assert House(path).snapshot.load() == 0
        assert not events
        path.mkdir()
        assert House(path).snapshot.load() == 0
    assert len(events) == 1
