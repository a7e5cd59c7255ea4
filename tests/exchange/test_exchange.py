"""One request and its response between two legs: deadlines, second tries, and who may go on."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from starship.exchanging import IExchange
from starship.reasons import Reason
from starship.wire.stock import StockLeg
from starship.words import Exchanged, Stop
from tests.exchange.ends import BODY_S, GET, RESPONSE_S, End, World, every_cut

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
POST = b"POST /a HTTP/1.1\r\nHost: a.com\r\nContent-Length: 5\r\n\r\n"
PUT = POST.replace(b"POST", b"PUT")
CHUNKED_PUT = b"PUT /a HTTP/1.1\r\nHost: a.com\r\nTransfer-Encoding: chunked\r\n\r\n"
WELL = Exchanged(Reason.OK, "", 200, keep_client=True, keep_upstream=True)


def test_an_exchange_is_one() -> None:
    verifyObject(IExchange, World().exchange)


@pytest.mark.parametrize("pieces", every_cut(OK))
def test_a_response_is_passed_on_over_any_cut_and_both_connections_may_go_on(pieces: list[bytes]) -> None:
    world = World()
    assert world.answers(*pieces) == OK
    assert world.outcome == WELL
    assert not world.upstream.wire.aborted
    assert not world.upstream.leg.held


def test_the_client_is_told_when_its_connection_ends_after_this() -> None:
    world = World()
    world.exchange.keep = False
    assert b"\r\nConnection: close\r\n" in world.answers(OK)
    assert world.outcome == WELL._replace(keep_client=False)


def test_a_client_may_be_told_of_the_end_until_the_head_of_the_answer_is_on_its_way() -> None:
    early, late = World(), World()
    early.exchange.announce_end()
    assert b"\r\nConnection: close\r\n" in early.answers(OK)
    assert early.outcome == WELL._replace(keep_client=False)
    head, body = OK[:-1], OK[-1:]
    begun = late.answers(head)
    late.exchange.announce_end()
    assert begun + late.answers(body) == OK
    assert late.outcome == WELL


def test_an_upstream_that_closes_is_not_kept_and_the_client_is() -> None:
    world = World()
    world.answers(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert world.outcome == WELL._replace(keep_upstream=False)


def test_k8_no_answer_within_the_deadline_is_a_timeout_of_the_upstream() -> None:
    world = World()
    world.clock.advance(RESPONSE_S - 0.1)
    assert world.patron.outcomes == []
    world.clock.advance(0.1)
    assert (world.outcome.reason, world.outcome.status) == (Reason.UPSTREAM_TIMEOUT, 0)
    assert world.upstream.wire.aborted


def test_the_deadline_of_the_answer_counts_from_the_end_of_the_request_on() -> None:
    world = World(head=POST)
    world.clock.advance(BODY_S / 2)
    world.client.says(b"hello")
    world.clock.advance(RESPONSE_S - 0.1)
    assert world.patron.outcomes == []
    world.clock.advance(0.1)
    assert world.outcome.reason is Reason.UPSTREAM_TIMEOUT


def test_without_deadlines_nothing_is_cut_off() -> None:
    world = World(head=POST, terms={"response_timeout": 0.0, "body_timeout": 0.0})
    world.clock.advance(10_000)
    world.client.says(b"hello")
    world.clock.advance(10_000)
    world.answers(OK)
    assert world.outcome == WELL


def test_k8_a_body_that_comes_to_a_stop_is_cut_off_and_one_that_trickles_is_not() -> None:
    world = World(head=POST)
    for letter in (b"h", b"e", b"l"):
        world.clock.advance(BODY_S * 0.9)
        world.client.says(letter)
    assert world.patron.outcomes == []
    world.clock.pump([BODY_S / 4] * 8)
    assert (world.outcome.reason, world.outcome.status) == (Reason.BODY_TIMEOUT, 0)


def test_k8_a_site_that_takes_nothing_of_a_request_is_the_one_to_blame() -> None:
    world = World(head=POST.replace(b"5", b"500000"))
    world.upstream.fill()
    world.client.says(b"x" * 1000)
    world.clock.pump([BODY_S / 4] * 8)
    assert world.outcome.reason is Reason.UPSTREAM_TIMEOUT


@pytest.mark.parametrize(("client_full", "reason"), [(True, Reason.IDLE), (False, Reason.UPSTREAM_TIMEOUT)])
def test_k8_an_answer_that_comes_to_a_stop_is_cut_off_and_it_is_said_whose_fault_it_was(
    client_full: bool, reason: Reason
) -> None:
    world = World()
    if client_full:
        world.client.fill()
    world.answers(OK[:-2])
    world.clock.pump([BODY_S / 4] * 8)
    assert (world.outcome.reason, world.outcome.status) == (reason, 200)
    assert world.upstream.wire.aborted


def test_an_upstream_that_leaves_before_it_answers_is_told_as_such() -> None:
    for leave in (End.ends, End.resets):
        world = World()
        leave(world.upstream)
        assert (world.outcome.reason, world.outcome.status) == (Reason.UPSTREAM_RESET, 0)
        assert world.patron.agains == 0


def test_a_dead_connection_that_was_used_before_is_asked_to_be_replaced_once() -> None:
    world = World(reused=True)
    world.upstream.ends()
    assert (world.patron.agains, world.patron.outcomes) == (1, [])
    fresh = End("192.0.2.81")
    world.exchange.start(fresh.leg)
    fresh.says(OK)
    assert world.outcome == WELL
    again = World(reused=True)
    again.upstream.resets()
    dead = End("192.0.2.81")
    dead.leg.received = 7
    again.exchange.start(dead.leg)
    dead.ends()
    assert (again.patron.agains, again.outcome.reason) == (1, Reason.UPSTREAM_RESET)


def test_a_request_whose_answer_has_begun_is_not_sent_again() -> None:
    world = World(reused=True)
    world.upstream.says(b"HTTP/1.1 2")
    world.upstream.ends()
    assert (world.patron.agains, world.outcome.reason) == (0, Reason.UPSTREAM_RESET)


@pytest.mark.parametrize(
    ("head", "body", "said", "keeps"),
    [
        (GET, b"", b"", True),
        (GET, b"", b"nonsense\r\n", True),
        (GET, b"", b"HTTP/1.1 103 -\r\n\r\nHTTP/1.1 20", True),
        (POST, b"hello", b"", True),
        (CHUNKED_PUT, b"0\r\n\r\n", b"", True),
        (POST, b"hell", b"", False),
        (CHUNKED_PUT, b"0\r\n", b"", False),
        (GET, b"", OK[:-1], False),
    ],
)
def test_the_client_may_go_on_after_a_failure_if_all_was_asked_and_nothing_answered(
    head: bytes, body: bytes, said: bytes, keeps: bool
) -> None:
    for wanted in (True, False):
        world = World(head=head, body=body)
        world.exchange.keep = wanted
        world.upstream.says(said)
        if not world.patron.outcomes:
            world.upstream.ends()
        assert world.outcome.reason is not Reason.OK
        assert (world.outcome.keep_client, world.outcome.keep_upstream) == (keeps and wanted, False)


def test_a_request_that_must_not_be_sent_twice_is_not() -> None:
    world = World(head=POST, reused=True)
    world.client.says(b"hello")
    world.upstream.ends()
    assert (world.patron.agains, world.outcome.reason) == (0, Reason.UPSTREAM_RESET)


@pytest.mark.parametrize(
    ("head", "body", "sent"),
    [(PUT, b"hello", b"hello"), (CHUNKED_PUT, b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n")],
)
@pytest.mark.parametrize("at", [0, 2, 5])
def test_a_body_that_was_kept_is_sent_again_from_its_first_octet_on(
    head: bytes, body: bytes, sent: bytes, at: int
) -> None:
    world = World(head=head, reused=True)
    if at:
        world.client.says(body[:at])
    world.upstream.resets()
    assert world.patron.agains == 1
    world.client.says(body[at : at + 1])  # while another is dialled
    fresh = End("192.0.2.81")
    world.exchange.start(fresh.leg)
    world.client.says(body[at + 1 :])
    assert fresh.heard == sent if head is PUT else fresh.heard.endswith(b"\r\n0\r\n\r\n")
    fresh.says(OK)
    assert world.outcome == WELL


def test_a_body_beyond_what_is_kept_is_not_sent_again() -> None:
    for head in (PUT, CHUNKED_PUT):
        world = World(head=head, body=b"5\r\nhello\r\n", reused=True, terms={"replay_size": 4})
        world.upstream.ends()
        assert (world.patron.agains, world.outcome.reason) == (0, Reason.UPSTREAM_RESET)


def test_where_no_replay_is_wanted_there_is_none() -> None:
    world = World(reused=True, terms={"replays": 0})
    world.upstream.ends()
    assert (world.patron.agains, world.outcome.reason) == (0, Reason.UPSTREAM_RESET)


def going_back(**parts: Any) -> World:
    """A request whose patron has a way back."""
    world = World(**parts)
    world.exchange.back = world.patron.may = True
    return world


@pytest.mark.parametrize(("leave", "how"), [(End.ends, Stop.ENDED), (End.resets, Stop.LOST)])
def test_an_upstream_that_leaves_before_it_answers_is_left_to_a_patron_who_has_a_way_back(
    leave: Callable[[End], None], how: Stop
) -> None:
    world = going_back()
    leave(world.upstream)
    assert (world.patron.backs, world.patron.outcomes) == ([how], [])
    world.exchange.cancel()
    assert world.upstream.wire.aborted or how is Stop.LOST


@pytest.mark.parametrize(
    ("parts", "said"), [({"head": POST, "body": b"hello"}, b""), ({"head": PUT}, b""), ({}, b"HTTP/1.1 2")]
)
def test_a_body_or_the_first_byte_of_an_answer_closes_the_way_back(parts: dict[str, Any], said: bytes) -> None:
    world = going_back(**parts)
    world.upstream.says(said)
    world.upstream.ends()
    assert (world.patron.backs, world.outcome.reason) == ([], Reason.UPSTREAM_RESET)


def test_a_patron_may_have_closed_it() -> None:
    world = going_back()
    world.patron.may = False
    world.upstream.resets()
    assert (world.patron.backs, world.outcome.reason) == ([], Reason.UPSTREAM_RESET)


def test_a_long_answer_lets_go_of_what_is_kept_for_the_way_back() -> None:
    world = going_back()
    world.answers(OK[:-2])
    assert world.patron.stays == 1
    world.answers(OK[-2:])
    assert (world.patron.stays, world.outcome) == (1, WELL)


def test_an_early_refusal_is_passed_on_ends_the_upload_and_nobody_goes_on() -> None:
    world = World(head=POST)
    world.client.says(b"he")
    refusal = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nlong"
    assert b"Connection: close" in world.answers(refusal)
    assert world.outcome == Exchanged(Reason.OK, "", 413, keep_client=False, keep_upstream=False)
    world.client.says(b"llo")
    assert world.upstream.heard == b"he"
    assert world.upstream.wire.aborted


def test_an_early_answer_lets_the_body_go_on_and_the_connections_end_after_it() -> None:
    world = World(head=POST)
    assert b"Connection: close" in world.answers(OK[:-1])
    world.client.says(b"hello")
    assert world.upstream.heard == b"hello"
    world.answers(OK[-1:])
    assert world.outcome == WELL._replace(keep_client=False)


def test_a_client_that_leaves_inside_its_body_takes_the_upstream_with_it() -> None:
    for leave in (End.ends, End.resets):
        world = World(head=POST, body=b"he")
        leave(world.client)
        assert world.outcome.reason is Reason.CLIENT_GONE
        assert world.upstream.wire.aborted


def test_cancelled_it_tells_nobody_and_resets_the_upstream() -> None:
    world = World()
    world.exchange.cancel()
    world.exchange.cancel()
    world.upstream.resets()
    assert (world.patron.outcomes, world.upstream.wire.aborted) == ([], True)


def test_k7_after_a_change_of_protocol_a_relay_looks_after_both_sides() -> None:
    head = GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
    world = World(head=head)
    said = world.answers(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nwelcome")
    assert said.endswith(b"\r\n\r\nwelcome")
    assert (len(world.joins), world.exchange.tunnel, world.patron.outcomes) == (1, True, [])
    world.clock.advance(100_000)
    world.joins[0].done(Reason.OK, "")
    assert world.outcome == Exchanged(Reason.OK, "", 101, keep_client=False, keep_upstream=False)
    severed = World(head=head)
    severed.answers(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
    severed.exchange.cancel()
    assert severed.joins[0].cancelled == 1


@settings(max_examples=300)
@given(st.integers(0, 1 << 32))
def test_in_any_order_of_things_there_is_one_outcome_and_nothing_is_left_behind(seed: int) -> None:
    random = Random(seed)
    world = World(head=random.choice([GET, POST, PUT, CHUNKED_PUT]), reused=random.random() < 0.5)
    upstream, body, answer = (
        world.upstream,
        [b"5\r\nhel", b"lo\r\n", b"0\r\n\r\n", b"more"],
        [OK[:9], OK[9:30], OK[30:]],
    )
    lost: set[End] = set()
    for _ in range(30):
        match random.randint(0, 8):
            case 0 | 1 if body and world.client not in lost:
                world.client.says(body.pop(0))
            case 2 | 3 if answer and upstream not in lost:
                upstream.says(answer.pop(0))
            case 4:
                world.clock.advance(random.choice([0.1, 5, 11]))
            case 5 if random.random() < 0.3 and upstream not in lost:
                lost.add(upstream)
                random.choice([End.ends, End.resets])(upstream)
            case 6 if random.random() < 0.1 and world.client not in lost:
                lost.add(world.client)
                random.choice([End.ends, End.resets])(world.client)
            case 7 if world.patron.agains and not world.patron.outcomes and upstream is world.upstream:
                upstream = End("192.0.2.81")
                world.exchange.start(upstream.leg)
            case 8:
                random.choice([End.fill, End.drain])(random.choice([world.client, upstream]))
    world.exchange.cancel()
    world.clock.advance(1000)
    assert len(world.patron.outcomes) <= 1
    assert world.patron.agains <= 1
    assert world.exchange.over


class Slow(StockLeg):
    """A leg whose kernel still has something for its peer."""

    __slots__ = ("waits",)

    waits: int

    def pending(self) -> int:
        return self.waits


def test_k8_a_client_that_reads_slowly_is_not_taken_for_one_that_does_not_read() -> None:
    """A kernel keeps megabytes, and asks for more only when a third of them is gone: longer than a deadline."""
    client = End(kind=Slow)
    leg: Any = client.leg
    leg.waits = 1000
    world = World(client=client)
    client.fill()
    world.answers(OK[:-2])
    for _ in range(40):
        world.clock.advance(BODY_S / 2)
        leg.waits -= 1
    assert world.patron.outcomes == []
    world.clock.pump([BODY_S / 2] * 4)
    assert world.outcome.reason is Reason.IDLE
    assert client.wire.aborted


@pytest.mark.parametrize("before", [len(OK) - 2, 5, 0], ids=["in its body", "in its head", "before all of it"])
def test_what_went_last_to_a_client_that_was_gone_was_not_carried(before: int) -> None:
    """An answer that came in one piece was logged as carried, although its write had failed."""
    world = World()
    world.answers(*([OK[:before]] if before else []))
    world.client.resets()
    world.answers(OK[before:])
    assert (world.outcome.reason, world.outcome.status) == (Reason.CLIENT_GONE, 0)
    assert (world.outcome.keep_client, world.outcome.keep_upstream) == (False, True)
