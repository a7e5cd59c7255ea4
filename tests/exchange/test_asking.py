"""The body of a request on its way to the upstream."""

from __future__ import annotations

import pytest

from starship.exchange.asking import Asking
from starship.exchange.body import Passed
from tests.exchange.ends import End, every_cut, request_of

MEASURED = b"PUT / HTTP/1.1\r\nHost: a.com\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"PUT / HTTP/1.1\r\nHost: a.com\r\nTransfer-Encoding: chunked\r\n\r\n"

Told = list[tuple[Passed, str]]


def asking(head: bytes, *, limit: int = 0) -> tuple[Asking, End, Told]:
    told: Told = []
    client = End()
    return Asking(client.leg, request_of(head), limit, lambda how, detail: told.append((how, detail))), client, told


@pytest.mark.parametrize("keep", [0, 5, 100])
@pytest.mark.parametrize("pieces", every_cut(b"hello, and the next request"))
def test_a_measured_body_passes_to_the_octet_and_what_is_behind_waits(pieces: list[bytes], keep: int) -> None:
    ask, client, told = asking(MEASURED)
    upstream = End()
    ask.start(upstream.leg, keep)
    client.says(*pieces)
    assert (upstream.heard, ask.whole, told) == (b"hello", True, [(Passed.WHOLE, "")])
    assert client.leg.take() == b", and the next request"
    assert ask.can_begin_again == (keep >= 5)


@pytest.mark.parametrize("pieces", every_cut(b"5;x\r\nhello\r\n0\r\nA: b\r\n\r\nGET"))
def test_a_body_in_chunks_passes_in_chunks_and_what_is_behind_waits(pieces: list[bytes]) -> None:
    ask, client, told = asking(CHUNKED)
    upstream = End()
    ask.start(upstream.leg, 0)
    client.says(*pieces)
    assert upstream.heard.endswith(b"\r\n0\r\nA: b\r\n\r\n")
    assert (told, client.leg.take()) == ([(Passed.WHOLE, "")], b"GET")


def test_k8_a_body_in_chunks_is_measured_as_it_comes() -> None:
    ask, client, told = asking(CHUNKED, limit=5)
    upstream = End()
    ask.start(upstream.leg, 0)
    client.says(b"5\r\nhello\r\n", b"1\r\n!\r\n")
    assert (told[0][0], b"!" in upstream.heard) == (Passed.TOO_BIG, False)


def test_kept_it_is_written_to_another_upstream_and_goes_on_there() -> None:
    ask, client, told = asking(MEASURED)
    first, second = End(), End()
    ask.start(first.leg, 5)
    client.says(b"he")
    ask.hold()
    client.says(b"l")
    ask.start(second.leg, 5)
    client.says(b"lo")
    assert (first.heard, second.heard, told) == (b"he", b"hello", [(Passed.WHOLE, "")])


def test_stopped_it_tells_nobody_and_the_rest_stays_where_it_is() -> None:
    ask, client, told = asking(MEASURED)
    upstream = End()
    ask.start(upstream.leg, 0)
    client.says(b"he")
    ask.stop()
    client.says(b"llo")
    client.resets()
    assert (upstream.heard, told, ask.whole) == (b"he", [], False)


@pytest.mark.parametrize("head", [MEASURED, CHUNKED])
def test_a_client_that_leaves_inside_is_told(head: bytes) -> None:
    for leave, how in ((End.ends, Passed.ENDED), (End.resets, Passed.LOST)):
        ask, client, told = asking(head)
        ask.start(End().leg, 0)
        client.says(b"5\r\n"[:1])
        leave(client)
        assert [way for way, _ in told] == [how]
