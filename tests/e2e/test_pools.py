"""Pools on real sockets: who is served while endpoints refuse, reset, hang, vanish, flap and change."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from attrs import define, field

from tests.e2e.clients import alert_of, client_hello, connect, flight, page, read_all, read_so_many, read_until
from tests.e2e.trouble import black_hole, closed_port, in_threads, nothing_stays, reset
from tests.e2e.world import WAIT_S, Api, Cluster, Starship, echo, http_hello, ini_text, starship, until

CONNECT_S = 2.0
"""For those that are black holes; all others have as long as they like."""

PATIENT_S = 30
SOURCES = range(2, 27)
"""So many clients that by chance they belong to one of three members once in 10**11 runs."""

EJECT_FAILURES = 3

RAW = """
[listener:raw]
protocol = tcp
endpoint = tcp:0:interface=127.0.0.1
upstream = pool:raw
"""


def greet(text: str) -> Callable[[socket.socket], None]:
    """A server that speaks first, as mail servers do, and then echoes."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(text.encode() + b"\n")
        echo(connection)

    return handle


def listen(connection: socket.socket) -> None:
    """A server that has nothing to say."""
    read_all(connection)


@define(eq=False)
class Yard:
    """The members of all pools; `refusing` is a port where nobody listens, `hole` and the pits are black holes."""

    flaps_at: int
    refusing: int
    hole: int
    pit: int
    pits: int
    web: list[Cluster] = field(factory=lambda: [Cluster(http_hello(f"web {name}")).start() for name in "abc"])
    raw: list[Cluster] = field(factory=lambda: [Cluster(greet(f"raw {name}")).start() for name in "ab"])
    echoes: list[Cluster] = field(factory=lambda: [Cluster(echo).start() for _ in range(3)])
    mute: Cluster = field(factory=lambda: Cluster(listen).start())
    rude: Cluster = field(factory=lambda: Cluster(reset).start())
    flapping: Cluster = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.flapping = Cluster(http_hello("flapping"), port=self.flaps_at).start()

    def ini(self, api: Api) -> str:
        web = ", ".join(cluster.address for cluster in self.web)
        one = self.web[0].address
        pools = {
            "web": f"endpoints = {web}",
            "loyal": f"endpoints = {web}\npolicy = hash_source",
            "raw": f"endpoints = {', '.join(cluster.address for cluster in self.raw)}",
            "half-refusing": f"endpoints = 127.0.0.1:{self.refusing}, {one}",
            "half-hole": f"endpoints = 127.0.0.1:{self.hole}, {one}\nconnect_timeout = {CONNECT_S}",
            "half-rude": f"endpoints = {self.rude.address}, {self.echoes[0].address}\neject_time = 300s",
            "half-mute": f"endpoints = {self.mute.address}, {one}",
            "half-flapping": f"endpoints = {self.flapping.address}, {one}",
            "down": f"endpoints = 127.0.0.3:{self.refusing}, 127.0.0.4:{self.refusing}",
            "gone": f"endpoints = 127.0.0.1:{self.pit}, 127.0.0.1:{self.pits}\nconnect_timeout = {CONNECT_S}",
            "spare": f"endpoints = 127.0.0.1:{self.refusing}, {self.web[2].address} backup",
            "narrow": f"endpoints = {self.echoes[2].address}\nmax_connections = 1\nqueue = 1\nqueue_timeout = 30s",
            "hurried": f"endpoints = {self.echoes[1].address}\nmax_connections = 1\nqueue_timeout = 300ms",
        }
        sections = "".join(f"[pool:{name}]\n{text}\n" for name, text in pools.items())
        routes = "".join(f"{name}.com = pool:{name}\n" for name in pools)
        return ini_text(
            api,
            upstream=f"connect_timeout = {PATIENT_S}s\ndial_timeout = {2 * PATIENT_S}s\n"
            f"eject_failures = {EJECT_FAILURES}\neject_time = 1s",
            extra=f"{sections}[routes]\n{routes}[cache]\nttl = 500ms\nstale_while_revalidate = 0\n{RAW}",
        )


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    """The port of the one that flaps is held all the time, so that nobody else gets it while nobody listens there."""
    with (
        closed_port() as flaps_at,
        closed_port() as refusing,
        black_hole() as hole,
        black_hole() as pit,
        black_hole() as pits,
    ):
        made = Yard(flaps_at, refusing, hole.port, pit.port, pits.port)
        yield made
        for cluster in (*made.web, *made.raw, *made.echoes, made.mute, made.rude, made.flapping):
            cluster.stop()


