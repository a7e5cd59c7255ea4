"""The process is stopped for a while and goes on (F19), as under a debugger, a snapshot or a starved machine."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e.clients import connect, page, read_all, request
from tests.e2e.trouble import nothing_stays
from tests.e2e.world import Api, Cluster, Starship, in_mode, ini_text, starship, until

IDLE_S = 2.0
STOPPED_S = 2.5
"""Longer than the idle limit, the hello's and the lookup's."""


@pytest.fixture
def ship(api: Api, clusters: dict[str, Cluster], tmp_path: Path) -> Iterator[Starship]:
    api.hosts["a.com"] = {"endpoint": clusters["a"].address}
    api.hosts["echo.com"] = {"endpoint": clusters["echo"].address}
    ini = ini_text(
        api,
        lookup="connect_timeout = 500ms\ntimeout = 1s",
        upstream=f"idle_timeout = {IDLE_S}\nhalf_close_timeout = {IDLE_S}\nconnect_timeout = 500ms\ndial_timeout = 1s",
        extra="[limits]\nhello_timeout = 2s\n",
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
    connection.sendall(b"still there?")
    return connection.recv(65536) == b"still there?"


def test_no_live_tunnel_is_cut_when_the_process_was_stopped(ship: Starship, api: Api) -> None:
    """F19: what is silent only because we were is not idle; who came meanwhile is served."""
    with nothing_stays(ship, api), ExitStack() as tunnels:
        inside = [tunnels.enter_context(connect(ship.port("http"))) for _ in range(20)]
        for connection in inside:
            connection.sendall(request("echo.com"))
            assert connection.recv(65536) == request("echo.com")
        with stopped(ship):
            for connection in inside[:10]:
                connection.sendall(b"while you slept")
            late = tunnels.enter_context(connect(ship.port("http")))
            late.sendall(request("a.com"))
        for connection in inside[:10]:
            assert connection.recv(65536) == b"while you slept"
        assert all(echoes(connection) for connection in inside)
        assert read_all(late).startswith(b"HTTP/1.1 200 ")
        assert page(ship.port("http"), "a.com")[0] == 200
    until(lambda: len(ship.endings()) == 22, "all are accounted for")
    assert {ending["reason"] for ending in ship.endings()} == {"ok"}


def test_after_a_stop_deadlines_still_hold(ship: Starship, api: Api) -> None:
    """F19: who says nothing is ended, and a tunnel that is silent from then on is ended for idleness."""
    with nothing_stays(ship, api), connect(ship.port("http")) as silent, connect(ship.port("http")) as inside:
        inside.sendall(request("echo.com"))
        assert inside.recv(65536) == request("echo.com")
        with stopped(ship):
            pass
        assert echoes(inside)
        assert read_all(silent) == b""
        with pytest.raises(ConnectionResetError):
            read_all(inside)
        ending = ship.ending(name="echo.com")
        assert (ending["reason"], ending["mood"]) == ("idle", "severed")
        assert ending["t"] < STOPPED_S + 2 * IDLE_S + 2


def test_a_stop_in_the_middle_of_a_lookup_is_no_miss(ship: Starship, api: Api) -> None:
    """F19, L20: its deadline may be over by our own fault; that is told as a failed lookup, or answered, and passes."""
    asked = api.asked["slow.com"]

    def slowly(handler: object) -> None:
        until(lambda: resumed, "the ship goes on")
        handler.say(200, api.hosts["a.com"])  # type: ignore[attr-defined]  # the Api's own handler

    resumed: list[bool] = []
    api.hosts["slow.com"] = slowly
    with connect(ship.port("http")) as client:
        client.sendall(request("slow.com"))
        until(lambda: api.asked["slow.com"] > asked, "the API is asked")
        with stopped(ship):
            resumed.append(True)
        assert read_all(client)[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 503")
    until(lambda: page(ship.port("http"), "slow.com")[0] == 200, "the name is asked about again", seconds=5)
