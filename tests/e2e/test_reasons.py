"""Each word of the closed list, brought about by a client, an API or a cluster: what was said, logged and counted."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define

from starship.errors import DialUnresolved
from starship.reasons import Reason
from tests.e2e.clients import connect, flight, read_all, read_so_many, request
from tests.e2e.trouble import black_hole, closed_port, http, reset, saying
from tests.e2e.world import WAIT_S, Api, Cluster, Starship, echo, ini_text, starship, until

Clusters = dict[str, Cluster]

SHORT_S: Final = 2.0
"""A deadline that is met where nothing happens, and by nobody who does what is expected."""

ELSEWHERE: Final = {
    Reason.UPSTREAM_UNRESOLVED: ("tests/dial/test_dialer.py", DialUnresolved),  # a name server would have to be asked
}
"""Reasons that no test on loopback alone can bring about, and the unit test and the error that do."""


def last(host: str, path: str = "/", *headers: str) -> bytes:
    """A request with none behind it."""
    return request(host, path, "Connection: close", *headers)


@define(eq=False)
class Stage:
    """
    Where a scene is played: a ship that has time, the API, the clusters; and ships for those scenes that end by time.

    `hasty` waits for nobody, `brief` ends whoever has come, `grounded` cannot dial.
    """

    ship: Starship
    hasty: Starship
    brief: Starship
    grounded: Starship
    api: Api
    clusters: Clusters
    falling: Cluster

    def home(self, name: str, endpoint: str, **more: Any) -> None:
        self.api.hosts[name] = {"app": name, "endpoint": endpoint, **more}

    def says(self, data: bytes, door: str = "http", ship: Starship | None = None) -> bytes:
        """What comes back for these bytes; the head of a page, or nothing where it was cut."""
        return flight((ship or self.ship).port(door), data)[:13]

    def hastily(self, data: bytes, door: str = "http") -> bytes:
        return self.says(data, door, self.hasty)

    def tunnel(self, name: str, ship: Starship | None = None, **more: Any) -> socket.socket:
        """A client that is joined to the echo."""
        self.home(name, self.clusters["echo"].address, **more)
        return joined(ship or self.ship, name)


def joined(ship: Starship, name: str) -> socket.socket:
    """A client of the tunnel, when it has heard its echo."""
    client = connect(ship.port("tunnel"))
    client.sendall(request(name))
    assert read_so_many(client, len(request(name))) == request(name)
    return client


@pytest.fixture(scope="module")
def stage(api: Api, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    door = "[listener:members]\nprotocol = http\nendpoint = tcp:0:interface=127.0.0.1\nallow = 10.0.0.0/8\n"
    door += "[listener:tunnel]\nprotocol = http\nendpoint = tcp:0:interface=127.0.0.1\nmode = tunnel\n"
    door += "[listener:behind]\nprotocol = http\nendpoint = tcp:0:interface=127.0.0.1\n"
    door += "proxy_protocol = required\nproxy_trusted = 127.0.0.1\n"
    times = "[limits]\nhello_timeout = {0}\nproxy_timeout = {0}\n[http]\nbody_size = 1 KiB\nbody_timeout = {0}\n"
    with closed_port() as falls_at, black_hole() as hole:
        falling = Cluster(echo, port=falls_at).start()  # nobody else gets its port when it has fallen
        pools = f"[pool:falling]\nendpoints = {falling.address}\ncheck = tcp\ncheck_interval = 100ms\non_down = close\n"
        pools += f"[pool:hole]\nendpoints = 127.0.0.1:{hole.port}\nconnect_timeout = 500ms\n"
        inis = {
            "ship": ini_text(
                api,
                lookup="concurrency = 1",
                upstream="deny = 127.0.0.5",
                extra=door + times.format("60s") + pools,
            ),
            "hasty": ini_text(
                api,
                lookup=f"timeout = {SHORT_S}",
                upstream=f"idle_timeout = {SHORT_S}",
                extra=door + times.format(SHORT_S),
            ),
            "brief": ini_text(api, upstream=f"lifetime = {SHORT_S}", extra=door),
            "grounded": ini_text(api, upstream="bind_address = 192.0.2.1", extra="[starship]\ndrain_timeout = 0\n"),
        }
        with contextlib.ExitStack() as stack:
            ships = {
                name: stack.enter_context(starship(tmp_path_factory.mktemp(name), ini)) for name, ini in inis.items()
            }
            yield Stage(**ships, api=api, clusters=clusters, falling=falling)


Scene = Callable[[Stage], bytes]
"""Plays, and tells the first bytes that the client got."""


def ok(stage: Stage) -> bytes:
    stage.home("ok.com", stage.clusters["a"].address)
    return stage.says(last("ok.com"))


def at_members_door(stage: Stage) -> bytes:
    return stage.says(last("ok.com"), "members")


def no_such_path(stage: Stage) -> bytes:
    stage.api.hosts["parts.com"] = {"paths": [{"path": "/part", "endpoint": stage.clusters["a"].address}]}
    return stage.says(last("parts.com", "/other"))


def to_https(stage: Stage) -> bytes:
    stage.home("secure.com", stage.clusters["a"].address, redirect="https")
    return stage.says(last("secure.com"))


def too_long_a_body(stage: Stage) -> bytes:
    stage.home("ok.com", stage.clusters["a"].address)
    return stage.says(last("ok.com", "/", "Content-Length: 1025"))


def half_a_body(stage: Stage) -> bytes:
    cluster = Cluster(deaf).start()
    stage.home("waits.com", cluster.address)
    answer = stage.hastily(last("waits.com", "/", "Content-Length: 10") + b"half")
    cluster.stop()
    return answer


def deaf(connection: socket.socket) -> None:
    """Hears everything, and says nothing."""
    while connection.recv(8192):
        pass


def upstream_that_babbles(stage: Stage) -> bytes:
    def babbling(connection: socket.socket) -> None:
        connection.recv(8192)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx")

    cluster = Cluster(babbling).start()
    stage.home("babbling.com", cluster.address)
    answer = stage.says(last("babbling.com"))
    cluster.stop()
    return answer


def too_many(stage: Stage) -> bytes:
    with stage.tunnel("one.com", max_connections=1):
        return stage.says(last("one.com"))


def in_maintenance(stage: Stage) -> bytes:
    stage.home("down.com", stage.clusters["a"].address, maintenance=True)
    return stage.says(last("down.com"))


def api_says(name: str, answer: Callable[[BaseHTTPRequestHandler], None], stage: Stage) -> bytes:
    """A name of its own each time: a failure may be remembered for a while."""
    stage.api.hosts[name] = answer
    return stage.says(last(name))


def an_api_that_hangs(stage: Stage) -> bytes:
    stage.api.hosts["hangs.com"] = hanging
    return stage.hastily(last("hangs.com"))


def hanging(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.rfile.read(1)  # until the asker has had enough


def two_questions_at_once(stage: Stage) -> bytes:
    let_go = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        let_go.wait(WAIT_S)
        saying(http("404 Not Found", b"{}"))(handler)

    stage.api.hosts["first.com"] = slow
    with connect(stage.ship.port("http")) as first:
        first.sendall(last("first.com"))
        until(lambda: stage.api.asked["first.com"], "the first question")
        answer = stage.says(last("second.com"))
        let_go.set()
        assert read_all(first).startswith(b"HTTP/1.1 404 ")
    return answer


def refused_upstream(stage: Stage) -> bytes:
    with closed_port() as port:
        stage.home("closed.com", f"127.0.0.1:{port}")
        return stage.says(last("closed.com"))


def upstream_in_a_hole(stage: Stage) -> bytes:
    stage.home("hole.com", "pool:hole")
    return stage.says(last("hole.com"))


def denied_range(stage: Stage) -> bytes:
    stage.home("inside.com", "127.0.0.5:80")
    return stage.says(last("inside.com"))


def upstream_that_resets(stage: Stage) -> bytes:
    def rude(connection: socket.socket) -> None:
        connection.recv(8192)
        reset(connection)

    cluster = Cluster(rude).start()
    stage.home("rude.com", cluster.address)
    answer = stage.says(last("rude.com"))
    cluster.stop()
    return answer


def client_that_resets(stage: Stage) -> bytes:
    reset(stage.tunnel("gone.com"))
    return b""


def silence(stage: Stage) -> bytes:
    with stage.tunnel("idle.com", stage.hasty) as client:
        try:
            return client.recv(13)
        except ConnectionResetError:
            return b""


def chatter(stage: Stage) -> bytes:
    """Never idle, and ended all the same."""
    with stage.tunnel("life.com", stage.brief) as client:
        return talked(client)


def talked(client: socket.socket) -> bytes:
    """Talk with an echo, for as long as the connection lives; the last word, which is none."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while True:
            client.sendall(b"x")
            if not client.recv(1):
                break
            threading.Event().wait(0.005)
    return b""


