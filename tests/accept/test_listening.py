"""Endpoint strings become listening ports of ours."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from starship.accept.listening import DoorService, _Ports, listen
from starship.addresses import address_of
from starship.wire.ground import Ground
from starship.wire.nest import Nest, loop_of
from starship.wire.port import Listening, WirePort
from tests.accept.doors import House
from tests.fakes import turning
from tests.loopback import closed_port

LOOP: Any = reactor
PATIENCE_S = 30
ALONE = "127.77.0.3"
"""An address where nobody else listens, nor comes to listen."""
HOW = Listening(backlog=1024, defer=False)

NOT_HANDED = ("systemd:domain=INET:index=0", "systemd:domain=INET:name=web", "systemd:domain=NONE:index=0", "systemd:")
"""What systemd has not handed to this process."""


class Greeter(Protocol):
    """Tells a client its own address."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.write(address_of(transport.getPeer()).host.encode())
        transport.loseConnection()


@define(eq=False)
class Greeters(Factory):
    """Makes greeters."""

    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        return Greeter()


@define(eq=False)
class Doors:
    """Opens ports and closes them after the test."""

    ground: Ground
    ports: list[IListeningPort] = field(factory=list)
    stack: ExitStack = field(factory=ExitStack)

    def open(self, description: str) -> tuple[WirePort, int]:
        port = listen(LOOP, self.ground, description, Greeters(), HOW)
        self.ports.append(port)
        assert isinstance(port, WirePort)
        return port, address_of(self.ports[-1].getHost()).port

    def beside(self, host: str, interface: str = "") -> int:
        """Open a port that nobody else has at `host`, nor may have there while the test lasts."""
        for _ in range(100):
            port = self.stack.enter_context(closed_port(host))
            with suppress(CannotListenError):  # somebody has it here
                return self.open(f"tcp:{port}{interface and ':interface=' + interface}")[1]
        raise AssertionError("no port is free at both")

    def door(self, description: str, upstream_port: int | None = None) -> DoorService:
        """A door whose clients are refused by nobody: the test never says a hello."""
        return DoorService(
            reactor=LOOP,
            ground=self.ground,
            description=description,
            how=HOW,
            factory=House().factory,
            upstream_port=upstream_port,
        )


@pytest.fixture
def doors() -> Iterator[Doors]:
    made = Doors(Ground(loop_of(LOOP)))
    yield made
    made.stack.close()
    for port in made.ports:
        port.stopListening()
    for reader in LOOP.getReaders():
        if isinstance(reader, Nest) and reader.loop is made.ground.loop:
            reader.close()


def greeting(host: str, port: int) -> Deferred[bytes]:
    """What a client at `host` is told."""

    def ask() -> bytes:
        with socket.create_connection((host, port), PATIENCE_S) as client:
            return client.recv(100)

    return deferToThread(ask)


def refused(host: str, port: int) -> bool:
    """Whether nobody listens there."""
    try:
        socket.create_connection((host, port), PATIENCE_S).close()
    except ConnectionRefusedError:
        return True
    return False


@turning
async def test_tcp_takes_ipv4_on_the_port_that_the_kernel_picks(doors: Doors) -> None:
    assert doors.open("tcp:0")[1] > 0
    port = doors.beside("::1")
    assert await greeting("127.0.0.1", port) == b"127.0.0.1"
    assert refused("::1", port)


@turning
async def test_tcp_takes_one_interface_where_one_is_named(doors: Doors) -> None:
    port = doors.beside("127.0.0.1", "127.0.0.2")
    assert await greeting("127.0.0.2", port) == b"127.0.0.1"
    assert refused("127.0.0.1", port)


@turning
async def test_tcp6_takes_both_families_and_tells_ipv4_as_ipv4(doors: Doors) -> None:
    _, port = doors.open("tcp6:0")
    assert await greeting("::1", port) == b"::1"
    assert await greeting("127.0.0.1", port) == b"127.0.0.1"


@turning
async def test_tcp6_on_one_address_takes_that_alone(doors: Doors) -> None:
    port, number = doors.open(r"tcp6:0:interface=\:\:1")
    assert port._socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    assert await greeting("::1", number) == b"::1"


