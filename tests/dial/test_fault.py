"""Whose fault a failed connect is."""

from __future__ import annotations

import errno

import pytest

from starship.dial.fault import FULL, NO_SOURCE, OUR_MEANS, explained
from starship.errors import DialBroken, DialRefused, DialShort, DialTimeout
from starship.words import Address

THERE = Address("192.0.2.1", 443)


@pytest.mark.parametrize("code", sorted(OUR_MEANS))
def test_f12_what_we_lack_is_no_fault_of_the_endpoint(code: int) -> None:
    why = explained(THERE, OSError(code, "x"))
    assert isinstance(why, DialBroken)
    assert isinstance(why, DialShort) is (code in FULL)
    assert str(why).startswith(f"cannot connect to 192.0.2.1:443: {errno.errorcode[code]}")


def test_f13_no_address_or_port_of_ours_is_told_in_words() -> None:
    assert str(explained(THERE, OSError(errno.EADDRNOTAVAIL, "x"))) == f"cannot connect to 192.0.2.1:443: {NO_SOURCE}"


def test_f9_f10_what_an_endpoint_does_is_told_by_its_address() -> None:
    refused = explained(THERE, OSError(errno.ECONNREFUSED, "x"))
    late = explained(THERE, TimeoutError(errno.ETIMEDOUT, "x"))
    assert (type(refused), str(refused)) == (DialRefused, "192.0.2.1:443: ECONNREFUSED")
    assert (type(late), str(late)) == (DialTimeout, "192.0.2.1:443 did not answer in time")