@pytest.fixture(scope="module")
def ship(api: Api, yard: Yard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    with starship(tmp_path_factory.mktemp("ship"), yard.ini(api)) as ship:
        yield ship


@pytest.fixture(autouse=True)
def level(ship: Starship, api: Api) -> Iterator[None]:
    with nothing_stays(ship, api):
        yield


def served(ship: Starship, name: str) -> str:
    """Who served a page of a name."""
    status, _, body = page(ship.port("http"), name)
    assert status == 200, body
    return body.split(b"\n")[0].decode()


def test_k10_all_members_share_the_load_whoever_names_the_pool(ship: Starship, api: Api, yard: Yard) -> None:
    """By [routes], and by a lookup."""
    api.hosts["asked.com"] = {"app": "A", "endpoint": "pool:web"}
    for name in ("web.com", "asked.com"):
        counts = Counter(served(ship, name) for _ in range(30))
        assert counts == {"web a": 10, "web b": 10, "web c": 10}


def test_a_lookup_that_names_a_pool_that_there_is_not_has_failed(ship: Starship, api: Api) -> None:
    api.hosts["nowhere.com"] = {"app": "A", "endpoint": "pool:nowhere"}
    assert page(ship.port("http"), "nowhere.com")[0] == 503
    assert ship.ending(name="nowhere.com")["reason"] == "lookup_invalid"


def test_a_client_keeps_its_member_by_its_address(ship: Starship, yard: Yard) -> None:
    members = set()
    for number in SOURCES:
        answers = set()
        for _ in range(2):
            with connect(ship.port("http"), source=f"127.0.0.{number}") as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: loyal.com\r\nConnection: close\r\n\r\n")
                answers.add(read_all(connection).partition(b"\r\n\r\n")[2].split(b"\n")[0])
        assert len(answers) == 1
        members |= answers
    assert len(members) > 1


def test_k1_a_raw_listener_shares_its_port_among_a_pool_and_the_server_may_speak_first(ship: Starship) -> None:
    greetings = Counter[bytes]()
    for _ in range(10):
        with connect(ship.port("raw")) as connection:
            connection.settimeout(WAIT_S)
            greeting = read_until(connection, b"\n")
            connection.sendall(b"EHLO")
            assert read_so_many(connection, 4) == b"EHLO"
            greetings[greeting] += 1
    assert greetings == {b"raw a\n": 5, b"raw b\n": 5}


def test_one_refuses_and_nobody_learns_of_it(ship: Starship) -> None:
    assert {served(ship, "half-refusing.com") for _ in range(40)} == {"web a"}


def test_g4_one_is_a_black_hole_and_costs_a_client_one_try_and_soon_nobody_anything(ship: Starship, yard: Yard) -> None:
    def timed() -> float:
        started = time.monotonic()
        assert served(ship, "half-hole.com") == "web a"
        return time.monotonic() - started

    took = in_threads(*[timed] * 20)
    assert max(took) < PATIENT_S
    until(lambda: f"127.0.0.1:{yard.hole} is left out" in ship.log.read_text(), "the hole is left out")
    assert sorted(timed() for _ in range(10))[5] < CONNECT_S


def test_one_resets_what_it_accepts_and_is_left_out_after_so_many_and_nobody_is_lost(
    ship: Starship, yard: Yard
) -> None:
    hello = client_hello("half-rude.com")

    def comes() -> bytes:
        with connect(ship.port("https")) as connection:
            connection.settimeout(WAIT_S)
            connection.sendall(hello)
            return connection.recv(1)

    for _ in range(50):
        assert comes() == hello[:1]
        if f"{yard.rude.address} is left out for 300 s" in ship.log.read_text():
            break
    visits = yard.rude.visits
    assert EJECT_FAILURES <= visits < 50
    for _ in range(10):
        assert comes() == hello[:1]
    assert yard.rude.visits == visits


def test_one_accepts_and_never_answers_which_is_between_it_and_its_clients(ship: Starship, yard: Yard) -> None:
    """It took the connection: nothing at this layer says that it is not well. Others are served beside it."""
    hello = client_hello("half-mute.com")
    waiting = [connect(ship.port("https")) for _ in range(4)]
    for connection in waiting:
        connection.sendall(hello)
    until(lambda: yard.mute.open == 2, "half of them are there")
    assert f"{yard.mute.address} is left out" not in ship.log.read_text()
    for connection in waiting:
        connection.close()


def test_one_flaps_every_second_and_every_client_is_served(ship: Starship, yard: Yard) -> None:
    over = threading.Event()
    statuses: list[int] = []

    def more_than(count: int) -> bool:
        return len(statuses) > count

    def come() -> None:
        while not over.is_set():
            statuses.append(page(ship.port("http"), "half-flapping.com")[0])

    def flap() -> None:
        try:
            for change in (yard.flapping.stop, yard.flapping.start) * 2:
                change()
                served = len(statuses)
                over.wait(1)
                until(partial(more_than, served + 5), "some are served", 60)
        finally:
            over.set()

    in_threads(come, come, flap, patience=300)
    # A connection that waits in the backlog of a listener that closes is reset after it was made: that one goes on.
    assert set(statuses) == {200}


def test_all_are_down_and_all_are_tried_and_it_ends_in_words(ship: Starship, yard: Yard) -> None:
    for _ in range(3):
        status, _, body = page(ship.port("http"), "down.com")
        assert (status, b"upstream_refused" in body) == (502, True)
    assert alert_of(flight(ship.port("https"), client_hello("down.com"))) == 80
    started = time.monotonic()
    assert page(ship.port("http"), "gone.com")[0] == 504
    assert time.monotonic() - started < PATIENT_S
    assert ship.ending(name="gone.com")["reason"] == "upstream_timeout"


def test_backups_serve_while_no_member_does(ship: Starship) -> None:
    assert {served(ship, "spare.com") for _ in range(10)} == {"web c"}


def test_a_full_endpoint_is_waited_for_and_beyond_the_queue_it_is_said_so(ship: Starship, yard: Yard) -> None:
    def tunnel() -> socket.socket:
        connection = connect(ship.port("https"))
        connection.settimeout(WAIT_S)
        connection.sendall(hello)
        return connection

    hello = client_hello("narrow.com")
    first = tunnel()
    assert read_so_many(first, len(hello)) == hello
    second = tunnel()
    until(lambda: ship.metric("starship_pool_waiting", pool="narrow") == 1, "it waits")
    assert alert_of(flight(ship.port("https"), hello)) == 80
    first.close()
    assert read_so_many(second, len(hello)) == hello
    assert ship.ending(name="narrow.com", reason="over_limit")["status"] == 495
    second.close()


def test_a_full_endpoint_is_waited_for_no_longer_than_is_said(ship: Starship) -> None:
    hello = client_hello("hurried.com")
    with connect(ship.port("https")) as first:
        first.sendall(hello)
        assert read_so_many(first, len(hello)) == hello
        assert alert_of(flight(ship.port("https"), hello)) == 80
    assert ship.ending(name="hurried.com", reason="over_limit")["status"] == 495


def test_a_pool_that_changes_under_200_live_connections_cuts_none_and_newcomers_go_where_it_says_now(
    ship: Starship, api: Api, yard: Yard
) -> None:
    one, two, three = yard.echoes
    endpoints = [[{"address": cluster.address} for cluster in pair] for pair in ((one, two), (two, three))]
    api.hosts["moving.com"] = {"app": "A", "endpoints": endpoints[0], "policy": "round_robin"}
    hello = client_hello("moving.com")

    def tunnel() -> socket.socket:
        connection = connect(ship.port("https"))
        connection.settimeout(WAIT_S)
        connection.sendall(hello)
        assert read_so_many(connection, len(hello)) == hello
        return connection

    live = [tunnel() for _ in range(200)]
    until(lambda: (one.open, two.open, three.open) == (100, 100, 0), "they share the load")
    api.hosts["moving.com"] = {"app": "A", "endpoints": endpoints[1], "policy": "round_robin"}
    newcomers = []

    def moved() -> bool:
        newcomers.append(tunnel())
        return three.open > 0

    until(moved, "the new answer counts")
    old = one.open
    newcomers += [tunnel() for _ in range(20)]
    assert one.open == old
    for number, connection in enumerate(live):
        said = f"still here {number}".encode()
        connection.sendall(said)
        assert read_so_many(connection, len(said)) == said
    for connection in (*live, *newcomers):
        connection.close()
    until(lambda: one.open + two.open + three.open == 0)


def test_nothing_of_this_was_an_error(ship: Starship) -> None:
    text = ship.log.read_text()
    assert "Traceback" not in text
    assert "Unhandled" not in text
