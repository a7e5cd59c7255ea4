"""The process is stopped for a while and goes on (F19), as under a debugger, a snapshot or a starved machine."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e.clients import connect, page, read_all, read_so_many, request
from tests.e2e.trouble import nothing_stays
from tests.e2e.world import Api, Cluster, Starship, in_mode, ini_text, starship, until

IDLE_S = 4.0
STOPPED_S = 4.5
"""Longer than the idle limit, the hello's and the lookup's."""


@pytest.fixture
def ship(api: Api, clusters: dict[str, Cluster], tmp_path: Path) -> Iterator[Starship]:
    api.hosts["a.com"] = {"endpoint": clusters["a"].address}
    api.hosts["echo.com"] = {"endpoint": clusters["echo"].address}
    ini = ini_text(
        api,
        lookup=f"connect_timeout = {IDLE_S}\ntimeout = {IDLE_S}",
        upstream="\n".join(
            f"{key} = {IDLE_S}" for key in ("idle_timeout", "half_close_timeout", "connect_timeout", "dial_timeout")
        ),
        extra=f"[limits]\nhello_timeout = {IDLE_S}\n",
    )
    with starship(tmp_path, in_mode("tunnel", ini)) as ship:
        yield ship


@contextmanager
def stopped(ship: Starship) -> Iterator[None]:
    """For STOPPED_S, and whatever is done meanwhile."""
    ship.signal(signal.SIGSTOP)
    began = time.monotonic()
    try:
        yield
        until(lambda: time.monotonic() - began > STOPPED_S)
    finally:
        ship.signal(signal.SIGCONT)


def echoes(connection: socket.socket) -> bool:
    return echoed(connection, b"still there?")


def echoed(connection: socket.socket, said: bytes) -> bool:
    connection.sendall(said)
    return read_so_many(connection, len(said)) == said


def test_no_live_tunnel_is_cut_when_the_process_was_stopped(ship: Starship, api: Api) -> None:
    """F19: what is silent only because we were is not idle; who came meanwhile is served."""
    with nothing_stays(ship, api), ExitStack() as tunnels:
        inside = [tunnels.enter_context(connect(ship.port("http"))) for _ in range(20)]
        assert all(echoed(connection, request("echo.com")) for connection in inside)
        with stopped(ship):
            for connection in inside[:10]:
                connection.sendall(b"while you slept")
            late = tunnels.enter_context(connect(ship.port("http")))
            late.sendall(request("a.com"))
        for connection in inside[:10]:
            assert read_so_many(connection, 15) == b"while you slept"
        assert all(echoes(connection) for connection in inside)
        assert read_all(late).startswith(b"HTTP/1.1 200 ")
        assert page(ship.port("http"), "a.com")[0] == 200
    until(lambda: len(ship.endings()) == 22, "all are accounted for", 30)
    assert {ending["reason"] for ending in ship.endings()} == {"ok"}


def test_after_a_stop_deadlines_still_hold(ship: Starship, api: Api) -> None:
    """F19: who says nothing is ended, and a tunnel that is silent from then on is ended for idleness."""
    with nothing_stays(ship, api), connect(ship.port("http")) as silent, connect(ship.port("http")) as inside:
        assert echoed(inside, request("echo.com"))
        with stopped(ship):
            pass
        assert echoes(inside)
        assert read_all(silent) == b""
        with pytest.raises(ConnectionResetError):
            read_all(inside)
        ending = ship.ending(name="echo.com")
        assert (ending["reason"], ending["mood"]) == ("idle", "severed")
        assert ending["t"] < STOPPED_S + 2 * IDLE_S + 10


def test_a_stop_in_the_middle_of_a_lookup_is_no_miss(ship: Starship, api: Api) -> None:
    """F19, L20: its deadline may be over by our own fault; that is told as a failed lookup, or answered, and passes."""
    asked = api.asked["slow.com"]

    def slowly(handler: object) -> None:
        until(lambda: resumed, "the ship goes on", 30)
        handler.say(200, api.hosts["a.com"])  # type: ignore[attr-defined]  # the Api's own handler

    resumed: list[bool] = []
    api.hosts["slow.com"] = slowly
    with connect(ship.port("http")) as client:
        client.sendall(request("slow.com"))
        until(lambda: api.asked["slow.com"] > asked, "the API is asked")
        with stopped(ship):
            resumed.append(True)
        assert read_all(client)[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 503")
    until(lambda: page(ship.port("http"), "slow.com")[0] == 200, "the name is asked about again", 30)