def from_an_address_that_is_not_ours(stage: Stage) -> bytes:
    stage.home("ours.com", stage.clusters["a"].address)
    return flight(stage.grounded.port("http"), last("ours.com"))[:13]


def closed_by_hand(stage: Stage) -> bytes:
    """Half a head: it is told why, since nobody else has said a word to it yet."""
    ship = stage.ship
    with connect(ship.port("http")) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        (id_,) = until(lambda: [row["id"] for row in ship.connections() if row["state"] == "sniffing"], "the client")
        assert ship.close_connections(id=id_) == 1
        return read_all(client)[:13]


def an_upstream_that_falls(stage: Stage) -> bytes:
    """The connection lives, and nobody listens any more: the pool wants its connections closed then."""
    stage.api.hosts["falls.com"] = {"app": "A", "endpoint": "pool:falling"}
    until(lambda: stage.ship.metric("starship_check_endpoints", state="up") == 1, "the check")
    with joined(stage.ship, "falls.com") as client:
        stage.falling.stop()
        return talked(client)


def at_the_end(stage: Stage) -> bytes:
    with connect(stage.grounded.port("http")) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        until(lambda: stage.grounded.metric("starship_gate_connections") == 1, "the client is inside")
        stage.grounded.signal(signal.SIGTERM)
        return read_all(client)[:13]


