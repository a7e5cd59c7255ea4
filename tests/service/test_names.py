"""How names are resolved, as the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.testing import MemoryReactorClock

from starship.config.settings import Dialling
from starship.dns.book import Book
from starship.dns.system import SystemPlan
from starship.service.house import make_footing
from starship.service.names import make_book
from starship.words import Address
from tests.service.material import settings


def book_of(**wanted: Any) -> Book:
    made = evolve(settings(), upstream=Dialling(**wanted))
    return make_book(made, make_footing(made, MemoryReactorClock()))


def test_by_default_the_machines_own_files_are_gone_by() -> None:
    plan = book_of().resolver.plan
    assert isinstance(plan, SystemPlan)
    assert (plan.resolv, plan.hosts) == (Path("/etc/resolv.conf"), Path("/etc/hosts"))


def test_servers_of_the_ini_file_are_asked_for_names_as_they_are_written() -> None:
    plan = book_of(dns=(Address("127.0.0.1", 5353),)).resolver.plan()
    assert (plan.servers, plan.search, plan.hosts) == ((Address("127.0.0.1", 5353),), (), {})


@pytest.mark.parametrize(("family", "families"), [("both", (4, 6)), ("ipv4", (4,)), ("ipv6", (6,))])
def test_the_families_that_are_asked_for_can_be_chosen(family: str, families: tuple[int, ...]) -> None:
    assert book_of(dns_family=family).resolver.families == families


def test_times_are_as_they_are_said_but_a_dial_has_time_left_when_no_server_answers() -> None:
    book = book_of(dns_timeout=2.0, dns_min_ttl=3.0, dns_max_ttl=4.0)
    assert (book.resolver.timeout, book.min_ttl, book.max_ttl) == (2.0, 3.0, 4.0)
    assert book_of(dns_timeout=8.0, dial_timeout=6.0).resolver.timeout == 3.0
