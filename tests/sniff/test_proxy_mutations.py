"""
Mutated PROXY headers: no exception, no verdict that depends on cuts, no other client than a second reader finds (L10).

A sample runs with every suite; the half million runs as a proof.
"""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from starship.sniff.proxy import PrefaceReader
from starship.tlv import SIGNATURE
from starship.words import NEED_MORE, NeedMore, Preface, Refusal
from tests.sniff.making import split
from tests.sniff.plainproxy import Unreadable, preface_in
from tests.sniff.test_mutations import mutated
from tests.sniff.test_proxy import ILL, WELL

SAMPLE = 10_000
PROOF = 500_000
PROGRESS = 50_000
SHORT = 600
HEADERS = [header for header, *_ in WELL.values() if len(header) < SHORT]
HEADERS += [data for data, _ in ILL.values() if len(data) < SHORT]


def mended(generator: random.Random, data: bytes) -> bytes:
    """Often the length of the second version fits again, so that what lies behind it is read."""
    if not data.startswith(SIGNATURE) or len(data) < 16 or generator.random() < 0.3:
        return data
    return data[:14] + (len(data) - 16).to_bytes(2, "big") + data[16:]


def judged(generator: random.Random, data: bytes) -> str:
    """Feed it whole and cut; insist that both say the same, and what the other reader says. Returns: a word for it."""
    found = PrefaceReader().feed(data)
    pieces = split(data, [generator.randrange(len(data) + 1) for _ in range(generator.randrange(1, 5))])
    reader = PrefaceReader()
    again: Preface | Refusal | NeedMore = NEED_MORE
    for piece in pieces:
        again = reader.feed(piece)
        if again is not NEED_MORE:
            break
    assert again == found, (data.hex(), [len(piece) for piece in pieces])
    try:
        told: Preface | None = preface_in(data)
    except Unreadable:
        told = None
    assert (found if isinstance(found, Preface) else None) == told, data.hex()
    match found:
        case Preface(client=None):
            return "skipped"
        case Preface():
            return "named"
        case Refusal(reason=reason):
            return reason.value
        case NeedMore():
            return "waiting"


def run(seed: int, count: int, *, talk: bool) -> Counter[str]:
    generator = random.Random(seed)
    words: Counter[str] = Counter()
    started = time.monotonic()
    for number in range(1, count + 1):
        header = HEADERS[generator.randrange(len(HEADERS))]
        words[judged(generator, mended(generator, mutated(generator, header)))] += 1
        if talk and number % PROGRESS == 0:
            print(f"{number:>9,} mutated headers in {time.monotonic() - started:.0f} s: {dict(words.most_common())}")
    return words


@pytest.mark.parametrize("name", [*WELL, *ILL])
def test_the_second_reader_agrees_on_every_example(name: str) -> None:
    data = WELL[name][0] if name in WELL else ILL[name][0]
    try:
        assert PrefaceReader().feed(data) == preface_in(data)
    except Unreadable:
        assert name in ILL


def test_l10_a_sample_of_mutated_headers_raises_nothing_and_names_no_other_client() -> None:
    words = run(1, SAMPLE, talk=False)
    assert words.total() == SAMPLE
    assert min(words["named"], words["skipped"], words["bad_preface"], words["waiting"]) > 100


@pytest.mark.proof
def test_half_a_million_mutated_headers_raise_nothing_and_name_no_other_client() -> None:
    words = run(1, PROOF, talk=True)
    print(f"{PROOF:,} mutated headers: 0 exceptions, 0 clients that are others, 0 verdicts that depend on cuts")
    assert words.total() == PROOF
