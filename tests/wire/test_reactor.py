"""The reactor of production: its clock, its installing, and what it takes for an end of stream."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.loopback import Ground, ground

__all__ = ["ground"]


def said(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240).stdout


def test_f16_its_seconds_are_the_monotonic_clock(ground: Ground) -> None:
    before = time.monotonic()
    assert before <= ground.reactor.seconds() <= time.monotonic()


def test_f16_a_deadline_is_counted_on_the_monotonic_clock(ground: Ground) -> None:
    before = time.monotonic()
    call = ground.reactor.callLater(5, lambda: None)
    assert before + 5 <= call.getTime() <= time.monotonic() + 5


def test_it_becomes_the_reactor_of_the_process() -> None:
    code = (
        "from starship.wire.reactor import install; install()\n"
        "from twisted.internet import reactor; print(type(reactor).__name__)"
    )
    assert said(code) == "WireReactor\n"


def test_it_leaves_a_reactor_that_somebody_has_chosen() -> None:
    code = (
        "from twisted.internet import selectreactor; selectreactor.install()\n"
        "from starship.wire.reactor import install; install()\n"
        "from twisted.internet import reactor; print(type(reactor).__name__)"
    )
    assert said(code) == "SelectReactor\n"


TIMERS = """
import os, socket, sys, time
from starship.wire.reactor import install; install()
from twisted.internet import reactor, task
ours, theirs = socket.socketpair()
for sock in (ours, theirs):
    sock.setblocking(False)
turns, late, thread = 0, [], []
class Endless:
    def ready(self, flags):
        global turns
        turns += 1
        theirs.send(ours.recv(9) and b"x")
        time.sleep(0)
    def broke(self):
        os._exit(1)
reactor.wire.watch(ours.fileno(), Endless(), 1)
theirs.send(b"x")
begun = time.monotonic()
due = reactor.callLater(600, lambda: late.append(time.monotonic() - begun))
def sooner():
    due.reset(0.1)
    reactor.callFromThread(thread.append, time.monotonic() - begun)
    reactor.callInThread(reactor.callFromThread, thread.append, "from a thread")
def look():
    if late and len(thread) == 2 and turns > 100:
        reactor.stop()
reactor.callLater(0.1, sooner)
task.LoopingCall(look).start(0.05)
reactor.callLater(120, reactor.stop)  # in any case
reactor.run()
assert turns > 100, turns
assert 0.2 <= late[0] < 100, late
assert thread[1] == "from a thread", thread
print("served")
"""


def test_turns_that_follow_each_other_make_no_timer_late_and_no_thread_wait() -> None:
    assert said(TIMERS) == "served\n"
