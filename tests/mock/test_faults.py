"""Each way to fail is written, read and done as it says. What each looks like on the wire: test_api.py."""

from __future__ import annotations

import pytest

from starship.mock.faults import AMOUNTS, Fault, Kind, fault


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hang", Fault(Kind.HANG, 0)),
        ("status", Fault(Kind.STATUS, 500)),
        ("status:503", Fault(Kind.STATUS, 503)),
        ("slow:1.5", Fault(Kind.SLOW, 1.5)),
        ("huge", Fault(Kind.HUGE, 10 * 2**20)),
        ("huge:100000000", Fault(Kind.HUGE, 100_000_000)),
    ],
)
def test_a_fault_is_read_as_people_write_it(text: str, expected: Fault) -> None:
    assert fault(text) == expected


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_an_amount_and_can_be_read_back(kind: Kind) -> None:
    assert fault(str(Fault(kind, AMOUNTS[kind]))) == Fault(kind, AMOUNTS[kind])


@pytest.mark.parametrize("text", ["", "explode", "status:", "status:soon", "status:99", "redirect:700", "slow:-1"])
def test_what_is_no_fault_is_said_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"fault|status"):
        fault(text)
