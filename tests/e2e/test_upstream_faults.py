"""Upstreams that refuse, vanish, reset, half-close, stall and flood (F9 to F11): what clients see, what it costs."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from attrs import define, field

from tests.e2e.clients import alert_of, client_hello, connect, flight, page, read_all, request
from tests.e2e.trouble import black_hole, closed_port, in_threads, nothing_stays, reset
from tests.e2e.world import WAIT_S, Api, Cluster, Starship, in_mode, ini_text, starship, until

CONNECT_S = 5.0
"""Long enough for all to be seen while they wait."""

DIAL_S = 60.0
BLOCK = bytes(range(256)) * 256
OFFERED_BYTES = 200_000_000
STALLED_GROWTH_BYTES = 2 << 20
"""What 200 MB offered to a side that does not read may add to the process: the pair's 256 KiB, and the allocator's."""


@pytest.fixture(scope="module")
def ship(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    ini = ini_text(api, upstream=f"connect_timeout = {CONNECT_S}\ndial_timeout = {DIAL_S}")
    with starship(tmp_path_factory.mktemp("ship"), in_mode("tunnel", ini)) as ship:
        yield ship


@pytest.fixture(autouse=True)
def level(ship: Starship, api: Api) -> Iterator[None]:
    with nothing_stays(ship, api):
        yield


def tenant(api: Api, name: str, *endpoints: str) -> str:
    api.hosts[name] = {"app": "A", "endpoints": [{"address": endpoint} for endpoint in endpoints]}
    return name


@contextlib.contextmanager
def cluster(handler: Callable[[socket.socket], None]) -> Iterator[Cluster]:
    made = Cluster(handler).start()
    try:
        yield made
    finally:
        made.stop()


def tunnel(ship: Starship, name: str) -> socket.socket:
    """A client that has sent its request head."""
    connection = connect(ship.port("http"))
    connection.sendall(request(name))
    return connection


def read_head(connection: socket.socket) -> bytes:
    """What the upstream got: to the end of the request's head."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(65536)
        assert data, head
        head += data
    return head


def test_an_upstream_that_refuses_is_a_502_or_an_alert(ship: Starship, api: Api) -> None:
    """F9."""
    with closed_port() as port:
        name = tenant(api, "refuses.com", f"127.0.0.1:{port}")
        status, _, body = page(ship.port("http"), name)
        assert (status, b"upstream_refused" in body) == (502, True)
        assert alert_of(flight(ship.port("https"), client_hello(name))) == 80
        for door, logged in (("http", 502), ("https", 495)):
            ending = ship.ending(name=name, door=door)
            assert (ending["reason"], ending["mood"]) == ("upstream_refused", "unreachable")
            assert ending["status"] == logged


def test_an_upstream_that_never_answers_is_a_504_within_the_connect_limit_and_holds_up_nobody_else(
    ship: Starship, api: Api, clusters: dict[str, Cluster]
) -> None:
    """F10: forty wait for a black hole, and another tenant's page comes as ever."""
    well = tenant(api, "well.com", clusters["a"].address)
    assert page(ship.port("http"), well)[0] == 200
    with black_hole() as hole:
        name = tenant(api, "hole.com", f"127.0.0.1:{hole.port}")
        visits: list[float] = []

        def visit() -> None:
            until(lambda: ship.metric("starship_gate_connections") >= 20, "they wait")
            started = time.monotonic()
            assert page(ship.port("http"), well)[0] == 200
            visits.append(time.monotonic() - started)

        started = time.monotonic()
        *statuses, answer, _ = in_threads(
            *[lambda: page(ship.port("http"), name)[0]] * 40,
            lambda: flight(ship.port("https"), client_hello(name)),
            visit,
        )
        took = time.monotonic() - started
    assert set(statuses) == {504}
    assert alert_of(answer) == 80
    assert took < DIAL_S / 2
    assert visits[0] < CONNECT_S
    assert ship.ending(name=name, door="http")["reason"] == "upstream_timeout"


def test_of_two_endpoints_one_refuses_and_the_other_serves_everybody(
    ship: Starship, api: Api, clusters: dict[str, Cluster]
) -> None:
    """F9: no visitor learns of it, and each is dialled at most twice."""
    with closed_port() as port:
        name = tenant(api, "half-up.com", f"127.0.0.1:{port}", clusters["a"].address)
        for _ in range(12):
            assert page(ship.port("http"), name)[2].startswith(b"cluster a\n")
    assert ship.ending(name=name)["up"] == clusters["a"].address


