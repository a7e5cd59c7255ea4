"""The lookup API fails in every way it can (F5 to F8): what clients see, what the log says, and that it heals."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients import alert_of, client_hello, flight, page, request
from tests.e2e.trouble import (
    CHUNKED,
    GRACE_S,
    GZIPPED,
    SOMEWHERE,
    Conduct,
    black_hole,
    closed_port,
    dripping,
    flooding,
    http,
    huge,
    in_threads,
    nothing_stays,
    redirecting,
    saying,
)
from tests.e2e.world import Api, Cluster, Starship, ini_text, starship, until
from tests.sniff.making import hello, records, sni

LOOKUP_S = 2.0
"""The lookup's deadline of these ships: a busy machine meets it where the API fails, and not where it answers."""

LOOKUP = f"connect_timeout = {LOOKUP_S}\ntimeout = {LOOKUP_S}\n"

FORGETFUL = "breaker_failures = 0\n", "[cache]\nerror_ttl = 0\nstale_ttl = 0\n"
"""Each failure is seen as it is: what is remembered of failures, and served in spite of them, is another page."""

Trouble = Callable[[Api], AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def ship(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    once, cache = FORGETFUL
    with starship(tmp_path_factory.mktemp("ship"), ini_text(api, lookup=LOOKUP + once, extra=cache)) as ship:
        yield ship


def answering(conduct: Conduct) -> Trouble:
    """An API that answers everybody so."""

    @contextmanager
    def trouble(api: Api) -> Iterator[None]:
        api.everyone = conduct
        try:
            yield
        finally:
            api.everyone = None
            api.hang_up()

    return trouble


@contextmanager
def stopped(api: Api) -> Iterator[None]:
    """F5: nobody listens."""
    with closed_port(api.port):
        api.stop()
        try:
            yield
        finally:
            api.start(api.port)


@contextmanager
def black_holed(api: Api) -> Iterator[None]:
    """F6: whoever connects waits."""
    with closed_port(api.port):
        api.stop()
        try:
            with black_hole(api.port):
                yield
        finally:
            api.start(api.port)


FLOODED = "lookup_invalid|lookup_timeout"
"""Whichever limit is reached first, that of time or that of size."""

TROUBLES: dict[str, tuple[Trouble, str]] = {
    "stopped": (stopped, "lookup_refused"),
    "black hole": (black_holed, "lookup_timeout"),
    "hanging": (answering(saying(b"", close=False)), "lookup_timeout"),
    "dripping": (answering(dripping(http("200 OK", SOMEWHERE), 0.05)), "lookup_timeout"),
    "half an answer, then silence": (answering(saying(http("200 OK", SOMEWHERE)[:-9], close=False)), "lookup_timeout"),
    "500": (answering(saying(http("500 Oh", b"{}"))), "lookup_5xx"),
    "503 with a page": (answering(saying(http("503 No", b"<html>"))), "lookup_5xx"),
    "401": (answering(saying(http("401 No", b"{}"))), "lookup_refused"),
    "redirect to itself": (answering(redirecting), "lookup_refused"),
    "closes without a word": (answering(saying(b"")), "lookup_refused"),
    "closes midway": (answering(saying(http("200 OK", SOMEWHERE)[:-9])), "lookup_refused"),
    "length too long": (answering(saying(http("200 OK", SOMEWHERE, length=60_000))), "lookup_refused"),
    "length too short": (answering(saying(http("200 OK", SOMEWHERE, length=20))), "lookup_invalid"),
    "length is no number": (answering(saying(b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n{}")), "lookup_invalid"),
    "HTML": (answering(saying(http("200 OK", b"<html>It works!</html>"))), "lookup_invalid"),
    "endpoint is a number": (answering(saying(http("200 OK", b'{"endpoint": 5}'))), "lookup_invalid"),
    "no endpoint": (answering(saying(http("200 OK", b"{}"))), "lookup_invalid"),
    "about another host": (
        answering(saying(http("200 OK", b'{"host": "evil.com", "endpoint": "127.0.0.1"}'))),
        "lookup_invalid",
    ),
    "10 MiB": (answering(huge(10 << 20)), "lookup_invalid"),
    "100 MB": (answering(huge(100_000_000)), "lookup_invalid"),
    "chunked without end": (answering(flooding(CHUNKED, b"1\r\n \r\n" * 1000)), FLOODED),
    "head without end": (answering(flooding(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000)), FLOODED),
    "gzip": (answering(saying(GZIPPED)), "lookup_invalid"),
    "deep JSON": (answering(saying(http("200 OK", b'{"endpoint":' + b"[" * 60_000))), "lookup_invalid"),
    "not HTTP": (answering(saying(b"220 mail.example.com ESMTP\r\n" * 30)), "lookup_invalid"),
}

_numbers = itertools.count(1)


def fresh_name() -> str:
    """One that nobody has asked for."""
    return f"tenant-{next(_numbers)}.com"


def timed(job: Callable[[], Any]) -> tuple[Any, float]:
    started = time.monotonic()
    result = job()
    return result, time.monotonic() - started


@pytest.mark.parametrize(("trouble", "reason"), TROUBLES.values(), ids=TROUBLES.keys())
def test_a_failing_api_is_told_as_such_within_its_deadline_and_never_remembered_as_a_miss(
    ship: Starship, api: Api, clusters: dict[str, Cluster], trouble: Trouble, reason: str
) -> None:
    """F5, F6, F7, L20, S8, S11: 503 and Retry-After, or alert 80; a host that is known is served meanwhile."""
    known, by_http, by_tls = fresh_name(), fresh_name(), fresh_name()
    api.hosts.update({name: {"app": "A", "endpoint": clusters["a"].address} for name in (known, by_http, by_tls)})
    with nothing_stays(ship, api):
        assert page(ship.port("http"), known)[0] == 200
        with trouble(api):
            (plain, tls), took = timed(
                lambda: in_threads(
                    lambda: page(ship.port("http"), by_http),
                    lambda: flight(ship.port("https"), client_hello(by_tls)),
                )
            )
            assert page(ship.port("http"), known)[0] == 200
        status, head, body = plain
        assert status == 503
        assert b"\r\nRetry-After: " in head
        assert any(word.encode() in body for word in reason.split("|"))
        assert alert_of(tls) == 80
        assert took < LOOKUP_S + GRACE_S
        for name, door, logged in ((by_http, "http", 503), (by_tls, "https", 495)):
            ending = ship.ending(name=name)
            assert ending["reason"] in reason.split("|"), ending
            assert (ending["door"], ending["mood"]) == (door, "unreachable")
            assert (ending["status"], ending["answer"]) == (logged, "none")
        ship.ending(name=known, answer="hit")
        # It heals: the very next question brings the tenant.
        assert page(ship.port("http"), by_http)[0] == 200
        assert page(ship.port("http"), by_tls)[0] == 200
        assert api.asked[known] == 1


def test_no_answer_however_long_makes_the_ship_grow(ship: Starship, api: Api) -> None:
    """L20: ten times 100 MB, head, chunks or body, and not one of them is kept."""
    floods = ("100 MB", "chunked without end", "head without end", "gzip", "deep JSON")
    for round_ in range(3):
        for flood in floods:
            with TROUBLES[flood][0](api):
                assert page(ship.port("http"), fresh_name())[0] == 503
        if round_ == 0:
            before = ship.resident()
    assert ship.resident() - before < 8 << 20  # less than the smallest of them holds


def test_many_who_ask_a_hanging_api_wait_no_longer_than_one(
    ship: Starship, api: Api, clusters: dict[str, Cluster]
) -> None:
    """F6: sixty unknown names at once, and a known host is as quick as ever: visited again and again meanwhile."""
    known = fresh_name()
    api.hosts[known] = {"endpoint": clusters["a"].address}
    assert page(ship.port("http"), known)[0] == 200
    over, visits = threading.Event(), list[float]()

    def visit() -> None:
        while not over.is_set():
            status, took = timed(lambda: page(ship.port("http"), known)[0])
            assert status == 200
            visits.append(took)

    def wait() -> list[int]:
        try:
            return in_threads(*[lambda: page(ship.port("http"), fresh_name())[0]] * 60)
        finally:
            over.set()

    with nothing_stays(ship, api), TROUBLES["hanging"][0](api):
        (statuses, _), took = timed(lambda: in_threads(wait, visit))
    assert set(statuses) == {503}
    assert min(visits) < LOOKUP_S / 2
    assert took < LOOKUP_S + GRACE_S


def test_an_api_that_moves_a_host_is_followed_once_its_time_is_over(
    ship: Starship, api: Api, clusters: dict[str, Cluster]
) -> None:
    """F8, S7: never a mix of two tenants, and the new home within the answer's time."""
    name = fresh_name()
    api.hosts[name] = {"endpoint": clusters["a"].address, "ttl": 1}
    assert page(ship.port("http"), name)[2].startswith(b"cluster a\n")
    api.hosts[name] = {"endpoint": clusters["b"].address, "ttl": 60}
    seen = []

    def moved() -> bool:
        seen.append(page(ship.port("http"), name)[2].partition(b"\n")[0])
        return seen[-1] == b"cluster b"

    until(moved, "the new home")
    assert seen == [b"cluster a"] * (len(seen) - 1) + [b"cluster b"]
    assert api.asked[name] == 2


def test_after_its_time_a_host_fails_while_the_api_is_down_and_is_back_with_it(
    ship: Starship, api: Api, clusters: dict[str, Cluster]
) -> None:
    """F5, S7: down is not unknown, and nothing of the outage is remembered."""
    name = fresh_name()
    api.hosts[name] = {"endpoint": clusters["a"].address, "ttl": 1}
    assert page(ship.port("http"), name)[0] == 200
    with stopped(api):
        until(lambda: page(ship.port("http"), name)[0] == 503, "the route's time is over")
    assert page(ship.port("http"), name)[0] == 200


HOSTILE = (
    b"a.com/../b.com",
    b"a.com%2Fb",
    b"a.com?host=b.com",
    b"a.com&host=b.com",
    b"a.com#b",
    b"user@a.com",
    b"a com",
    b"a.com\0b.com",
    b"a.c\xc3\xb6m",
    b"{host}.com",
    b"a..com",
    b"x" * 64 + b".com",
    b".".join([b"x" * 60] * 5),
    b"127.0.0.1",
    b"[::1]",
    b"\x1b[31ma.com",
)


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_a_hostile_name_never_reaches_the_api(ship: Starship, api: Api, name: bytes) -> None:
    """L6, L21: refused on both doors, with a reason and without a question."""
    asked = api.asked.total()
    answer = flight(ship.port("http"), b"GET / HTTP/1.1\r\nHost: " + name + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert alert_of(flight(ship.port("https"), records(hello([sni(name)])))) in (47, 50, 112)
    assert api.asked.total() == asked


def test_names_reach_the_api_in_one_place_in_one_spelling(
    ship: Starship, api: Api, clusters: dict[str, Cluster]
) -> None:
    """L21, L8: whatever the client's spelling, the target that the API sees is the same."""
    api.hosts["under_score.shop-1.com"] = {"endpoint": clusters["a"].address}
    before = len(api.paths)
    for spelling in ("Under_Score.shop-1.COM", "under_score.shop-1.com.", "under_score.shop-1.com:8080"):
        assert page(ship.port("http"), spelling)[0] == 200
    assert api.paths[before:] == ["/?host=under_score.shop-1.com"]


def test_where_the_ini_file_allows_nothing_no_answer_leads_to_loopback(api: Api, tmp_path: Path) -> None:
    """The guard: an API that was taken over cannot reach what listens here, nor the metadata service."""
    doors = ini_text(api, lookup=LOOKUP).replace("allow = 127.0.0.0/8 ::1", "")
    with starship(tmp_path, doors) as ship:
        forbidden = ("127.0.0.1:80", "[::1]:80", "169.254.169.254", "0.0.0.0", "[::ffff:127.0.0.1]", "localhost:80")
        with nothing_stays(ship, api):
            for endpoint in forbidden:
                name = fresh_name()
                api.hosts[name] = {"endpoint": endpoint}
                status, head, body = page(ship.port("http"), name)
                assert (status, b"upstream_forbidden" in body) == (503, True), (endpoint, status, body)
                assert b"\r\nRetry-After: " in head
                assert endpoint.encode() not in body
                assert alert_of(flight(ship.port("https"), client_hello(name))) == 80
                assert ship.ending(name=name, door="https")["reason"] == "upstream_forbidden"


def test_where_the_operator_wants_it_a_failed_lookup_counts_as_a_miss(
    api: Api, clusters: dict[str, Cluster], tmp_path: Path
) -> None:
    """S8 as in the original: 404 or alert 112, remembered as any miss and for no longer."""
    ini = ini_text(api, lookup=f"{LOOKUP}miss_on_error = yes", extra="[cache]\nneg_ttl = 1\n")
    with starship(tmp_path, ini) as ship:
        name = fresh_name()
        api.hosts[name] = {"endpoint": clusters["a"].address}
        with TROUBLES["500"][0](api):
            assert page(ship.port("http"), name)[0] == 404
            assert alert_of(flight(ship.port("https"), client_hello(name))) == 112
        assert ship.ending(name=name, door="https")["reason"] == "unknown_name"
        until(lambda: page(ship.port("http"), name)[0] == 200, "the miss is over")
        assert api.asked[name] <= 4


def test_who_asks_for_json_is_told_the_same_in_json(ship: Starship, api: Api) -> None:
    with TROUBLES["500"][0](api):
        answer = flight(ship.port("http"), request(fresh_name(), "/", "Accept: application/json"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert json.loads(body)["error"] == "lookup_5xx"
