"""The plan of the demo: one set of places, an ini file that is good, lines that say what they promise."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from starship.config.load import parse
from starship.mock.demo import TENANCIES, Plan, banner, based, hosts_file, ini, lines
from starship.mock.hosts import parse as parse_hosts
from starship.words import Address

PLAN = Plan(directory=Path("/tmp/demo"))


def test_the_friendly_ports_are_the_default() -> None:
    assert (PLAN.tls, PLAN.http, PLAN.admin, PLAN.api) == (8443, 8080, 9901, 8500)


def test_a_base_moves_all_ports_together() -> None:
    moved = based(PLAN, 20000)
    assert (moved.tls, moved.http, moved.admin, moved.api) == (20000, 20001, 20002, 20003)
    assert moved.directory == PLAN.directory


def test_every_place_is_on_loopback_and_there_once() -> None:
    assert len(set(PLAN.places)) == len(PLAN.places) == 8
    assert all(place.host.startswith("127.0.0.") for place in PLAN.places)


def test_the_clusters_listen_on_the_doors_ports_so_that_the_port_is_implied() -> None:
    """S12, S15."""
    for home in TENANCIES:
        assert {Address(home.address, PLAN.tls), Address(home.address, PLAN.http)} <= set(PLAN.places)
        assert parse_hosts(hosts_file(PLAN))[home.host].fields["endpoint"] == home.address


def test_the_ini_file_is_good_and_has_the_plans_ports() -> None:
    settings = parse(ini(PLAN).encode(), "demo.ini", Path())
    assert [door.protocol for door in settings.listeners] == ["tls", "http"]
    assert all("interface=127.0.0.1" in endpoint for door in settings.listeners for endpoint in door.endpoints)
    assert settings.lookup
    assert settings.lookup.url == "http://127.0.0.1:8500/?host={host}"
    assert settings.admin
    assert settings.admin.endpoint == "tcp:9901:interface=127.0.0.1"


def test_the_banner_has_every_line_to_paste() -> None:
    shown = banner(PLAN, lambda text: text)
    for line in lines(PLAN):
        assert f"\n  {line}\n" in shown
    for port in (8443, 8080, 9901, 8500):
        assert str(port) in shown


@pytest.mark.parametrize("line", lines(PLAN), ids=lambda line: line.says)
def test_a_pasted_line_is_what_is_played(line: object) -> None:
    assert tuple(shlex.split(str(line))) == getattr(line, "argv", ())


def test_the_unknown_host_is_promised_a_page_over_http_and_an_alert_over_tls() -> None:
    """S9, S10."""
    page, alert = (line for line in lines(PLAN) if "nobody.com" in str(line))
    assert (page.code, page.shows) == (0, ("HTTP/1.1 404", "App not found"))
    assert (alert.code, alert.shows) == (35, ("unrecognized name",))
