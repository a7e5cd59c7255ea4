"""The listening socket: batches, and what it does when descriptors run out."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher

from starship.wire.port import ACCEPT_BATCH, ACCEPT_PAUSE_S, WaitingPort
from tests.loopback import Ground, ground

__all__ = ["ground"]


class Guests(Factory):
    """Counts who came in; `unwelcome` raises in place of welcoming."""

    noisy = False

    def __init__(self) -> None:
        self.welcome: list[Protocol] = []
        self.unwelcome = False
        self.addresses: list[IAddress | None] = []
        self.make: Callable[[], Protocol] = Protocol

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        if self.unwelcome:
            raise RuntimeError("a fault of ours")
        self.addresses.append(addr)
        self.welcome.append(self.make())
        return self.welcome[-1]


class ShortSocket:
    """A listening socket whose accept fails with an errno for as long as the test says."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.error = 0
        self.accepts = 0

    def accept(self) -> Any:
        self.accepts += 1
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        return self.sock.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


class Scene:
    """A port with such a socket, on the reactor of production."""

    def __init__(self, ground: Ground, address: str = "127.0.0.1") -> None:
        self.ground, self.guests = ground, Guests()
        self.port: Any = WaitingPort(0, self.guests, 200, address, ground.reactor)
        self.port.startListening()
        self.short = ShortSocket(self.port.socket)
        self.port.socket = self.short

    def knock(self, times: int = 1) -> list[socket.socket]:
        clients = [self.ground.own(socket.socket(self.port.addressFamily)) for _ in range(times)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(self.short.sock.getsockname()[:2])
        return clients


@pytest.fixture
def events() -> Iterator[list[LogEvent]]:
    events: list[LogEvent] = []
    observer = cast(ILogObserver, events.append)
    globalLogPublisher.addObserver(observer)
    yield events
    globalLogPublisher.removeObserver(observer)


def states(events: list[LogEvent]) -> list[LogLevel]:
    return [event["log_level"] for event in events if "accepting" in str(event.get("log_format"))]


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EINVAL])
def test_l17_without_means_accepting_rests_and_the_waiting_client_is_served_later(
    ground: Ground, events: list[LogEvent], code: int
) -> None:
    scene = Scene(ground)
    scene.short.error = code
    scene.knock()
    start = ground.reactor.seconds()
    ground.until(lambda: scene.port.paused >= 2)
    assert scene.short.accepts == 2  # no busy loop: one look per pause
    assert ground.reactor.seconds() - start >= ACCEPT_PAUSE_S
    scene.short.error = 0
    freed = ground.reactor.seconds()
    ground.until(lambda: len(scene.guests.welcome) == 1)
    assert ground.reactor.seconds() - freed < 1
    assert states(events) == [LogLevel.warn, LogLevel.info]


def test_a_client_that_left_while_it_waited_is_skipped(ground: Ground) -> None:
    scene = Scene(ground)
    scene.short.error = errno.ECONNABORTED
    scene.knock()
    ground.until(lambda: scene.short.accepts >= ACCEPT_BATCH)
    assert scene.port.paused == 0
    scene.short.error = 0
    ground.until(lambda: len(scene.guests.welcome) == 1)


def test_one_turn_accepts_a_batch_and_no_more(ground: Ground) -> None:
    scene = Scene(ground)
    scene.knock(ACCEPT_BATCH + 20)
    scene.port.doRead()
    assert len(scene.guests.welcome) == ACCEPT_BATCH
    scene.port.doRead()
    assert len(scene.guests.welcome) == ACCEPT_BATCH + 20


def test_a_fault_in_welcoming_one_client_leaves_the_port_to_the_others(ground: Ground, events: list[LogEvent]) -> None:
    scene = Scene(ground)
    scene.guests.unwelcome = True
    (client,) = scene.knock()
    ground.until(lambda: any("could be made" in str(event.get("log_format")) for event in events))
    client.setblocking(True)
    assert client.recv(1) == b""
    scene.guests.unwelcome = False
    scene.knock()
    ground.until(lambda: len(scene.guests.welcome) == 1)


