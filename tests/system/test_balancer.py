"""Two Starships behind HAProxy, as the install notes say: one of them restarts, and no client notices."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.clients import connect, read_all, request
from tests.e2e.world import START_S, Cluster, Starship, http_hello, starship, until
from tests.system.namespaces import network

pytestmark = pytest.mark.system

INI = """
[starship]
lame_duck = 6s
drain_timeout = 30s
[listener:http]
protocol = http
endpoint = tcp:80:interface=10.0.0.{number}
[admin]
endpoint = tcp:990{number}
[routes]
a.com = {cluster}
"""
HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend clients
    bind 10.0.0.9:80
    default_backend starships
backend starships
    option httpchk GET /readyz
    timeout check 20s
    default-server check inter 400ms rise 1
    server one 10.0.0.1:80 port 9901 fall 2
    server two 10.0.0.2:80 port 9902 fall 1000
"""


@contextmanager
def haproxy(directory: Path) -> Iterator[None]:
    config = directory / "haproxy.cfg"
    config.write_text(HAPROXY)
    process = subprocess.Popen(["haproxy", "-db", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or listens(), "haproxy")
        assert process.poll() is None
        yield
    finally:
        process.kill()
        process.wait()


def listens() -> bool:
    try:
        connect(80, "10.0.0.9").close()
    except ConnectionRefusedError:
        return False
    return True


def visit() -> str:
    """The status of a page through the balancer, or how its connection ended."""
    with connect(80, "10.0.0.9") as client:
        client.sendall(request("a.com"))
        return read_all(client)[9:12].decode() or "closed"


class Clients(threading.Thread):
    """Ask for a page through the balancer, one after the other, until told to stop; `statuses` counts answers."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.statuses: Counter[str] = Counter()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self.statuses[visit()] += 1
            except OSError as error:
                self.statuses[repr(error)] += 1


def served(ship: Starship) -> float:
    return ship.metric("starship_connections_total")


def test_a_restart_behind_a_balancer_costs_no_client_its_answer(tmp_path: Path) -> None:
    with network("10.0.0.1", "10.0.0.2", "10.0.0.9", "10.0.0.24"):
        cluster = Cluster(http_hello("cluster a"), host="10.0.0.24").start()
        one, two = (INI.format(number=number, cluster=cluster.address) for number in (1, 2))
        clients = [Clients() for _ in range(4)]
        with starship(tmp_path / "two", two) as second, haproxy(tmp_path):
            with starship(tmp_path / "one", one) as first:
                until(lambda: visit() == "200", "the balancer", START_S)
                for client in clients:
                    client.start()
                until(lambda: served(first) > 100 and served(second) > 100, "both to serve", START_S)
                first.signal(signal.SIGTERM)
                first.process.wait(90)
            before = served(second)
            until(lambda: served(second) > before + 100, "the other to serve alone", START_S)
            with starship(tmp_path / "one-again", one) as again:
                until(lambda: served(again) > 100, "the new one to serve", START_S)
                for client in clients:
                    client.over.set()
                for client in clients:
                    client.join()
        cluster.stop()
    statuses = sum((client.statuses for client in clients), Counter[str]())
    print(statuses)
    assert set(statuses) == {"200"}