@pytest.mark.parametrize(("description", "backlog"), [("tcp:0", 1024), ("tcp:0:backlog=2000", 2000)])
def test_the_backlog_is_ours_unless_the_string_asks_for_more(doors: Doors, description: str, backlog: int) -> None:
    port, _ = doors.open(description)
    counts = struct.unpack_from("2I", port._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32), 24)
    assert counts == (0, backlog)  # for a listening socket: who waits, and how many may


def test_a_port_that_is_taken_is_an_error_at_once(doors: Doors) -> None:
    _, port = doors.open("tcp:0:interface=127.0.0.1")
    with pytest.raises(CannotListenError):
        doors.open(f"tcp:{port}:interface=127.0.0.1")


@pytest.mark.parametrize("description", ["", "tcp", "tcp:no", "nonsense:1", "tcp:1:2:3:4:5", *NOT_HANDED])
def test_a_string_that_is_no_endpoint_is_a_value_error(doors: Doors, description: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        doors.open(description)


@turning
async def test_a_door_listens_before_privileges_are_dropped_and_closes_once(doors: Doors) -> None:
    service = doors.door(f"tcp:0:interface={ALONE}")
    assert service.bound is None
    service.privilegedStartService()
    assert service.bound is not None
    host, port = service.bound
    assert host == ALONE
    assert service.paused == 0
    assert not refused(ALONE, port)
    service.close()
    service.close()
    assert service.bound is None
    assert refused(ALONE, port)


@pytest.mark.parametrize("upstream_port", [None, 8443])
def test_an_endpoint_without_a_port_means_the_door_s_or_the_one_that_is_set_s12(
    doors: Doors, upstream_port: int | None
) -> None:
    service = doors.door("tcp:0:interface=127.0.0.1", upstream_port)
    service.privilegedStartService()
    try:
        assert service.bound is not None
        assert service.factory.manners.door.port == (upstream_port or service.bound.port)
        assert service.factory.manners.door.name == "https"
    finally:
        service.close()


def test_a_door_that_is_taken_says_so_at_start(doors: Doors) -> None:
    first = doors.door("tcp:0:interface=127.0.0.1")
    first.privilegedStartService()
    assert first.bound is not None
    try:
        with pytest.raises(CannotListenError):
            doors.door(f"tcp:{first.bound.port}:interface=127.0.0.1").privilegedStartService()
    finally:
        first.close()


def test_a_socket_of_another_kind_is_no_endpoint(doors: Doors) -> None:
    ports: Any = _Ports(LOOP, doors.ground, HOW)
    with socket.socket(socket.AF_UNIX) as unix, pytest.raises(ValueError, match="TCP"):
        ports.adoptStreamPort(unix.fileno(), socket.AF_UNIX, Greeters())


SYSTEMD = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())  # as the service manager sets it for the process that it starts
from twisted.internet import reactor
from twisted.internet.protocol import Factory
from starship.accept.listening import listen
from starship.wire.ground import Ground
from starship.wire.nest import loop_of
from tests.accept.test_listening import HOW, Greeters

listen(reactor, Ground(loop_of(reactor)), sys.argv[1], Greeters(), HOW)
reactor.callLater(240, reactor.stop)  # in any case
print("ready", flush=True)
reactor.run()
"""


@pytest.mark.parametrize("choice", ["index=0", "name=web"])
def test_a_socket_of_systemd_is_adopted(choice: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hand_over() -> None:
            os.dup2(listener.fileno(), 3)

        with subprocess.Popen(
            [sys.executable, "-c", SYSTEMD, f"systemd:domain=INET:{choice}"],
            env={**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web"},
            stdout=subprocess.PIPE,
            pass_fds=(3,),
            preexec_fn=hand_over,
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
                with socket.create_connection(listener.getsockname(), PATIENCE_S) as client:
                    assert client.recv(100) == b"127.0.0.1"
            finally:
                process.kill()


def test_who_wants_to_know_is_told_where_a_door_is_whenever_it_opened_or_closed(doors: Doors) -> None:
    door = doors.door("tcp:0:interface=127.0.0.1")
    seen: list[bool] = []
    door.moved = lambda: seen.append(door.bound is not None)
    door.privilegedStartService()
    door.close()
    assert seen == [True, False]
