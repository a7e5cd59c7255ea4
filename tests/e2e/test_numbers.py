"""
The numbers that the service is held to, at its doors: hellos in two parts, refusals in time, memory of those who wait.

Each is a few tries in the ordinary suite and the full count under `proof` (`make prove`), which prints what it saw.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.data.capture import CLIENTS
from tests.e2e.clients import client_hello, connect, flight, hello_for, page
from tests.e2e.crowd import BULK, Crowd, crowd
from tests.e2e.test_api_faults import TROUBLES
from tests.e2e.trouble import GRACE_S, black_hole, closed_port, in_threads
from tests.e2e.world import Api, Cluster, Starship, ini_text, starship, until
from tests.sniff.making import ORDINARY, hello, records

CONNECT_S = 2.0
LOOKUP_S = 0.02
"""What the API takes for an answer, to which a miss may add 50 ms."""

BROWSER = next(client for client in CLIENTS if client.file == "chromium-tls")

UNROUTED_BYTES = 65536
PAIR_BYTES = 262_144
"""RELIABILITY's numbers."""

OVERHEAD_BYTES = 16_384
"""What the objects of a connection may add to its buffers, and the allocator to both."""

RECOVERY_S = 5.0


def its_ini(api: Api) -> str:
    return ini_text(
        api,
        upstream=f"connect_timeout = {CONNECT_S}\ndial_timeout = 60s",
        lookup="timeout = 30s\nconcurrency = 1000",
        extra="[names]\nnew_per_source = 0\nnew_overall = 0\n[limits]\nhello_timeout = 60s\n",
    )


