"""The smuggling corpus: what is ambiguous is refused in every cut, what is clear is one request for all (L12)."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange.corpus import Case, Conversation, Message, cases, converse
from tests.sniff.making import split

CASES = cases()
CLEAR = [case for case in CASES if case.outcome.startswith("clear")]
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
        seen = Seen()
        parser = httptools.HttpRequestParser(seen)
        parser.feed_data(message.written())
        assert (seen.targets, seen.body, seen.over) == ([parse_target(message)], message.body, 1)


FIELDS = [b"Transfer-Encoding: chunked\r\n", b"Content-Length: 1\r\n", b"Host: b.com\r\n", b"GET / HTTP/1.1\r\n"]
ODD = [b"", b"\0", b"\n", b"\r", b" ", b"\t", b":", b",", b"0", b"\r\n", b"\r\n\r\n", b"\xff", *FIELDS]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_mutated_lines_raise_nothing_and_what_passes_is_written_clearly(data: st.DataObject) -> None:
    """Law 1, and what is passed on is read back as what was understood, to its last octet."""
    raw = bytearray(data.draw(st.sampled_from(CASES)).raw)
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=3)):
        raw[at : at + 1] = data.draw(st.sampled_from(ODD))
    whole = converse([bytes(raw)])
    assert verdict(
        converse(split(bytes(raw), data.draw(st.sets(st.integers(1, len(raw) + 1), max_size=12))))
    ) == verdict(whole)
    for message in whole.messages:
        again = converse([message.written()])
        (one,) = again.messages
        assert (one.request.method, one.request.path, one.body) == (
            message.request.method,
            message.request.path,
            message.body,
        )


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
