"""The lookup fails, tenants move, scanners scan, the service starts while the API is down: nobody notices."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import alert_of, ask, client_hello, connect, page, read_so_many, request
from tests.e2e.trouble import GRACE_S, closed_port
from tests.e2e.world import START_S, Api, Cluster, Starship, echo, http_hello, ini_text, starship, until

RECOVERY_S = 5.0

CACHE = "[cache]\nttl = 1\nneg_ttl = 1\nrefresh_ahead = 0\n"


def home(cluster: Cluster, **more: object) -> dict[str, object]:
    return {"app": "A", "endpoint": cluster.address, **more}


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    api.start()
    yield api
    api.stop()


@pytest.fixture
def site() -> Iterator[Cluster]:
    cluster = Cluster(http_hello("cluster a")).start()
    yield cluster
    cluster.stop()


def test_an_outage_of_the_api_is_not_seen_by_who_is_known_and_is_over_in_five_seconds(
    api: Api, site: Cluster, tmp_path: Path
) -> None:
    api.hosts["a.com"] = home(site)
    api.hosts["new.com"] = home(site)
    port = api.port
    with starship(tmp_path / "ship", ini_text(api, extra=CACHE)) as ship:
        assert page(ship.port("http"), "a.com")[0] == 200
        with closed_port(port):
            api.stop()
            end = time.monotonic() + 3.0
            while time.monotonic() < end:  # three times its ttl
                assert page(ship.port("http"), "a.com")[0] == 200
            assert ship.ending(name="a.com", answer="stale")["reason"] == "ok"
            for number in range(8):
                assert page(ship.port("http"), f"unknown{number}.com")[0] == 503
            until(lambda: ship.metric("starship_lookup_breaker", api="0") == 2, "an open breaker")
            started = time.monotonic()
            assert page(ship.port("http"), "new.com")[0] == 503
            assert time.monotonic() - started < GRACE_S
            api.start(port)
        until(lambda: page(ship.port("http"), "new.com")[0] == 200, "recovery", RECOVERY_S + GRACE_S)
        until(lambda: ship.metric("starship_lookup_breaker", api="0") == 0, "a closed breaker", RECOVERY_S + GRACE_S)
        assert page(ship.port("http"), "a.com")[0] == 200
        assert ship.log.read_text().count("it is tried by single questions") == 1


def test_a_tenant_that_moves_is_found_at_once_with_the_same_bytes(api: Api, tmp_path: Path) -> None:
    old, new = Cluster(echo).start(), Cluster(echo).start()
    api.hosts["a.com"] = {"app": "A", "endpoint": old.address}
    with starship(tmp_path / "ship", ini_text(api, extra="[cache]\nttl = 1h\nrenew_interval = 0\n")) as ship:
        hello = client_hello("a.com")

        def visit() -> bytes:
            with connect(ship.port("https")) as client:
                client.sendall(hello)
                return read_so_many(client, len(hello))

        assert visit() == hello
        assert old.visits == 1
        with closed_port(old.port):
            old.stop()
            api.hosts["a.com"] = {"app": "A", "endpoint": new.address}
            assert visit() == hello
        assert new.visits == 1
        assert api.asked["a.com"] == 2
        ending = ship.ending(name="a.com", up=new.address)
        assert (ending["reason"], ending["answer"]) == ("ok", "fresh")
        assert ship.metric("starship_lookup_beside_total", why="renew") == 1
    new.stop()


def test_an_upstream_that_flaps_makes_no_storm_of_questions_F9(api: Api, tmp_path: Path) -> None:
    cache = "[cache]\nttl = 1h\nrenew_interval = 10m\n"
    with closed_port() as port, starship(tmp_path / "ship", ini_text(api, extra=cache)) as ship:
        api.hosts["a.com"] = {"app": "A", "endpoint": f"127.0.0.1:{port}"}
        for _ in range(40):
            assert page(ship.port("http"), "a.com")[0] == 502
        assert api.asked["a.com"] == 1
        assert ship.ending(name="a.com")["reason"] == "upstream_refused"


def test_a_start_while_the_api_is_down_costs_who_was_known_nothing(api: Api, site: Cluster, tmp_path: Path) -> None:
    api.hosts["a.com"] = home(site)
    snapshot = tmp_path / "routes"
    ini = ini_text(api, extra=f"[cache]\nttl = 1\nsnapshot = {snapshot}\n")
    with starship(tmp_path / "first", ini) as ship:
        assert page(ship.port("http"), "a.com")[0] == 200
    assert snapshot.exists()
    with closed_port(api.port):
        api.stop()
        with starship(tmp_path / "second", ini) as ship:
            assert page(ship.port("http"), "a.com")[0] == 200
            assert ship.ending(name="a.com")["answer"] in ("stale", "hit")
            assert ship.metric("starship_cache_entries", store="routes") == 1
        snapshot.write_bytes(snapshot.read_bytes()[:-5])
        with starship(tmp_path / "third", ini, wait=False) as ship:
            until(lambda: ship.log.exists() and "is not used" in ship.log.read_text(), "a warning", START_S)
            assert page(ship.port("http"), "a.com")[0] == 503


def test_a_scanner_costs_the_api_a_bounded_rate_and_no_tenant_anything(api: Api, site: Cluster, tmp_path: Path) -> None:
    budget = "[names]\nnew_per_source = 1\nburst_per_source = 5\n"
    for name in ("a.com", "b.com"):
        api.hosts[name] = home(site)
    with starship(tmp_path / "ship", ini_text(api, extra=budget)) as ship:
        assert page(ship.port("http"), "a.com")[0] == 200
        started = time.monotonic()
        for number in range(30):
            assert page(ship.port("http"), f"scan{number}.com")[0] == 404
        spent = time.monotonic() - started
        asked = sum(count for name, count in list(api.asked.items()) if name.startswith("scan"))
        assert asked <= 5 + spent + 1
        assert ship.ending(reason="over_limit", door="http")["name"].startswith("scan")
        assert alert_of(ask(ship.port("https"), [client_hello("scan99.com")])) == 112
        assert ship.ending(name="scan99.com")["status"] == 495
        assert page(ship.port("http"), "a.com")[0] == 200
        assert ship.metric("starship_names_over_budget_total", limit="source") >= 30 - asked
        until(lambda: page(ship.port("http"), "b.com")[0] == 200, "a tenant that is new")


def test_a_second_api_is_asked_when_the_first_one_fails(api: Api, site: Cluster, tmp_path: Path) -> None:
    second = Api()
    second.start()
    names = [f"n{number}.com" for number in range(20)]
    for one in (api, second):
        one.hosts.update({name: home(site) for name in names})
    lookup = f"fallback_urls = http://127.0.0.1:{second.port}/?host={{host}}"
    with starship(tmp_path / "ship", ini_text(api, lookup=lookup)) as ship:
        assert page(ship.port("http"), "n0.com")[0] == 200
        assert second.asked["n0.com"] == 0
        with closed_port(api.port):
            api.stop()
            for name in names[1:]:
                assert page(ship.port("http"), name)[0] == 200
            assert sum(second.asked.values()) == 19
            assert ship.metric("starship_lookup_breaker", api="0") > 0
            assert ship.metric("starship_lookup_breaker", api="1") == 0
    second.stop()


def test_a_token_that_is_rotated_is_used_within_a_second(api: Api, site: Cluster, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first")
    for number in range(100):
        api.hosts[f"n{number}.com"] = home(site)
    with starship(tmp_path / "ship", ini_text(api, lookup=f"token_file = {token}")) as ship:
        assert page(ship.port("http"), "n0.com")[0] == 200
        assert api.seen[-1]["Authorization"] == "Bearer first"
        draft = tmp_path / "token.new"
        draft.write_text("second, which is none")
        draft.replace(token)
        numbers = itertools.count()
        until(lambda: _ask_new(ship, numbers) and "stays in use" in ship.log.read_text(), "a warning")
        assert api.seen[-1]["Authorization"] == "Bearer first"
        draft.write_text("second")
        draft.replace(token)
        until(lambda: _ask_new(ship, numbers) and api.seen[-1]["Authorization"] == "Bearer second", "the new token")


def _ask_new(ship: Starship, numbers: Iterator[int]) -> bool:
    number = next(numbers)
    answer = ask(ship.port("http"), [request(f"n{1 + number % 99}-{number}.com")])
    return answer.startswith(b"HTTP/1.1 ")
