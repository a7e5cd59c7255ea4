"""Endpoints by name, against NSD: the pool follows the records, and outlives the server's troubles."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.clients import page
from tests.e2e.world import Api, Cluster, Starship, http_hello, ini_text, starship, until
from tests.system.nsd import ZONE, Nsd, nsd

pytestmark = pytest.mark.system

REPLICAS = tuple(f"127.0.1.{number}" for number in range(1, 5))


@pytest.fixture(scope="module", name="server")
def a_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nsd]:
    with nsd(tmp_path_factory.mktemp("nsd")) as server:
        yield server


@pytest.fixture(scope="module", name="port")
def replicas() -> Iterator[int]:
    """Clusters on one port of several addresses, each of which says which one it is; one of them on IPv6 too."""
    first = Cluster(http_hello(REPLICAS[0]), host=REPLICAS[0]).start()
    rest = [Cluster(http_hello(host), host=host, port=first.port).start() for host in (*REPLICAS[1:], "::1")]
    yield first.port
    for cluster in (first, *rest):
        cluster.stop()


def ini(api: Api, server: Nsd, port: int) -> str:
    pools = {
        "replicas": f"web.{ZONE}:{port}",
        "many": f"many.{ZONE}:{port}",
        "service": f"srv:_http._tcp.web.{ZONE}",
        "both": f"both.{ZONE}:{port}",
        "alias": f"alias.{ZONE}:{port}",
        "broken": f"web.broken.test:{port}, {REPLICAS[3]}:{port} backup",
        "none": f"none.{ZONE}:{port}",
    }
    sections = "".join(f"[pool:{name}]\nendpoints = {text}\n" for name, text in pools.items())
    routes = "".join(f"{name}.com = pool:{name}\n" for name in pools)
    upstream = f"""dns = {server.address}
