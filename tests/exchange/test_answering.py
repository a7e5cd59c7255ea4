"""The response on its way back: how each kind of body ends, and what is not passed on."""

from __future__ import annotations

import pytest

from starship.reasons import Reason
from tests.exchange.ends import BODY_S, GET, End, World, every_cut

HEAD = GET.replace(b"GET", b"HEAD")
OLD = b"GET /a HTTP/1.0\r\nHost: a.com\r\nConnection: keep-alive\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        (GET, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"),
        (GET, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_an_answer_without_a_body_is_over_with_its_head(head: bytes, answer: bytes) -> None:
    world = World(head=head)
    assert world.answers(answer) == answer
    assert (world.outcome.keep_client, world.outcome.keep_upstream) == (True, True)


@pytest.mark.parametrize("pieces", every_cut(CHUNKED + b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nEtag: 1\r\n\r\n"))
def test_chunks_are_passed_on_as_chunks_with_their_trailers_over_any_cut(pieces: list[bytes]) -> None:
    world = World()
    heard = world.answers(*pieces)
    head, _, body = heard.partition(b"\r\n\r\n")
    assert head + b"\r\n\r\n" == CHUNKED
    assert body.endswith(b"\r\n0\r\nEtag: 1\r\n\r\n")
    assert b";" not in body
    assert (world.outcome.keep_client, world.outcome.keep_upstream) == (True, True)


def test_to_an_old_client_chunks_go_bare_and_until_close() -> None:
    world = World(head=OLD)
    assert world.answers(CHUNKED, b"3\r\nabc\r\n", b"0\r\n\r\n").endswith(b"Connection: close\r\n\r\nabc")
    assert (world.outcome.keep_client, world.outcome.keep_upstream) == (False, True)


def test_an_answer_until_close_ends_with_its_upstream() -> None:
    world = World()
    assert world.answers(UNTIL_CLOSE, b"some", b"thing").endswith(b"Connection: close\r\n\r\nsomething")
    assert world.patron.outcomes == []
    world.upstream.ends()
    assert (world.outcome.reason, world.outcome.keep_client, world.outcome.keep_upstream) == (Reason.OK, False, False)
    world.upstream.resets()
    assert len(world.patron.outcomes) == 1


@pytest.mark.parametrize("leave", [End.ends, End.resets])
@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", CHUNKED + b"3\r\nabc\r\n"])
def test_an_answer_cut_short_is_a_reset_of_the_upstream_and_what_was_said_is_kept(leave: object, answer: bytes) -> None:
    world = World()
    world.answers(answer)
    assert callable(leave)
    leave(world.upstream)
    assert (world.outcome.reason, world.outcome.status) == (Reason.UPSTREAM_RESET, 200)
    assert not world.client.wire.aborted


def test_an_answer_until_close_that_breaks_off_is_not_to_end_in_order_for_the_client_either() -> None:
    world = World()
    world.answers(UNTIL_CLOSE + b"not all")
    world.upstream.resets()
    assert (world.outcome.reason, world.outcome.status, world.outcome.cut) == (Reason.UPSTREAM_RESET, 200, True)


@pytest.mark.parametrize(
    ("more", "reason"), [(b"zz\r\n", Reason.UPSTREAM_BAD_RESPONSE), (b"", Reason.UPSTREAM_TIMEOUT)]
)
def test_bare_chunks_that_go_wrong_are_not_taken_for_all_of_them(more: bytes, reason: Reason) -> None:
    world = World(head=OLD)
    world.answers(CHUNKED, b"3\r\nabc\r\n", more)
    world.clock.pump([BODY_S / 2] * 4)
    assert (world.outcome.reason, world.outcome.status, world.outcome.cut) == (reason, 200, True)


def test_what_says_its_own_length_may_end_in_order_and_so_may_what_nothing_was_sent_of() -> None:
    for head, answer in ((GET, CHUNKED + b"3\r\nabc\r\nzz\r\n"), (OLD, CHUNKED + b"zz\r\n")):
        world = World(head=head)
        world.answers(answer)
        assert not world.outcome.cut


def test_interim_answers_go_to_a_client_that_knows_them_and_not_to_an_old_one() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    last = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    for pieces in every_cut(hints + hints + last):
        world = World()
        assert world.answers(*pieces) == hints + hints + last
    old = World(head=OLD)
    assert old.answers(hints + last).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "bad",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
    ],
)
def test_l12_an_answer_that_two_could_read_differently_goes_to_nobody(bad: bytes) -> None:
    world = World()
    assert world.answers(bad) == b""
    assert (world.outcome.reason, world.outcome.status) == (Reason.UPSTREAM_BAD_RESPONSE, 0)
    assert world.upstream.wire.aborted


def test_l12_bad_chunks_break_the_answer_off() -> None:
    world = World()
    world.answers(CHUNKED, b"3\r\nabc\r\n", b"zz\r\n")
    assert (world.outcome.reason, world.outcome.status) == (Reason.UPSTREAM_BAD_RESPONSE, 200)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", CHUNKED + b"0\r\n\r\n"])
def test_l12_what_comes_behind_an_answer_reaches_nobody_and_ends_the_upstreams_use(answer: bytes) -> None:
    world = World()
    assert world.answers(answer + b"HTTP/1.1 200 OK\r\n\r\n") == answer
    assert (world.outcome.keep_client, world.outcome.keep_upstream) == (True, False)


def test_a_change_of_protocol_before_the_end_of_the_request_is_none() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a.com\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n\r\n"
    world = World(head=head)
    world.answers(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
    assert world.outcome.reason is Reason.UPSTREAM_BAD_RESPONSE


def test_a_client_that_reads_nothing_stops_the_reading_of_the_upstream() -> None:
    world = World()
    world.answers(CHUNKED)
    world.client.fill()
    world.answers(b"3\r\nabc\r\n")
    assert world.upstream.wire.paused
    world.client.drain()
    assert not world.upstream.wire.paused


@pytest.mark.parametrize("how", ["bad", "ends"])
def test_where_nothing_of_an_answer_has_gone_out_there_is_a_page(how: str) -> None:
    """The client got neither the head nor a page, and the log said 200."""
    world = World()
    if how == "ends":
        world.answers(CHUNKED[:-2])
        world.upstream.ends()
        reason = Reason.UPSTREAM_RESET
    else:
        world.answers(CHUNKED + b"2 \r\nab")
        reason = Reason.UPSTREAM_BAD_RESPONSE
    assert (world.outcome.reason, world.outcome.status, world.client.heard) == (reason, 0, b"")
