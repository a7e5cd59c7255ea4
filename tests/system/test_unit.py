"""The systemd unit: clean, closed, and a command line that serves."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.clients import connect, page, read_all, request
from tests.e2e.world import START_S, Cluster, http_hello, starship, until
from tests.system.conftest import Fleet
from tests.system.namespaces import CLUSTER_A, CLUSTER_B, SHIP, network
from tests.system.programs import run

pytestmark = pytest.mark.system

ETC = Path(__file__).parents[2] / "etc"
UNIT = (ETC / "starship.service").read_text()
EXPOSURE_LIMIT = 2.0
INSTALLED = "/opt/starship/bin"

INI = """
[starship]
lame_duck = 0
[listener:http]
protocol = http
endpoint = {endpoint}
[routes]
a.com = {cluster}
"""


def command(key: str, config: Path) -> list[str]:
    """A command line of the unit, for this environment and this ini file."""
    line = re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)[0]
    here = line.replace(INSTALLED, str(Path(sys.executable).parent)).replace("/etc/starship/starship.ini", str(config))
    return shlex.split(here)


@contextmanager
def manager(path: Path) -> Iterator[socket.socket]:
    """Stands in for systemd's notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(path))
        channel.settimeout(START_S)
        yield channel


def test_systemd_finds_nothing_to_say_against_the_unit_and_the_socket(tmp_path: Path) -> None:
    for name in ("starship.service", "starship.socket"):
        text = (ETC / name).read_text().replace(INSTALLED, str(Path(sys.executable).parent))
        (tmp_path / name).write_text(text)
    verdict = run("systemd-analyze", "verify", *(str(tmp_path / f"starship.{kind}") for kind in ("service", "socket")))
    assert verdict.expect(0).said == ""


def test_the_unit_is_closed_to_all_that_a_router_does_not_need() -> None:
    report = run("systemd-analyze", "security", "--offline=true", str(ETC / "starship.service")).expect(0).out
    exposure = float(re.findall(r"Overall exposure level for starship.service: ([\d.]+)", report)[0])
    print(f"exposure {exposure}, at most {EXPOSURE_LIMIT} allowed")
    assert exposure <= EXPOSURE_LIMIT


def test_the_units_command_serves_tells_systemd_when_and_ends_by_its_signal(tmp_path: Path) -> None:
    config = tmp_path / "starship.ini"
    with network(SHIP, CLUSTER_A), manager(tmp_path / "notify") as channel:
        cluster = Cluster(http_hello("cluster a"), host=CLUSTER_A).start()
        config.write_text(INI.format(endpoint=f"tcp:80:interface={SHIP}", cluster=cluster.address))
        run(*command("ExecStartPre", config)).expect(0)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "PATH": "/usr/bin:/bin"}
        process = subprocess.Popen(command("ExecStart", config), env=environment, stdout=subprocess.PIPE)
        try:
            assert channel.recv(4096) == b"READY=1"
            with connect(80, SHIP) as client:
                client.sendall(request("a.com"))
                assert b"cluster a" in read_all(client)
            process.send_signal(signal.SIGTERM)
            assert channel.recv(4096) == b"STOPPING=1"
            out = process.communicate(timeout=START_S)[0].decode()
            assert process.returncode == -signal.SIGTERM, out  # a clean exit by systemd's rules
        finally:
            process.kill()
            process.wait()
        cluster.stop()
    assert " a.com http 200 ok carried static " in out


def test_the_units_check_keeps_a_service_with_mistakes_from_starting(tmp_path: Path) -> None:
    config = tmp_path / "starship.ini"
    config.write_text("[listener:https]\nprotocol = https\n")
    refused = run(*command("ExecStartPre", config)).expect(1)
    assert "expected one of tls, http, auto" in refused.said


