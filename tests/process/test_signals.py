"""What a running process makes of SIGTERM, SIGINT and SIGUSR1."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from starship.process.signals import Signals

PROGRAM = """
import os
{before}
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from starship.process.signals import Signals

stopped = Deferred()

def say(word):
    print(word, flush=True)

def hurry():
    say("hurry")
    stopped.callback(None)

def started():
    Signals(call=reactor.callFromThread, reopen=lambda: say("reopen"), hurry=hurry).install()
    say("ready")

def stop():
    say("stopping")
    return stopped

reactor.callWhenRunning(started)
reactor.addSystemEventTrigger("before", "shutdown", stop)
reactor.callLater(240, os._exit, 3)  # in any case
reactor.run()
say("over")
"""


@contextmanager
def running(before: str = "") -> Iterator[subprocess.Popen[str]]:
    """A process with a reactor and our handlers."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(before=before)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert said(process) == "ready"
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_stops_and_the_second_hurries(first: signal.Signals, second: signal.Signals) -> None:
    with running() as process:
        process.send_signal(first)
        assert said(process) == "stopping"
        process.send_signal(second)
        assert said(process) == "hurry"
        assert said(process) == "over"
        assert process.wait(60) == 0


def test_sigusr1_reopens_and_stops_nothing() -> None:
    with running() as process:
        for _ in range(2):
            process.send_signal(signal.SIGUSR1)
            assert said(process) == "reopen"
        process.send_signal(signal.SIGTERM)
        assert said(process) == "stopping"
        process.send_signal(signal.SIGUSR1)
        assert said(process) == "reopen"


def test_a_sigint_that_was_ignored_stays_ignored_and_counts_for_nothing() -> None:
    with running("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)") as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGUSR1)
        assert said(process) == "reopen"
        process.send_signal(signal.SIGTERM)
        assert said(process) == "stopping"


def test_what_was_there_before_is_put_back() -> None:
    seen: list[str] = []
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in numbers]
    signals = Signals(
        call=lambda function: function(), reopen=lambda: seen.append("reopen"), hurry=lambda: seen.append("hurry")
    )
    signals.install()
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signals.restore()
    assert seen == ["reopen"]
    assert [signal.getsignal(number) for number in numbers] == before
