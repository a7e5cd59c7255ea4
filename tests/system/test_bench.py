"""`make bench` in small: the peers take their configurations, the load notices what is wrong, tables are made."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from benchmarks.wire.__main__ import main
from benchmarks.wire.configs import Place, haproxy, haproxy_table, nginx
from benchmarks.wire.load import Load, compile_load, upstreams
from benchmarks.wire.ports import free_ports
from benchmarks.wire.proxies import is_here, version_of
from benchmarks.wire.scenarios import PROGRAMS
from benchmarks.wire.world import World
from tests.system.namespaces import network

pytestmark = pytest.mark.system

PORTS = free_ports()
CORE = min(os.sched_getaffinity(0))
WORLD = World(tenant_port=1001, stream_port=1002, api_port=1003)


@pytest.fixture(scope="module", autouse=True)
def alone() -> Iterator[None]:
    """Nobody else takes a port."""
    with network():
        yield


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(doors={"tls": 2001, "http": 2002, "web": 2003}, folder=tmp_path, log=None)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_load(tmp_path_factory.mktemp("load"))


@pytest.fixture
def world(program: Path) -> Iterator[World]:
    world = World(tenant_port=next(PORTS), stream_port=next(PORTS), api_port=next(PORTS))
    with upstreams(program, CORE, world) as seen:
        yield world
    assert seen["malformed"] == 0


def visited(program: Path, *arguments: str) -> dict[str, Any]:
    load = Load(program=program, core=CORE, arguments=["visitors", *arguments, "--seconds", "1"])
    load.ready()
    load.go()
    report = load.report()
    load.leave()
    return report


@pytest.mark.parametrize("logs", [False, True])
def test_nginx_and_haproxy_take_their_configurations(place: Place, logs: bool) -> None:
    place = evolve(place, log=place.folder / "access.log" if logs else None)
    config = place.folder / "config"
    config.write_text(nginx(WORLD, place))
    subprocess.run(["nginx", "-t", "-q", "-c", str(config)], check=True)
    (place.folder / "hosts.map").write_text(haproxy_table(WORLD))
    for splicing in (False, True):
        config.write_text(haproxy(WORLD, place, splicing=splicing))
        subprocess.run(["haproxy", "-c", "-q", "-f", str(config)], check=True)


def test_every_program_that_is_here_says_its_version() -> None:
    assert all(any(map(str.isdigit, version_of(one))) for one in PROGRAMS.values() if is_here(one))


@pytest.mark.parametrize(
    ("mode", "port"),
    [
        (["tls"], "tenant_port"),
        (["http"], "tenant_port"),
        (["requests"], "tenant_port"),
        (["bulk", "--bytes", "1000000", "--prefix", "stream"], "stream_port"),
        (["requests", "--bytes", "1000000", "--prefix", "stream"], "stream_port"),
        (["echo", "--prefix", "stream"], "stream_port"),
    ],
)
def test_visitors_are_content_with_the_upstream_of_their_name(
    program: Path, world: World, mode: list[str], port: str
) -> None:
    found = visited(program, *mode, "--workers", "4", "--names", "1", "--to", f"127.0.2.1:{getattr(world, port)}")
    assert found["failures"] == {}
    assert found["good"] > 0


def test_idle_visitors_stand_until_they_are_let_go(program: Path, world: World) -> None:
    found = visited(program, "idle", "--workers", "200", "--names", "1", "--to", f"127.0.2.1:{world.tenant_port}")
    assert (found["standing"], found["failures"]) == (200, {})


@pytest.mark.parametrize("mode", ["tls", "http"])
def test_visitors_notice_that_they_came_to_anothers_upstream(program: Path, world: World, mode: str) -> None:
    found = visited(program, mode, "--names", "16", "--to", f"127.0.2.1:{world.tenant_port}")
    assert set(found["failures"]) == {"misrouted"}
    assert 0 < found["good"] < found["failures"]["misrouted"]


def test_visitors_notice_that_nobody_is_there(program: Path) -> None:
    found = visited(program, "tls", "--to", f"127.0.2.1:{next(PORTS)}")
    assert found["good"] == 0
    assert set(found["failures"]) == {"connect"}


def test_a_scenario_has_its_table_and_every_unit_was_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "results.json"
    only = ["--only", "tls-logged", "--only", "fair"]
    assert main(["--rounds", "1", "--seconds", "0.5", *only, "--json", str(results)]) == 0
    told = capsys.readouterr().out
    rows = re.findall(r"^\| (Starship|nginx|HAProxy|HAProxy, splicing|sniproxy) +\|", told, re.MULTILINE)
    assert Counter(rows) == dict.fromkeys(("Starship", "nginx", "HAProxy", "HAProxy, splicing", "sniproxy"), 2)
    assert set(json.loads(results.read_text())["samples"]) == {"tls-logged", "fair"}
