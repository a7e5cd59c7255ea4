"""The listening socket: batches, what it does when descriptors run out, and what ends one connection alone."""

from __future__ import annotations

import errno
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from twisted.protocols.wire import Echo
from zope.interface.verify import verifyObject

from starship.wire.ground import Ground as Wire
from starship.wire.port import BATCH, GONE_AGAIN, PROBE_INTERVAL_S, PROBES, REST_S, Listening, WirePort, bound_socket
from tests.fakes import errors_in
from tests.loopback import Ground, ground

__all__ = ["ground"]


class Guests(Factory):
    """Counts who came in; `unwelcome` raises in place of welcoming, `closed` lets nobody in."""

    noisy = False

    def __init__(self) -> None:
        self.welcome: list[Protocol] = []
        self.unwelcome = self.closed = False
        self.addresses: list[IAddress | None] = []
        self.make: Callable[[], Protocol] = Protocol
        self.started = 0

    def doStart(self) -> None:
        self.started += 1

    def doStop(self) -> None:
        self.started -= 1

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        if self.unwelcome:
            raise RuntimeError("a fault of ours")
        if self.closed:
            return None
        self.addresses.append(addr)
        self.welcome.append(self.make())
        return self.welcome[-1]


class ShortAccept:
    """An accept that fails with an errno for as long as the test says."""

    def __init__(self, accept: Callable[[], Any]) -> None:
        self.accept = accept
        self.error = 0
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        return self.accept()


class Scene:
    """A port with such an accept, on the reactor of production."""

    def __init__(
        self, ground: Ground, address: str = "127.0.0.1", guests: Callable[[], Guests] = Guests, **how: Any
    ) -> None:
        self.ground, self.guests = ground, guests()
        self.wire = Wire(ground.reactor.wire)
        listener = bound_socket(address, 0)
        self.address, self.family = listener.getsockname()[:2], listener.family
        how = {"defer": False} | how
        self.port = WirePort(listener, self.guests, self.wire, ground.reactor, Listening(**how))
        self.port.startListening()
        self.short = self.port._accept = ShortAccept(self.port._accept)

    def knock(self, times: int = 1) -> list[socket.socket]:
        clients = [self.ground.own(socket.socket(self.family)) for _ in range(times)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(self.address)
        return clients

    def came(self, number: int) -> None:
        self.ground.until(lambda: len(self.guests.welcome) == number)

    def fate(self, client: socket.socket) -> str:
        """How a client's connection ends."""
        fates: list[str] = []

        def over() -> bool:
            try:
                fates.append("" if client.recv(100) else "end")
            except BlockingIOError:
                return False
            except ConnectionResetError:
                fates.append("reset")
            return True

        self.ground.until(over)
        return fates[0]


@pytest.fixture
def events() -> Iterator[list[LogEvent]]:
    events: list[LogEvent] = []
    observer = cast(ILogObserver, events.append)
    globalLogPublisher.addObserver(observer)
    yield events
    globalLogPublisher.removeObserver(observer)


def states(events: list[LogEvent]) -> list[LogLevel]:
    texts = ("rests", "accepts again")
    return [event["log_level"] for event in events if any(text in str(event.get("log_format")) for text in texts)]


def test_it_is_a_listening_port_and_says_where(ground: Ground) -> None:
    scene = Scene(ground)
    verifyObject(IListeningPort, scene.port)
    host = scene.port.getHost()
    assert (host.host, host.port) == scene.address
    assert scene.guests.started == 1


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EINVAL])
def test_l17_without_means_accepting_rests_and_the_waiting_client_is_served_later(
    ground: Ground, events: list[LogEvent], code: int
) -> None:
    scene = Scene(ground)
    scene.short.error = code
    scene.knock()
    start = ground.reactor.seconds()
    ground.until(lambda: scene.port.paused == 2)
    assert scene.short.calls == 2  # no busy loop: one look per rest
    assert ground.reactor.seconds() - start >= REST_S
    scene.short.error = 0
    scene.came(1)
    assert (scene.short.calls, scene.port.paused) == (3, 2)  # at the first look after that
    assert states(events) == [LogLevel.warn, LogLevel.info]


@pytest.mark.parametrize("code", sorted(GONE_AGAIN))
def test_a_client_that_left_while_it_waited_is_skipped(ground: Ground, code: int) -> None:
    scene = Scene(ground)
    scene.short.error = code
    scene.knock()
    ground.until(lambda: scene.short.calls >= 3)
    assert scene.port.paused == 0
    scene.short.error = 0
    scene.came(1)


