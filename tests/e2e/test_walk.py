"""Real clients, a real service, real clusters: the walk from accept to account."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import (
    alert_of,
    ask,
    client_hello,
    connect,
    hello_for,
    page,
    read_all,
    read_so_many,
    request,
    tls_page,
)
from tests.e2e.trouble import closed_port
from tests.e2e.world import TWISTD, Api, Certificates, Cluster, Starship, http_hello, in_mode, ini_text, starship

Clusters = dict[str, Cluster]


@pytest.fixture(scope="module")
def landing() -> Iterator[Cluster]:
    cluster = Cluster(http_hello("the landing")).start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def kind(
    api: Api, landing: Cluster, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Starship]:
    """One that sends those who name nobody, and those whose name is unknown, to a landing."""
    doors = f"no_name = {clusters['echo'].address}\ndefault = {landing.address}"
    with closed_port() as refusing:
        ini = ini_text(api, doors=doors, extra=f"[routes]\n*.static.com = 127.0.0.1:{refusing}\n")
        with starship(tmp_path_factory.mktemp("kind"), in_mode("tunnel", ini)) as kind:
            yield kind


def test_s1_the_certificate_that_a_client_sees_is_the_clusters(
    ship: Starship, api: Api, clusters: Clusters, certificates: Certificates
) -> None:
    api.hosts["a.com"] = {"app": "A", "host": "a.com", "endpoint": clusters["a-tls"].address}
    body, certificate = tls_page(ship.port("https"), "a.com", certificates.ca_file)
    assert body.startswith(b"cluster a by tls\n")
    assert ("DNS", "a.com") in certificate["subjectAltName"]  # type: ignore[operator]  # the ssl module's own shape
    ending = ship.ending(name="a.com", door="https")
    assert (ending["reason"], ending["mood"], ending["status"], ending["answer"]) == ("ok", "carried", 200, "fresh")
    assert (ending["app"], ending["up"]) == ("A", clusters["a-tls"].address)


def test_s2_s4_the_http_door_routes_by_host_and_the_api_is_asked_by_get(
    ship: Starship, api: Api, clusters: Clusters
) -> None:
    api.hosts["plain.com"] = {"app": "A Simple App", "host": "plain.com", "endpoint": clusters["a"].address}
    status, _, body = page(ship.port("http"), "plain.com:8080", "/there?x=1")
    assert status == 200
    assert body.startswith(b"cluster a\nGET /there?x=1 HTTP/1.1\r\nHost: plain.com:8080\r\n")
    assert api.paths[-1] == "/?host=plain.com"
    ending = ship.ending(name="plain.com")
    assert (ending["app"], ending["scheme"], ending["answer"]) == ("A Simple App", "http", "fresh")
    assert ending["in"] == len(request("plain.com:8080", "/there?x=1"))
    assert ending["out"] > len(body)
    assert ship.metric("starship_lookups_total", result="route") >= 1


@pytest.mark.parametrize("door", ["https", "any"])
def test_s3_two_names_at_one_address_lead_to_two_clusters(
    ship: Starship, api: Api, clusters: Clusters, certificates: Certificates, door: str
) -> None:
    for name in ("a", "b"):
        api.hosts[f"{name}.com"] = {"app": name, "endpoint": clusters[f"{name}-tls"].address}
    for name in ("a", "b", "a"):
        body, _ = tls_page(ship.port(door), f"{name}.com", certificates.ca_file)
        assert body.startswith(f"cluster {name} by tls\n".encode())
        assert ship.ending(name=f"{name}.com", door=door)["up"] == clusters[f"{name}-tls"].address


def test_s5_the_second_connection_asks_nobody_whatever_its_door(ship: Starship, api: Api, clusters: Clusters) -> None:
    api.hosts["once.com"] = {"app": "once", "endpoint": clusters["a"].address}
    hits = ship.metric("starship_cache_requests_total", result="hit")
    for door in ("http", "any", "http"):
        assert page(ship.port(door), "once.com")[0] == 200
    assert api.asked["once.com"] == 1
    assert ship.ending(name="once.com", door="any")["answer"] == "hit"
    assert ship.metric("starship_cache_requests_total", result="hit") == hits + 2


def test_s9_a_miss_over_http_is_a_branded_page(ship: Starship) -> None:
    status, head, body = page(ship.port("http"), "nobody.example.com")
    assert status == 404
    assert b"App not found" in body
    assert b"nobody.example.com" in body
    ending = ship.ending(name="nobody.example.com")
    assert (ending["reason"], ending["mood"], ending["status"], ending["up"]) == ("unknown_name", "missed", 404, None)
    assert ending["out"] == len(head) + 4 + len(body)
    assert f"X-Request-Id: {ending['id']}".encode() in head


def test_s10_a_miss_over_tls_is_alert_112_alone_and_logged_as_495(ship: Starship) -> None:
    before = ship.metric("starship_endings_total", door="https", reason="unknown_name")
    answer = ask(ship.port("https"), [client_hello("secret.example.com")])
    assert answer == bytes((21, 3, answer[2], 0, 2, 2, 112))
    ending = ship.ending(name="secret.example.com")
    assert (ending["reason"], ending["mood"], ending["status"], ending["out"]) == ("unknown_name", "missed", 495, 7)
    assert ship.metric("starship_endings_total", door="https", reason="unknown_name") == before + 1


def test_s12_an_endpoint_without_a_port_means_the_port_of_the_door(ship: Starship, api: Api) -> None:
    cluster = Cluster(http_hello("next door"), host="127.0.0.2", port=ship.port("http")).start()
    api.hosts["implied.com"] = {"app": "implied", "endpoint": "127.0.0.2"}
    try:
        assert page(ship.port("http"), "implied.com")[2].startswith(b"next door\n")
        assert ship.ending(name="implied.com")["up"] == cluster.address
    finally:
        cluster.stop()


def test_s12_an_endpoint_without_a_port_means_the_upstream_port_where_it_is_set(
    api: Api, clusters: Clusters, tmp_path: Path
) -> None:
    api.hosts["implied.net"] = {"app": "implied", "endpoint": "127.0.0.1"}
    api.hosts["name.net"] = {"app": "implied", "endpoint": "localhost"}
    api.hosts["both.net"] = {"app": "implied", "endpoint": clusters["b"].address}
    with starship(tmp_path, ini_text(api, doors=f"upstream_port = {clusters['a'].port}")) as ship:
        assert page(ship.port("http"), "implied.net")[2].startswith(b"cluster a\n")
        assert page(ship.port("any"), "name.net")[2].startswith(b"cluster a\n")
        assert page(ship.port("http"), "both.net")[2].startswith(b"cluster b\n")
        assert ship.ending(name="implied.net")["reason"] == "ok"


def test_s12_an_endpoint_is_an_address_of_either_family_or_a_name(ship: Starship, api: Api, clusters: Clusters) -> None:
    six = Cluster(http_hello("cluster six"), host="::1").start()
    api.hosts["six.com"] = {"app": "six", "endpoint": six.address}
    api.hosts["named.com"] = {"app": "named", "endpoint": f"localhost:{clusters['a'].port}"}
    try:
        assert page(ship.port("http"), "six.com")[2].startswith(b"cluster six\n")
        assert page(ship.port("http"), "named.com")[2].startswith(b"cluster a\n")
        assert ship.ending(name="six.com")["up"] == six.address
        assert ship.ending(name="named.com")["up"] == clusters["a"].address
    finally:
        six.stop()


def test_s16_who_names_nobody_goes_where_the_door_says(kind: Starship, clusters: Clusters) -> None:
    for door, first in (
        ("http", b"GET / HTTP/1.0\r\n\r\n"),
        ("https", client_hello(None)),
        ("any", client_hello(None)),
    ):
        with connect(kind.port(door)) as client:
            client.sendall(first)
            assert read_so_many(client, len(first)) == first
        ending = kind.ending(door=door, name=None)
        assert (ending["reason"], ending["answer"], ending["app"]) == ("ok", "static", "no_name")
        assert ending["up"] == clusters["echo"].address


def test_s16_an_unknown_name_goes_to_the_default_but_a_failed_lookup_does_not(
    kind: Starship, api: Api, landing: Cluster
) -> None:
    assert page(kind.port("http"), "unheard.com")[2].startswith(b"the landing\n")
    ending = kind.ending(name="unheard.com")
    assert (ending["reason"], ending["answer"], ending["app"]) == ("ok", "static", "default")
    api.hosts["garbage.com"] = {"endpoint": 7}
    visits = landing.visits
    assert page(kind.port("http"), "garbage.com")[0] == 503
    assert landing.visits == visits
    assert kind.ending(name="garbage.com")["reason"] == "lookup_invalid"


def test_s16_without_a_default_nobody_decides_for_the_client(ship: Starship) -> None:
    assert alert_of(ask(ship.port("https"), [client_hello(None)])) == 109
    assert ask(ship.port("http"), [b"GET / HTTP/1.0\r\n\r\n"]).startswith(b"HTTP/1.1 404 ")
    assert ask(ship.port("http"), [request("")]).startswith(b"HTTP/1.1 404 ")
    assert (
        ship.ending(reason="no_name", door="https")["status"],
        ship.ending(reason="no_name", door="http")["mood"],
    ) == (
        495,
        "refused",
    )


def test_s16_a_static_route_is_read_before_the_api_is_asked(kind: Starship, api: Api) -> None:
    status, _, _ = page(kind.port("http"), "deep.www.static.com")
    assert status == 502  # nobody listens there; the route was found
    assert api.asked["deep.www.static.com"] == 0
    ending = kind.ending(name="deep.www.static.com")
    assert (ending["reason"], ending["answer"]) == ("upstream_refused", "static")


def test_s17_one_service_one_config_three_doors(ship: Starship) -> None:
    assert {ship.port("https"), ship.port("http"), ship.port("any")} == set(
        ship.ports("https") + ship.ports("http") + ship.ports("any")
    )
    assert ship.get("/readyz")[0] == 200
    assert ship.get("/healthz")[0] == 200
    assert ship.metric("starship_ready") == 1


def test_s17_twistd_lists_starship_from_anywhere(tmp_path: Path) -> None:
    command = [str(TWISTD)] if TWISTD.exists() else [sys.executable, "-m", "twisted"]
    answer = subprocess.run([*command, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    assert "starship" in answer.stdout


def test_l8_case_and_a_trailing_dot_change_nothing_at_either_door(ship: Starship, api: Api, clusters: Clusters) -> None:
    api.hosts["spelled.com"] = {
        "app": "spelled",
        "endpoint": clusters["echo"].address,
        "paths": [{"path": "/plain", "endpoint": clusters["a"].address}],
    }
    spellings = ("spelled.com", "SPELLED.com", "Spelled.Com.", "spelled.com.")
    for spelling in spellings:
        assert page(ship.port("http"), spelling, "/plain")[2].startswith(b"cluster a\nGET /plain ")
        hello = hello_for(spelling)
        with connect(ship.port("https")) as client:
            client.sendall(hello)
            assert read_so_many(client, len(hello)) == hello
    assert api.asked["spelled.com"] == 1
    assert not [name for name in api.asked if name != "spelled.com" and name.lower().rstrip(".") == "spelled.com"]


def test_s3_what_a_client_says_is_seen_by_one_cluster_alone(ship: Starship, api: Api, clusters: Clusters) -> None:
    """The request of nobody else, of each of many names at once."""
    names = [f"crowd{number}.com" for number in range(40)]
    for at, name in enumerate(names):
        api.hosts[name] = {"app": name, "endpoint": clusters["ab"[at % 2]].address}
    clients = [connect(ship.port("any")) for _ in names]
    for client, name in zip(clients, names, strict=True):
        client.sendall(request(name))
    for at, (client, name) in enumerate(zip(clients, names, strict=True)):
        body = read_all(client).partition(b"\r\n\r\n")[2]
        client.close()
        assert body.startswith(f"cluster {'ab'[at % 2]}\nGET / HTTP/1.1\r\nHost: {name}\r\nX-Forwarded-".encode())
        assert body.count(b"\r\n\r\n") == 1
