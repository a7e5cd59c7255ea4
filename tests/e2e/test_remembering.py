"""What is asked of the API once, and what is asked again: times to live, one question for many, two stores."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.e2e.clients import connect, page, read_all, request
from tests.e2e.trouble import http, reset, saying
from tests.e2e.world import Api, Cluster, Starship, ini_text, starship, until

Clusters = dict[str, Cluster]

HOSTS = 3000
AT_ONCE = 100


def pages(port: int, names: list[str]) -> list[bytes]:
    """The answers of all these hosts, asked for at once."""
    clients = [connect(port) for _ in names]
    for client, name in zip(clients, names, strict=True):
        client.sendall(request(name))
    answers = []
    for client in clients:
        answers.append(read_all(client))
        client.close()
    return answers


def saying_json(
    body: dict[str, Any], *headers: str, status: str = "200 OK"
) -> Callable[[BaseHTTPRequestHandler], None]:
    return saying(http(status, json.dumps(body).encode(), *headers))


def test_s7_m2_a_route_expires_after_its_own_fractional_ttl_and_is_asked_for_again(
    ship: Starship, api: Api, clusters: Clusters
) -> None:
    def answers() -> list[str]:
        return [ending["answer"] for ending in ship.endings() if ending["name"] == "brief.com"]

    api.hosts["brief.com"] = {"app": "brief", "endpoint": clusters["a"].address, "ttl": 0.4}
    until(lambda: page(ship.port("http"), "brief.com")[0] == 200 and api.asked["brief.com"] >= 3, "a third question")
    until(lambda: page(ship.port("http"), "brief.com")[0] == 200 and "hit" in answers(), "one who came in time", 30)
    assert answers()[0] == "fresh"


def test_m2_a_miss_expires_after_its_own_neg_ttl_and_then_the_host_is_found(
    ship: Starship, api: Api, clusters: Clusters
) -> None:
    """S8: and until then nobody asks."""
    for name, neg_ttl in (("late.com", 0.5), ("later.com", 600)):
        api.hosts[name] = saying_json({"neg_ttl": neg_ttl}, status="404 Not Found")
        assert page(ship.port("http"), name)[0] == 404
        api.hosts[name] = {"app": name, "endpoint": clusters["a"].address}
    until(lambda: page(ship.port("http"), "late.com")[0] == 200, "the host is found")
    assert api.asked["late.com"] == 2
    assert page(ship.port("http"), "later.com")[0] == 404
    assert api.asked["later.com"] == 1
    assert ship.ending(name="later.com", answer="negative")["reason"] == "unknown_name"
    assert ship.metric("starship_cache_requests_total", result="negative") > 0


def test_m2_what_says_not_to_be_remembered_is_asked_for_each_time(ship: Starship, api: Api, clusters: Clusters) -> None:
    home = {"app": "now", "endpoint": clusters["a"].address}
    api.hosts["now.com"] = saying_json(home, "Cache-Control: max-age=0")
    api.hosts["store.com"] = saying_json(home, "Cache-Control: no-store")
    api.hosts["zero.com"] = {**home, "ttl": 0}
    api.hosts["neg.com"] = saying_json({"neg_ttl": 0}, status="404 Not Found")
    for name in ("now.com", "store.com", "zero.com", "neg.com"):
        assert page(ship.port("http"), name)[0] == page(ship.port("http"), name)[0]
        assert api.asked[name] == 2, name


def test_m2_s7_the_times_of_the_ini_file_hold_where_the_answer_says_nothing_and_0_is_for_ever(
    api: Api, clusters: Clusters, tmp_path: Path
) -> None:
    api.hosts["eternal.com"] = {"app": "eternal", "endpoint": clusters["a"].address}
    with starship(tmp_path, ini_text(api, extra="[cache]\nttl = 0\nneg_ttl = 300ms\n")) as ship:
        assert page(ship.port("http"), "eternal.com")[0] == 200
        until(lambda: page(ship.port("http"), "gone.com")[0] == 404 and api.asked["gone.com"] == 2, "a second question")
        assert page(ship.port("http"), "eternal.com")[0] == 200
        assert api.asked["eternal.com"] == 1


def test_m4_a_hundred_clients_of_a_cold_host_are_one_question(ship: Starship, api: Api, clusters: Clusters) -> None:
    asked = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        asked.wait(60)
        saying_json({"app": "cold", "endpoint": clusters["a"].address})(handler)

    api.hosts["cold.com"] = slow
    ship.settled()
    clients = [connect(ship.port("http")) for _ in range(AT_ONCE)]
    for client in clients:
        client.sendall(request("cold.com"))
    until(lambda: ship.metric("starship_connections_active", door="http") == AT_ONCE, "all are inside")
    until(lambda: ship.metric("starship_lookups_in_flight") == 1, "one question")
    asked.set()
    for client in clients:
        assert b"\r\n\r\ncluster a\n" in read_all(client)
        client.close()
    assert api.asked["cold.com"] == 1
    ship.settled()
    endings = [ending for ending in ship.endings() if ending["name"] == "cold.com"]
    assert [(ending["reason"], ending["status"]) for ending in endings] == [("ok", 200)] * AT_ONCE
    assert ship.metric("starship_lookups_in_flight") == 0


def test_m4_one_who_leaves_cancels_nothing_for_the_others(ship: Starship, api: Api, clusters: Clusters) -> None:
    asked = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        asked.wait(60)
        saying_json({"app": "patient", "endpoint": clusters["a"].address})(handler)

    api.hosts["patient.com"] = slow
    with connect(ship.port("http")) as stays:
        leaves = connect(ship.port("http"))
        leaves.sendall(request("patient.com"))
        until(lambda: api.asked["patient.com"] == 1, "the question")
        stays.sendall(request("patient.com"))
        until(
            lambda: [row["state"] for row in ship.connections(host="patient.com")] == ["routing"] * 2,
            "both wait for it",
        )
        reset(leaves)
        ending = ship.ending(name="patient.com")
        assert (ending["reason"], ending["mood"], ending["status"]) == ("client_gone", "gone", 499)
        asked.set()
        assert b"cluster a" in read_all(stays)
    assert api.asked["patient.com"] == 1


def test_m3_unknown_names_evict_no_route_however_many(api: Api, clusters: Clusters, tmp_path: Path) -> None:
    api.hosts["kept.com"] = {"app": "kept", "endpoint": clusters["a"].address}
    with starship(tmp_path, ini_text(api, extra="[cache]\nroutes = 1\nmisses = 5\nttl = 600\nneg_ttl = 600\n")) as ship:
        assert page(ship.port("http"), "kept.com")[0] == 200
        scanned = pages(ship.port("http"), [f"scan{number}.com" for number in range(AT_ONCE)])
        assert all(answer.startswith(b"HTTP/1.1 404 ") for answer in scanned)
        assert page(ship.port("http"), "kept.com")[0] == 200
        assert api.asked["kept.com"] == 1
        assert ship.metric("starship_cache_entries", store="routes") == 1
        assert ship.metric("starship_cache_entries", store="misses") == 5
        assert ship.metric("starship_cache_evictions_total", store="misses") == AT_ONCE - 5
        assert ship.metric("starship_cache_evictions_total", store="routes") == 0


def test_s14_three_thousand_hosts_and_one_that_moves_without_a_reload(
    ship: Starship, api: Api, clusters: Clusters
) -> None:
    names = [f"tenant{number}.example.com" for number in range(HOSTS)]
    for at, name in enumerate(names):
        api.hosts[name] = {"app": name, "host": name, "endpoint": clusters["ab"[at % 2]].address}
    api.hosts[names[0]]["ttl"] = 0.3
    for start in range(0, HOSTS, AT_ONCE):
        part = names[start : start + AT_ONCE]
        for at, (name, answer) in enumerate(zip(part, pages(ship.port("http"), part), strict=True)):
            home = f"\r\n\r\ncluster {'ab'[at % 2]}\n".encode()
            assert home + b"GET / HTTP/1.1\r\nHost: " + name.encode() in answer
    api.hosts[names[0]] = {"app": "moved", "endpoint": clusters["b"].address}
    until(lambda: b"\r\n\r\ncluster b\n" in pages(ship.port("http"), [names[0]])[0], "the host has moved")
    assert ship.ending(name=names[0], up=clusters["b"].address)["app"] == "moved"
    assert max(api.asked[name] for name in names[1:]) == 1
    assert ship.metric("starship_cache_entries", store="routes") >= HOSTS