def test_of_two_endpoints_one_never_answers_and_the_other_serves(
    ship: Starship, api: Api, clusters: dict[str, Cluster]
) -> None:
    """F10: the price is at most one connect limit."""
    with black_hole() as hole:
        name = tenant(api, "half-hole.com", f"127.0.0.1:{hole.port}", clusters["a"].address)
        statuses = in_threads(*[lambda: page(ship.port("http"), name)[0]] * 10)
    assert set(statuses) == {200}


def test_an_endpoint_may_be_a_name(ship: Starship, api: Api, clusters: dict[str, Cluster]) -> None:
    """S12."""
    name = tenant(api, "named.com", f"localhost:{clusters['a'].port}")
    assert page(ship.port("http"), name)[2].startswith(b"cluster a\n")
    assert ship.ending(name=name)["up"] == clusters["a"].address


def test_a_reset_in_place_of_an_answer_reaches_the_client_as_a_reset(ship: Starship, api: Api) -> None:
    """F11."""

    def handle(connection: socket.socket) -> None:
        read_head(connection)
        reset(connection)

    with cluster(handle) as upstream:
        name = tenant(api, "resets.com", upstream.address)
        with tunnel(ship, name) as client, pytest.raises(ConnectionResetError):
            read_all(client)
        ending = ship.ending(name=name)
        assert (ending["reason"], ending["mood"]) == ("upstream_reset", "severed")


