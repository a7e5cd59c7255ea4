"""Which endpoints are checked, when, and what comes of it."""

from __future__ import annotations

import errno
from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, succeed
from twisted.logger import capturedLogs

from starship.dial.health.check import Check, Pace, Question
from starship.dial.pools.checks import AT_ONCE, FIRST_RATE, JITTER, LOOK_S, Checks
from starship.dial.pools.listed import nobody
from starship.dial.pools.member import State
from starship.dial.pools.pool import Pool
from starship.dial.pools.views import view
from starship.words import Address, Upstream
from tests.dial.health.probing import Field, Try, hangs, refuses, takes
from tests.dial.pools.pooling import SOURCE, World, picks, seat_of, up
from tests.fakes import errors_in

ONE, TWO = "192.0.2.1", "192.0.2.2"
PACE = Pace(interval=5.0, timeout=2.0, rise=2, fall=3)
TCP = Check(question=Question(kind="tcp"), pace=PACE)
LONGEST_S = PACE.interval * (1 + JITTER) + 0.01
SHORTEST_S = PACE.interval * (1 - JITTER) - 0.01


@define(eq=False, repr=False)
class Scene:
    """Pools that are checked, and what their endpoints do."""

    world: World = field(factory=World)
    field_: Field = field(init=False)
    pools: list[Pool] = field(factory=list)
    closed: list[tuple[str, Address]] = field(factory=list)
    closing: Deferred[int] | None = None
    checks: Checks = field(init=False)

    def __attrs_post_init__(self) -> None:
        clock: Any = self.world.clock
        self.field_ = Field(clock=clock)
        self.checks = Checks(
            pools=lambda: self.pools, line=self.field_.line, clock=clock, random=Random(7), close=self._close
        )

    def _close(self, pool: str, address: Address) -> Deferred[int]:
        self.closed.append((pool, address))
        return succeed(0) if self.closing is None else self.closing

    def pool(self, *upstreams: Upstream, check: Check | None = TCP, **terms: Any) -> Pool:
        pool = self.world.pool(*upstreams, check=check, **terms)
        self.pools.append(pool)
        return pool

    def does(self, host: str, conduct: Any) -> None:
        self.field_.conduct[host] = conduct

    def begins(self, *others: tuple[str, Any]) -> Scene:
        for host, conduct in others:
            self.does(host, conduct)
        self.checks.start()
        return self

    def passes(self, seconds: float) -> None:
        """Time goes by, in small steps."""
        for _ in range(round(seconds * 20)):
            self.world.clock.advance(0.05)

    def rounds(self, count: int) -> None:
        """Everybody has been asked so many times more, at least."""
        self.passes(count * LONGEST_S + 0.1)

    @property
    def asked(self) -> Counter[str]:
        return Counter(one.remote.host for one in self.field_.tries)

    def until_asked(self) -> Try:
        """The next check."""
        count = len(self.field_.tries)
        for _ in range(2000):
            if len(self.field_.tries) > count:
                break
            self.world.clock.advance(0.01)
        return self.field_.tries[-1]


def web(**terms: Any) -> tuple[Scene, Pool]:
    """Two endpoints, both well."""
    scene = Scene()
    pool = scene.pool(up(ONE), up(TWO), **terms)
    return scene.begins((ONE, takes), (TWO, takes)), pool


def down_after(scene: Scene, host: str) -> int:
    """How many checks it fails until it is down."""
    scene.does(host, refuses)
    before = scene.asked[host]
    while not seat_of(scene.pools[0], host).down:
        scene.world.clock.advance(0.05)
        assert scene.asked[host] < before + 100
    return scene.asked[host] - before


def test_a_pool_without_a_check_is_left_alone() -> None:
    scene = Scene()
    scene.pool(up(ONE), check=None)
    scene.begins()
    scene.rounds(3)
    assert scene.asked == {}
    assert scene.checks.endpoints == {"up": 0, "down": 0}