def test_one_turn_accepts_a_batch_and_no_more(ground: Ground) -> None:
    scene = Scene(ground)
    scene.knock(BATCH * 3)
    before = 0

    def all_came() -> bool:
        nonlocal before
        assert len(scene.guests.welcome) - before <= BATCH
        before = len(scene.guests.welcome)
        return before == BATCH * 3

    ground.until(all_came)


def test_a_fault_in_making_a_protocol_ends_that_connection_alone(ground: Ground, events: list[LogEvent]) -> None:
    scene = Scene(ground)
    scene.guests.unwelcome = True
    (client,) = scene.knock()
    assert scene.fate(client) in ("end", "reset")
    assert len(errors_in(events)) == 1
    scene.guests.unwelcome = False
    scene.knock()
    scene.came(1)


@pytest.mark.parametrize("early", [True, False])
def test_a_protocol_that_raises_loses_its_connection_alone_and_is_told(
    ground: Ground, events: list[LogEvent], early: bool
) -> None:
    class Raising(Protocol):
        lost = ""

        def connectionMade(self) -> None:
            if early:
                raise RuntimeError("a fault of ours")

        def dataReceived(self, data: bytes) -> None:
            raise RuntimeError("a fault of ours")

        def connectionLost(self, reason: Any = None) -> None:
            self.lost = reason.type.__name__

    scene = Scene(ground)
    scene.guests.make = Raising
    (client,) = scene.knock()
    if not early:
        scene.came(1)
        client.send(b"x")
    assert scene.fate(client) in ("end", "reset")
    broken: Any = scene.guests.welcome[0]
    assert broken.lost == "RuntimeError"
    assert len(errors_in(events)) == 1
    scene.guests.make = Protocol
    scene.knock()
    scene.came(2)


class Eager(Protocol):
    """Begins to read by itself."""

    heard = b""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.begin()

    def dataReceived(self, data: bytes) -> None:
        self.heard += data


class EagerGuests(Guests):
    begins = True

    def __init__(self) -> None:
        super().__init__()
        self.make = Eager


def test_protocols_that_begin_by_themselves_are_told_no_address_and_begin_once(
    ground: Ground, events: list[LogEvent]
) -> None:
    scene = Scene(ground, guests=EagerGuests)
    (client,) = scene.knock()
    scene.came(1)
    eager: Any = scene.guests.welcome[0]
    client.send(b"x")
    ground.until(lambda: bool(eager.heard == b"x"))
    assert scene.guests.addresses == [None]
    assert errors_in(events) == []


def test_a_factory_that_makes_no_protocol_lets_nobody_in(ground: Ground) -> None:
    scene = Scene(ground)
    scene.guests.closed = True
    (client,) = scene.knock()
    assert scene.fate(client) == "reset"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_an_ordinary_factory_serves_on_it(ground: Ground, address: str) -> None:
    scene = Scene(ground, address)
    scene.guests.make = Echo
    (client,) = scene.knock()
    scene.came(1)
    got, left = bytearray(), 100_000

    def echoed() -> bool:
        nonlocal left
        with suppress(BlockingIOError):
            left -= client.send(b"x" * left) if left else 0
        with suppress(BlockingIOError):
            got.extend(client.recv(65536))
        return len(got) == 100_000

    ground.until(echoed)
    client.shutdown(socket.SHUT_WR)
    assert scene.fate(client) == "end"
    assert getattr(scene.guests.addresses[0], "host", None) == address


def accepted(scene: Scene) -> socket.socket:
    """The accepted socket itself."""
    scene.knock()
    scene.came(1)
    transport: Any = scene.guests.welcome[0].transport
    return scene.ground.own(socket.socket(fileno=os.dup(transport.fd)))


@pytest.mark.parametrize(("keepalive", "idle"), [(60.0, 60), (0.2, 1), (32767.0, 32767)])
def test_a_silent_client_is_probed(ground: Ground, keepalive: float, idle: int) -> None:
    sock = accepted(Scene(ground, keepalive=keepalive))
    tcp = socket.IPPROTO_TCP
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert sock.getsockopt(tcp, socket.TCP_KEEPIDLE) == idle
    assert sock.getsockopt(tcp, socket.TCP_KEEPINTVL) == PROBE_INTERVAL_S
    assert sock.getsockopt(tcp, socket.TCP_KEEPCNT) == PROBES


def test_small_writes_are_not_delayed_and_nothing_blocks(ground: Ground) -> None:
    sock = accepted(Scene(ground))
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert not os.get_blocking(sock.fileno())