SCENES: Final[dict[Reason, tuple[Scene, bytes]]] = {
    Reason.OK: (ok, b"HTTP/1.1 200 "),
    Reason.UNKNOWN_NAME: (lambda stage: stage.says(last("unknown.com")), b"HTTP/1.1 404 "),
    Reason.UNKNOWN_PATH: (no_such_path, b"HTTP/1.1 404 "),
    Reason.REDIRECTED: (to_https, b"HTTP/1.1 308 "),
    Reason.BODY_TOO_BIG: (too_long_a_body, b"HTTP/1.1 413 "),
    Reason.BODY_TIMEOUT: (half_a_body, b"HTTP/1.1 408 "),
    Reason.UPSTREAM_BAD_RESPONSE: (upstream_that_babbles, b"HTTP/1.1 502 "),
    Reason.NO_NAME: (lambda stage: stage.says(b"GET / HTTP/1.0\r\n\r\n"), b"HTTP/1.1 404 "),
    Reason.BAD_NAME: (lambda stage: stage.says(last("1.2.3.4")), b"HTTP/1.1 400 "),
    Reason.BAD_HELLO: (lambda stage: stage.says(b"\x15\x03\x01\0\0", "https"), b"\x15\x03\x03\0\2\2\x0a"),
    Reason.BAD_HEAD: (lambda stage: stage.says(b"GET / HTTP/3.0\r\n"), b"HTTP/1.1 400 "),
    Reason.HELLO_TOO_BIG: (lambda stage: stage.says(b"GET /" + b"x" * 40_000), b"HTTP/1.1 414 "),
    Reason.HELLO_TIMEOUT: (lambda stage: stage.hastily(b"GET / HT"), b"HTTP/1.1 408 "),
    Reason.BAD_PREFACE: (lambda stage: stage.says(last("ok.com"), "behind"), b""),
    Reason.PREFACE_TIMEOUT: (lambda stage: stage.hastily(b"PROXY ", "behind"), b""),
    Reason.WRONG_DOOR: (lambda stage: stage.says(last("ok.com"), "https"), b"HTTP/1.1 400 "),
    Reason.DENIED: (at_members_door, b"HTTP/1.1 403 "),
    Reason.OVER_LIMIT: (too_many, b"HTTP/1.1 503 "),
    Reason.MAINTENANCE: (in_maintenance, b"HTTP/1.1 503 "),
    Reason.LOOKUP_TIMEOUT: (an_api_that_hangs, b"HTTP/1.1 503 "),
    Reason.LOOKUP_REFUSED: (partial(api_says, "refuses.com", saying(http("403 Forbidden", b""))), b"HTTP/1.1 503 "),
    Reason.LOOKUP_5XX: (partial(api_says, "fails.com", saying(http("500 Oops", b""))), b"HTTP/1.1 503 "),
    Reason.LOOKUP_INVALID: (partial(api_says, "babbles.com", saying(http("200 OK", b"[]"))), b"HTTP/1.1 503 "),
    Reason.LOOKUP_BUSY: (two_questions_at_once, b"HTTP/1.1 503 "),
    Reason.UPSTREAM_REFUSED: (refused_upstream, b"HTTP/1.1 502 "),
    Reason.UPSTREAM_TIMEOUT: (upstream_in_a_hole, b"HTTP/1.1 504 "),
    Reason.UPSTREAM_FORBIDDEN: (denied_range, b"HTTP/1.1 503 "),
    Reason.UPSTREAM_RESET: (upstream_that_resets, b"HTTP/1.1 502 "),
    Reason.UPSTREAM_DOWN: (an_upstream_that_falls, b""),
    Reason.CLIENT_GONE: (client_that_resets, b""),
    Reason.IDLE: (silence, b""),
    Reason.LIFETIME: (chatter, b""),
    Reason.INTERNAL: (from_an_address_that_is_not_ours, b"HTTP/1.1 500 "),
    Reason.CLOSED: (closed_by_hand, b"HTTP/1.1 503 "),
    Reason.DRAINED: (at_the_end, b"HTTP/1.1 503 "),  # the last: its ship is gone afterwards
}