def test_each_endpoint_is_asked_once_an_interval_a_little_more_or_less() -> None:
    scene, _ = web()
    moments: dict[str, list[float]] = {ONE: [], TWO: []}
    for _ in range(60):
        host = scene.until_asked().remote.host
        moments[host].append(scene.world.clock.seconds())
    for times in moments.values():
        gaps = [later - sooner for sooner, later in pairwise(times)]
        assert all(SHORTEST_S <= gap <= LONGEST_S for gap in gaps)
        assert max(gaps) - min(gaps) > JITTER * PACE.interval


def many(count: int, interval: float = PACE.interval) -> Scene:
    """So many endpoints, all well."""
    scene = Scene()
    hosts = [f"10.0.{number // 250}.{number % 250}" for number in range(count)]
    scene.pool(*map(up, hosts), check=evolve(TCP, pace=evolve(PACE, interval=interval)))
    return scene.begins(*((host, takes) for host in hosts))


def test_who_is_new_is_asked_within_a_second_so_many_in_each() -> None:
    scene = many(FIRST_RATE)
    seen = []
    for _ in range(10):
        scene.passes(LOOK_S / 10)
        seen.append(len(scene.field_.tries))
    assert len(scene.asked) == FIRST_RATE
    assert all(2 < later - sooner < 30 for sooner, later in zip([0, *seen], seen, strict=False))
    scene = many(2 * FIRST_RATE)
    scene.passes(1)
    assert 0.7 * FIRST_RATE < len(scene.asked) < 1.3 * FIRST_RATE
    scene.passes(1.1)
    assert len(scene.asked) == 2 * FIRST_RATE


def test_a_new_endpoint_waits_no_longer_for_its_first_check_than_an_interval() -> None:
    scene = many(2 * FIRST_RATE, interval=1.0)
    scene.passes(1.1)
    assert len(scene.asked) == 2 * FIRST_RATE


def test_the_very_first_check_decides_by_itself_and_then_it_takes_so_many_in_a_row() -> None:
    scene = Scene()
    pool = scene.pool(up(ONE), up(TWO))
    scene.begins((ONE, refuses), (TWO, takes))
    scene.passes(PACE.interval)
    assert picks(pool) == {TWO}
    assert seat_of(pool, ONE).member.state(0.0, pool.terms.check.question if pool.terms.check else None) is State.DOWN
    scene.does(ONE, takes)
    before = scene.asked[ONE]
    while seat_of(pool, ONE).down:
        scene.world.clock.advance(0.05)
    assert scene.asked[ONE] - before == PACE.rise
    assert picks(pool) == {ONE, TWO}
    assert down_after(scene, ONE) == PACE.fall
    assert scene.checks.changes == {"up": 1, "down": 2}


def test_a_black_hole_is_found_out_at_its_deadline_and_not_before() -> None:
    scene = Scene()
    pool = scene.pool(up(ONE), up(TWO))
    scene.begins((ONE, hangs), (TWO, takes))
    while scene.asked[ONE] == 0:
        scene.until_asked()
    scene.world.clock.advance(PACE.timeout - 0.01)
    assert picks(pool) == {ONE, TWO}
    scene.world.clock.advance(0.02)
    assert picks(pool) == {TWO}


def test_the_interval_counts_from_the_beginning_of_a_check() -> None:
    scene = Scene()
    scene.pool(up(ONE))
    scene.begins((ONE, hangs))
    scene.until_asked()
    at = scene.world.clock.seconds()
    for _ in range(5):
        scene.until_asked()
        assert SHORTEST_S <= scene.world.clock.seconds() - at <= LONGEST_S
        at = scene.world.clock.seconds()


def test_a_check_that_takes_longer_than_the_interval_is_followed_by_the_next_and_never_joined_by_it() -> None:
    scene = Scene()
    scene.pool(up(ONE), check=Check(question=TCP.question, pace=Pace(interval=0.5, timeout=2.0)))
    scene.begins((ONE, hangs))
    for _ in range(200):
        scene.passes(0.05)
        assert scene.field_.open <= 1
    assert scene.asked[ONE] in (4, 5)


