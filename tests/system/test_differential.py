"""
The same sequences of requests through Starship and straight to nginx, with nginx as the judge of what was asked (L12).

2,000 of them from fixed seeds: valid and hostile, pipelined and cut anywhere. What the upstream saw is exactly one
clear request for each that the client got an answer to, whatever was tried.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import h11
import pytest
from attrs import frozen

from tests.e2e.clients import connect
from tests.e2e.world import Starship, starship, until
from tests.exchange.corpus import converse
from tests.system.judge import Judge, Seen, judge
from tests.system.namespaces import network
from tests.system.sequences import Asked, Sequence, sequence, tag_of

pytestmark = pytest.mark.system

SEQUENCES_COUNT = int(os.environ.get("STARSHIP_PROOF_SEQUENCES", "2000"))
SEQUENCES = [sequence(number) for number in range(SEQUENCES_COUNT)]
AT_ONCE = 24
PATIENCE_S = 60.0

INI = """
[listener:http]
protocol = http
endpoint = tcp:0:interface=127.0.0.1
[routes]
a.com = 127.0.0.1:{port}
*.a.com = 127.0.0.1:{port}
b.com = 127.0.0.1:{port}
[limits]
fields = 1000
"""


class Answer(NamedTuple):
    """What a client got for one request: its status, and the request as nginx tells it (empty: not from there)."""

    status: int
    seen: str


def understood(seen: Iterable[Seen]) -> tuple[Asked, ...]:
    """The requests that nginx took for well."""
    return tuple(Asked(one.method, one.uri, one.body) for one in seen if one.status == 200)


@frozen
class Outcome:
    """What came of one sequence."""

    sequence: Sequence
    answers: tuple[Answer, ...]
    seen: tuple[Seen, ...]

    @property
    def understood(self) -> tuple[Asked, ...]:
        """The requests that nginx took for well."""
        return understood(self.seen)

    @property
    def told(self) -> list[str]:
        """The requests that the client got answers of nginx to."""
        return [answer.seen for answer in self.answers if answer.seen]


def converse_with(port: int, asked: Sequence) -> bytes:
    """Everything that comes back until the other side closes; TimeoutError where it does not."""
    raw = b""
    with connect(port) as connection:
        connection.settimeout(PATIENCE_S)
        with contextlib.suppress(ConnectionError):  # what was answered before is there to be read
            for piece in asked.pieces:
                connection.sendall(piece)
        with contextlib.suppress(ConnectionError):
            while data := connection.recv(65536):
                raw += data
    return raw


def answers_in(raw: bytes, methods: Iterable[str]) -> Iterator[Answer]:
    """The final responses in a stream, read by h11, told what each is the answer to (GET, where none knows)."""
    left = iter(methods)
    while raw:
        reader = h11.Connection(h11.CLIENT)
        method = next(left, "GET")
        reader.send(h11.Request(method=method, target="/", headers=[("Host", "a.com")]))
        reader.send(h11.EndOfMessage())
        reader.receive_data(raw)
        event = reader.next_event()
        while isinstance(event, h11.InformationalResponse):
            event = reader.next_event()
        assert isinstance(event, h11.Response), event
        fields = dict(event.headers.raw_items())
        yield Answer(event.status_code, fields.get(b"X-Seen", b"").decode())
        while not isinstance(event, h11.EndOfMessage):
            event = reader.next_event()
            if event is h11.NEED_DATA:
                reader.receive_data(b"")  # the end of the stream: an error, unless the body goes until then
        raw = reader.trailing_data[0]


def run(port: int, upstream: Judge) -> tuple[list[bytes], dict[str, tuple[Seen, ...]]]:
    """Send all sequences, some at once: what came back for each, and what nginx saw of each, by its tag."""
    before = len(upstream.seen())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        streams = list(pool.map(lambda one: converse_with(port, one), SEQUENCES))
    wanted = before + sum(len(re.findall(rb"^X-Seen: ", raw, re.MULTILINE)) for raw in streams)
    until(lambda: len(upstream.seen()) >= wanted, "nginx has written all it saw")
    seen: dict[str, list[Seen]] = defaultdict(list)
    for one in upstream.seen()[before:]:
        seen[tag_of(one.uri)].append(one)
    return streams, {tag: tuple(those) for tag, those in seen.items()}


@pytest.fixture(scope="module")
def upstream(place: Path) -> Iterator[Judge]:
    with network(), judge(place / "judge") as made:
        yield made


@pytest.fixture(scope="module")
def ship(place: Path, upstream: Judge) -> Iterator[Starship]:
    with starship(place / "differential", INI.format(port=upstream.port)) as made:
        yield made


@pytest.fixture(scope="module")
def through(ship: Starship, upstream: Judge) -> list[Outcome]:
    streams, seen = run(ship.port("http"), upstream)
    outcomes = [
        Outcome(one, tuple(answers_in(raw, converse(one.pieces).methods)), seen.pop(one.tag, ()))
        for one, raw in zip(SEQUENCES, streams, strict=True)
    ]
    # of a target that it cannot read nginx tells nothing (`OPTIONS *`); all others are somebody's
    assert {(tag, one.status) for tag, those in seen.items() for one in those} <= {("", 400)}, seen
    return outcomes


@pytest.fixture(scope="module")
def straight(through: list[Outcome], upstream: Judge) -> dict[str, tuple[Asked, ...]]:
    """The requests that nginx takes for well where it is asked itself."""
    _, seen = run(upstream.brief_port, upstream)  # of some it waits for more
    return {one.tag: understood(seen.get(one.tag, ())) for one in SEQUENCES}


def test_l12_what_the_upstream_saw_is_one_request_for_each_answer(through: list[Outcome]) -> None:
    for outcome in through:
        assert [f"{one.method} {one.uri}" for one in outcome.understood] == outcome.told, outcome


def test_l12_each_valid_request_is_answered_and_arrives_as_it_was_meant(through: list[Outcome]) -> None:
    for outcome in through:
        valid = outcome.sequence.valid
        assert outcome.understood[: len(valid)] == valid, outcome
        if outcome.sequence.outcome == "over":
            assert outcome.understood == valid
            assert [answer.status for answer in outcome.answers] == [200] * len(valid)


def test_l12_nothing_of_what_is_ambiguous_arrives_and_nothing_behind_it(through: list[Outcome]) -> None:
    refused = [one for one in through if one.sequence.outcome in ("head", "body")]
    assert len(refused) > SEQUENCES_COUNT / 5
    for outcome in refused:
        assert outcome.understood == outcome.sequence.valid, outcome
        assert [answer.status for answer in outcome.answers] == [200] * len(outcome.sequence.valid) + [400], outcome


def test_l12_what_only_looks_hostile_is_answered_request_by_request(through: list[Outcome]) -> None:
    clear = [one for one in through if one.sequence.outcome.startswith("clear")]
    assert clear
    for outcome in clear:
        count = len(outcome.sequence.valid) + int(outcome.sequence.outcome.split()[1])
        assert len(outcome.answers) in (count, count + 1), outcome  # the one that closes, unless nginx did


def test_l12_nginx_reads_the_same_with_starship_and_without(
    through: list[Outcome], straight: dict[str, tuple[Asked, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    """As far as it takes it by itself; and what it takes that Starship does not is counted."""
    kinder = 0
    for outcome in through:
        alone = straight[outcome.sequence.tag]
        if outcome.sequence.outcome == "over":
            assert alone == outcome.understood
        if all(answer.status == 200 for answer in outcome.answers):
            assert alone == outcome.understood[: len(alone)], (outcome, alone)
        kinder += len(alone) > len(outcome.understood)
    with capsys.disabled():
        print(f"\n{len(through)} sequences; of {kinder} nginx alone takes more than Starship lets through to it")
