"""The running service: what is bound, started and stopped, in which order, and what it says where it cannot."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from starship.admin.readiness import State
from starship.config.settings import AccessLog, Dialling, Limits, Settings
from starship.reasons import Reason
from starship.service import make_service
from starship.service.router import CannotStart, Router
from tests.fakes import errors_in
from tests.service.material import HTTP, REQUEST, TLS, Visitor, logging_to, settings


@pytest.fixture
def reactor() -> Iterator[MemoryReactorClock]:
    """A reactor in memory; what was told to close is closed at its end."""
    reactor = MemoryReactorClock()
    yield reactor
    reactor.advance(0)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port where somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def started(made: Settings, reactor: MemoryReactorClock, environment: dict[str, str] | None = None) -> Router:
    router = make_service(made, reactor, environment)
    router.privilegedStartService()
    router.startService()
    return router


def _listening(router: Router) -> int:
    """How many doors take a connection."""
    count = 0
    for door in router.house.doors:
        assert door.bound is not None
        with socket.create_connection(door.bound, timeout=30):
            count += 1
    return count


def test_s17_it_listens_at_every_door_and_at_the_admin_port_and_is_ready(reactor: MemoryReactorClock) -> None:
    router = started(settings(), reactor)
    assert _listening(router) == 3
    assert [(port, host) for port, _, _, host in reactor.tcpServers] == [(9901, "127.0.0.1")]
    assert router.house.readiness.standing().state is State.READY
    router.stopService()


def test_it_binds_once_also_for_who_starts_it_without_the_privileged_step(reactor: MemoryReactorClock) -> None:
    router = make_service(settings(), reactor)
    router.startService()
    assert _listening(router) == 3
    router.stopService()


def test_every_place_that_is_taken_is_told_and_nothing_is_left_bound(reactor: MemoryReactorClock, taken: int) -> None:
    occupied = f"tcp:{taken}:interface=127.0.0.1"
    doors = (HTTP, evolve(TLS, endpoints=(occupied,)), evolve(HTTP, name="other", endpoints=(occupied,)))
    router = make_service(settings(listeners=doors), reactor)
    with pytest.raises(CannotStart) as trouble:
        router.privilegedStartService()
    assert str(trouble.value) == "\n".join([f"cannot listen on 127.0.0.1:{taken}: Address already in use"] * 2)
    assert router.house.doors[0].bound is None
    assert not router.running


def test_an_access_log_that_cannot_be_opened_is_told_in_words(reactor: MemoryReactorClock, tmp_path: Path) -> None:
    router = make_service(settings(access_log=logging_to(tmp_path / "missing" / "access.log")), reactor)
    router.privilegedStartService()
    with pytest.raises(CannotStart, match=r"access log cannot be opened: .*No such file"):
        router.startService()
    router.stopService()


def test_a_stop_without_anyone_inside_is_over_at_once(reactor: MemoryReactorClock) -> None:
    router = started(settings(), reactor)
    stopped: list[None] = []
    router.stopService().addCallback(stopped.append)
    assert stopped == [None]
    assert not router.running
    assert reactor.getDelayedCalls() == [call for call in reactor.getDelayedCalls() if call.getTime() <= 0]


def test_a_stop_waits_for_those_inside_and_is_not_ready_meanwhile(reactor: MemoryReactorClock) -> None:
    router = started(settings(drain_timeout=30.0), reactor)
    visitor = Visitor.at(router.house.doors, "http")
    stopped: list[None] = []
    router.stopService().addCallback(stopped.append)
    assert router.house.readiness.standing().state is State.DRAINING
    assert [door.bound for door in router.house.doors] == [None] * 3
    reactor.advance(5)
    assert stopped == []
    visitor.say(REQUEST.replace(b"a.com", b"nobody.com"))
    visitor.protocol.connectionLost(Failure(ConnectionDone()))
    reactor.advance(1)
    assert stopped == [None]


def test_from_the_signal_on_answers_say_that_the_connection_ends_while_the_doors_are_still_open(
    reactor: MemoryReactorClock,
) -> None:
    router = started(settings(lame_duck=5.0, drain_timeout=30.0), reactor)
    here = Visitor.at(router.house.doors, "http")
    request = REQUEST.replace(b"a.com", b"nobody.com")
    assert b"\r\nConnection: close\r\n" not in here.say(request)
    idle = Visitor.at(router.house.doors, "http")
    idle.say(request)
    router.stopService()
    for visitor in (here, Visitor.at(router.house.doors, "http")):
        assert b"\r\nConnection: close\r\n" in visitor.say(request)
    assert None not in [door.bound for door in router.house.doors]
    assert not idle.wire.disconnecting
    reactor.advance(5)
    assert [door.bound for door in router.house.doors] == [None] * 3


def test_who_is_inside_when_the_time_is_over_is_ended_and_accounted_for(
    reactor: MemoryReactorClock, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    router = started(settings(drain_timeout=10.0, access_log=logging_to(log)), reactor)
    Visitor.at(router.house.doors, "http")
    stopped: list[None] = []
    router.stopService().addCallback(stopped.append)
    reactor.pump([1.0] * 14)
    assert stopped == [None]
    (ending,) = [json.loads(line) for line in log.read_text().splitlines()]
    assert ending["reason"] == Reason.DRAINED


def test_a_second_signal_ends_the_wait(reactor: MemoryReactorClock) -> None:
    router = started(settings(drain_timeout=600.0, lame_duck=60.0), reactor)
    Visitor.at(router.house.doors, "http")
    stopped: list[None] = []
    router.stopService().addCallback(stopped.append)
    reactor.advance(1)
    assert stopped == []
    router.hurry()
    reactor.pump([0.1] * 5)
    assert stopped == [None]


def test_the_service_manager_is_told_of_start_and_stop(reactor: MemoryReactorClock, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        router = started(settings(), reactor, {"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert manager.recv(100) == b"READY=1"
        router.stopService()
        assert manager.recv(100) == b"STOPPING=1"


def test_a_limit_beyond_the_descriptors_is_told_at_the_start(reactor: MemoryReactorClock) -> None:
    with capturedLogs() as events:
        router = started(settings(limits=Limits(connections=10_000_000)), reactor)
    assert any("raise LimitNOFILE" in str(event.get("short", "")) for event in events)
    assert errors_in(events) == []
    router.stopService()


def test_an_address_to_connect_from_that_is_not_ours_is_told_at_the_start(reactor: MemoryReactorClock) -> None:
    strange = evolve(settings(), upstream=Dialling(bind_addresses=("192.0.2.77",)))
    with capturedLogs() as events:
        router = started(strange, reactor)
    router.stopService()
    (warning,) = [event["warning"] for event in events if "warning" in event]
    assert "bind_address 192.0.2.77" in warning


def test_a_rotated_access_log_is_opened_anew(reactor: MemoryReactorClock, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    router = started(settings(access_log=logging_to(log)), reactor)
    assert router.house.access_log is not None
    log.rename(tmp_path / "access.log.1")
    router.reopen_logs()
    assert router.house.access_log.flush(30.0)
    assert log.exists()
    router.stopService()


def test_without_an_access_log_there_is_nothing_to_open_anew(reactor: MemoryReactorClock) -> None:
    router = started(settings(access_log=AccessLog(enabled=False)), reactor)
    router.reopen_logs()
    assert router.house.access_log is None
    router.stopService()