def test_all_down_is_all_tried() -> None:
    scene = Scene()
    pool = scene.pool(up(ONE), up(TWO))
    scene.begins((ONE, refuses), (TWO, refuses))
    scene.rounds(1)
    assert scene.checks.endpoints == {"up": 0, "down": 2}
    assert pool.current().panic
    assert picks(pool) == {ONE, TWO}


def test_one_endpoint_is_asked_once_however_many_pools_name_it() -> None:
    scene = Scene()
    pools = [scene.pool(up(ONE), up(TWO)) for _ in range(20)]
    scene.begins((ONE, takes), (TWO, takes))
    scene.passes(LOOK_S)
    assert scene.asked == {ONE: 1, TWO: 1}
    assert down_after(scene, ONE) == PACE.fall
    assert all(picks(pool) == {TWO} for pool in pools)


def test_endpoints_that_a_lookup_lists_are_asked_where_that_is_wanted_and_their_connections_are_kept() -> None:
    scene = Scene()
    listed = World(clock=scene.world.clock).pool(up(ONE), up(TWO), check=evolve(TCP, closes=True))
    listed.name = ""
    scene.checks.listed = lambda: ((listed, seat) for seat in listed.standing())
    scene.begins((ONE, refuses), (TWO, takes))
    scene.rounds(1)
    assert picks(listed) == {TWO}
    assert scene.closed == []
    scene.checks.listed = nobody
    scene.passes(1)
    assert picks(listed) == {ONE, TWO}
    assert scene.checks.endpoints == {"up": 0, "down": 0}


def test_pools_that_ask_the_same_share_the_shorter_interval() -> None:
    scene = Scene()
    scene.pool(up(ONE))
    scene.pool(up(ONE), check=Check(question=TCP.question, pace=Pace(interval=1.0)))
    scene.begins((ONE, takes))
    scene.passes(20)
    assert 17 <= scene.asked[ONE] <= 24


def test_who_asks_something_else_of_it_finds_out_for_itself_alone() -> None:
    scene = Scene()
    picky = scene.pool(up(ONE), up(TWO), check=Check(question=Question(kind="http", host="a.com"), pace=PACE))
    easy = scene.pool(up(ONE), up(TWO))
    bare = scene.pool(up(ONE), up(TWO), check=None)

    def fails(one: Try) -> None:
        one.succeeds().says(b"HTTP/1.1 500 Oops\r\n\r\n")

    scene.begins((ONE, fails), (TWO, fails))
    scene.does(TWO, lambda one: one.succeeds().says(b"HTTP/1.1 200 OK\r\n\r\n"))
    scene.passes(LOOK_S)
    assert scene.asked == {ONE: 2, TWO: 2}
    assert (picks(picky), picks(easy), picks(bare)) == ({TWO}, {ONE, TWO}, {ONE, TWO})


def test_the_port_that_is_asked_may_be_another_one() -> None:
    scene = Scene()
    scene.pool(up(ONE, 443), check=Check(question=Question(kind="tcp", port=8080), pace=PACE))
    scene.begins((ONE, takes))
    assert scene.until_asked().remote == Address(ONE, 8080)


def test_who_is_back_begins_slowly() -> None:
    scene, pool = web(slow_start=30.0)
    scene.rounds(1)
    down_after(scene, ONE)
    scene.does(ONE, takes)
    while seat_of(pool, ONE).down:
        scene.world.clock.advance(0.05)

    def share() -> float:
        table = pool.current()
        shares = dict(zip((seat.member.address.host for seat in table.seats), table.shares, strict=True))
        return shares[ONE] / shares[TWO]

    assert share() == 0.1
    assert seat_of(pool, ONE).member.state(30.0, TCP.question) is State.SLOW
    scene.passes(15.1)
    assert 0.4 <= share() <= 0.6
    scene.passes(18.1)
    assert share() == 1.0


