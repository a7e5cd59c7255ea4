"""Arrivals are numbered through all doors, and their ids are no other run's."""

from __future__ import annotations

from starship.accept.identity import Identities
from starship.words import Address, Door

CLIENT, LOCAL = Address("192.0.2.7", 50000), Address("192.0.2.1", 443)


def test_numbers_count_from_one_through_all_doors() -> None:
    identities = Identities("k3")
    first = identities.arrival(Door("https", 443), CLIENT, LOCAL, 1.5)
    second = identities.arrival(Door("http", 80), CLIENT, LOCAL, 2.5)
    assert (first.number, second.number) == (1, 2)
    assert (first.door.name, second.door.name) == ("https", "http")
    assert (first.client, first.local, first.start) == (CLIENT, LOCAL, 1.5)


def test_ids_carry_the_run_and_the_number_in_hexadecimal() -> None:
    identities = Identities("k3")
    ids = [identities.arrival(Door("https", 443), CLIENT, LOCAL, 0).id for _ in range(17)]
    assert (ids[0], ids[16]) == ("k3-1", "k3-11")
    assert ids[0] != Identities("m9").arrival(Door("https", 443), CLIENT, LOCAL, 0).id
