"""resolv.conf and hosts, as other programs read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.dns.system import LOOPBACK, SEARCH_LIMIT, Plan, SystemPlan, read_hosts, read_resolv
from starship.names import Hostname
from starship.words import Address

WEB = Hostname("web")


def test_servers_suffixes_and_dots_are_read() -> None:
    plan = read_resolv(
        "# by hand\n; too\nnameserver 10.0.0.2\nnameserver 2001:DB8::1 \nsearch b.example C.example.\n"
        "options edns0 ndots:5 timeout:1\nnameserver 10.0.0.3\nnameserver 10.0.0.4\nnameserver nonsense\n"
    )
    assert [str(server) for server in plan.servers] == ["10.0.0.2:53", "[2001:db8::1]:53", "10.0.0.3:53"]
    assert (plan.search, plan.dots) == (("b.example", "c.example"), 5)


def test_without_a_server_it_is_the_one_on_this_machine() -> None:
    assert read_resolv("").servers == (Address("127.0.0.1", 53),)
    assert read_resolv("nameserver\nnameserver x\n").servers == (Address("127.0.0.1", 53),)


def test_the_last_of_search_and_domain_counts_and_there_is_an_end_to_them() -> None:
    assert read_resolv("search a.example b.example\ndomain c.example\n").search == ("c.example",)
    many = " ".join(f"n{number}.example" for number in range(20))
    assert len(read_resolv(f"domain c.example\nsearch {many}\n").search) == SEARCH_LIMIT


@pytest.mark.parametrize(
    ("option", "dots"), [("ndots:2", 2), ("ndots:99", 15), ("ndots:", 1), ("ndots:x", 1), ("ndots:-1", 1)]
)
def test_dots_are_a_number_within_bounds(option: str, dots: int) -> None:
    assert read_resolv(f"options {option}\n").dots == dots


def test_a_name_with_enough_dots_is_tried_as_it_is_first_else_last() -> None:
    plan = Plan(servers=(), search=("ns.svc.example", "example"), dots=2)
    assert plan.candidates(WEB) == ("web.ns.svc.example", "web.example", "web")
    assert plan.candidates(Hostname("a.b")) == ("a.b.ns.svc.example", "a.b.example", "a.b")
    assert plan.candidates(Hostname("a.b.c")) == ("a.b.c", "a.b.c.ns.svc.example", "a.b.c.example")
    long = Hostname("a" * 63 + ".b" * 91)
    assert plan.candidates(long) == (long, f"{long}.example")


def test_hosts_has_all_addresses_of_a_name_in_any_case() -> None:
    hosts = read_hosts(
        "127.0.0.1 localhost\n10.0.0.1\tWeb web.example # mine\n::1 web\n10.0.0.1 web\nfe80::1%eth0 web\n"
    )
    assert hosts["web"] == ("10.0.0.1", "::1")
    assert hosts["web.example"] == ("10.0.0.1",)
    assert "mine" not in hosts


def test_localhost_is_never_asked_about() -> None:
    plan = Plan(servers=())
    assert plan.local(Hostname("localhost")) == plan.local(Hostname("a.localhost")) == LOOPBACK
    assert plan.local(WEB) == ()
    assert Plan(servers=(), hosts={"localhost": ("127.0.0.9",)}).local(Hostname("localhost")) == ("127.0.0.9",)


def test_files_are_read_again_when_they_changed_and_may_be_missing(tmp_path: Path) -> None:
    resolv, hosts = tmp_path / "resolv.conf", tmp_path / "hosts"
    system = SystemPlan(resolv, hosts)
    assert system().servers == (Address("127.0.0.1", 53),)
    resolv.write_text("nameserver 10.0.0.2\n")
    hosts.write_text("10.0.0.1 web\n")
    assert system().servers == (Address("10.0.0.2", 53),)
    assert system() is system()
    assert system().local(WEB) == ("10.0.0.1",)
    hosts.write_text("10.0.0.7 web\n")
    os.utime(hosts, ns=(1, 1))
    assert system().local(WEB) == ("10.0.0.7",)
    hosts.unlink()
    assert system().local(WEB) == ()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    read_resolv(text)
    read_resolv(f"nameserver {text}\nsearch {text}\noptions ndots:{text}\n")
    read_hosts(text)
    read_hosts(f"10.0.0.1 {text}")