def test_who_is_well_from_the_first_check_on_has_no_slow_start() -> None:
    scene, pool = web(slow_start=30.0)
    scene.rounds(1)
    assert set(pool.current().shares) == {100}


def test_a_change_is_told_once_and_nothing_else_is() -> None:
    scene, pool = web()
    with capturedLogs() as events:
        scene.rounds(2)
        assert events == []
        down_after(scene, ONE)
        scene.rounds(4)
        scene.does(ONE, takes)
        scene.rounds(4)
    told = [event["log_format"].format(**event) for event in events]
    assert told == [
        f"{ONE}:443 is down: tcp check: it could not be connected to: ECONNREFUSED",
        f"{ONE}:443 is up: its tcp check passed",
    ]
    assert not errors_in(events)
    assert not pool.current().panic


def test_what_fails_by_our_own_fault_changes_nothing() -> None:
    scene, pool = web()
    scene.rounds(1)
    scene.does(ONE, lambda one: one.fails(errno.EMFILE))
    scene.rounds(6)
    assert picks(pool) == {ONE, TWO}
    assert scene.checks.results["tcp", "unmade"] >= 6
    assert scene.checks.results["tcp", "failed"] == 0


def test_connections_to_who_went_down_are_closed_for_the_pools_that_want_it() -> None:
    scene = Scene()
    closing = Check(question=TCP.question, pace=PACE, closes=True)
    scene.pool(up(ONE), up(TWO), check=closing)
    scene.pool(up(ONE))
    scene.begins((ONE, takes), (TWO, takes))
    scene.rounds(1)
    down_after(scene, ONE)
    scene.rounds(5)
    assert scene.closed == [("web", Address(ONE, 443))]


def test_no_connection_is_closed_where_nobody_asked_for_it() -> None:
    scene, _ = web()
    scene.rounds(1)
    down_after(scene, ONE)
    assert scene.closed == []


def test_how_many_were_closed_is_told_and_a_stop_gives_it_up() -> None:
    scene = Scene(closing=succeed(7))
    scene.pool(up(ONE), check=Check(question=TCP.question, pace=PACE, closes=True))
    with capturedLogs() as events:
        scene.begins((ONE, refuses)).rounds(1)
    assert events[-1]["log_format"].format(**events[-1]) == f"7 connections of web to {ONE}:443 were closed"
    cancelled: list[Deferred[int]] = []
    other = Scene(closing=Deferred(cancelled.append))
    other.pool(up(ONE), check=Check(question=TCP.question, pace=PACE, closes=True))
    other.begins((ONE, refuses)).rounds(1)
    other.checks.stop()
    assert len(cancelled) == 1
    assert not errors_in(events)


def test_so_many_are_asked_at_once_and_the_others_in_their_turn() -> None:
    scene = Scene()
    count = AT_ONCE + 50
    hosts = [f"10.0.{number // 250}.{number % 250 + 1}" for number in range(count)]
    scene.pool(*map(up, hosts), check=Check(question=TCP.question, pace=Pace(interval=1.0, timeout=5.0)))
    scene.begins()
    scene.passes(1.1)
    assert (len(scene.field_.tries), scene.checks.waiting) == (AT_ONCE, 50)
    scene.field_.tries[0].fails()
    assert (len(scene.field_.tries), scene.checks.waiting) == (AT_ONCE + 1, 49)
    for host in hosts:
        scene.does(host, takes)
    for one in scene.field_.tries[1:AT_ONCE]:
        one.succeeds()
    assert (len(scene.field_.tries), scene.checks.waiting) == (count, 0)


def test_thousands_that_answer_at_once_go_no_deeper() -> None:
    scene = Scene()
    hosts = [f"10.{number // 60000}.{number // 240 % 250}.{number % 240 + 1}" for number in range(1000)]
    for host in hosts:
        scene.does(host, takes)
    scene.pool(*map(up, hosts))
    scene.begins()
    scene.world.clock.advance(PACE.interval)
    assert scene.asked.total() == 1000