def test_deferred_a_client_comes_in_with_its_first_bytes(ground: Ground) -> None:
    class Listener(Protocol):
        data = b""

        def dataReceived(self, data: bytes) -> None:
            self.data += data

    scene = Scene(ground, defer=True)
    scene.guests.make = Listener
    begun = time.monotonic()
    (client,) = scene.knock()
    for _ in range(20):
        ground.turn(wait=0.001)
    early = list(scene.guests.welcome)
    ground.until(lambda: client.connect_ex(scene.address) in (0, errno.EISCONN))
    client.send(b"hello")
    scene.came(1)
    listener: Any = scene.guests.welcome[0]
    # Read before the loop watches it, unless this machine has slept for as long as the kernel lets a client wait.
    assert (early, listener.data) == ([], b"hello") or time.monotonic() - begun > 0.9
    ground.until(lambda: bool(listener.data == b"hello"))


def test_a_client_that_is_gone_before_it_is_read_is_told_of_at_once(ground: Ground) -> None:
    scene = Scene(ground)
    (client,) = scene.knock()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    scene.knock()
    ground.until(lambda: len(scene.guests.welcome) in (1, 2))
    ground.turn()


def test_an_adopted_socket_serves_and_stays_open_for_its_owner(ground: Ground) -> None:
    listener = ground.own(socket.create_server(("127.0.0.1", 0)))
    guests = Guests()
    adopted = socket.socket(fileno=os.dup(listener.fileno()))
    port = WirePort(adopted, guests, Wire(ground.reactor.wire), ground.reactor, Listening(defer=False))
    port.startListening()
    ground.own(socket.create_connection(listener.getsockname()))
    ground.until(lambda: len(guests.welcome) == 1)
    port.stopListening()
    ground.own(socket.create_connection(listener.getsockname()))
    listener.setblocking(True)
    listener.accept()[0].close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::"])
def test_an_address_that_is_taken_cannot_be_bound_nor_one_that_is_not_ours(host: str) -> None:
    taken = bound_socket(host, 0)
    with taken:
        taken.listen()
        with pytest.raises(CannotListenError):
            bound_socket(host, taken.getsockname()[1])
    with pytest.raises(CannotListenError):
        bound_socket("192.0.2.77", 0)


# Stopping


def test_stopping_closes_once_and_says_so(ground: Ground) -> None:
    scene = Scene(ground, "127.77.0.1")  # where nobody else comes to listen
    stopped: list[object] = []
    for _ in range(2):
        scene.port.stopListening().addCallback(stopped.append)
    assert stopped == [None, None]
    assert scene.guests.started == 0
    (client,) = scene.knock()
    ground.until(lambda: client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED)


def test_stopping_while_it_rests_leaves_no_clock(ground: Ground) -> None:
    scene = Scene(ground)
    scene.short.error = errno.EMFILE
    scene.knock()
    ground.until(lambda: scene.port.paused == 1)
    scene.port.stopListening()
    assert ground.reactor.getDelayedCalls() == []
    ground.turn()


def test_stopping_within_a_batch_leaves_the_rest_of_it(ground: Ground) -> None:
    scene = Scene(ground)

    class Stopping(Protocol):
        def connectionMade(self) -> None:
            scene.port.stopListening()

    scene.guests.make = Stopping
    scene.port._expected = 8
    scene.knock(8)
    scene.came(1)
    ground.turn()
    ground.turn()
    assert len(scene.guests.welcome) == 1


SHORT_PROCESS = """
import resource, socket, sys, time
from twisted.internet.protocol import Factory
from twisted.protocols.wire import Echo
from starship.wire.ground import Ground
from starship.wire.port import Listening, WirePort, bound_socket
from starship.wire.reactor import WireReactor
reactor = WireReactor()
listener = bound_socket("127.0.0.1", 0)
address = listener.getsockname()
port = WirePort(listener, Factory.forProtocol(Echo), Ground(reactor.wire), reactor, Listening(defer=False))
port.startListening()
clients = [socket.create_connection(address) for _ in range(8)]
used = max(client.fileno() for client in clients)
resource.setrlimit(resource.RLIMIT_NOFILE, (used + 4, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
start, cpu = time.monotonic(), time.process_time()
while port.paused < 3: reactor.iterate(0.05)
assert time.process_time() - cpu < 0.6
assert time.monotonic() - start > 0.9
def answer(client):
    client.settimeout(0)
    while True:
        reactor.iterate(0.02)
        try: return client.recv(10)
        except BlockingIOError: pass
clients[0].sendall(b"alive")
assert answer(clients[0]) == b"alive"  # a live one goes on
last = clients.pop()
for client in clients: client.close()
last.sendall(b"served")
print(answer(last))
"""


def test_l17_a_process_out_of_descriptors_does_not_spin_and_serves_who_waited() -> None:
    done = subprocess.run([sys.executable, "-c", SHORT_PROCESS], capture_output=True, text=True, timeout=240)
    assert done.stdout == "b'served'\n", done.stderr