def test_a_reset_after_the_first_bytes_comes_after_those_bytes(ship: Starship, api: Api) -> None:
    """F11, S13: nothing that was said is lost, and nobody takes a cut answer for a whole one."""
    read = threading.Event()

    def handle(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        assert read.wait(WAIT_S)
        reset(connection)

    with cluster(handle) as upstream:
        name = tenant(api, "breaks.com", upstream.address)
        with tunnel(ship, name) as client:
            assert read_head(client).startswith(b"HTTP/1.1 200 OK\r\n")
            read.set()
            with pytest.raises(ConnectionResetError):
                read_all(client)
        ending = ship.ending(name=name)
        assert (ending["reason"], ending["mood"]) == ("upstream_reset", "severed")
        assert ending["out"] >= len("HTTP/1.1 200 OK")


def test_a_client_that_resets_is_a_reset_to_its_upstream(ship: Starship, api: Api) -> None:
    """F11."""
    told: list[type[BaseException]] = []

    def handle(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"go")
        try:
            read_all(connection)
        except OSError as error:
            told.append(type(error))

    with cluster(handle) as upstream:
        name = tenant(api, "leaves.com", upstream.address)
        client = tunnel(ship, name)
        assert client.recv(2) == b"go"
        reset(client)
        until(lambda: told, "the upstream is told")
        assert told == [ConnectionResetError]
        assert ship.ending(name=name)["reason"] == "client_gone"


def test_a_client_may_end_its_stream_first_and_still_read_the_answer(ship: Starship, api: Api) -> None:
    """F11, S13."""
    asked = hashlib.sha256()

    def handle(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            asked.update(data)
        connection.sendall(b"%s, and here is the answer" % asked.hexdigest().encode())

    with cluster(handle) as upstream:
        name = tenant(api, "client-first.com", upstream.address)
        with tunnel(ship, name) as client:
            client.sendall(BLOCK * 20)
            client.shutdown(socket.SHUT_WR)
            said = hashlib.sha256(request(name) + BLOCK * 20).hexdigest().encode()
            assert read_all(client) == said + b", and here is the answer"
        ending = ship.ending(name=name)
        assert (ending["reason"], ending["in"]) == ("ok", len(request(name)) + len(BLOCK) * 20)


def test_an_upstream_may_end_its_stream_first_and_still_hear_the_client(ship: Starship, api: Api) -> None:
    """F11, S13."""
    heard: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        connection.sendall(b"all I have to say")
        connection.shutdown(socket.SHUT_WR)
        heard.append(read_all(connection))

    with cluster(handle) as upstream:
        name = tenant(api, "upstream-first.com", upstream.address)
        with tunnel(ship, name) as client:
            assert read_all(client) == b"all I have to say"
            client.sendall(BLOCK * 20)
        until(lambda: heard, "the upstream heard it")
        assert heard == [request(name) + BLOCK * 20]
        assert ship.ending(name=name)["reason"] == "ok"


@define(eq=False)
class Sluice:
    """Bytes offered on one side and taken on the other only once it is `open`."""

    opened: threading.Event = field(factory=threading.Event)
    offered: int = 0
    taken: int = 0
    given: str = ""
    got: str = ""

    def offer(self, connection: socket.socket) -> None:
        sums = hashlib.sha256()
        while self.offered < OFFERED_BYTES:
            connection.sendall(BLOCK)
            sums.update(BLOCK)
            self.offered += len(BLOCK)
        self.given = sums.hexdigest()  # before the other side hears the end, and looks
        connection.shutdown(socket.SHUT_WR)

    def take(self, connection: socket.socket) -> None:
        connection.settimeout(WAIT_S)
        assert self.opened.wait(120)
        sums = hashlib.sha256()
        while data := connection.recv(1 << 20):
            sums.update(data)
            self.taken += len(data)
        self.got = sums.hexdigest()

    def at_a_stand(self) -> bool:
        """Whether nothing more has been offered for a good while: every buffer on the way is full."""
        before, since = self.offered, time.monotonic()
        while time.monotonic() - since < 0.5:
            if self.offered != before or not before:
                return False
            time.sleep(0.02)
        return True


def test_a_client_that_offers_200_mb_to_an_upstream_that_stalls_fills_no_memory(ship: Starship, api: Api) -> None:
    """F11: back-pressure holds; once the upstream reads on, every byte arrives."""
    sluice = Sluice()

    def handle(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"ready")
        sluice.take(connection)

    with cluster(handle) as upstream:
        with tunnel(ship, tenant(api, "stalls.com", upstream.address)) as client:
            client.settimeout(120)
            assert client.recv(5) == b"ready"
            before = ship.resident()
            threading.Thread(target=sluice.offer, args=(client,), daemon=True).start()
            until(sluice.at_a_stand, "all buffers are full", 60)
            assert sluice.offered < OFFERED_BYTES // 2
            assert ship.resident() - before < STALLED_GROWTH_BYTES
            sluice.opened.set()
            assert read_all(client) == b""
        until(lambda: sluice.got, "the end")
        assert (sluice.got, sluice.taken) == (sluice.given, sluice.offered)
        assert ship.resident() - before < STALLED_GROWTH_BYTES


def test_an_upstream_that_floods_a_client_that_stalls_fills_no_memory(ship: Starship, api: Api) -> None:
    """F11: the same the other way."""
    sluice = Sluice()

    def handle(connection: socket.socket) -> None:
        read_head(connection)
        sluice.offer(connection)
        read_all(connection)

    with cluster(handle) as upstream:
        before = ship.resident()
        with tunnel(ship, tenant(api, "floods.com", upstream.address)) as client:
            until(sluice.at_a_stand, "all buffers are full", 60)
            assert sluice.offered < OFFERED_BYTES // 2
            assert ship.resident() - before < STALLED_GROWTH_BYTES
            sluice.opened.set()
            sluice.take(client)
        assert (sluice.got, sluice.taken) == (sluice.given, sluice.offered)


def test_a_flood_ends_when_its_client_leaves(ship: Starship, api: Api) -> None:
    """F11."""
    left = threading.Event()

    def handle(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(BLOCK)
        finally:
            left.set()

    with cluster(handle) as upstream:
        name = tenant(api, "gone.com", upstream.address)
        client = tunnel(ship, name)
        assert len(client.recv(65536)) > 0
        reset(client)
        assert left.wait(WAIT_S)
        assert ship.ending(name=name)["reason"] == "client_gone"


def test_a_client_that_gives_up_while_its_upstream_is_dialled_leaves_nothing_behind(ship: Starship, api: Api) -> None:
    """F10: its dial is given up with it."""
    with black_hole() as hole:
        name = tenant(api, "impatient.com", f"127.0.0.1:{hole.port}")
        client = tunnel(ship, name)
        until(lambda: [row for row in ship.connections(host=name) if row["state"] == "dialling"], "it is dialled")
        reset(client)
        ending = ship.ending(name=name)
    assert ending["reason"] in ("client_gone", "upstream_timeout")


def test_fifty_upstreams_that_reset_at_once_harm_nobody_else(
    ship: Starship, api: Api, clusters: dict[str, Cluster]
) -> None:
    """F9, F11: neighbours of the same turn of the loop are served. A reset may come before we see the connection."""
    with cluster(reset) as upstream:
        bad = tenant(api, "many-resets.com", upstream.address)
        good = tenant(api, "neighbour.com", clusters["b"].address)
        pages = in_threads(
            *[lambda: flight(ship.port("http"), request(bad))] * 50, *[lambda: page(ship.port("http"), good)[0]] * 20
        )
    assert {bytes(page[:12]) for page in pages[:50]} <= {b"", b"HTTP/1.1 502"}
    assert pages[50:] == [200] * 20