def allowed_calls() -> set[str]:
    """The system calls that the unit's filters leave, by systemd's own list."""
    listing = run("systemd-analyze", "syscall-filter").expect(0).out
    groups: dict[str, set[str]] = {}
    name = ""
    for line in listing.splitlines():
        word = line.strip()
        if line.startswith("@"):
            name = word
            groups[name] = set()
        elif word and not word.startswith("#"):
            groups[name].add(word)

    def calls(word: str) -> set[str]:
        inner = groups.get(word)
        return {word} if inner is None else set().union(*map(calls, inner))

    allowed = set().union(*map(calls, groups["@default"]))
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT, re.MULTILINE):
        named = set().union(*(calls(word) for word in line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


MUCH = 16 << 20
# Refused without harm: raising a limit that the unit has raised already.
REFUSED_IN_PEACE = {"prlimit64", "setrlimit"}


def test_starship_makes_no_system_call_that_the_unit_forbids(tmp_path: Path, fleet: Fleet) -> None:
    trace = tmp_path / "trace"
    strace = ("strace", "--follow-forks", "--string-limit=0", f"--output={trace}")
    ini = f"""
[listener:http]
protocol = http
endpoint = tcp6:8080
[lookup]
url = http://localhost:{fleet.api.port}/?host={{host}}
connect_timeout = 20s
timeout = 60s
[routes]
a.com = {CLUSTER_A}:80
b.com = {CLUSTER_B}:80
[admin]
endpoint = unix:{tmp_path}/admin.sock:mode=660
"""
    with starship(tmp_path, ini, prefix=strace, wait=False) as ship:
        until(lambda: ship.log.exists() and "AdminSite starting" in ship.log.read_text(), "the start", START_S)
        assert ship.port("http") == 8080
        traced = int(run("pgrep", "--parent", str(ship.process.pid)).expect(0).out)
        try:
            for name, status in {"b.com": 200, "unknown.example": 404}.items():
                assert page(8080, name, "/", "Connection: close")[0] == status
            (fleet.files_a / "much").write_bytes(bytes(MUCH))
            assert len(page(8080, "a.com", "/files/much", "Connection: close")[2]) == MUCH
            os.kill(traced, signal.SIGUSR1)
            assert page(8080, "unknown.example")[0] == 404
        finally:
            os.kill(traced, signal.SIGTERM)  # strace itself waits for it
        ship.process.wait(START_S)
    used = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    families = set(re.findall(r"socket\((\w+),", trace.read_text()))
    print(f"{len(used)} different system calls; sockets of {sorted(families)}")
    assert {"accept4", "connect"} <= used
    assert used - allowed_calls() - REFUSED_IN_PEACE == set()
    allowed = re.findall(r"^RestrictAddressFamilies=(.*)$", UNIT, re.MULTILINE)[0].split()
    assert {"AF_INET", "AF_INET6"} <= families <= {*allowed, "AF_NETLINK"}  # getaddrinfo does without it


def test_a_socket_that_systemd_opened_serves_from_its_first_client_on(tmp_path: Path) -> None:
    with network(SHIP, CLUSTER_A):
        cluster = Cluster(http_hello("cluster a"), host=CLUSTER_A).start()
        ini = INI.format(endpoint="systemd:domain=INET:index=0", cluster=cluster.address)
        prefix = ("systemd-socket-activate", "--fdname=web", f"--listen={SHIP}:80")
        with starship(tmp_path, ini, prefix=prefix, wait=False) as ship:
            with until(lambda: _waiting(80), "the listening socket") as first:
                first.settimeout(START_S)  # it is served when all is read from the disk
                first.sendall(request("a.com"))
                assert b"cluster a" in read_all(first)
            with connect(80, SHIP) as second:
                second.sendall(request("a.com"))
                assert b"cluster a" in read_all(second)
            assert ship.ending(name="a.com")["reason"] == "ok"
        cluster.stop()


def test_a_socket_of_both_families_that_systemd_opened_serves_both(tmp_path: Path) -> None:
    with network(SHIP, CLUSTER_A):
        cluster = Cluster(http_hello("cluster a"), host=CLUSTER_A).start()
        ini = INI.format(endpoint="systemd:domain=INET6:name=web", cluster=cluster.address)
        prefix = ("systemd-socket-activate", "--fdname=web", "--listen=80")
        with starship(tmp_path, ini, prefix=prefix, wait=False) as ship:
            until(lambda: _waiting(80), "the listening socket").close()
            for host in (SHIP, "::1"):
                with connect(80, host) as client:
                    client.settimeout(START_S)
                    client.sendall(request("a.com"))
                    assert b"cluster a" in read_all(client)
                assert ship.ending(name="a.com")["client"].rpartition(":")[0].strip("[]") in ("::1", SHIP)
        cluster.stop()


def _waiting(port: int) -> socket.socket | None:
    try:
        return connect(port, SHIP)
    except ConnectionRefusedError:
        return None
