"""What the proxies are told: every name, every door, a log if one is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from benchmarks.wire.configs import Place, haproxy, haproxy_table, nginx, sniproxy, starship
from benchmarks.wire.world import World
from starship.config.load import load

WORLD = World(tenant_port=1001, stream_port=1002, api_port=1003)
PLACE = Place(doors={"tls": 2001, "http": 2002, "web": 2003}, folder=Path("/nowhere"), log=None)
LOGGED = evolve(PLACE, log=Path("/nowhere/access.log"))


def told(program: str, place: Place) -> str:
    match program:
        case "nginx":
            return nginx(WORLD, place)
        case "sniproxy":
            return sniproxy(WORLD, place)
        case _:
            return haproxy(WORLD, place, splicing=program == "splicing")


@pytest.mark.parametrize("program", ["nginx", "haproxy", "splicing", "sniproxy"])
def test_every_upstream_and_every_door_is_named(program: str) -> None:
    text = told(program, PLACE)
    assert all(home in text for home in WORLD.groups().values())
    assert all(str(port) in text for door, port in PLACE.doors.items() if door != "web" or program != "sniproxy")


def test_every_name_is_routed() -> None:
    for name, home in WORLD.homes().items():
        assert f"{name} {WORLD.group_of(name)};" in nginx(WORLD, PLACE)
        assert f"{name} {WORLD.group_of(name)}\n" in haproxy_table(WORLD)
        assert f"^{name.replace('.', '[.]')}$ {home}" in sniproxy(WORLD, PLACE)


@pytest.mark.parametrize("program", ["nginx", "haproxy", "splicing", "sniproxy"])
def test_accesses_are_logged_when_it_is_wanted_and_else_not(program: str) -> None:
    word = "option tcplog" if program in ("haproxy", "splicing") else "/nowhere/access.log"
    assert word in told(program, LOGGED)
    assert word not in told(program, PLACE)


def test_splicing_is_forced_in_both_directions_where_it_is_wanted() -> None:
    assert "option splice-request\n  option splice-response" in told("splicing", PLACE)
    assert "splice" not in told("haproxy", PLACE)


@pytest.mark.parametrize("logs", [False, True])
def test_starship_understands_what_it_is_told(tmp_path: Path, logs: bool) -> None:
    config = tmp_path / "config"
    log = tmp_path / "access.log" if logs else None
    config.write_text(starship(WORLD, evolve(PLACE, folder=tmp_path, log=log)))
    settings = load(config)
    assert [door.protocol for door in settings.listeners] == ["tls", "http", "http"]
    assert settings.access_log.enabled is logs
