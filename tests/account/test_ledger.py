"""The Ledger counts what arrived, how it ended, and that it departed."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from starship.account.ledger import BOUNDS_S, Ledger, Timings
from starship.interfaces import ILedger
from starship.messages import Request
from starship.reasons import Reason
from starship.words import Hello, Origin
from tests import fakes
from tests.account.endings import Kept, carried, silent


def test_it_provides_its_interface() -> None:
    assert verifyObject(ILedger, Ledger())


def test_a_quiet_door_shows_as_nought() -> None:
    now = Ledger(doors=("https", "http")).snapshot()
    assert now.accepted == now.active == {"https": 0, "http": 0}


def test_what_arrived_is_live_until_it_has_departed() -> None:
    ledger = Ledger(doors=("https", "http"))
    first, second = fakes.arrival(1), fakes.arrival(2, door="http", port=80)
    ledger.arrived(first)
    ledger.arrived(second)
    assert (ledger.live, ledger.active) == (2, {"https": 1, "http": 1})
    ledger.departed(first)
    assert (ledger.live, ledger.active) == (1, {"https": 0, "http": 1})
    ledger.departed(second)
    assert (ledger.live, ledger.active) == (0, {"https": 0, "http": 0})
    assert ledger.accepted == {"https": 1, "http": 1}


def test_a_request_of_plain_http_is_counted_by_door_and_reason_and_other_hellos_are_not() -> None:
    ledger = Ledger(doors=("https", "http"))
    request = Request(method=b"GET", target=b"/", path="/", minor=1)
    hello = Hello(name=None, scheme="http", consumed=1, request=request)
    for reason in (Reason.OK, Reason.OK, Reason.UNKNOWN_NAME):
        ledger.ended(evolve(carried(), reason=reason, hello=hello))
    ledger.ended(carried())
    assert ledger.snapshot().requests == {("https", Reason.OK): 2, ("https", Reason.UNKNOWN_NAME): 1}


def test_an_ending_is_counted_by_door_reason_and_answer_with_its_bytes() -> None:
    ledger = Ledger(doors=("https",))
    for ending in (carried(1), carried(2), silent(3)):
        ledger.ended(ending)
    assert ledger.endings == {
        ("https", Reason.OK, Origin.HIT): 2,
        ("https", Reason.HELLO_TIMEOUT, Origin.NONE): 1,
    }
    assert (ledger.received, ledger.sent) == (2 * 517, 2 * 4096)


def test_a_step_that_was_not_reached_is_not_timed() -> None:
    ledger = Ledger()
    ledger.ended(carried())
    ledger.ended(silent())
    steps = ledger.snapshot().steps
    assert {step: sum(counts) for step, (counts, _) in steps.items()} == {"hello": 1, "route": 1, "dial": 1, "total": 2}
    assert steps["total"][1] == 10.123456


def test_each_writer_sees_each_ending_once_and_in_order() -> None:
    one, other = Kept(), Kept()
    ledger = Ledger(writers=(one, other))
    endings = [carried(1), silent(2), carried(3)]
    for ending in endings:
        ledger.ended(ending)
    assert one.endings == other.endings == endings


def test_a_snapshot_does_not_move_afterwards() -> None:
    ledger = Ledger(doors=("https",))
    before = ledger.snapshot()
    ledger.arrived(fakes.arrival())
    ledger.ended(carried())
    assert before == Ledger(doors=("https",)).snapshot()


def test_a_bound_belongs_to_the_bucket_below_it() -> None:
    timings = Timings((1.0, 2.0))
    for seconds in (0.5, 1.0, 1.5, 2.0, 2.5):
        timings.observe(seconds)
    assert (timings.counts, timings.total) == ([2, 2, 1], 7.5)


@given(st.lists(st.floats(min_value=0, max_value=1e6)))
def test_every_duration_falls_into_one_bucket(durations: list[float]) -> None:
    timings = Timings()
    for seconds in durations:
        timings.observe(seconds)
    assert sum(timings.counts) == len(durations)
    for at, bound in enumerate(BOUNDS_S):
        assert sum(timings.counts[: at + 1]) == sum(seconds <= bound for seconds in durations)
