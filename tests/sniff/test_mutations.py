"""
Mutated first flights: no exception, no verdict that depends on cuts, no misroute (L1, L5, L7, L9).

A misroute is a Hello whose name is not the one that tests/sniff/reference.py finds in the whole bytes. A sample runs
with every suite; the million runs as a proof.
"""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.exchange.written import request_head
from starship.interfaces import ISniffer
from starship.sniff.http import HttpSniffer
from starship.sniff.tls import TlsSniffer
from starship.words import Hello, Refusal, Verdict
from tests.data.capture import CLIENTS, Client
from tests.sniff.making import NAME, hello, records, refusal_of, server_names, sni, split, verdict_of
from tests.sniff.reference import Unreadable, name_in

SAMPLE = 20_000
PROOF = 1_000_000
PROGRESS = 50_000
LIMIT = 4096  # near enough for inserted bytes and grown lengths to reach it
INTERESTING = (0, 1, 2, 3, 5, 10, 13, 16, 20, 21, 22, 23, 32, 46, 58, 64, 127, 128, 254, 255)

MADE = [
    ("tls", records(hello(), cuts=(1, 3, 90))),
    ("tls", records(hello([server_names((1, b"x"), (0, NAME))]))),
    ("tls", records(hello([sni(b"a.com"), (0xFE0D, bytes(40)), (21, bytes(30))]))),
    ("tls", records(hello(None))),
    ("http", b"GET http://a.com/ HTTP/1.1\r\nHost: a.com\r\n\r\nGET / HTTP/1.1\r\nHost: b.com\r\n\r\n"),
    ("http", b"\r\nPOST /x HTTP/1.0\r\nHost: a.com:8080\r\nContent-Length: 30\r\n\r\nHost: evil.com\r\n\r\n"),
    ("http", b"GET / HTTP/1.0\r\nX-Host: evil.com\r\n\r\n"),
]
FLIGHTS = [(client.scheme, client.flight()) for client in CLIENTS] + MADE


def sniffer(scheme: str) -> ISniffer:
    return TlsSniffer(LIMIT) if scheme == "tls" else HttpSniffer(LIMIT, is_kept=True)


def mutated(generator: random.Random, flight: bytes) -> bytes:
    """One to four changes of any kind, anywhere."""
    changed = bytearray(flight)
    for _ in range(generator.choice((1, 1, 1, 2, 2, 3, 4))):
        _change(generator, changed)
    return bytes(changed)


def _change(generator: random.Random, data: bytearray) -> None:
    # Half of the changes fall on the first 200 bytes, where lengths and names are.
    reach = min(len(data), generator.choice((200, len(data)))) or 1
    at, size = generator.randrange(reach), generator.randrange(1, 9)
    match generator.randrange(9):
        case 0:
            data[at : at + 1] = bytes([generator.randrange(256)])
        case 1:
            data[at : at + 1] = bytes([generator.choice(INTERESTING)])
        case 2:
            data[at : at + 1] = bytes([(data[at] + generator.choice((-1, 1, -2, 2)) if data else 0) % 256])
        case 3:
            data[at : at + 1] = bytes([(data[at] if data else 0) ^ 1 << generator.randrange(8)])
        case 4:
            del data[at : at + size]
        case 5:
            data[at:at] = generator.randbytes(size)
        case 6:
            data[at:at] = data[at : at + generator.randrange(1, 60)]
        case 7:
            _, other = FLIGHTS[generator.randrange(len(FLIGHTS))]
            start = generator.randrange(len(other))
            data[at : at + size] = other[start : start + generator.randrange(1, 60)]
        case _:
            del data[generator.randrange(len(data) + 1) :]


def judged(generator: random.Random, scheme: str, flight: bytes) -> str:
    """Feed a flight whole and cut; insist that both say the same, and the truth. Returns: the verdict in a word."""
    verdict = sniffer(scheme).feed(flight)
    if flight:
        pieces = split(flight, [generator.randrange(len(flight)) for _ in range(generator.randrange(1, 5))])
        assert verdict_of(sniffer(scheme), pieces) == verdict, (flight.hex(), [len(piece) for piece in pieces])
    if isinstance(verdict, Hello):
        assert _truth(scheme, flight) == (verdict.name,), f"misrouted: {flight.hex()}"
        if verdict.request is not None:
            again = sniffer(scheme).feed(request_head(verdict.request))
            assert isinstance(again, Hello), f"written unclearly: {flight.hex()}"
            assert again.name == verdict.name or verdict.request.minor == 0, f"written to another: {flight.hex()}"
    return _word(verdict)


def _truth(scheme: str, flight: bytes) -> tuple[str | None] | None:
    try:
        return (name_in(scheme, flight),)
    except Unreadable:
        return None


def _word(verdict: Verdict) -> str:
    match verdict:
        case Hello():
            return "routed" if verdict.name else "nobody"
        case Refusal():
            return refusal_of(verdict).reason.value
    return "waiting"


def _run(seed: int, count: int, *, talk: bool) -> Counter[str]:
    generator = random.Random(seed)
    words: Counter[str] = Counter()
    started = time.monotonic()
    for number in range(1, count + 1):
        scheme, flight = FLIGHTS[generator.randrange(len(FLIGHTS))]
        words[judged(generator, scheme, mutated(generator, flight))] += 1
        if talk and number % PROGRESS == 0:
            print(f"{number:>9,} mutated flights in {time.monotonic() - started:.0f} s: {dict(words.most_common())}")
    return words


def test_a_sample_of_mutated_flights_raises_nothing_and_routes_none_elsewhere() -> None:
    """L1, L5, L9: the first 20,000 of the proof."""
    words = _run(1, SAMPLE, talk=False)
    assert words.total() == SAMPLE
    assert min(words["routed"], words["bad_hello"], words["bad_head"], words["bad_name"], words["waiting"]) > 100


@pytest.mark.proof
def test_a_million_mutated_flights_raise_nothing_and_route_none_elsewhere() -> None:
    """RELIABILITY's number: 1,000,000 seeded mutations, 0 misroutes, 0 exceptions."""
    words = _run(1, PROOF, talk=True)
    assert words.total() == PROOF
    print(f"{PROOF:,} mutated flights: 0 exceptions, 0 misroutes, 0 verdicts that depend on cuts")


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.file)
def test_the_second_opinion_knows_the_real_clients(client: Client) -> None:
    if client.served:
        assert name_in(client.scheme, client.flight()) == client.name


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_mutation_of_a_flight_has_one_verdict_and_no_exception(data: st.DataObject) -> None:
    """L9, law 1: where hypothesis chooses what is changed, and shrinks it."""
    scheme, flight = data.draw(st.sampled_from(FLIGHTS))
    at = data.draw(st.integers(0, len(flight)))
    changed = flight[:at] + data.draw(st.binary(max_size=6)) + flight[at + data.draw(st.integers(0, 6)) :]
    whole = sniffer(scheme).feed(changed)
    singly = verdict_of(sniffer(scheme), [changed[place : place + 1] for place in range(len(changed))])
    assert singly == whole
    if isinstance(whole, Hello):
        assert _truth(scheme, changed) == (whole.name,)
