"""A connection is held while its first bytes are read, handed over, or said goodbye to in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from attrs import define, evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import LogEvent, capturedLogs
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from starship.accept.gate import Gate
from starship.errors import DialReset, LookupTimeout
from starship.interfaces import ICancel, IClient, ILeg, ISniffer, IWayBack
from starship.reasons import Mood, Reason
from starship.refuse.alerts import AlertRefuser
from starship.refuse.pages import load_pages
from starship.sniff.http import HttpSniffer
from starship.sniff.tls import TlsSniffer
from starship.wire.parting import LINGER_LIMIT_BYTES, LINGER_S, LOOK_S
from starship.wire.stock import HOLD_LIMIT_BYTES, HOLD_READ_BYTES
from starship.wire.transport import WireTransport
from starship.words import Address, Miss, Origin, Stop, Upstream
from tests import fakes
from tests.accept.doors import HELLO_TIMEOUT_S, ROUTE, Fate, House, LineSniffer, Visit, WordRefuser, closed
from tests.fakes import Join, errors_in
from tests.wire.bench import Bench, reset, stuff, tcp_pair

FLOOD = b"x" * HOLD_READ_BYTES


def looking_up(**parts: Any) -> tuple[House, Visit]:
    """A client that waits for a lookup."""
    house = House(resolver=fakes.FakeResolver(), **parts)
    visit = house.visit()
    visit.says(b"a.com\n")
    return house, visit


def dialling() -> tuple[House, Visit]:
    """A client that waits for a dial."""
    house = House(dialer=fakes.FakeDialer())
    visit = house.visit()
    visit.says(b"a.com\n")
    return house, visit


@pytest.fixture
def log() -> Iterator[Sequence[LogEvent]]:
    """What is logged meanwhile."""
    with capturedLogs() as events:
        yield events


def test_a_connection_offers_what_a_journey_may_ask() -> None:
    assert verifyObject(IClient, House().visit().protocol)


# Sniffing


@given(st.lists(st.integers(0, 11), max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_hello_in_any_pieces_is_dialled_once_with_all_that_came_s13(cuts: list[int]) -> None:
    flight = b"a.com\nmore!"
    house = House(dialer=fakes.FakeDialer())
    visit = house.visit()
    marks = [0, *sorted(cuts), len(flight)]
    for start, stop in pairwise(marks):
        visit.says(flight[start:stop])
    (dial,) = house.dialer.dials
    leg = fakes.FakeLeg()
    dial.outcome.dialled(leg)
    house.joins[0].client.carry(leg, None, lambda why: None)
    assert dial.opening + bytes(leg.data) == flight
    assert house.ledger.arrivals[0].client.host == "192.168.1.1"


def test_a_hello_longer_than_what_is_held_is_read_to_its_end() -> None:
    house = House()
    visit = house.visit()
    name = b"n" * 60_000
    for start in range(0, len(name), HOLD_READ_BYTES):
        visit.says(name[start : start + HOLD_READ_BYTES])
        assert not visit.wire.paused
    visit.says(b"\n")
    assert house.dialer.dials[0].opening == name + b"\n"


def test_the_deadline_of_the_hello_counts_from_accept_and_no_byte_restarts_it_l16() -> None:
    house = House()
    visit = house.visit()
    for _ in range(127):
        house.clock.advance(HELLO_TIMEOUT_S / 128)
        visit.says(b"a")
    assert not house.ledger.endings
    assert visit.heard == b""
    house.clock.advance(HELLO_TIMEOUT_S / 128)
    assert visit.heard == b"no: hello_timeout"
    assert (house.ending.mood, house.ending.received) == (Mood.SILENT, 127)


def test_a_hello_just_before_the_deadline_is_taken_and_the_deadline_is_over_l16() -> None:
    house = House(resolver=fakes.FakeResolver())
    visit = house.visit()
    house.clock.advance(HELLO_TIMEOUT_S - 0.001)
    visit.says(b"a.com\n")
    house.clock.advance(1000)
    assert not house.ledger.endings
    assert not house.clock.getDelayedCalls()


@pytest.mark.parametrize(("first", "deadlines"), [(b"a.com\n", 0), (b"a.c", 1), (b"", 1)])
def test_only_a_hello_that_was_not_there_at_once_has_a_deadline_l16(first: bytes, deadlines: int) -> None:
    bench, house = Bench(), House()
    ours, theirs = tcp_pair()
    theirs.sendall(first)
    here = Address("127.0.0.1", 1)
    transport: Any = WireTransport(bench.ground, ours.detach(), here, here)
    protocol = house.factory.buildProtocol(None)
    transport.owner = protocol
    protocol.makeConnection(transport)
    assert len(house.clock.getDelayedCalls()) == deadlines
    assert len(house.joins) == 1 - deadlines
    theirs.close()
    transport.abort()
    bench.turns()
    bench.close()
    assert not house.clock.getDelayedCalls()


def test_a_silent_client_is_closed_without_a_word() -> None:
    house = House()
    visit = house.visit()
    house.clock.advance(HELLO_TIMEOUT_S)
    assert visit.wire.disconnecting
    assert visit.heard == b""
    assert (house.ending.reason, house.ending.mood) == (Reason.HELLO_TIMEOUT, Mood.SILENT)
    visit.closes()
    assert house.is_empty()


def test_an_end_of_stream_before_a_full_hello_is_a_client_gone() -> None:
    house = House()
    visit = house.visit()
    visit.says(b"a.co")
    visit.ends()
    assert visit.wire.disconnecting
    assert visit.heard == b""
    assert house.ending.reason is Reason.CLIENT_GONE
    visit.closes()
    assert house.is_empty()


def test_a_reset_before_a_full_hello_is_a_client_gone() -> None:
    house = House()
    house.visit().resets()
    assert (house.ending.reason, house.ending.status) == (Reason.CLIENT_GONE, 499)
    assert house.is_empty()


def test_a_slow_http_client_is_told_408_l16() -> None:
    pages = load_pages(
        brand="Starship",
        colour="#4f46e5",
        logo=None,
        support=None,
        templates=None,
        retry_after=10,
        wall_clock=lambda: 0,
    )
    house = House(sniffer=lambda: HttpSniffer(32768), refuser=pages)
    visit = house.visit()
    visit.says(b"GET / HTTP/1.1\r\nHost: a.")
    house.clock.advance(HELLO_TIMEOUT_S)
    assert visit.heard.startswith(b"HTTP/1.1 408 ")
    assert (house.ending.reason, house.ending.status) == (Reason.HELLO_TIMEOUT, 408)


# Holding


def test_a_flood_during_the_lookup_and_the_dial_is_paused_within_64_kib() -> None:
    house = House(resolver=fakes.FakeResolver(), dialer=fakes.FakeDialer())
    visit = house.visit()
    visit.says(b"a.com\n")

    def flood() -> None:
        for _ in range(100):
            if visit.wire.paused:
                return
            visit.says(FLOOD)

    flood()
    assert visit.wire.paused
    house.resolver.questions[0].callback(ROUTE)
    flood()
    assert visit.wire.paused
    assert HOLD_LIMIT_BYTES <= visit.protocol.received <= 65536
    leg = fakes.FakeLeg()
    house.dialer.dials[0].outcome.dialled(leg)
    house.joins[0].client.carry(leg, None, lambda why: None)
    assert not visit.wire.paused
    assert len(house.dialer.dials[0].opening) + len(leg.data) == visit.protocol.received


def test_a_flood_that_comes_during_the_dial_is_carried_after_what_was_replayed() -> None:
    house, visit = dialling()
    while not visit.wire.paused:
        visit.says(FLOOD)
    assert visit.protocol.received <= 65536
    leg = fakes.FakeLeg()
    house.dialer.dials[0].outcome.dialled(leg)
    house.joins[0].client.carry(leg, None, lambda why: None)
    assert house.dialer.dials[0].opening == b"a.com\n"
    assert set(leg.data) == set(FLOOD)
    assert not visit.wire.paused


@pytest.mark.parametrize("start", [looking_up, dialling])
def test_a_client_reset_while_held_ends_the_walk(start: Any) -> None:
    house, visit = start()
    visit.resets()
    assert house.ending.reason is Reason.CLIENT_GONE
    assert house.is_empty()
    if house.resolver.questions:
        assert house.resolver.questions[0].called
    else:
        assert house.dialer.dials[0].cancelled == 1


def test_a_flood_that_is_reset_while_its_upstream_is_dialled_ends_the_walk_at_once() -> None:
    bench, house = Bench(), House(dialer=fakes.FakeDialer())
    ours, theirs = tcp_pair()
    here = Address("127.0.0.1", 1)
    transport: Any = WireTransport(bench.ground, ours.detach(), here, here)
    transport.owner = protocol = house.factory.buildProtocol(None)
    protocol.makeConnection(transport)
    theirs.sendall(b"a.com\n")
    bench.until(lambda: bool(house.dialer.dials))
    stuff(theirs, 1 << 20)
    bench.turns(10)
    reset(theirs)
    bench.until(lambda: not house.factory.live)
    assert house.ending.reason is Reason.CLIENT_GONE
    assert (house.dialer.dials[0].cancelled, transport.fd) == (1, -1)
    bench.close()
    assert house.is_empty()


@pytest.mark.parametrize("start", [looking_up, dialling])
def test_an_early_end_of_stream_is_remembered_and_carried(start: Any) -> None:
    house, visit = start()
    visit.says(b"the rest")
    visit.ends()
    assert not house.ledger.endings
    leg = fakes.FakeLeg()
    if house.resolver.questions:
        house.dialer.leg = leg
        house.resolver.questions[0].callback(ROUTE)
    else:
        house.dialer.dials[0].outcome.dialled(leg)
    ends: list[object] = []
    house.joins[0].client.carry(leg, None, ends.append)
    assert house.dialer.dials[0].opening + bytes(leg.data) == b"a.com\nthe rest"
    assert [str(end) for end in ends] == ["ended"]


# Going back


def carried() -> tuple[House, Visit, fakes.FakeChance]:
    """A client that is joined to an endpoint of a pool."""
    house, visit = dialling()
    chance = fakes.FakeChance()
    house.dialer.dials[0].outcome.dialled(fakes.FakeLeg(), chance)
    return house, visit, chance


def test_a_relay_has_a_way_back_only_where_there_are_others() -> None:
    house, visit, _ = carried()
    assert verifyObject(IWayBack, visit.protocol)
    assert house.joins[0].back is visit.protocol
    alone, _ = dialling()
    alone.dialer.dials[0].outcome.dialled(fakes.FakeLeg())
    assert alone.joins[0].back is None


def test_who_goes_back_is_held_and_joined_to_another_with_what_it_said_meanwhile() -> None:
    house, visit, chance = carried()
    assert visit.protocol.may_go_back()
    visit.protocol.go_back(Stop.LOST)
    visit.says(b"meanwhile")
    leg = fakes.FakeLeg()
    chance.takes[0][0].dialled(leg)
    house.joins[1].client.carry(leg, None, lambda why: None)
    assert bytes(leg.data) == b"meanwhile"
    house.joins[1].done(Reason.OK, "")
    visit.closes()
    assert house.is_empty()


def test_who_goes_back_before_the_relay_was_made_is_joined_to_the_second_alone() -> None:
    """An upstream may have stopped before anybody began to listen to it."""
    second = fakes.FakeLeg()
    chance = fakes.FakeChance(leg=second)
    joins: list[Join] = []

    def relay(client: ILeg, upstream: ILeg, done: Any, back: IWayBack | None = None) -> ICancel:
        if back is not None:
            back.go_back(Stop.ENDED)
        joins.append(Join(client, upstream, done, back))
        return joins[-1]

    house = House(dialer=fakes.FakeDialer(), relay=relay)
    visit = house.visit()
    visit.says(b"a.com\n")
    house.dialer.dials[0].outcome.dialled(fakes.FakeLeg(), chance)
    visit.protocol.stop(Reason.CLOSED)
    assert [join.cancelled for join in joins] == [1, 0]
    assert joins[0].upstream is second


def test_who_stays_before_the_relay_was_made_can_still_be_severed() -> None:
    joins: list[Join] = []

    def relay(client: ILeg, upstream: ILeg, done: Any, back: IWayBack | None = None) -> ICancel:
        if back is not None:
            back.stay()
        joins.append(Join(client, upstream, done, back))
        return joins[-1]

    house = House(dialer=fakes.FakeDialer(), relay=relay)
    visit = house.visit()
    visit.says(b"a.com\n")
    house.dialer.dials[0].outcome.dialled(fakes.FakeLeg(), fakes.FakeChance())
    visit.protocol.stop(Reason.CLOSED)
    assert [join.cancelled for join in joins] == [1]


@pytest.mark.parametrize("is_over", [True, False])
def test_the_opening_is_kept_while_there_is_a_way_back_for_a_route_that_is_asked_about_anew(is_over: bool) -> None:
    house, visit, chance = carried()
    if is_over:
        visit.protocol.stay()
        assert chance.forgotten == 1
        return
    visit.protocol.go_back(Stop.LOST)
    chance.takes[0][0].failed(DialReset("all have"))
    house.resolver.renewals[0].callback(evolve(ROUTE, upstreams=(Upstream(host="192.0.2.81"),)))
    assert house.dialer.dials[1].opening == house.dialer.dials[0].opening == b"a.com\n"


@pytest.mark.parametrize("event", ["resets", "closes"])
def test_a_client_that_leaves_while_another_is_dialled_is_gone(event: str) -> None:
    house, visit, chance = carried()
    visit.protocol.go_back(Stop.LOST)
    getattr(visit, event)()
    assert (house.ending.reason, chance.cancelled) == (Reason.CLIENT_GONE, 1)
    assert house.is_empty()


# Refusing


def test_a_refusal_is_said_half_closed_and_lingered_for() -> None:
    house = House()
    visit = house.visit()
    visit.says(b"bad\n")
    assert visit.heard == b"no: bad_hello"
    assert visit.wire.shut
    assert not visit.wire.disconnecting
    assert (house.ending.reason, house.ending.status, house.ending.sent) == (Reason.BAD_HELLO, 400, len(visit.heard))
    visit.hears_the_end()
    assert not visit.wire.disconnecting
    visit.ends()
    assert visit.wire.disconnecting
    assert not visit.wire.disconnected
    visit.closes()
    assert house.is_empty()


def test_a_refused_client_that_stays_is_closed_in_order_when_its_time_is_over() -> None:
    house = House()
    visit = house.visit()
    visit.says(b"bad\n")
    house.clock.pump([LOOK_S] * int(LINGER_S / LOOK_S))
    assert not visit.wire.disconnecting
    house.clock.advance(LOOK_S)
    assert visit.wire.disconnecting
    assert not visit.wire.disconnected
    visit.closes()
    assert house.is_empty()


def test_a_refused_client_may_send_a_while_but_not_for_ever() -> None:
    house = House()
    visit = house.visit()
    visit.says(b"bad\n")
    sent = 0
    while sent + len(FLOOD) <= LINGER_LIMIT_BYTES:
        visit.says(FLOOD)
        sent += len(FLOOD)
        assert not visit.wire.paused
        assert not visit.wire.disconnected
    assert visit.protocol.opening(ROUTE) == b""
    visit.says(FLOOD)
    assert visit.wire.disconnected


def test_a_flood_that_was_paused_is_read_on_once_its_client_is_refused() -> None:
    house, visit = looking_up()
    while not visit.wire.paused:
        visit.says(FLOOD)
    house.resolver.questions[0].errback(LookupTimeout("late"))
    assert visit.heard == b"no: lookup_timeout"
    assert not visit.wire.paused


def test_a_client_that_had_ended_its_stream_is_closed_once_it_was_told() -> None:
    house, visit = looking_up()
    visit.ends()
    house.resolver.questions[0].callback(Miss(origin=Origin.FRESH))
    assert visit.heard == b"no: unknown_name"
    visit.hears_the_end()
    assert visit.wire.disconnecting
    visit.closes()
    assert house.is_empty()


def test_who_comes_to_the_wrong_door_is_answered_in_their_own_language() -> None:
    house = House()
    visit = house.visit()
    visit.says(b"door\n")
    assert visit.heard == b"other: wrong_door"
    assert house.ending.reason is Reason.WRONG_DOOR


def test_a_refusal_without_words_is_a_plain_close() -> None:
    house = House(refuser=WordRefuser(""))
    visit = house.visit()
    visit.says(b"bad\n")
    assert visit.heard == b""
    assert visit.wire.disconnecting
    assert house.ending.status == 495
    visit.closes()
    assert house.is_empty()


def test_a_slow_tls_client_is_closed_without_an_alert() -> None:
    house = House(sniffer=lambda: TlsSniffer(65536), refuser=AlertRefuser())
    visit = house.visit()
    visit.says(b"\x16\x03\x01")
    house.clock.advance(HELLO_TIMEOUT_S)
    assert visit.heard == b""
    assert visit.wire.disconnecting
    assert house.ending.reason is Reason.HELLO_TIMEOUT


def test_who_the_gate_does_not_want_is_told_and_not_counted() -> None:
    house = House(gate=closed())
    visit = house.visit()
    assert visit.heard == b"no: denied"
    visit.says(b"a.com\n")
    assert not house.resolver.asks
    assert house.ending.reason is Reason.DENIED
    visit.closes()
    assert house.is_empty()


def test_who_is_over_the_limit_is_told_and_leaves_the_count_alone() -> None:
    house = House(gate=Gate(connections=1, per_source=0, guests={}))
    first, second = house.visit(), house.visit()
    assert second.heard == b"no: over_limit"
    second.closes()
    assert house.gate.inside == 1
    first.closes()
    assert house.is_empty()


# Carrying


def test_what_is_joined_ends_with_the_word_of_the_relay() -> None:
    house = House()
    visit = house.visit()
    visit.says(b"a.com\n")
    house.joins[0].done(Reason.IDLE, "")
    visit.closes()
    assert house.ending.reason is Reason.IDLE
    assert house.is_empty()


def test_a_client_that_left_in_order_stays_on_the_books_while_the_upstream_takes_its_last_bytes() -> None:
    house = House()
    visit = house.visit()
    visit.says(b"a.com\n")
    visit.ends()
    visit.hears_the_end()
    visit.closes()
    assert house.joins[0].cancelled == 0
    assert house.gate.inside == 1
    assert not house.ledger.departures
    house.joins[0].done(Reason.OK, "")
    assert house.ending.reason is Reason.OK
    assert house.is_empty()


# What breaks


@define(eq=False)
class _BrokenGate(Gate):
    def admit(self, arrival: Any) -> Any:
        raise RuntimeError("boom")


def _broken_sniffer() -> ISniffer:
    raise RuntimeError("boom")


def test_a_sniffer_that_breaks_ends_this_connection_alone(log: Sequence[LogEvent]) -> None:
    house = House()
    other, visit = house.visit(), house.visit()
    visit.says(b"boom\n")
    assert visit.heard == b"no: internal"
    assert (house.ending.mood, house.ending.reason) == (Mood.BROKEN, Reason.INTERNAL)
    assert len(errors_in(log)) == 1
    visit.closes()
    assert len(house.factory.live) == 1
    other.says(b"a.com\n")
    assert len(house.joins) == 1


@pytest.mark.parametrize(
    "parts", [{"gate": _BrokenGate(connections=0, per_source=0, guests={})}, {"sniffer": _broken_sniffer}]
)
def test_what_breaks_at_the_door_ends_this_connection_alone(parts: Any, log: Sequence[LogEvent]) -> None:
    house = House(**parts)
    visit = house.visit()
    assert visit.heard == b"no: internal"
    assert house.ending.mood is Mood.BROKEN
    visit.says(b"a.com\n")
    visit.closes()
    assert house.is_empty()
    assert len(errors_in(log)) == 1


def test_a_refuser_that_breaks_resets_the_client(log: Sequence[LogEvent]) -> None:
    house = House(refuser=WordRefuser("boom"))
    visit = house.visit()
    visit.says(b"bad\n")
    assert visit.wire.disconnected
    assert house.ending.mood is Mood.BROKEN
    visit.resets()
    assert house.is_empty()
    assert len(errors_in(log)) == 1


@pytest.mark.parametrize("hello", [b"", b"a.com\n"])
def test_an_exception_that_twisted_caught_ends_the_walk_as_broken(hello: bytes) -> None:
    """Twisted logs it, and tells the Protocol with the exception as the reason."""
    house = House()
    visit = house.visit()
    visit.says(hello)
    visit.protocol.connectionLost(Failure(RuntimeError("boom")))
    assert house.ending.mood is Mood.BROKEN
    assert sum(join.cancelled for join in house.joins) == len(house.joins)
    assert house.is_empty()


# Stopping


def test_stopping_a_door_ends_each_walk_in_its_own_way() -> None:
    house = House(dialer=fakes.FakeDialer(leg=fakes.FakeLeg()))
    sniffing, joined, refused = house.visit(), house.visit(), house.visit()
    joined.says(b"a.com\n")
    refused.says(b"bad\n")
    house.factory.stop(Reason.DRAINED)
    assert sniffing.heard == b"no: drained"
    assert (joined.heard, house.joins[0].cancelled) == (b"", 1)
    assert refused.heard == b"no: bad_hello"
    assert sorted(ending.reason for ending in house.ledger.endings) == ["bad_hello", "drained", "drained"]
    for visit in (sniffing, joined, refused):
        visit.closes()
    house.factory.stop(Reason.DRAINED)
    assert house.is_empty()


def test_stopping_a_door_ends_also_what_only_its_upstream_still_takes() -> None:
    house = House()
    visit = house.visit()
    visit.says(b"a.com\n")
    visit.ends()
    visit.closes()
    house.factory.stop(Reason.DRAINED)
    assert house.ending.reason is Reason.DRAINED
    assert house.is_empty()


def test_one_walk_that_cannot_be_stopped_leaves_none_of_the_others_out(log: Sequence[LogEvent]) -> None:
    house = House()
    visits = [house.visit() for _ in range(3)]

    def broken(reason: Reason) -> None:
        raise RuntimeError("boom")

    broken_one: Any = visits[1].protocol
    broken_one.stop = broken
    house.factory.stop(Reason.DRAINED)
    assert [visit.heard for visit in visits] == [b"no: drained", b"", b"no: drained"]
    assert len(errors_in(log)) == 1


EVENTS = (
    *("a.com\n", "a.c", "bad\n", "boom\n", "x" * HOLD_READ_BYTES),
    *("ends", "shut", "late", "answer", "fail", "dialled", "done"),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(EVENTS), max_size=12), st.sampled_from(["closes", "resets", "stops"]))
def test_whatever_happens_in_whatever_order_all_is_counted_once(events: list[str], last: str) -> None:
    house = House(resolver=fakes.FakeResolver(), dialer=fakes.FakeDialer())
    visit = house.visit()
    fate = Fate(house, visit)
    for event in events:
        fate.happen(event)
    if last == "stops":
        house.factory.stop(Reason.DRAINED)
    visit.closes() if last == "closes" else visit.resets()
    house.factory.stop(Reason.DRAINED)
    assert house.is_empty()
    assert house.tenants.entered == house.tenants.left


def test_the_sniffers_of_the_house_fit_the_door() -> None:
    sniffers: list[ISniffer] = [HttpSniffer(32768), TlsSniffer(65536), LineSniffer()]
    assert all(verifyObject(ISniffer, sniffer) for sniffer in sniffers)
