"""
Mutated first flights against the running service (L9): the process lives, and nobody reaches a tenant not asked for.

The cluster sends back whatever it gets, and every name has a route of its own: so an answer is the flight itself, byte
for byte, or a refusal; and the API was asked only for names that a plain reader finds in a flight.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import connect, read_all
from tests.e2e.trouble import in_threads, nothing_stays
from tests.e2e.world import Api, Cluster, Starship, in_mode, ini_text, starship
from tests.sniff.reference import Unreadable, name_in
from tests.sniff.test_mutations import FLIGHTS, mutated

SAMPLE = 2_000
PROOF = 200_000
PROGRESS = 10_000
WORKERS = 4
PROBE = "starship-readiness.invalid"


@pytest.fixture
def ship(api: Api, clusters: dict[str, Cluster], tmp_path: Path) -> Iterator[Starship]:
    api.everyone = lambda handler: handler.say(200, {"endpoint": clusters["echo"].address})  # type: ignore[attr-defined]
    ini = ini_text(api, extra="[limits]\nhello_timeout = 60s\n")
    with starship(tmp_path, in_mode("tunnel", ini)) as ship:
        yield ship
    api.everyone = None


def truth(flight: bytes) -> set[str]:
    """The names that a plain reader of either protocol finds."""
    names = set()
    for scheme in ("tls", "http"):
        try:
            name = name_in(scheme, flight)
        except Unreadable:
            continue
        if name is not None:
            names.add(name)
    return names


def pieces(generator: random.Random, flight: bytes) -> list[bytes]:
    """The flight whole, or cut once."""
    at = generator.randrange(len(flight) + 1) if generator.random() < 0.5 else 0
    return [part for part in (flight[:at], flight[at:]) if part]


def answer_to(port: int, parts: list[bytes]) -> bytes:
    """What comes back for these bytes and an end of stream."""
    with connect(port) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
            return read_all(connection)
        except (ConnectionResetError, BrokenPipeError):
            return b"reset"
        except OSError:
            return b"gone"  # the end of stream came after the refusal


def word(flight: bytes, answer: bytes) -> str:
    """What became of a flight, in a word. Anything but a refusal must be the flight itself."""
    if not answer:
        return "closed"
    if answer in (b"reset", b"gone"):
        return answer.decode()
    if answer[:3] in (b"\x15\x03\x01", b"\x15\x03\x03", b"\x15\x03\x00", b"\x15\x03\x02") and len(answer) == 7:
        return f"alert {answer[6]}"
    if answer.startswith(b"HTTP/1.1 ") and not answer.startswith(b"HTTP/1.1 2"):
        return answer[9:12].decode()
    assert answer == flight, (flight.hex(), answer.hex())
    return "routed"


def run(ship: Starship, api: Api, seed: int, count: int, *, talk: bool) -> Counter[str]:
    """Send so many mutated flights to the three doors. Returns: how many ended in which way."""
    began, words, lock = time.monotonic(), Counter[str](), threading.Lock()
    allowed = {PROBE, *api.asked}
    doors = {door: ship.port(door) for door in ("https", "http", "any")}

    def work(worker: int) -> None:
        generator = random.Random(seed * WORKERS + worker)
        for _ in range(count // WORKERS):
            scheme, original = generator.choice(FLIGHTS)
            flight = mutated(generator, original)
            door = generator.choice(("any", "https" if scheme == "tls" else "http"))
            names = truth(flight)
            with lock:
                allowed.update(names)
            found = word(flight, answer_to(doors[door], pieces(generator, flight)))
            with lock:
                words[found] += 1
                if talk and words.total() % PROGRESS == 0:
                    print(
                        f"{words.total():>9,} flights in {time.monotonic() - began:.0f} s: {dict(words.most_common())}"
                    )

    with nothing_stays(ship, api):
        in_threads(*[lambda worker=worker: work(worker) for worker in range(WORKERS)], patience=3600)
    assert set(api.asked) <= allowed, set(api.asked) - allowed
    return words


def test_a_sample_of_mutated_flights_leaves_the_process_as_it_was(ship: Starship, api: Api) -> None:
    """L9, L1: 2,000 of the proof's; the same process, no traceback, no misroute."""
    pid = ship.process.pid
    words = run(ship, api, 9, SAMPLE, talk=False)
    assert words.total() == SAMPLE
    assert ship.process.poll() is None
    assert ship.process.pid == pid
    assert min(words["routed"], words["alert 50"], words["400"]) > 50, words
    assert "500" not in words
    assert "alert 80" not in words
    assert all(ending["mood"] != "broken" for ending in ship.endings())


@pytest.mark.proof
def test_two_hundred_thousand_mutated_flights_leave_the_process_as_it_was(ship: Starship, api: Api) -> None:
    """L9: over real sockets; memory is level once warm."""
    run(ship, api, 10, PROOF // 10, talk=True)
    warm = ship.resident()
    words = run(ship, api, 11, PROOF, talk=True)
    assert words.total() == PROOF
    assert ship.process.poll() is None
    assert "500" not in words
    assert ship.resident() - warm < 16 << 20
    print(f"{PROOF:,} flights over sockets: same process, 0 misroutes, {dict(words.most_common())}")
