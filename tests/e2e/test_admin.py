"""The admin port of a running service: explain says what clients meet and leaves no trace; the cache obeys."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from starship.cli import main
from tests.e2e.clients import alert_of, connect, flight, hello_for, page, read_all, request
from tests.e2e.trouble import http, saying
from tests.e2e.world import START_S, WAIT_S, Api, Cluster, Starship, answers, ini_text, starship, until

Clusters = dict[str, Cluster]

TRACES = ("starship_cache_", "starship_lookup", "starship_endings", "starship_connections", "starship_gate")


@pytest.fixture(scope="module")
def ship(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    """One that forgets nothing by itself, failures neither, for as long as these tests may take."""
    cache = "[cache]\nttl = 1h\nneg_ttl = 10m\nerror_ttl = 60s\nmax_error_ttl = 300s\n"
    with starship(tmp_path_factory.mktemp("ship"), ini_text(api, extra=cache)) as ship:
        yield ship


@define
class Said:
    """What the admin port answered."""

    status: int
    verdict: str | None
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(ship: Starship, path: str, method: str = "GET", body: Any = None, **headers: str) -> Said:
    """A request as curl makes it."""
    data = None if body is None else json.dumps(body).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    fields.setdefault("Accept", "application/json")
    if data is not None:
        fields.setdefault("Content-Type", "application/json")
    wanted = urllib.request.Request(f"http://127.0.0.1:{ship.admin}{path}", data=data, method=method, headers=fields)
    try:
        with urllib.request.urlopen(wanted, timeout=WAIT_S) as answer:
            return Said(answer.status, answer.headers.get("Starship-Verdict"), answer.read().decode())
    except urllib.error.HTTPError as error:
        return Said(error.code, None, error.read().decode())


def explain(ship: Starship, host: str, **query: str) -> Any:
    more = "".join(f"&{key}={value}" for key, value in query.items())
    return ask(ship, f"/explain?host={host}{more}").json


def traces(ship: Starship) -> list[str]:
    """The metrics that a question to the resolver leaves a trace in."""
    return [line for line in ship.get("/metrics")[1].splitlines() if line.startswith(TRACES)]


def meets(ship: Starship, name: str) -> tuple[int, int]:
    """The HTTP status and the TLS alert that clients of a name get."""
    return page(ship.port("http"), name)[0], alert_of(flight(ship.port("https"), hello_for(name)))


def test_explain_leaves_no_trace_in_metrics_cache_or_api(ship: Starship, api: Api, clusters: Clusters) -> None:
    api.hosts["trace.com"] = {"app": "trace", "endpoint": clusters["a"].address}
    for name in ("trace.com", "trace-unknown.com"):
        page(ship.port("http"), name)
    ship.settled()
    until(lambda: ship.metric("starship_gate_connections") == 0, "nobody counts")
    before = (traces(ship), ask(ship, "/cache?prefix=trace").json["entries"][0]["hits"], dict(api.asked))
    for name in ("trace.com", "trace-unknown.com", "trace-new.com", "1.2.3.4", ""):
        for query in ({}, {"client": "192.0.2.7"}, {"scheme": "http"}):
            explain(ship, name, **query)
    ask(ship, "/cache/trace.com")
    ask(ship, "/lookups")
    assert (traces(ship), ask(ship, "/cache?prefix=trace").json["entries"][0]["hits"], dict(api.asked)) == before


def test_m8_looks_do_not_change_which_name_the_cache_forgets_first(
    api: Api, clusters: Clusters, tmp_path: Path
) -> None:
    for name in ("one.com", "two.com", "three.com"):
        api.hosts[name] = {"app": name, "endpoint": clusters["a"].address}
    with starship(tmp_path, ini_text(api, extra="[cache]\nroutes = 2\n")) as ship:
        for name in ("one.com", "two.com"):
            page(ship.port("http"), name)
        for _ in range(3):
            explain(ship, "one.com")
            ask(ship, "/cache/one.com")
            ask(ship, "/cache")
        page(ship.port("http"), "three.com")
        assert [entry["kept_as"] for entry in ask(ship, "/cache").json["entries"]] == ["three.com", "two.com"]


def test_explain_says_what_clients_of_each_kind_then_meet(ship: Starship, api: Api) -> None:
    api.hosts["meta.com"] = {"endpoint": "169.254.169.254:80"}
    api.hosts["closed.com"] = {"endpoint": "10.0.0.1", "maintenance": True}
    api.hosts["ours-only.com"] = {"endpoint": "10.0.0.1", "allow": ["10.0.0.0/8"]}
    api.hosts["garbage.com"] = {"endpoint": 7}
    reasons = {
        "nobody.com": "unknown_name",
        "meta.com": "upstream_forbidden",
        "closed.com": "maintenance",
        "ours-only.com": "denied",
        "garbage.com": "lookup_invalid",
    }
    for name, reason in reasons.items():
        met = meets(ship, name)
        told = explain(ship, name, client="127.0.0.1")
        assert told["reason"] == reason, name
        clients = told["clients"]
        assert (clients["http"]["status"], clients["tls"]["alert"]) == met, name
        assert ship.ending(name=name, door="http")["status"] == clients["http"]["logged"]
        assert ship.ending(name=name, door="https")["status"] == clients["tls"]["logged"]
        assert ship.ending(name=name, door="https")["reason"] == reason


def test_a_name_that_is_served_is_explained_with_its_cache_raw_answer_and_endpoint(
    ship: Starship, api: Api, clusters: Clusters
) -> None:
    api.hosts["www.home.com"] = {"app": "home", "endpoint": clusters["a"].address, "ttl": 20}
    said = ask(ship, "/explain?host=WWW.Home.com.")
    assert (said.verdict, said.json["provider"]) == ("unknown", "api")
    assert page(ship.port("http"), "www.home.com")[0] == 200
    said = ask(ship, "/explain?host=WWW.Home.com.")
    assert (said.verdict, said.json["name"], said.json["provider"]) == ("served", "www.home.com", "cache")
    assert 0 < said.json["cache"]["left"] <= 20
    assert json.loads(said.json["raw"]["body"]) == api.hosts["www.home.com"]
    assert said.json["endpoints"][0]["address"] == clusters["a"].address
    text = ask(ship, "/explain?host=www.home.com", Accept="*/*").body
    assert f"  endpoint        {clusters['a'].address} (first for 100%)" in text


def test_live_shows_a_move_that_the_cache_does_not_know_and_remembers_nothing(
    ship: Starship, api: Api, clusters: Clusters
) -> None:
    api.hosts["moving.com"] = {"app": "moving", "endpoint": clusters["a"].address}
    page(ship.port("http"), "moving.com")
    api.hosts["moving.com"] = {"app": "moving", "endpoint": clusters["b"].address}
    told = explain(ship, "moving.com", live="1")
    assert (told["live"]["differs"], api.asked["moving.com"]) == (["endpoint"], 2)
    assert told["answer"]["endpoint"] == clusters["a"].address
    assert b"cluster a" in page(ship.port("http"), "moving.com")[2]
    assert api.asked["moving.com"] == 2


def test_what_is_set_is_where_clients_go_and_what_is_deleted_is_asked_for_again(
    ship: Starship, api: Api, clusters: Clusters
) -> None:
    api.hosts["hand.com"] = {"app": "hand", "endpoint": clusters["a"].address}
    said = ask(ship, "/cache/hand.com", "PUT", {"app": "by hand", "endpoint": clusters["b"].address})
    assert said.json["answer"]["app"] == "by hand"
    assert b"cluster b" in page(ship.port("http"), "hand.com")[2]
    assert api.asked["hand.com"] == 0
    assert ask(ship, "/cache/hand.com", "DELETE").json["deleted"] == 1
    assert b"cluster a" in page(ship.port("http"), "hand.com")[2]
    assert api.asked["hand.com"] == 1
    assert ask(ship, "/cache?app=hand", "DELETE").json["names"] == ["hand.com"]
    assert ask(ship, "/cache/hand.com").status == 404


def test_a_wildcard_that_is_set_serves_all_names_below_it(ship: Starship, clusters: Clusters) -> None:
    ask(ship, "/cache/*.star.com", "PUT", {"app": "star", "endpoint": clusters["b"].address})
    assert b"cluster b" in page(ship.port("http"), "x.y.star.com")[2]
    assert explain(ship, "z.star.com")["cache"]["kept_as"] == "*.star.com"
    assert ask(ship, "/cache?suffix=star.com", "DELETE").json["names"] == ["*.star.com"]


def test_deletion_beats_a_question_that_is_in_flight(ship: Starship, api: Api, clusters: Clusters) -> None:
    asked = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        asked.wait(WAIT_S)
        saying(http("200 OK", json.dumps({"app": "old", "endpoint": clusters["a"].address}).encode()))(handler)

    api.hosts["slow.com"] = slow
    with connect(ship.port("http")) as client:
        client.sendall(request("slow.com"))
        until(lambda: api.asked["slow.com"] == 1, "the question")
        assert explain(ship, "slow.com")["asking"]
        assert ask(ship, "/cache/slow.com", "DELETE").status == 404
        asked.set()
        assert b"cluster a" in read_all(client)
    assert ask(ship, "/cache/slow.com").status == 404


def test_a_list_is_looked_up_ahead_and_its_names_cost_no_client_a_question(
    ship: Starship, api: Api, clusters: Clusters
) -> None:
    names = [f"warm{number}.com" for number in range(300)]
    for name in names[:200]:
        api.hosts[name] = {"app": name, "endpoint": clusters["a"].address}
    job = ask(ship, "/cache/warm", "POST", {"names": names})
    assert (job.status, job.json["total"]) == (202, 300)
    done = until(
        lambda: (one := ask(ship, f"/cache/warm/{job.json['id']}").json)["state"] != "running" and one, "the list"
    )
    assert {key: done[key] for key in ("state", "done", "routes", "misses", "failed")} == {
        "state": "done",
        "done": 300,
        "routes": 200,
        "misses": 100,
        "failed": 0,
    }
    assert page(ship.port("http"), "warm7.com")[0] == 200
    assert page(ship.port("http"), "warm250.com")[0] == 404
    assert (api.asked["warm7.com"], api.asked["warm250.com"]) == (1, 1)
    assert ask(ship, "/cache?prefix=warm", "GET").json["next"] is not None
    assert ask(ship, "/cache/purge", "POST", {"what": "all"}).json["deleted"] >= 300


def test_requests_that_cannot_be_meant_are_refused_in_words(ship: Starship) -> None:
    assert ask(ship, "/explain").status == 400
    assert ask(ship, "/cache/a..com").json == {"error": "the name has an empty label"}
    assert ask(ship, "/cache/a.com", "PUT", {"app": "A"}).status == 400
    assert ask(ship, "/cache/a.com", "POST", {}).status == 405
    assert ask(ship, "/nowhere").status == 404
    assert ask(ship, "/cache/purge", "POST", {"what": "all"}, Content_Type="text/plain").status == 415
    assert ask(ship, "/cache/purge", "POST", {"what": "all"}, Origin="https://evil.com").status == 403
    assert ask(ship, "/cache", Host="evil.com").status == 403


def test_each_turn_of_a_breaker_is_seen_on_the_admin_port(api: Api, clusters: Clusters, tmp_path: Path) -> None:
    failing = saying(http("503 Service Unavailable", b""))
    with starship(tmp_path, ini_text(api, lookup="breaker_interval = 1s\n", extra="[cache]\nerror_ttl = 0\n")) as ship:
        try:
            api.everyone = failing
            for number in range(8):
                page(ship.port("http"), f"outage{number}.com")
            standing = ask(ship, "/lookups").json["apis"][0]
            assert (standing["breaker"], standing["well"]) == ("open", False)
            assert standing["last_error"] == "the API answered 503"
            assert ship.metric("starship_lookup_breaker", api="0") > 0
            assert "503" in ask(ship, "/lookups", Accept="*/*").body
        finally:
            api.everyone = None
        api.hosts["well.com"] = {"app": "well", "endpoint": clusters["a"].address}
        until(lambda: page(ship.port("http"), "well.com")[0] == 200, "recovery")
        assert ask(ship, "/lookups").json["apis"][0]["breaker"] == "closed"


def test_the_command_line_asks_a_running_service_behind_a_token_on_a_unix_socket(
    api: Api, clusters: Clusters, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.hosts["cli.com"] = {"app": "cli", "endpoint": clusters["a"].address}
    token, names = tmp_path / "admin-token", tmp_path / "names"
    token.write_text("s3cret\n")
    names.write_text("cli.com\ncli-unknown.com\n")
    admin = f"[admin]\nendpoint = unix:{tmp_path}/admin.sock\ntoken_file = {token}\n"
    with starship(tmp_path, ini_text(api, extra=admin), wait=False) as ship:
        until(lambda: answers(tmp_path / "admin.sock"), "the socket", START_S)
        config = ("--config", str(tmp_path / "starship.ini"))
        assert main(["explain", "cli.com", *config]) == 1
        assert "unknown before the API is asked" in capsys.readouterr().out
        assert main(["explain", "cli.com", "--live", *config]) == 0
        assert main(["cache", "warm", str(names), *config]) == 0
        assert capsys.readouterr().out.endswith("2 of 2: 1 routes, 1 unknown, 0 failed\n")
        assert main(["cache", "list", *config]) == 0
        assert f"cli  {clusters['a'].address}" in capsys.readouterr().out
        assert main(["explain", "cli-unknown.com", *config]) == 1
        assert "alert 112 unrecognized_name" in capsys.readouterr().out
        assert main(["cache", "delete", "cli.com", *config]) == 0
        assert main(["explain", "cli.com", "--admin", f"unix:{tmp_path}/admin.sock"]) == 2
        assert "needs the token" in capsys.readouterr().err
        assert ship.process.poll() is None


def test_without_a_token_an_endpoint_that_others_reach_shows_no_names_and_says_so(api: Api, tmp_path: Path) -> None:
    with starship(tmp_path, ini_text(api, extra="[admin]\nendpoint = tcp:0\n")) as ship:
        assert ask(ship, "/explain?host=a.com").status == 403
        assert ask(ship, "/readyz").status == 200
        assert "without [admin] token_file it shows no names" in ship.log.read_text()
