"""A loop in whatever reactor there is."""

from __future__ import annotations

import subprocess
import sys

import pytest
from twisted.internet.interfaces import IReadDescriptor
from zope.interface.verify import verifyObject

from starship.wire.loop import BATCH
from starship.wire.nest import Nest, loop_of
from tests.loopback import Ground, ground

__all__ = ["ground"]

CLIENTS = BATCH + 100

GUEST = """
import resource, socket, sys, time
from twisted.internet.{module} import {install} as install
install()
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from starship.wire.ground import Ground
from starship.wire.nest import Nest, loop_of
from starship.wire.port import Listening, WirePort, bound_socket

heard = []
class Echo(Protocol):
    def dataReceived(self, data):
        heard.append(data)
        self.transport.write(data)
loop = loop_of(reactor)
listener = bound_socket("127.0.0.1", 0)
address = listener.getsockname()
port = WirePort(listener, Factory.forProtocol(Echo), Ground(loop), reactor, Listening(defer=False))
port.startListening()
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
clients = []

def ask():
    clients.extend(socket.create_connection(address) for _ in range({clients}))

def all_at_once(_):
    for client in clients: client.sendall(b"x")  # in one turn of the reactor: more than a batch is ready
    return deferToThread(lambda: [client.recv(1) for client in clients])

def work(_):
    asked = time.monotonic()
    def told():
        print(reactor.__class__.__name__, len(heard), time.monotonic() - asked < 100)
        reactor.stop()
    reactor.callLater(0.05, loop.again, told)  # while the loop waits

reactor.callWhenRunning(lambda: deferToThread(ask).addCallback(all_at_once).addCallback(work))
reactor.callLater(120, reactor.stop)  # in any case
reactor.run()
for client in clients: client.close()
"""


@pytest.mark.parametrize(
    ("module", "install", "name"),
    [
        ("asyncioreactor", "install", "AsyncioSelectorReactor"),
        ("selectreactor", "install", "SelectReactor"),
        ("epollreactor", "install", "EPollReactor"),
        ("pollreactor", "install", "PollReactor"),
    ],
)
def test_more_than_a_batch_at_once_is_served_and_work_wakes_it_in_any_reactor(
    module: str, install: str, name: str
) -> None:
    code = GUEST.format(module=module, install=install, clients=CLIENTS)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert done.stdout == f"{name} {CLIENTS} True\n", done.stderr
    assert done.stderr == ""


def test_our_own_reactor_needs_no_nest(ground: Ground) -> None:
    assert loop_of(ground.reactor) is ground.reactor.wire


def test_it_leaves_its_reactor_with_nothing_behind(ground: Ground) -> None:
    nest = Nest(ground.reactor)
    verifyObject(IReadDescriptor, nest)
    seen = list[str]()
    nest.loop.again(lambda: seen.append("worked"))
    ground.until(lambda: seen == ["worked"])
    nest.loop.again(lambda: seen.append("too late"))
    nest.close()
    nest.close()
    ground.turn()
    assert seen == ["worked"]
    assert nest not in ground.reactor.getReaders()
    assert ground.reactor.getDelayedCalls() == []


def test_a_reactor_that_cannot_watch_is_said_to_be_so() -> None:
    with pytest.raises(AttributeError):
        loop_of(object())