def test_a_member_that_has_left_its_pool_is_asked_no_more_and_a_new_one_is() -> None:
    scene, pool = web()
    scene.rounds(1)
    other = scene.world.pool(up(TWO), up("192.0.2.3"), check=TCP)
    pool.close()
    scene.pools[:] = [other]
    scene.does("192.0.2.3", refuses)
    scene.passes(LOOK_S + 0.1)
    before = scene.asked
    scene.rounds(2)
    after = scene.asked - before
    assert ONE not in after
    assert after[TWO] >= 2
    assert picks(other) == {TWO}


def test_who_leaves_while_it_is_being_asked_leaves_nothing() -> None:
    scene = Scene()
    scene.pool(up(ONE))
    scene.begins((ONE, hangs))
    scene.until_asked()
    scene.pools.clear()
    scene.world.clock.advance(LOOK_S)
    assert scene.field_.open == 0
    assert len(scene.world.clock.getDelayedCalls()) == 1  # the next look
    others = [up(f"10.0.0.{number}") for number in range(1, AT_ONCE + 10)]
    scene.pool(*others, check=Check(question=TCP.question, pace=Pace(interval=1.0, timeout=5.0)))
    scene.passes(LOOK_S + 1.1)
    assert scene.field_.open == AT_ONCE


def test_who_was_down_and_is_checked_no_more_may_be_used_again() -> None:
    scene, pool = web()
    scene.rounds(1)
    down_after(scene, ONE)
    scene.checks.stop()
    assert picks(pool) == {ONE, TWO}


def test_a_stop_leaves_nothing_under_way() -> None:
    scene = Scene()
    scene.pool(up(ONE), up(TWO), up("192.0.2.3"))
    scene.begins((ONE, takes), (TWO, hangs))
    scene.passes(PACE.interval)
    scene.checks.stop()
    assert scene.field_.open == 0
    assert scene.world.clock.getDelayedCalls() == []


def test_a_flapping_endpoint_changes_no_more_often_than_its_rise_and_fall_allow() -> None:
    scene, pool = web(check=Check(question=TCP.question, pace=Pace(interval=1.0, timeout=0.5, rise=2, fall=3)))
    scene.rounds(1)
    for second in range(120):
        scene.does(ONE, takes if second % 2 else refuses)
        scene.passes(1.0)
        assert TWO in picks(pool)
    changes = scene.checks.changes.total()
    assert changes <= 120 / 2
    assert pool.pick(SOURCE, None) is not None


def test_the_addresses_of_a_name_come_and_go_with_its_answers() -> None:
    scene = Scene()
    pool = scene.pool(up("web.example"))
    scene.begins((ONE, takes), (TWO, refuses))
    name = scene.world.resolver.name("web.example")
    assert scene.world.resolver.questions == []  # a name is asked about by who keeps it known, not by who checks
    name.answer(ONE, TWO)
    scene.passes(LOOK_S + PACE.interval)
    assert set(scene.asked) == {ONE, TWO}
    assert picks(pool) == {ONE}
    name.answer(TWO)
    scene.passes(LOOK_S)
    before = scene.asked[ONE]
    scene.rounds(2)
    assert scene.asked[ONE] == before
    assert picks(pool) == {TWO}  # all there is, well or not


def test_who_looks_at_a_pool_sees_who_is_down_since_when_and_why() -> None:
    scene, pool = web()
    scene.rounds(1)
    down_after(scene, ONE)
    scene.world.clock.advance(1.0)
    one, two = view(pool).members
    assert (one.state, one.share, one.why) == ("down", 0.0, "tcp check: it could not be connected to: ECONNREFUSED")
    assert 1.0 <= one.since < 1.1
    assert (two.state, two.share, two.why) == ("up", 1.0, "")