@pytest.fixture(scope="module")
def ship(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    with starship(tmp_path_factory.mktemp("ship"), its_ini(api)) as ship:
        yield ship


@pytest.fixture
def fresh(api: Api, tmp_path: Path) -> Iterator[Starship]:
    """One whose memory nobody has used yet: what others gave back would hide what is taken."""
    with starship(tmp_path, its_ini(api)) as ship:
        yield ship


@pytest.fixture(scope="module")
def people() -> Iterator[Crowd]:
    with crowd("a", "b") as people:
        yield people


def timed(call: Callable[[], Any]) -> float:
    """How long it took (s)."""
    began = time.monotonic()
    call()
    return time.monotonic() - began


def told(what: str, times: list[float]) -> None:
    """Print the spread of some times (s)."""
    ordered = sorted(times)
    parts = ((part, ordered[min(len(ordered) - 1, len(ordered) * part // 100)] * 1000) for part in (50, 90, 99, 100))
    print(f"{what}: {len(times)} tries, " + ", ".join(f"p{part} {ms:.1f} ms" for part, ms in parts), flush=True)


# L2


def every_cut(ship: Starship, api: Api, people: Crowd, tries: int) -> dict[str, Any]:
    """A browser's hello in two parts, cut at 1, 2, 3 … and so on; all must reach the cluster whole."""
    assert BROWSER.name is not None
    data = BROWSER.flight()
    assert 1800 < len(data) < 2100
    api.hosts[BROWSER.name] = {"endpoint": f"127.0.0.1:{people.ports['a']}"}
    result = people.visits(
        ship.port("https"),
        tries,
        {BROWSER.name: "a"},
        kinds={"cut": 1},
        flights={BROWSER.name: data.hex()},
        at_once=16,
    )
    assert result["words"] == {"cut": tries}
    return result


def test_l2_a_browsers_hello_of_two_kilobytes_is_routed_whatever_its_one_cut(
    ship: Starship, api: Api, people: Crowd
) -> None:
    """L2: each cut once."""
    every_cut(ship, api, people, len(BROWSER.flight()) - 1)


@pytest.mark.proof
def test_l2_ten_thousand_browsers_hellos_are_routed_with_each_of_their_cuts(
    ship: Starship, api: Api, people: Crowd
) -> None:
    result = every_cut(ship, api, people, 10_000)
    size = len(BROWSER.flight())
    print(f"L2: 10,000 of 10,000 hellos of {size} bytes, {size - 1} cuts, {result['seconds']:.1f} s")


# In time

STRANGE = {"https": b"\0", "http": b"\0", "any": b"\xff"}


def first_bytes(ship: Starship, tries: int) -> list[float]:
    """One byte that begins nothing, and how long until the door is shut."""
    doors = list(STRANGE)
    ports = {door: ship.port(door) for door in doors}

    def one(door: str) -> float:
        with connect(ports[door]) as client:
            began = time.monotonic()
            client.sendall(STRANGE[door])
            with contextlib.suppress(ConnectionResetError):
                while client.recv(65536):
                    pass
            return time.monotonic() - began

    return [one(doors[number % len(doors)]) for number in range(tries)]


def misses(ship: Starship, api: Api, tries: int, word: str) -> list[float]:
    """What unknown names wait beyond the API's own time; a new name each, over TLS and HTTP."""
    took: list[float] = []

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        began = time.monotonic()
        Event().wait(LOOKUP_S)
        handler.say(404, {})  # type: ignore[attr-defined]  # the Api's own handler
        took.append(time.monotonic() - began)

    beyond = []
    for number in range(tries):
        name = f"{word}-{number}.com"
        api.hosts[name] = slowly
        if number % 2:
            waited = timed(lambda name=name: flight(ship.port("https"), hello_for(name)))  # type: ignore[misc]
        else:
            waited = timed(lambda name=name: page(ship.port("http"), name))  # type: ignore[misc]
        until(lambda number=number: len(took) > number)  # type: ignore[misc]  # mypy infers no default of a lambda
        beyond.append(waited - took[number])
    return beyond


def failures(ship: Starship, api: Api, tries: int, port: int, status: int, name: str) -> list[float]:
    """How long clients of an upstream that fails wait for their page; ten at a time."""
    api.hosts[name] = {"endpoint": f"127.0.0.1:{port}"}

    def one() -> float:
        began = time.monotonic()
        assert page(ship.port("http"), name)[0] == status
        return time.monotonic() - began

    times: list[float] = []
    for _ in range(tries // 10):
        times += in_threads(*[one] * 10)
    return times


def all_in_time(ship: Starship, api: Api, tries: int, word: str, grace: float) -> None:
    """Each within its time, and `grace` (s) for a machine that has other things to do."""
    first = first_bytes(ship, tries)
    told("a bad first byte is refused", first)
    missed = misses(ship, api, tries, word)
    told("a miss is answered, beyond its lookup", missed)
    with closed_port() as port:
        refused = failures(ship, api, tries, port, 502, f"refused-{word}.com")
    told("an upstream that refuses is told", refused)
    with black_hole() as hole:
        lost = failures(ship, api, tries, hole.port, 504, f"lost-{word}.com")
    told(f"an upstream that never answers is told (connect limit {CONNECT_S * 1000:.0f} ms)", lost)
    assert max(first) < 0.1 + grace
    assert max(missed) < 0.05 + grace
    assert max(refused) < CONNECT_S + 1 + grace
    assert min(lost) > CONNECT_S - 0.05
    assert max(lost) < CONNECT_S + 1 + grace


def test_strange_bytes_misses_and_lost_upstreams_are_answered_in_time(ship: Starship, api: Api) -> None:
    """F9, F10: 100 ms; one lookup and 50 ms; the connect limit and a second."""
    all_in_time(ship, api, 20, "some", GRACE_S)


@pytest.mark.proof
def test_hundreds_of_strange_bytes_misses_and_lost_upstreams_are_answered_in_time(ship: Starship, api: Api) -> None:
    all_in_time(ship, api, 400, "many", 0)


# Memory of those who wait


def pushed(sockets: list[socket.socket], data: bytes, seconds: float) -> int:
    """Write to all of them what they take, the same bytes over and over; how much that was."""
    left = dict.fromkeys(sockets, 0)
    poll = {one.fileno(): one for one in sockets}
    end, total, moved = time.monotonic() + seconds, 0, time.monotonic()
    while time.monotonic() < end and time.monotonic() - moved < 1.0:
        for fd in select.select([], list(poll), [], 0.1)[1] if len(poll) < 500 else list(poll):
            with contextlib.suppress(BlockingIOError, ConnectionError):
                sent = poll[fd].send(data[left[poll[fd]] % len(data) :])
                left[poll[fd]] += sent
                total += sent
                moved = time.monotonic()
    return total


@contextlib.contextmanager
def many(port: int, count: int) -> Iterator[list[socket.socket]]:
    clients = [connect(port) for _ in range(count)]
    for client in clients:
        client.setblocking(False)
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


def warmed(ship: Starship, count: int) -> int:
    """What is resident once so many have come and gone."""
    with many(ship.port("https"), count):
        until(lambda: ship.metric("starship_gate_connections") == count, "all are inside")
    until(lambda: ship.metric("starship_gate_connections") == 0, "all are gone")
    return ship.resident()


ENDLESS = records(hello([*ORDINARY, (21, bytes(64_800))]))
"""A hello near the limit."""

MANIFOLD = records(hello([*ORDINARY, *((kind, bytes(500)) for kind in range(100, 227))]))


FLOODS = {
    "a hello without its last byte": ("https", ENDLESS[:-1]),
    "a hello of many extensions, without its last byte": ("https", MANIFOLD[:-1]),
    "a head without its end": ("http", b"GET / HTTP/1.1\r\nHost: a.com\r\nX: " + b"x" * 32_000),
    "a whole hello, and a megabyte behind it": ("https", client_hello("hung.com") + bytes(1 << 20)),
}


def at_rest(ship: Starship) -> int:
    """What is resident once it changes no more."""
    before = 0
    while before != (now := ship.resident()):
        before = now
        Event().wait(0.4)
    return before


def flooded(ship: Starship, api: Api, count: int, what: str) -> None:
    """Bytes a client: what the process has grown by while all of them are held."""
    held = Event()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        held.wait(30)
        handler.say(404, {})  # type: ignore[attr-defined]  # the Api's own handler

    api.hosts["hung.com"] = hang
    door, data = FLOODS[what]
    before = warmed(ship, count)
    with many(ship.port(door), count) as clients:
        for client in clients:
            with contextlib.suppress(BlockingIOError):
                rest = memoryview(data)
                while rest:
                    rest = rest[client.send(rest) :]
        until(lambda: ship.metric("starship_gate_connections") == count, "all are inside")
        grown = (at_rest(ship) - before) / count
        held.set()  # who waits for an answer is not seen to leave while a megabyte stands before its end
    until(lambda: ship.metric("starship_gate_connections") == 0, "all are gone")
    print(f"{count} clients, each with {what}: {grown / 1024:.1f} KiB a client", flush=True)
    assert grown < UNROUTED_BYTES + OVERHEAD_BYTES


def stalled(ship: Starship, api: Api, count: int, who: str) -> None:
    """Bytes a pair: what the process has grown by when one side of each does not read, and every buffer is full."""
    release = Event()

    def deaf(connection: socket.socket) -> None:
        connection.sendall(b"ready")
        release.wait(120)

    def pour(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.settimeout(120)
        while not release.is_set():
            connection.sendall(BULK)

    cluster = Cluster(deaf if who == "upstream" else pour).start()
    api.hosts["stalls.com"] = {"endpoint": cluster.address}
    before = warmed(ship, count)
    with many(ship.port("https"), count) as clients:
        for client in clients:
            client.send(hello_for("stalls.com"))
        until(lambda: cluster.visits == count, "all are through")
        if who == "upstream":
            assert pushed(clients, BULK, 30) > count * UNROUTED_BYTES
        grown = (at_rest(ship) - before) / count
        release.set()
    until(lambda: ship.metric("starship_gate_connections") == 0, "all are gone")
    cluster.stop()
    print(f"{count} pairs whose {who} does not read: {grown / 1024:.1f} KiB a pair", flush=True)
    assert grown < PAIR_BYTES


def test_who_floods_before_a_route_costs_64_kib_and_a_stalled_pair_256(fresh: Starship, api: Api) -> None:
    """F11, F14."""
    stalled(fresh, api, 20, "client")
    flooded(fresh, api, 60, "a hello without its last byte")


@pytest.mark.proof
@pytest.mark.parametrize("what", FLOODS)
def test_five_hundred_who_flood_before_a_route_cost_64_kib_each(fresh: Starship, api: Api, what: str) -> None:
    flooded(fresh, api, 500, what)


@pytest.mark.proof
@pytest.mark.parametrize("who", ["client", "upstream"])
def test_two_hundred_stalled_pairs_cost_256_kib_each(fresh: Starship, api: Api, who: str) -> None:
    stalled(fresh, api, 200, who)


# An outage of the API

TTL_S = 1.0
OUTAGES = ("stopped", "black hole", "hanging", "500", "dripping", "closes midway", "HTML", "10 MiB")


def outage(ship: Starship, api: Api, people: Crowd, what: str, seconds: float, grace: float) -> None:
    """
    All known hosts, from before to after; then a new host and one that has moved.

    `grace` (s) is for a machine that has other things to do.
    """
    word = what.replace(" ", "-").lower()
    names = {f"{letter}-{number}.{word}.com": letter for letter in "ab" for number in range(10)}
    endpoints = {letter: f"127.0.0.1:{port}" for letter, port in people.ports.items()}
    api.hosts.update({name: {"endpoint": endpoints[letter]} for name, letter in names.items()})
    people.visits(ship.port("https"), 200, names)
    with TROUBLES[what][0](api):
        people.visit(ship.port("https"), 10_000_000, names, at_once=4, seconds=seconds)
        result = people.visited()
        assert api.asked.total() > 0
        last = ship.ending(name=next(iter(names)), door="https")
    moved = next(iter(names))
    api.hosts[moved] = {"endpoint": endpoints["b"]}
    api.hosts[f"new.{word}.com"] = {"endpoint": endpoints["b"]}
    healed = time.monotonic()
    new = hello_for(f"new.{word}.com")
    until(lambda: flight(ship.port("https"), new).startswith(b"b "), "a new host", RECOVERY_S + grace)
    served = time.monotonic() - healed
    until(
        lambda: flight(ship.port("https"), hello_for(moved)).startswith(b"b "),
        "the new home",
        RECOVERY_S + TTL_S + grace,
    )
    found = time.monotonic() - healed
    count = result["words"]["known"]
    print(
        f"API {what} for {seconds:.0f} s: {count} of {count} visits to known hosts right (the last: {last['answer']}),"
        f" p99 {result['times']['known']['p99'] * 1000:.1f} ms; healed: a new host after {served:.2f} s,"
        f" one that moved after {found:.2f} s",
        flush=True,
    )
    assert served < RECOVERY_S + grace


@pytest.fixture
def forgetful(api: Api, tmp_path: Path) -> Iterator[Starship]:
    """A route is good for a second, and a day longer while the API fails."""
    cache = f"[cache]\nttl = {TTL_S}\nstale_while_revalidate = 0\nrefresh_ahead = 0\n"
    names = "[names]\nnew_per_source = 0\nnew_overall = 0\n"
    with starship(tmp_path, ini_text(api, lookup="timeout = 2s", extra=cache + names)) as ship:
        yield ship


def test_f5_known_hosts_are_served_through_an_outage_and_five_seconds_after_it_all_is_well(
    forgetful: Starship, api: Api, people: Crowd
) -> None:
    outage(forgetful, api, people, "stopped", 2.0, GRACE_S)


@pytest.mark.proof
@pytest.mark.parametrize("what", OUTAGES)
def test_f5_f6_f7_known_hosts_are_served_through_each_kind_of_outage(
    forgetful: Starship, api: Api, people: Crowd, what: str
) -> None:
    outage(forgetful, api, people, what, 15.0, 0)


@pytest.mark.proof
def test_f5_a_host_is_served_for_its_stale_time_and_no_longer(api: Api, people: Crowd, tmp_path: Path) -> None:
    api.hosts["stale.com"] = {"endpoint": f"127.0.0.1:{people.ports['a']}"}
    cache = "[cache]\nttl = 1\nstale_ttl = 10\nstale_while_revalidate = 0\nrefresh_ahead = 0\n"
    with starship(tmp_path, ini_text(api, extra=cache)) as ship:
        people.visits(ship.port("https"), 1, {"stale.com": "a"})
        began = time.monotonic()
        with TROUBLES["stopped"][0](api):
            result = people.visits(ship.port("https"), 1_000_000, {"stale.com": "a"}, seconds=10.0)
            until(lambda: flight(ship.port("https"), hello_for("stale.com"))[:1] == b"\x15", "its end")
            ended = time.monotonic() - began
    count = result["words"]["known"]
    print(f"ttl 1 s, stale_ttl 10 s: {count} of {count} visits right in 10 s of an outage, none after {ended:.2f} s")
    assert 10.9 < ended < 12.0