dns_timeout = 4s
dns_max_ttl = 1s
dial_timeout = 20s
connect_timeout = 10s
max_ejected = 0
deny = 127.0.1.4/32"""
    return ini_text(api, upstream=upstream, extra=f"{sections}[routes]\n{routes}[http]\nupstream_idle = 0\n")


@pytest.fixture(scope="module", name="ship")
def a_ship(api: Api, server: Nsd, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    server.has(*web(REPLICAS[0]))
    with starship(tmp_path_factory.mktemp("ship"), ini(api, server, port)) as ship:
        yield ship


def served(ship: Starship, name: str, times: int = 12) -> Counter[str]:
    """Who served so many pages of a name; None of them is refused."""
    counts: Counter[str] = Counter()
    for _ in range(times):
        status, _, body = page(ship.port("http"), name)
        assert status == 200, body
        counts[body.split(b"\n")[0].decode()] += 1
    return counts


def web(*hosts: str) -> list[str]:
    return [f"web IN {'AAAA' if ':' in host else 'A'} {host}" for host in hosts]


def said(ship: Starship) -> str:
    return ship.log.read_text()


def test_g2_k10_records_change_and_the_pool_follows_while_no_client_is_refused(ship: Starship, server: Nsd) -> None:
    server.has(*web(*REPLICAS[:2]))
    until(lambda: set(served(ship, "replicas.com")) == set(REPLICAS[:2]), "both replicas")
    assert served(ship, "replicas.com") == Counter(dict.fromkeys(REPLICAS[:2], 6))
    server.has(*web(*REPLICAS[1:4]))
    until(lambda: set(served(ship, "replicas.com")) == set(REPLICAS[1:4]), "those who are there now")
    server.has(*web(REPLICAS[0]))
    until(lambda: set(served(ship, "replicas.com")) == {REPLICAS[0]}, "the only one that is left")


@pytest.mark.parametrize("records", [(), ("web IN TXT nothing",)], ids=["nxdomain", "an empty answer"])
def test_g2_a_name_that_is_gone_keeps_its_last_addresses(ship: Starship, server: Nsd, records: tuple[str, ...]) -> None:
    server.has(*web(REPLICAS[0]))
    until(lambda: set(served(ship, "replicas.com")) == {REPLICAS[0]}, "the replica")
    result = "empty" if records else "nxdomain"
    line = f"web.{ZONE} has no addresses now ({result}); its last 1 are kept"
    server.has(*records)
    until(lambda: line in said(ship), "the line")  # a metric would not do: it counts the other names too
    assert ship.metric("starship_dns_resolutions_total", result=result) > 0
    assert set(served(ship, "replicas.com")) == {REPLICAS[0]}
    server.has(*web(REPLICAS[1]))
    until(lambda: set(served(ship, "replicas.com")) == {REPLICAS[1]}, "its new address")
    until(lambda: f"web.{ZONE} has addresses again" in said(ship), "the line")


def test_g2_a_dead_server_leaves_the_last_addresses_and_is_found_again(ship: Starship, server: Nsd) -> None:
    server.has(*web(*REPLICAS[:2]))
    until(lambda: set(served(ship, "replicas.com")) == set(REPLICAS[:2]), "both replicas")
    server.stop()
    until(lambda: f"web.{ZONE} has no addresses now (unreachable); its last 2 are kept" in said(ship), "the line")
    assert ship.metric("starship_dns_resolutions_total", result="unreachable") > 0
    assert served(ship, "replicas.com") == Counter(dict.fromkeys(REPLICAS[:2], 6))
    until(lambda: ship.metric("starship_dns_oldest_answer_seconds") > 2, "an answer that is older than it says")
    server.has(*web(REPLICAS[2]))
    server.start()
    until(lambda: set(served(ship, "replicas.com")) == {REPLICAS[2]}, "its new address")


def test_a_server_that_answers_servfail_is_told_and_backups_serve(ship: Starship) -> None:
    assert set(served(ship, "broken.com", 3)) == {REPLICAS[3]}
    until(lambda: "web.broken.test has no addresses now (servfail)" in said(ship), "the line")
    assert ship.metric("starship_dns_resolutions_total", result="servfail") > 0


def test_a_name_that_there_never_was_is_502_and_no_storm_of_questions(ship: Starship) -> None:
    before, began = ship.metric("starship_dns_resolutions_total"), time.monotonic()
    for _ in range(50):
        status, _, _ = page(ship.port("http"), "none.com")
        assert status == 502
    asked, seconds = ship.metric("starship_dns_resolutions_total") - before, time.monotonic() - began
    assert asked < 20 * (1 + seconds)  # each of a few names, about once a second
    assert ship.ending(reason="upstream_unresolved")


def test_g2_two_hundred_addresses_come_over_tcp_and_all_are_members(ship: Starship, server: Nsd) -> None:
    hosts = [f"127.0.2.{number}" for number in range(1, 201)]
    clusters = []
    first = re.search(r"many\.\S+?:(\d+)", ship.ini)
    assert first is not None
    try:
        clusters += [Cluster(http_hello(host), host=host, port=int(first.group(1))).start() for host in hosts]
        server.has(*(f"many IN A {host}" for host in hosts))
        until(lambda: page(ship.port("http"), "many.com")[0] == 200, "them")
        assert set(served(ship, "many.com", 200)) == set(hosts)
    finally:
        for cluster in clusters:
            cluster.stop()


def test_services_have_ports_weights_and_priorities(ship: Starship, server: Nsd, port: int) -> None:
    records = [f"r{number} IN A {host}" for number, host in enumerate(REPLICAS)]
    server.has(
        *records,
        f"_http._tcp.web IN SRV 10 3 {port} r0",
        f"_http._tcp.web IN SRV 10 1 {port} r1",
        f"_http._tcp.web IN SRV 20 1 {port} r2",
    )
    until(lambda: page(ship.port("http"), "service.com")[0] == 200, "the service")
    assert served(ship, "service.com", 40) == Counter({REPLICAS[0]: 30, REPLICAS[1]: 10})
    server.has(*records, "_http._tcp.web IN SRV 10 3 9 r0", f"_http._tcp.web IN SRV 20 1 {port} r2")
    until(lambda: set(served(ship, "service.com")) == {REPLICAS[2]}, "the next priority, where the first refuses")


def test_an_alias_is_followed(ship: Starship, server: Nsd) -> None:
    server.has("alias IN CNAME other", "other IN CNAME last", f"last IN A {REPLICAS[2]}")
    until(lambda: page(ship.port("http"), "alias.com")[0] == 200, "the alias")
    assert set(served(ship, "alias.com", 3)) == {REPLICAS[2]}


def test_both_families_are_members_and_a_dead_one_costs_nobody_a_refusal(ship: Starship, server: Nsd) -> None:
    server.has(f"both IN A {REPLICAS[0]}", "both IN AAAA ::1", "both IN AAAA 100::1")
    until(lambda: page(ship.port("http"), "both.com")[0] == 200, "both")
    counts = served(ship, "both.com", 30)
    assert set(counts) == {REPLICAS[0], "::1"}


def test_a_name_of_a_lookup_that_leads_where_none_may_go_is_forbidden(
    ship: Starship, server: Nsd, api: Api, port: int
) -> None:
    server.has(f"rebound IN A {REPLICAS[3]}")
    api.hosts["rebound.com"] = {"app": "A", "endpoint": f"rebound.{ZONE}:{port}"}
    until(lambda: page(ship.port("http"), "rebound.com")[0] == 503, "the record")
    assert ship.ending(name="rebound.com", reason="upstream_forbidden")


def test_names_are_shown(ship: Starship) -> None:
    assert ship.metric("starship_dns_names") > 0
    status, text = ship.ask("GET", "/explain", {"host": "replicas.com"})
    assert status == 200
    shown: Any = json.loads(text)
    assert f"web.{ZONE}" in json.dumps(shown)
