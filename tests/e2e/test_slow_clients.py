"""Clients who come in crowds and say little (F15, L16), and those who ask for names that do not exist (L22)."""

from __future__ import annotations

import random
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import client_hello, connect, page, request
from tests.e2e.trouble import GRACE_S, in_threads, nothing_stays
from tests.e2e.world import WAIT_S, Api, Cluster, Starship, ini_text, starship, until

CROWD = 1000
HELLO_S = 12.0
"""Long enough for all of the crowd to be inside together, and for a few visits meanwhile."""

PER_CONNECTION_BYTES = 20_000
"""F15's number."""

HONEST_S = 2.0
"""A median visit's time under which nobody complains, on a machine that also plays the crowd."""


@pytest.fixture
def ship(api: Api, tmp_path: Path) -> Iterator[Starship]:
    limits = f"[limits]\nhello_timeout = {HELLO_S}\n[cache]\nmisses = 500\nneg_ttl = 3600s\nttl = 3600s\n"
    unlimited = "[names]\nnew_per_source = 0\nnew_overall = 0\n"  # the crowd is one address
    with starship(tmp_path, ini_text(api, extra=limits + unlimited)) as ship:
        yield ship


@pytest.fixture
def known(api: Api, clusters: dict[str, Cluster]) -> str:
    api.hosts["known.com"] = {"endpoint": clusters["a"].address}
    return "known.com"


def visits(ship: Starship, name: str, count: int) -> list[float]:
    """How long each of some visits took."""
    times = []
    for _ in range(count):
        began = time.monotonic()
        assert page(ship.port("http"), name)[0] == 200
        times.append(time.monotonic() - began)
    return times


def trickled(clients: list[tuple[socket.socket, bytes]], stop: threading.Event) -> None:
    """To each client's connection a byte of its flight, then the next, round after round."""
    at = 0
    while not stop.wait(0.2):
        for connection, flight in clients:
            try:
                connection.send(flight[at : at + 1])
            except OSError:
                continue
        at += 1


def test_a_thousand_slow_clients_cost_little_hold_up_nobody_and_are_ended_in_time(
    ship: Starship, api: Api, known: str
) -> None:
    """F15, L16: half are silent, half trickle; no byte starts their time anew."""
    hello, head = client_hello("slow.com"), request("slow.com", "/" + "x" * 200)
    usual = statistics.median(visits(ship, known, 20))
    stop = threading.Event()
    with nothing_stays(ship, api):
        empty = ship.resident()
        began = time.monotonic()
        silent = [connect(ship.port(door)) for door in ("http", "https") for _ in range(CROWD // 4)]
        slow = [(connect(ship.port("http")), head) for _ in range(CROWD // 4)]
        slow += [(connect(ship.port("https")), hello) for _ in range(CROWD // 4)]
        trickling = threading.Thread(target=trickled, args=(slow, stop), daemon=True)
        trickling.start()
        until(lambda: ship.metric("starship_gate_connections") >= CROWD, "all are inside")
        arrived = time.monotonic()
        meanwhile = statistics.median(visits(ship, known, 50))
        full = ship.resident()
        until(lambda: len(ship.endings()) >= CROWD + 70, "all are ended", HELLO_S + WAIT_S)
        ended = time.monotonic()
        stop.set()
        trickling.join()
        for connection in [*silent, *(connection for connection, _ in slow)]:
            connection.close()
    endings = [ending for ending in ship.endings() if ending["name"] != known]
    assert Counter(ending["reason"] for ending in endings) == {"hello_timeout": CROWD}
    assert {ending["mood"] for ending in endings} == {"silent"}
    assert all(HELLO_S - 0.1 < ending["t"] < HELLO_S + GRACE_S for ending in endings)
    assert ended - began < (arrived - began) + HELLO_S + GRACE_S
    assert (full - empty) / CROWD < PER_CONNECTION_BYTES
    assert meanwhile < max(2 * usual, HONEST_S)


def test_random_names_fill_only_their_own_bounded_store(ship: Starship, api: Api, known: str) -> None:
    """L22, M3: every name is new; a known host is never pushed out, nor asked for again, nor held up much."""
    usual = statistics.median(visits(ship, known, 20))
    asked = api.asked[known]
    generator = random.Random(22)
    names = [f"{generator.randbytes(8).hex()}.com" for _ in range(2000)]
    during: list[float] = []
    done = threading.Event()

    def scan(mine: list[str]) -> Callable[[], None]:
        def run() -> None:
            for name in mine:
                assert page(ship.port("http"), name)[0] == 404

        return run

    def visit() -> None:
        while not done.is_set():
            during.extend(visits(ship, known, 1))

    visiting = threading.Thread(target=visit, daemon=True)
    with nothing_stays(ship, api):
        visiting.start()
        in_threads(*[scan(names[at::4]) for at in range(4)])
        done.set()
        visiting.join()
        assert ship.metric("starship_cache_entries", store="misses") <= 500
        assert ship.metric("starship_cache_entries", store="routes") == 1
        assert ship.metric("starship_cache_evictions_total", store="routes") == 0
    assert api.asked[known] == asked
    assert sum(api.asked[name] for name in names) == len(names)
    assert statistics.median(during) < max(3 * usual, HONEST_S)


def test_one_name_asked_for_by_many_at_once_is_one_question(ship: Starship, api: Api) -> None:
    """M4, L22: a hundred clients, TLS and plain, and the API hears of it once."""
    held = threading.Event()

    def slowly(handler: object) -> None:
        held.wait(WAIT_S)
        handler.say(404, {})  # type: ignore[attr-defined]  # the Api's own handler

    api.hosts["wanted.com"] = slowly

    def release() -> None:
        until(lambda: ship.metric("starship_gate_connections") == 60, "all wait")
        held.set()

    *statuses, _ = in_threads(*[lambda: page(ship.port("http"), "wanted.com")[0]] * 60, release)
    assert set(statuses) == {404}
    assert api.asked["wanted.com"] == 1
