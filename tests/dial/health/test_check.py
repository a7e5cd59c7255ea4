"""What is asked of endpoints, how often, and how the answers are counted."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from starship.dial.health.check import Check, Pace, Question, Tally
from tests.dial.pools.pooling import up

PACE = Pace(interval=5.0, timeout=2.0, rise=2, fall=3)


def counted(found: str) -> list[bool]:
    """Whether it is thought to be down, after each of so many checks: `+` for a pass, `-` for a failure."""
    tally, states = Tally(PACE), []
    for one in found:
        tally.count(well=one == "+")
        states.append(tally.down)
    return states


def test_it_is_thought_to_be_up_until_it_was_asked() -> None:
    assert not Tally(PACE).down


def test_the_first_answer_decides_by_itself() -> None:
    assert counted("-") == [True]
    assert counted("+") == [False]


def test_so_many_failures_in_a_row_bring_it_down_and_so_many_passes_up_again() -> None:
    assert counted("+--") == [False, False, False]
    assert counted("+---") == [False, False, False, True]
    assert counted("+--+--") == [False] * 6
    assert counted("-+") == [True, True]
    assert counted("-++") == [True, True, False]
    assert counted("-+-+-+") == [True] * 6


@given(st.lists(st.booleans(), max_size=40))
def test_it_says_that_something_has_changed_exactly_when_it_has(found: list[bool]) -> None:
    tally = Tally(PACE)
    for well in found:
        before = tally.down
        assert tally.count(well) == (tally.down is not before)


def test_of_two_paces_that_are_joined_the_stricter_counts_in_each_way() -> None:
    other = Pace(interval=1.0, timeout=3.0, rise=5, fall=1)
    assert PACE.stricter(other) == other.stricter(PACE) == Pace(interval=1.0, timeout=2.0, rise=2, fall=1)


@pytest.mark.parametrize("kind", ["http", "tls"])
def test_where_no_host_was_said_the_endpoints_own_name_stands_for_it(kind: str) -> None:
    check = Check(question=Question(kind=kind))
    assert check.about(up("web.example")).host == "web.example"
    assert check.about(up("192.0.2.1")) is check.question
    assert check.about(up("2001:db8::1")) is check.question
    assert check.about(up("_https._tcp.web.example", srv=True)) is check.question
    said = evolve(check, question=Question(kind=kind, host="a.com"))
    assert said.about(up("web.example")).host == "a.com"


def test_a_connection_names_nobody_so_a_tcp_check_is_the_same_for_all_names_of_an_address() -> None:
    check = Check(question=Question(kind="tcp"))
    assert check.about(up("web.example")) is check.question


def test_a_question_is_told_in_words() -> None:
    assert str(Question(kind="tls")) == "tls check"
    assert str(Question(kind="http", path="/healthz", port=8080)) == "http check of /healthz at port 8080"
