"""The end of the service: lame duck, drain, the rest cut, a second SIGTERM; and what systemd and logrotate see."""

from __future__ import annotations

import contextlib
import errno
import json
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import alert_of, client_hello, connect, page, read_all, request
from tests.e2e.trouble import black_hole, in_threads
from tests.e2e.world import WAIT_S, Api, Starship, in_mode, ini_text, starship, until

DRAIN_S = 60.0
"""Longer than any test waits: who ends earlier has not waited for it."""


LAME_DUCK_S = 8.0
"""Long enough for a visit on a busy machine, and waited for once."""


def life(api: Api, *, lame_duck: float = 0.0, drain: float = DRAIN_S, upstream: str = "") -> str:
    ini = ini_text(api, upstream=upstream, extra=f"[starship]\nlame_duck = {lame_duck}\ndrain_timeout = {drain}\n")
    return in_mode("tunnel", ini)


@contextlib.contextmanager
def tunnel(ship: Starship) -> Iterator[socket.socket]:
    """A carried connection to the echo."""
    with connect(ship.port("http")) as connection:
        connection.sendall(request("echo.com"))
        assert heard(connection, len(request("echo.com"))) == request("echo.com")
        yield connection


def heard(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        assert more, "the tunnel was cut"
        data += more
    return data


def echoes(connection: socket.socket) -> bool:
    connection.sendall(b"still there?")
    return heard(connection, 12) == b"still there?"


def refuses(port: int) -> bool:
    try:
        connect(port).close()
    except OSError as error:
        return error.errno == errno.ECONNREFUSED
    return False


def how_it_exits(ship: Starship) -> signal.Signals:
    """twistd ends by the signal that stopped it, as systemd expects (systemd.service(5), SuccessExitStatus)."""
    return signal.Signals(-ship.process.wait(WAIT_S))


@contextlib.contextmanager
def manager(path: Path) -> Iterator[list[str]]:
    """What systemd would be told."""
    told: list[str] = []

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                told.extend(channel.recv(4096).decode().splitlines())

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(path))
        threading.Thread(target=listen, daemon=True).start()
        yield told


@pytest.mark.usefixtures("tenants")
def test_a_stop_is_announced_then_doors_close_and_who_is_inside_finishes(api: Api, tmp_path: Path) -> None:
    """The whole drain: systemd and the balancer are told first, nobody is cut, and it ends with the last connection."""
    socket_path = tmp_path / "notify"
    with (
        manager(socket_path) as told,
        starship(
            tmp_path / "ship", life(api, lame_duck=LAME_DUCK_S), environment={"NOTIFY_SOCKET": str(socket_path)}
        ) as ship,
        tunnel(ship) as inside,
    ):
        until(lambda: told == ["READY=1"], "systemd is told of the start")
        port = ship.port("http")
        ship.signal(signal.SIGTERM)
        until(lambda: ship.get("/readyz")[0] == 503, "the balancer is told")
        assert page(port, "a.com")[0] == 200  # lame duck: who comes is still served
        until(lambda: "STOPPING=1" in told, "systemd is told of the end")
        until(lambda: refuses(port), "the doors close")
        until(lambda: refuses(ship.port("https")), "each of them")
        assert echoes(inside)
        assert ship.get("/healthz")[0] == 200
        assert ship.get("/readyz")[0] == 503
        assert ship.metric("starship_ready") == 0
        until(lambda: ship.metric("starship_connections_active") == 1, "who tried the doors is gone")
        inside.shutdown(socket.SHUT_WR)
        assert read_all(inside) == b""
        assert how_it_exits(ship) == signal.SIGTERM
        until(lambda: told == ["READY=1", "STOPPING=1"], "nothing else is told")
        ending = ship.ending(name="echo.com")
        assert (ending["reason"], ending["mood"]) == ("ok", "carried")


