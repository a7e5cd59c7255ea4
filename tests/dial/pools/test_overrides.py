"""What operators say of endpoints: of all addresses of one, or of a single one; the last word counts."""

from __future__ import annotations

from starship.dial.pools.overrides import Overrides

NAME = "a.example:443"
ONE, TWO = "192.0.2.1:443", "192.0.2.2:443"


def test_nothing_was_said() -> None:
    said = Overrides((NAME,))
    assert not said.draining(NAME, ONE)
    assert said.weight(NAME, ONE, 3) == 3


def test_what_is_said_of_an_endpoint_is_said_of_all_its_addresses_and_of_those_to_come() -> None:
    said = Overrides((NAME,))
    said.drain(NAME, (ONE,), on=True)
    said.weigh(NAME, (ONE,), 0)
    for address in (ONE, TWO):
        assert said.draining(NAME, address)
        assert said.weight(NAME, address, 3) == 0


def test_the_last_word_counts() -> None:
    said = Overrides((NAME,))
    said.drain(NAME, (ONE, TWO), on=True)
    said.weigh(NAME, (ONE, TWO), 5)
    said.drain(ONE, (ONE,), on=False)
    said.weigh(ONE, (ONE,), 7)
    assert [said.draining(NAME, address) for address in (ONE, TWO)] == [False, True]
    assert [said.weight(NAME, address, 1) for address in (ONE, TWO)] == [7, 5]
    said.drain(NAME, (ONE, TWO), on=True)
    said.weigh(NAME, (ONE, TWO), None)
    assert [said.draining(NAME, address) for address in (ONE, TWO)] == [True, True]
    assert [said.weight(NAME, address, 1) for address in (ONE, TWO)] == [1, 1]


def test_one_address_may_weigh_what_is_written_while_the_others_do_not() -> None:
    said = Overrides((NAME,))
    said.weigh(NAME, (ONE, TWO), 5)
    said.weigh(ONE, (ONE,), None)
    assert [said.weight(NAME, address, 1) for address in (ONE, TWO)] == [1, 5]


def test_an_address_that_a_name_has_no_more_is_somebody_else_when_it_comes_back() -> None:
    said = Overrides((NAME,))
    said.drain(ONE, (ONE,), on=True)
    said.weigh(ONE, (ONE,), 5)
    said.gone(ONE)
    said.gone(TWO)
    assert not said.draining(NAME, ONE)
    assert said.weight(NAME, ONE, 1) == 1


def test_an_address_of_the_ini_file_stays_itself() -> None:
    said = Overrides((ONE,))
    said.drain(ONE, (ONE,), on=True)
    said.gone(ONE)
    assert said.draining(ONE, ONE)