def test_a_protocol_that_raises_when_it_is_connected_loses_its_connection_alone(ground: Ground) -> None:
    class Raising(Protocol):
        def connectionMade(self) -> None:
            raise RuntimeError("a fault of ours")

    scene = Scene(ground)
    scene.guests.make = Raising
    (client,) = scene.knock()
    gone: list[bool] = []

    def is_gone() -> bool:
        try:
            client.recv(1)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            gone.append(True)
        return True

    ground.until(is_gone)
    assert gone
    scene.guests.make = Protocol
    scene.knock()
    ground.until(lambda: len(scene.guests.welcome) == 2)


def test_who_comes_over_ipv6_has_an_address_of_that_family(ground: Ground) -> None:
    scene = Scene(ground, "::1")
    scene.knock()
    ground.until(lambda: len(scene.guests.welcome) == 1)
    assert getattr(scene.guests.addresses[0], "host", None) == "::1"


def test_an_adopted_socket_serves_and_stays_open_for_its_owner(ground: Ground) -> None:
    listener = ground.own(socket.create_server(("127.0.0.1", 0)))
    listener.setblocking(False)
    guests = Guests()
    adopt: Callable[..., Any] = WaitingPort._fromListeningDescriptor
    port = adopt(ground.reactor, listener.fileno(), socket.AF_INET, guests)
    port.startListening()
    ground.own(socket.create_connection(listener.getsockname()))
    ground.until(lambda: len(guests.welcome) == 1)
    port.stopListening()
    ground.turn()
    ground.own(socket.create_connection(listener.getsockname()))
    listener.accept()[0].close()


def test_stopping_while_it_rests_leaves_no_clock_and_no_reader(ground: Ground) -> None:
    scene = Scene(ground)
    scene.short.error = errno.EMFILE
    scene.knock()
    ground.until(lambda: scene.port.paused == 1)
    stopped: list[object] = []
    scene.port.stopListening().addCallback(stopped.append)
    ground.until(lambda: len(stopped) == 1)
    assert ground.reactor.getDelayedCalls() == []
    assert scene.port not in ground.reactor.getReaders()


SHORT_PROCESS = """
import resource, socket, sys, time
from twisted.internet.protocol import Factory, Protocol
from starship.wire.port import WaitingPort
from starship.wire.reactor import WireReactor
reactor = WireReactor()
class Echo(Protocol):
    def dataReceived(self, data): self.transport.write(data)
port = WaitingPort(0, Factory.forProtocol(Echo), 50, "127.0.0.1", reactor)
port.startListening()
clients = [socket.create_connection(port.socket.getsockname()) for _ in range(8)]
used = max(client.fileno() for client in clients)
resource.setrlimit(resource.RLIMIT_NOFILE, (used + 4, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
def turn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end: reactor.iterate(0.05)
cpu = time.process_time(); turn(1.2); cpu = time.process_time() - cpu
assert port.paused >= 2, port.paused
assert cpu < 0.6, cpu
clients[0].sendall(b"alive"); turn(0.1)
clients[0].settimeout(1); assert clients[0].recv(5) == b"alive"  # a live one goes on
last = clients.pop(); last.settimeout(0)
for client in clients: client.close()
last.sendall(b"served")
start = time.monotonic(); answer = b""
while not answer:
    assert time.monotonic() - start < 2
    reactor.iterate(0.02)
    try: answer = last.recv(10)
    except BlockingIOError: pass
print("served", round(time.monotonic() - start, 2), "cpu", round(cpu, 2))
"""


def test_l17_a_process_out_of_descriptors_does_not_spin_and_serves_who_waited() -> None:
    done = subprocess.run([sys.executable, "-c", SHORT_PROCESS], capture_output=True, text=True, timeout=30)
    assert done.stdout.startswith("served"), done.stderr