@pytest.mark.usefixtures("tenants")
def test_when_the_drains_time_is_over_the_rest_is_ended_and_accounted_for(api: Api, tmp_path: Path) -> None:
    """A tunnel is cut, who has not been routed yet is told so in words or by an alert; each has its Ending."""
    with (
        black_hole() as hole,
        starship(tmp_path, life(api, drain=1, upstream="connect_timeout = 30s\ndial_timeout = 30s")) as ship,
        tunnel(ship) as inside,
        connect(ship.port("http")) as silent,
        connect(ship.port("http")) as halfway,
        connect(ship.port("https")) as halfway_tls,
        connect(ship.port("http")) as dialling,
        connect(ship.port("https")) as dialling_tls,
    ):
        api.hosts["hole.com"] = {"endpoint": f"127.0.0.1:{hole.port}"}
        halfway.sendall(b"GET / HTTP/1.1\r\nHo")
        halfway_tls.sendall(client_hello("a.com")[:20])
        dialling.sendall(request("hole.com"))
        dialling_tls.sendall(client_hello("hole.com"))
        until(lambda: api.asked["hole.com"], "it is dialled")
        until(lambda: ship.metric("starship_connections_active") == 6, "all are inside")
        ship.signal(signal.SIGTERM)
        for client in (silent, halfway, dialling):
            answer = read_all(client)
            assert answer.startswith(b"HTTP/1.1 503 "), answer
            assert b"\r\nRetry-After: " in answer
            assert b"drained" in answer
        for client in (halfway_tls, dialling_tls):
            assert alert_of(read_all(client)) == 80
        with pytest.raises(ConnectionResetError):
            read_all(inside)
        for client in (silent, halfway, dialling, halfway_tls, dialling_tls):
            client.close()
        assert how_it_exits(ship) == signal.SIGTERM
        assert Counter(ending["reason"] for ending in ship.endings()) == {"drained": 6}
        tunnelled = ship.ending(name="echo.com")
        assert (tunnelled["mood"], tunnelled["in"]) == ("severed", len(request("echo.com")))


@pytest.mark.usefixtures("tenants")
def test_a_second_sigterm_ends_at_once(api: Api, tmp_path: Path) -> None:
    """Whether it comes in the lame duck or in the drain; the tunnel is accounted for all the same."""
    with starship(tmp_path, life(api, lame_duck=60)) as ship, tunnel(ship) as inside:
        ship.signal(signal.SIGTERM)
        until(lambda: ship.get("/readyz")[0] == 503, "it stops")
        assert echoes(inside)
        began = time.monotonic()
        ship.signal(signal.SIGTERM)
        with pytest.raises(ConnectionResetError):
            read_all(inside)
        assert how_it_exits(ship) == signal.SIGTERM
        assert time.monotonic() - began < DRAIN_S / 2
        assert ship.ending(name="echo.com")["reason"] == "drained"


@pytest.mark.usefixtures("tenants")
def test_with_nobody_inside_a_stop_takes_no_time(api: Api, tmp_path: Path) -> None:
    with starship(tmp_path, life(api)) as ship:
        assert page(ship.port("http"), "a.com")[0] == 200
        ship.signal(signal.SIGINT)
        assert how_it_exits(ship) == signal.SIGINT
        assert [ending["reason"] for ending in ship.endings()] == ["ok"]


@pytest.mark.usefixtures("tenants")
def test_the_access_log_is_reopened_on_sigusr1_and_no_line_is_lost_or_doubled(
    ship: Starship, api: Api, tmp_path: Path
) -> None:
    """What logrotate does, three times, with traffic going on: each connection is in one file or the other, once."""
    names = [[f"visitor-{worker}-{number}.com" for number in range(150)] for worker in range(2)]

    def visit(mine: list[str]) -> None:
        for name in mine:
            assert page(ship.port("http"), name)[0] == 404

    def rotate() -> None:
        for number in range(3):
            until(lambda number=number: ship.metric("starship_endings_total") > 60 * (number + 1), "traffic")  # type: ignore[misc]
            ship.access_log.rename(tmp_path / f"access.{number}")
            ship.signal(signal.SIGUSR1)
            until(ship.access_log.exists, "a new file")

    in_threads(lambda: visit(names[0]), lambda: visit(names[1]), rotate)
    expected = Counter(name for mine in names for name in mine)

    def logged() -> Counter[str]:
        files = [ship.access_log, *tmp_path.glob("access.*")]
        return Counter(json.loads(line)["name"] for file in files for line in file.read_text().split("\n")[:-1])

    until(lambda: logged().total() >= expected.total(), "all lines")
    assert logged() == expected
    assert len(list(tmp_path.glob("access.*"))) == 3
