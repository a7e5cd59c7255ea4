"""The smuggling corpus: what is ambiguous is refused in every cut, what is clear is one request for all (L12)."""

from __future__ import annotations

import contextlib
from collections import Counter
from random import Random
from typing import Final

import httptools
import pytest

from tests.exchange.corpus import Case, Conversation, Message, cases, converse
from tests.sniff.making import split

SAMPLE: Final = 5_000
PROOF: Final = 500_000
CASES = cases()
CLEAR = [case for case in CASES if case.outcome.startswith("clear")]
WELL_BEGUN = [case for case in CASES if case.outcome != "head"]
FAMILIES = ("CL.TE", "TE.CL", "CL and TE:", "TE alone:", "length:", "chunks:", "lines:", "request line:", "hosts:")


def verdict(conversation: Conversation) -> tuple[str, list[Message]]:
    return conversation.fault, conversation.messages


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_each_line_comes_to_what_is_said_of_it_in_every_cut(case: Case) -> None:
    raw = case.raw
    whole = converse([raw])
    assert (whole.fault or f"clear {len(whole.messages)}") == case.outcome
    assert not (whole.fault and whole.messages)
    assert verdict(converse([raw[at : at + 1] for at in range(len(raw))])) == verdict(whole)
    for cut in range(1, len(raw), 3):
        assert verdict(converse([raw[:cut], raw[cut:]])) == verdict(whole)


@pytest.mark.parametrize("case", CLEAR, ids=[case.name for case in CLEAR])
def test_what_is_passed_on_is_read_as_the_same_requests_by_us_and_by_llhttp(case: Case) -> None:
    messages = converse([case.raw]).messages
    again = converse([b"".join(message.written() for message in messages)])
    assert not again.fault
    assert [(one.request.method, one.request.path, one.body) for one in again.messages] == [
        (one.request.method, one.request.path, one.body) for one in messages
    ]
    for message in messages:
        assert_clear(message)


FIELDS = [b"Transfer-Encoding: chunked\r\n", b"Content-Length: 1\r\n", b"Host: b.com\r\n", b"GET / HTTP/1.1\r\n"]
ODD = [
    b"",
    b"\0",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b",",
    b"0",
    b"\r\n",
    b"\r\n\r\n",
    b"\xff",
    *FIELDS,
    b"a",
    b"7",
    b"-",
    b";x",
    b"F",
]


def judged(random: Random, raw: bytes) -> str:
    """
    Read it whole and in cuts; what is passed on of it, read it again by ourselves and by llhttp.

    Returns: what came of it in a word.
    """
    whole = converse([raw])
    cuts = [random.randrange(len(raw) + 1) for _ in range(random.randint(1, 8))]
    assert verdict(converse(split(raw, cuts))) == verdict(whole), raw
    for message in whole.messages:
        assert_clear(message)
    return whole.fault or f"clear {len(whole.messages)}"


def assert_clear(message: Message) -> None:
    written = message.written()
    (again,) = converse([written]).messages
    assert (again.request.method, again.request.path, again.body, again.request.authority) == (
        message.request.method,
        message.request.path,
        message.body,
        message.request.authority,
    ), written
    seen = Seen()
    parser = httptools.HttpRequestParser(seen)
    with contextlib.suppress(httptools.HttpParserUpgrade):  # of which llhttp gives the head alone
        parser.feed_data(written)
        assert (seen.body, seen.over) == (message.body, 1), written
    assert seen.targets == [parse_target(message)]


def run(seed: int, count: int) -> Counter[str]:
    random, words = Random(seed), Counter[str]()
    for _ in range(count):
        raw = bytearray(random.choice(random.choice((CASES, CLEAR, WELL_BEGUN))).raw)
        for _ in range(random.choice((1, 1, 2, 3))):
            at = random.randrange(len(raw))
            raw[at : at + random.choice((0, 1, 1))] = random.choice(ODD)
        words[judged(random, bytes(raw))] += 1
    return words


def test_a_sample_of_mutated_lines_raises_nothing_and_what_passes_is_written_clearly() -> None:
    """L9, L12, law 1: the first 5,000 of the proof."""
    words = run(1, SAMPLE)
    assert min(words["head"], words["body"], words["clear 1"], words["clear 2"]) > SAMPLE / 100


@pytest.mark.proof
def test_half_a_million_mutated_lines_raise_nothing_and_what_passes_is_written_clearly() -> None:
    words = run(1, PROOF)
    print(f"{PROOF:,} mutated requests: 0 exceptions, 0 that two parsers read differently; {dict(words.most_common())}")


def parse_target(message: Message) -> bytes:
    return message.written().split(b" ")[1]


class Seen:
    """What llhttp says of a message."""

    def __init__(self) -> None:
        self.targets: list[bytes] = []
        self.body = b""
        self.over = 0

    def on_url(self, target: bytes) -> None:
        self.targets.append(target)

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.over += 1


def test_the_corpus_has_each_family() -> None:
    """None got lost: the length and the coding, several lengths, chunks, lines, request lines, hosts."""
    assert len(CASES) == len({case.name for case in CASES}) > 200
    for family in FAMILIES:
        assert any(case.name.startswith(family) for case in CASES), family
