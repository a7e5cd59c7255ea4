"""Played lines are judged by their promises."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from starship.mock import play
from starship.mock.demo import Line
from starship.mock.play import Outcome, broken, excerpt, processes, visitor
from tests.fakes import success_of

GOOD = Line(says="it works", argv=("curl", "http://a.com/"), shows=("Cluster north",))
ALERT = Line(says="it ends", argv=("curl", "https://b.com/"), code=35, shows=("unrecognized name",))


def test_a_promise_is_an_exit_status_and_words_whose_case_does_not_matter() -> None:
    assert broken(GOOD, Outcome(0, "CLUSTER NORTH\n")) == ()
    assert broken(ALERT, Outcome(35, "tlsv1 Unrecognized Name")) == ()
    assert broken(GOOD, Outcome(7, "")) == ("exit status 7, not 0", "'Cluster north' is not in the output")


def test_lines_are_shown_with_their_output_and_the_broken_ones_counted() -> None:
    said: list[str] = []
    outcomes = {GOOD.argv: Outcome(0, "Cluster north\n"), ALERT.argv: Outcome(0, "hello\n")}

    def run(argv: Sequence[str], /) -> Deferred[Outcome]:
        return succeed(outcomes[tuple(argv)])

    clock = Clock()
    playing = Deferred.fromCoroutine(play.play((GOOD, ALERT), run, said.append, clock))
    clock.pump([play.REST_S] * 2)
    assert success_of(playing) == 1
    shown = "\n".join(said)
    assert "$ curl http://a.com/\n  Cluster north\n✓ as promised" in shown
    assert "✗ exit status 0, not 35; 'unrecognized name' is not in the output" in shown
    assert shown.endswith("1 of 2 lines as promised")


def test_short_output_is_shown_whole_and_long_output_where_it_matters() -> None:
    assert excerpt("a\n\nb\n", ()) == ["a", "b"]
    assert excerpt("\n".join("abcdefghijklmnop"), ("no such",)) == [*"abcdefghij", "… and 6 lines more"]
    long = "\n".join(f"line {number}" for number in range(500))
    assert excerpt(long, ("LINE 499",)) == ["line 499", "… and 499 lines more"]


def test_what_is_shown_is_bounded_and_printable() -> None:
    assert excerpt("\x1b[31m" + "x" * 5000, ()) == [" [31m" + "x" * 195]


def test_without_curl_the_lines_begin_with_our_own_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert visitor()[1:] == ("-m", "starship.mock.visit")


def test_a_program_is_run_with_a_limit_of_time() -> None:
    started: list[tuple[Any, ...]] = []

    class Spawner:
        """Remembers what is to be run, and ends it at once."""

        def spawnProcess(self, protocol: Any, executable: str, args: Sequence[str], env: Any, path: Any) -> None:
            started.append((executable, *args[1:]))
            protocol.childDataReceived(1, b"out")
            protocol.childDataReceived(2, b"err")
            protocol.processEnded(Failure(ProcessTerminated(35)))

    spawner: Any = Spawner()
    outcome = success_of(processes(spawner, {"PATH": os.defpath})(("no-such-program", "x")))
    assert started == [("no-such-program", "x", "--max-time", "10")]
    assert outcome == Outcome(35, "outerr")
