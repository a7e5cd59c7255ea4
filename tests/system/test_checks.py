"""Checks against nginx, by HTTP and by TLS; and an endpoint that a firewall swallows, in a network of our own."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.clients import page
from tests.e2e.world import Certificates, Cluster, Starship, http_hello, starship, until
from tests.system.namespaces import CLUSTER_A, CLUSTER_B, network, nft
from tests.system.nginx import nginx

pytestmark = pytest.mark.system

DOOR = "[listener:http]\nprotocol = http\nendpoint = tcp:80:interface=127.0.0.1\n"
CHECKS = "check_interval = 200ms\ncheck_timeout = {}\ncheck_fall = 2\ncheck_rise = 2\n"


def says(ship: Starship, words: str) -> bool:
    return words in ship.log.read_text()


def told(ship: Starship, address: str, how: str) -> int:
    return ship.log.read_text().count(f"{address} is {how}")


def test_nginx_is_well_by_http_and_by_tls_and_its_connections_end_in_order(place: Path) -> None:
    """A host that it has, a file that it has not, and a name that its certificate has not."""
    ini = f"""{DOOR}
[pool:page]
endpoints = {CLUSTER_A}:80
check = http
check_host = a.com
check_statuses = 200
[pool:file]
endpoints = {CLUSTER_A}:80
check = http
check_path = /files/none
[pool:secure]
endpoints = {CLUSTER_A}:443
check = tls
check_host = other.example
[pool:mistaken]
endpoints = {CLUSTER_A}:80
check = tls
[upstream]
{CHECKS.format("20s")}
[routes]
a.com = pool:page
b.com = pool:file
"""
    home = place / "checks"  # nginx, who is nobody there, may not enter pytest's own
    home.mkdir()
    with network(CLUSTER_A):
        certificates = Certificates(home)
        directory = home / "nginx"
        with nginx(directory, CLUSTER_A, certificates, "a", "a.com"), starship(home / "ship", ini) as ship:
            until(lambda: ship.metric("starship_checks_total", check="tls", result="passed") > 5, "handshakes")
            until(lambda: ship.metric("starship_checks_total", check="http", result="passed") > 5, "requests")
            until(lambda: ship.metric("starship_check_endpoints", state="down") == 2, "those that fail")
            for why in ("http check of /files/none: the status is 404", "tls check: the handshake failed: "):
                until(partial(says, ship, f"{CLUSTER_A}:80 is down: {why}"), why)
            assert told(ship, f"{CLUSTER_A}:443", "down") == 0
            assert page(80, "a.com", "/")[0] == page(80, "b.com", "/")[0] == 200
        said = (directory / "error.log").read_text()
        assert "SSL" not in said, said


def test_an_endpoint_that_a_firewall_swallows_is_left_alone_within_its_time(tmp_path: Path) -> None:
    """No client waits longer than one try, and none at all once it is found out."""
    ini = f"""{DOOR}
[pool:web]
endpoints = {CLUSTER_A}:80, {CLUSTER_B}:80
check = http
connect_timeout = 1s
[upstream]
{CHECKS.format("2s")}
[routes]
a.com = pool:web
"""
    new = "tcp flags & (syn | ack) == syn"  # a request that is under way is not to wait for ever
    chain = f"type filter hook input priority 0; ip daddr {CLUSTER_A} tcp dport 80 {new} drop"
    drop = f"table ip hole {{ chain in {{ {chain}\n}}\n}}\n"
    with network(CLUSTER_A, CLUSTER_B):
        clusters = [Cluster(http_hello(host), host=host, port=80).start() for host in (CLUSTER_A, CLUSTER_B)]
        with starship(tmp_path / "ship", ini) as ship:
            answers, over = Counter[str](), threading.Event()

            def visit() -> str:
                status, _, body = page(80, "a.com")
                return body.split(b"\n")[0].decode() if status == 200 else str(status)

            def ask() -> None:
                while not over.is_set():
                    answers[visit()] += 1

            asking = threading.Thread(target=ask)
            asking.start()
            try:
                until(lambda: len(answers) == 2, "both to serve")
                nft(drop)
                until(lambda: told(ship, f"{CLUSTER_A}:80", "down") == 1, "it is found down")
                visits = clusters[0].visits
                assert {visit() for _ in range(20)} == {CLUSTER_B}
                assert clusters[0].visits == visits
                nft("delete table ip hole")
                until(lambda: told(ship, f"{CLUSTER_A}:80", "up") == 1, "it is up")
                until(lambda: visit() == CLUSTER_A, "it serves again")
                until(lambda: visit() == CLUSTER_B, "the other serves beside it")
            finally:
                over.set()
                asking.join()
            assert set(answers) == {CLUSTER_A, CLUSTER_B}
            assert f"{CLUSTER_A}:80 is down: http check of /: it did not answer in time" in ship.log.read_text()
        for cluster in clusters:
            cluster.stop()
