"""A network that swallows, resets and runs out: each costs one client its connection, in time, and nobody else."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.clients import alert_of, client_hello, connect, read_all, read_so_many, request
from tests.e2e.world import WAIT_S, Cluster, Starship, echo, http_hello, in_mode, starship, until
from tests.system.namespaces import CLUSTER_A, CLUSTER_B, SHIP, ip, neighbour, network, nft
from tests.system.programs import run

pytestmark = pytest.mark.system

CONNECT_S = 0.5
IDLE_S = 3
SLACK_S = 20.0  # a busy machine's; the kernel alone would wait for minutes
LOST = "10.0.0.66"  # answers nothing
FAR = "10.9.9.2"

INI = """
[listener:https]
protocol = tls
endpoint = tcp:443:interface={ship}
[listener:http]
protocol = http
endpoint = tcp:80:interface={ship}
[routes]
a.com = 10.0.0.24:8080
lost.com = 10.0.0.66:8080
two.com = 10.0.0.66:8080, 10.0.0.24:8080
refused.com = 10.0.0.25:8080
far.com = 10.9.9.2:8080
beyond.com = 10.77.0.1:8080
nowhere.com = 10.88.0.1:8080
[upstream]
connect_timeout = 500ms
dial_timeout = 20s
"""


@contextmanager
def street(directory: Path, ini: str = INI) -> Iterator[tuple[Starship, Cluster]]:
    """Starship, a cluster that is well, and an address that no packet comes back from."""
    with network(SHIP, CLUSTER_A, CLUSTER_B, LOST):
        nft("table inet faults { chain in { type filter hook input priority 0; ip daddr 10.0.0.66 drop; }; }")
        cluster = Cluster(http_hello("cluster a"), host=CLUSTER_A, port=8080).start()
        with starship(directory, ini.format(ship=SHIP)) as ship:
            yield ship, cluster
        cluster.stop()


def http(name: str) -> tuple[int, float]:
    """Status, and seconds until the end of the answer."""
    began = time.monotonic()
    answer = ask_ship(80, request(name))
    return int(answer.split(b" ", 2)[1]), time.monotonic() - began


def ask_ship(port: int, data: bytes) -> bytes:
    with connect(port, SHIP) as client:
        return say(client, data)


def say(client: socket.socket, data: bytes) -> bytes:
    """What comes back until the end."""
    client.sendall(data)
    return read_all(client)


def test_f10_a_black_hole_costs_the_connect_limit_and_is_told_on_both_doors(tmp_path: Path) -> None:
    with street(tmp_path) as (ship, _):
        status, seconds = http("lost.com")
        assert status == 504
        assert CONNECT_S <= seconds < CONNECT_S + SLACK_S
        ending = ship.ending(name="lost.com", door="http")
        assert (ending["reason"], ending["mood"]) == ("upstream_timeout", "unreachable")

        began = time.monotonic()
        assert alert_of(ask_ship(443, client_hello("lost.com"))) == 80
        assert time.monotonic() - began < CONNECT_S + SLACK_S
        assert ship.ending(name="lost.com", door="https")["reason"] == "upstream_timeout"


def test_f10_a_black_hole_is_passed_over_where_another_endpoint_is_well(tmp_path: Path) -> None:
    with street(tmp_path) as (ship, _):
        for _ in range(4):
            status, seconds = http("two.com")
            assert status == 200
            assert seconds < CONNECT_S + SLACK_S
        assert ship.ending(name="two.com")["up"] == f"{CLUSTER_A}:8080"


def test_f10_others_are_served_at_once_while_many_wait_for_a_black_hole(tmp_path: Path) -> None:
    with street(tmp_path) as (_, _cluster):
        waiting = [connect(80, SHIP) for _ in range(100)]
        for client in waiting:
            client.sendall(request("lost.com"))
        times = sorted(http("a.com") for _ in range(20))
        assert [status for status, _ in times] == [200] * 20
        assert times[len(times) // 2][1] < CONNECT_S  # of half of them: a busy machine may hold up any one
        for client in waiting:
            assert read_all(client).startswith(b"HTTP/1.1 504 ")
            client.close()


def test_f10_a_route_that_swallows_behind_a_router_is_a_black_hole_too(tmp_path: Path) -> None:
    with street(tmp_path) as (ship, _), neighbour("10.9.9.1", FAR) as far:
        run("nsenter", "--net", "--target", str(far), "ip", "route", "add", "blackhole", "10.77.0.0/24").expect(0)
        ip("route", "add", "10.77.0.0/24", "via", FAR)
        status, seconds = http("beyond.com")
        assert status == 504
        assert CONNECT_S <= seconds < CONNECT_S + SLACK_S
        assert ship.ending(name="beyond.com")["reason"] == "upstream_timeout"


def test_f9_a_reset_of_the_network_is_a_refusal_and_costs_no_time(tmp_path: Path) -> None:
    with street(tmp_path) as (ship, _):
        nft("add rule inet faults in ip daddr 10.0.0.25 tcp dport 8080 reject with tcp reset")
        status, seconds = http("refused.com")
        assert status == 502
        assert seconds < CONNECT_S + SLACK_S
        assert alert_of(ask_ship(443, client_hello("refused.com"))) == 80
        assert ship.ending(name="refused.com", door="https")["reason"] == "upstream_refused"


def test_f9_no_route_to_a_cluster_is_a_refusal_and_costs_no_time(tmp_path: Path) -> None:
    with street(tmp_path) as (ship, _):
        status, seconds = http("nowhere.com")
        assert status == 502
        assert seconds < CONNECT_S + SLACK_S
        assert ship.ending(name="nowhere.com")["detail"] == "10.88.0.1:8080: ENETUNREACH"


def test_f11_a_cable_that_is_pulled_leaves_a_client_no_longer_than_the_idle_limit(tmp_path: Path) -> None:
    ini = in_mode("tunnel", f"{INI}idle_timeout = {IDLE_S}s\n")
    with street(tmp_path, ini) as (ship, _), neighbour("10.9.9.1", FAR) as far:
        inside = ("nsenter", "--net", "--target", str(far))
        with far_echo(inside), connect(80, SHIP) as client:
            client.sendall(request("far.com"))
            assert read_so_many(client, len(request("far.com"))) == request("far.com")
            ip("link", "set", "near", "down")
            began = time.monotonic()
            with pytest.raises((ConnectionResetError, BrokenPipeError)):  # it may be over already
                say(client, b"into the void")
            assert time.monotonic() - began < IDLE_S + SLACK_S
        assert ship.ending(name="far.com")["reason"] == "idle"
        assert http("a.com")[0] == 200


@contextmanager
def far_echo(inside: tuple[str, ...]) -> Iterator[None]:
    """An echo in another network; only a process of its own can live there."""
    program = (
        "import socket; server = socket.create_server(('10.9.9.2', 8080)); print('ready', flush=True)\n"
        "client = server.accept()[0]\n"
        "while data := client.recv(65536): client.sendall(data)\n"
    )
    process = subprocess.Popen([*inside, sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.kill()
        process.communicate()


def test_f13_when_local_ports_are_gone_each_connection_fails_alone_and_later_ones_succeed(tmp_path: Path) -> None:
    ports = 4  # of an odd number of ports Linux tries one less, which ones is chance
    ini = in_mode("tunnel", INI.replace("a.com = 10.0.0.24:8080", "a.com = 10.0.0.24:9090"))
    with street(tmp_path, ini) as (ship, _):
        silent = Cluster(echo, host=CLUSTER_A, port=9090).start()
        Path("/proc/sys/net/ipv4/tcp_tw_reuse").write_text("1")  # after a second, not after a minute
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"40000 {40000 + ports - 1}")
        held = [from_port(50000 + number) for number in range(ports)]
        for client in held:
            client.sendall(request("a.com"))
            assert read_so_many(client, len(request("a.com"))) == request("a.com")
        for number in range(20):
            with from_port(51000 + number) as client:
                client.sendall(request("a.com"))
                assert read_all(client).startswith(b"HTTP/1.1 50")
        assert ship.ending(reason="internal", name="a.com")["detail"].startswith(
            "cannot connect to 10.0.0.24:9090: EADDR"
        )
        for client in held:
            client.close()
        tries = itertools.count(52000)
        until(lambda: carried_from(next(tries)), "a port to come free")
        silent.stop()


def from_port(port: int) -> socket.socket:
    """A client that brings its own port, where the network has none to give."""
    return socket.create_connection((SHIP, 80), timeout=WAIT_S, source_address=(SHIP, port))


def carried_from(port: int) -> bool:
    with from_port(port) as client:
        client.sendall(request("a.com"))
        return read_so_many(client, len(request("a.com"))) == request("a.com")


def test_one_listener_serves_ipv4_and_ipv6_and_names_each_client_in_its_own_family(tmp_path: Path) -> None:
    ini = "[listener:http]\nprotocol = http\nendpoint = tcp6:80\n[routes]\na.com = [fd00::24]:8080, 10.0.0.24:8080\n"
    with network(SHIP, CLUSTER_A, "fd00::1", "fd00::24"):
        clusters = [
            Cluster(http_hello("by IPv4"), host=CLUSTER_A, port=8080).start(),
            Cluster(http_hello("by IPv6"), host="fd00::24", port=8080).start(),
        ]
        with starship(tmp_path, ini) as ship:
            seen = set()
            for host, shown in {SHIP: SHIP, "127.0.0.1": "127.0.0.1", "fd00::1": "[fd00::1]", "::1": "[::1]"}.items():
                for _ in range(8):
                    with connect(80, host) as client:
                        client.sendall(request("a.com"))
                        seen.add(read_all(client).partition(b"\r\n\r\n")[2].split(b"\n")[0])
                        port = client.getsockname()[1]
                    assert ship.ending(client=f"{shown}:{port}")["reason"] == "ok"
            assert seen == {b"by IPv4", b"by IPv6"}
        for cluster in clusters:
            cluster.stop()