HASTY: Final = (
    Reason.BODY_TIMEOUT,
    Reason.HELLO_TIMEOUT,
    Reason.PREFACE_TIMEOUT,
    Reason.LOOKUP_TIMEOUT,
    Reason.IDLE,
)


def ship_of(stage: Stage, reason: Reason) -> Starship:
    """Where its scene is played."""
    if reason in (Reason.INTERNAL, Reason.DRAINED):
        return stage.grounded
    if reason in HASTY:
        return stage.hasty
    return stage.brief if reason is Reason.LIFETIME else stage.ship


@pytest.mark.parametrize("reason", SCENES)
def test_a_reason_is_said_logged_and_counted_as_the_table_has_it(stage: Stage, reason: Reason) -> None:
    play, heard = SCENES[reason]
    assert play(stage) == heard
    ship = ship_of(stage, reason)
    ending = ship.ending(reason=reason)
    assert ending["mood"] == reason.row.mood
    status = 495 if heard[:1] == b"\x15" else int(heard[9:12]) if heard else reason.row.logged
    assert ending["status"] == status
    if reason is not Reason.DRAINED:
        assert ship.metric("starship_endings_total", reason=reason, mood=reason.row.mood) >= 1


def test_every_reason_is_brought_about_here_or_its_unit_test_is_named() -> None:
    assert set(SCENES) | set(ELSEWHERE) == set(Reason)
    assert not set(SCENES) & set(ELSEWHERE)
    for reason, (test, error) in ELSEWHERE.items():
        assert error.word == reason
        assert error.__name__ in (Path(__file__).parents[2] / test).read_text()
