"""A connection request by request: one walk each, in order, and how it ends."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.accept.conversing import ANSWERS_PER_TURN
from starship.errors import DialTimeout
from starship.reasons import Reason
from starship.wire.parting import LINGER_LIMIT_BYTES, LOOK_S
from starship.words import Exchanged, Miss, Origin
from tests.accept.doors import ROUTE, Visit
from tests.accept.talks import HEAD_S, KEEPALIVE_S, PATIENCE_S, Salon, get, post
from tests.exchange.ends import every_cut
from tests.fakes import FakeLeg

MISS = Miss(origin=Origin.HIT)


def test_each_request_has_its_own_walk_ending_and_id_and_the_connection_is_one() -> None:
    salon = Salon(hasty=True)
    visit = salon.visit(get("/1"), get("/2"), get("/3"))
    visit.closes()
    assert salon.endings == [("test-1", "ok", 200), ("test-1.2", "ok", 200), ("test-1.3", "ok", 200)]
    assert [dial.opening for dial in salon.house.dialer.dials] == [
        b"test-1 GET /1",
        b"test-1.2 GET /2",
        b"test-1.3 GET /3",
    ]
    assert visit.heard == b"(ok)(ok)(ok)"
    assert len(salon.house.ledger.arrivals) == 1
    assert salon.departed()


@pytest.mark.parametrize("pieces", every_cut(get("/1") + get("/2", host="b.com")))
def test_requests_are_read_over_any_cut(pieces: list[bytes]) -> None:
    salon = Salon(hasty=True)
    salon.visit(*pieces)
    assert [talk.request.target for talk in salon.talks] == [b"/1", b"/2"]
    assert [ending.name for ending in salon.house.ledger.endings] == ["a.com", "b.com"]


def test_a_pipelined_request_waits_for_the_answer_to_the_one_before() -> None:
    salon = Salon()
    visit = salon.visit(get("/1") + get("/2"))
    assert len(salon.talks) == 1
    salon.talks[0].answers(b"(1)")
    assert len(salon.talks) == 2
    salon.talks[1].answers(b"(2)")
    assert visit.heard == b"(1)(2)"


def test_a_thousand_pipelined_requests_for_nobody_go_no_deeper() -> None:
    salon = Salon()
    salon.house.resolver.known = MISS
    visit = salon.visit(get() * 1000)
    salon.turns(1000 // ANSWERS_PER_TURN)
    assert visit.heard.count(b"[unknown_name") == 1000
    assert len(salon.endings) == 1000


def test_pipelined_requests_that_are_answered_at_once_leave_others_their_turn() -> None:
    """Who pipelined requests for unknown hosts held up everybody else for as long as it was read from."""
    salon = Salon()
    salon.house.resolver.known = MISS
    visit = salon.visit(get() * (1 + 3 * ANSWERS_PER_TURN))
    for turn in range(1, 4):
        assert len(salon.endings) == 1 + turn * ANSWERS_PER_TURN
        salon.turns(1)
    assert visit.heard.count(b"[unknown_name") == 1 + 3 * ANSWERS_PER_TURN
    assert not salon.next_turns


@pytest.mark.parametrize("event", ["closes", "drain", "stop"])
def test_a_connection_that_ends_before_its_next_turn_has_none(event: str) -> None:
    salon = Salon()
    salon.house.resolver.known = MISS
    visit = salon.visit(get() * (2 * ANSWERS_PER_TURN))
    match event:
        case "closes":
            visit.closes()
        case "drain":
            salon.house.factory.drain()
        case "stop":
            salon.house.factory.stop(Reason.CLOSED)
    salon.turns(2)
    assert len(salon.endings) == 1 + ANSWERS_PER_TURN
    if event != "closes":
        visit.closes()
    assert salon.departed()


@pytest.mark.parametrize("blank", [[b"\r\n"], [b"\r", b"\n"], [b"\r\n\r\n"]])
def test_an_empty_line_behind_a_body_begins_no_request(blank: list[bytes]) -> None:
    """Old clients send one; they were told of a head that took too long, and read it as the answer to their next."""
    salon = Salon(hasty=True)
    visit = salon.visit(post(b""), *blank)
    salon.clock.advance(KEEPALIVE_S - 1)
    assert (visit.heard, visit.wire.shut) == (b"(ok)", False)
    visit.says(get("/2"))
    assert visit.heard == b"(ok)(ok)"
    assert salon.house.ledger.endings[1].arrival.start == KEEPALIVE_S - 1
    visit.says(b"\r\n")
    salon.clock.advance(KEEPALIVE_S)
    assert visit.wire.shut
    assert len(salon.endings) == 2


def test_what_comes_in_all_is_counted_once_and_to_the_request_that_it_is_of() -> None:
    salon = Salon()
    first, second = get("/1"), get("/longer")
    salon.visit(first + second[:5])
    salon.talks[0].answers(b"12345")
    salon.house.factory.live.copy().pop().dataReceived(second[5:])
    salon.talks[1].answers(b"123")
    counted = [(ending.received, ending.sent) for ending in salon.house.ledger.endings]
    assert counted == [(len(first), 5), (len(second), 3)]


def test_the_hello_of_a_later_request_is_timed_from_its_own_first_byte() -> None:
    salon = Salon(hasty=True)
    visit = salon.visit(get("/1"))
    salon.clock.advance(30)
    visit.says(get("/2")[:4])
    salon.clock.advance(2)
    visit.says(get("/2")[4:])
    assert salon.house.ledger.endings[1].seconds.hello == 2
    assert salon.house.ledger.endings[1].arrival.start == 30


def test_between_two_requests_a_connection_may_idle_so_long_and_then_ends_without_a_line() -> None:
    salon = Salon(hasty=True)
    visit = salon.visit(get())
    salon.clock.advance(KEEPALIVE_S - 0.1)
    assert not visit.wire.shut
    salon.clock.advance(0.1)
    assert visit.wire.shut
    visit.ends()
    visit.hears_the_end()
    visit.closes()
    assert len(salon.endings) == 1
    assert salon.departed()


def test_a_head_that_is_begun_has_its_own_deadline_from_its_first_byte_on() -> None:
    salon = Salon(hasty=True)
    visit = salon.visit(get(), b"GET / HT")
    for _ in range(9):
        salon.clock.advance(HEAD_S / 10)
        visit.says(b"T")
    salon.clock.advance(HEAD_S / 10)
    assert salon.endings[1] == ("test-1.2", "hello_timeout", 408)
    assert visit.heard.endswith(b"[hello_timeout test-1.2]")
    assert visit.wire.shut


def test_a_client_that_leaves_between_requests_owes_nothing_and_inside_a_head_a_line() -> None:
    salon = Salon(hasty=True)
    for said, lines in ((get(), 1), (get() + b"GET", 3)):
        visit = salon.visit(said)
        visit.ends()
        visit.hears_the_end()
        visit.closes()
        assert len(salon.endings) == lines
    assert salon.endings[2][1:] == ("client_gone", 499)
    assert salon.departed()


def test_a_client_that_is_lost_inside_a_later_head_has_its_line_and_raises_nothing() -> None:
    """On Twisted's own transports it was an AttributeError in the log: a walk that had ended was to end again."""
    salon = Salon(hasty=True)
    visit = salon.visit(get(), get()[:9])
    visit.resets()
    assert salon.endings == [("test-1", "ok", 200), ("test-1.2", "client_gone", 499)]
    assert salon.departed()


def test_l12_a_bad_request_is_refused_and_ends_the_conversation() -> None:
    salon = Salon(hasty=True)
    visit = salon.visit(get("/1"), b"GET / HTTP/1.1\nHost: a.com\n\n" + get("/2"))
    assert visit.heard == b"(ok)[bad_head test-1.2]"
    assert (visit.wire.shut, len(salon.talks)) == (True, 1)


@pytest.mark.parametrize(
    ("said", "keeps"),
    [
        (get(), True),
        (get("/", "Connection: close"), False),
        (post(b"body"), True),
        (post(b"body")[:-1], False),
        (post(b""), True),
        (b"POST / HTTP/1.1\r\nHost: a.com\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nHost: a.com\r\nConnection: keep-alive\r\n\r\n", False),
        (get("/", "Expect: 100-continue", "Content-Length: 0"), False),
    ],
)
def test_a_page_keeps_the_connection_where_the_next_request_begins_right_behind(said: bytes, keeps: bool) -> None:
    salon = Salon()
    salon.house.resolver.known = MISS
    visit = salon.visit(said)
    assert (b" keep]" in visit.heard, visit.wire.shut) == (keeps, not keeps)


def test_behind_a_body_that_went_nowhere_the_next_request_is_read() -> None:
    salon = Salon()
    salon.house.resolver.known = MISS
    visit = salon.visit(post(b"GET / HTTP/1.1\r\n") + get())
    assert visit.heard == b"[unknown_name test-1 keep][unknown_name test-1.2 keep]"
    received = [ending.received for ending in salon.house.ledger.endings]
    assert received == [len(post(b"GET / HTTP/1.1\r\n")), len(get())]


def test_what_comes_while_a_request_is_under_way_waits_its_turn() -> None:
    """In pieces, and whatever the request before it was."""
    for first in (get("/1"), post(b"x")):
        salon = Salon()
        visit = salon.visit(get("/0"), first)
        salon.talks[0].answers()
        visit.protocol.leg.take()  # the body goes to the exchange
        visit.says(get("/2")[:9])
        visit.says(get("/2")[9:] + get("/3"))
        assert len(salon.talks) == 2
        for talk, total in ((1, 3), (2, 4), (3, 4)):
            salon.talks[talk].answers()
            assert len(salon.talks) == total
        assert [talk.request.target for talk in salon.talks[2:]] == [b"/2", b"/3"]


def test_a_client_that_half_closes_while_its_request_is_under_way_gets_the_answer_and_then_the_end() -> None:
    salon = Salon()
    visit = salon.visit(get("/1"), get("/2"))
    salon.talks[0].answers()
    visit.ends()
    assert not visit.wire.shut
    salon.talks[1].answers()
    assert visit.heard == b"(ok)(ok)"
    assert visit.wire.shut


def test_deadlines_of_the_wait_before_do_not_end_a_request_under_way() -> None:
    salon = Salon()
    visit = salon.visit(get("/1"))
    salon.talks[0].answers()
    visit.says(get("/2")[:-1])
    visit.says(get("/2")[-1:])
    salon.clock.advance(max(HEAD_S, KEEPALIVE_S) * 2)
    assert len(salon.endings) == 1
    salon.talks[1].answers()
    assert visit.heard == b"(ok)(ok)"


def test_k8_a_body_that_is_announced_too_long_is_refused_before_anybody_is_asked() -> None:
    salon = Salon(words={"body_size": 10})
    visit = salon.visit(post(b"x" * 11)[:-1])
    assert visit.heard == b"[body_too_big test-1]"
    assert (salon.house.resolver.asks, visit.wire.shut) == ([], True)
    ending = salon.house.ledger.endings[0]
    assert (ending.name, ending.hello is not None and ending.hello.scheme) == ("a.com", "http")
    other = Salon(words={"body_size": 10})
    other.visit(post(b"x" * 10))
    assert len(other.talks) == 1


def test_the_last_of_so_many_requests_says_so_and_so_does_one_at_the_end_of_the_lifetime() -> None:
    salon = Salon(hasty=True, words={"requests": 3})
    assert salon.visit(get(), get(), get(), get()).heard == b"(ok)(ok)(ok)(close)"
    old = Salon(hasty=True, words={"lifetime": 100.0})
    visit = old.visit(get())
    for _ in range(2):
        old.clock.advance(55)
        visit.says(get())
    assert visit.heard == b"(ok)(ok)(ok)(close)"
    assert visit.wire.shut


def test_a_client_that_asks_and_never_reads_is_not_asked_for_more_and_cut_off_in_time() -> None:
    salon = Salon()
    visit = salon.visit(get("/1") + get("/2"))
    visit.protocol.leg.pauseProducing()
    salon.talks[0].answers()
    assert len(salon.talks) == 1
    salon.clock.advance(PATIENCE_S - 0.1)
    visit.protocol.leg.resumeProducing()
    assert len(salon.talks) == 2
    visit.protocol.leg.pauseProducing()
    salon.talks[1].answers()
    salon.clock.advance(PATIENCE_S)
    visit.closes()
    assert salon.departed()


def test_who_is_parted_with_may_read_for_a_while_and_say_only_so_much() -> None:
    salon = Salon(hasty=True)
    visit = salon.visit(get("/", "Connection: close"))
    assert visit.wire.shut
    visit.says(b"x" * LINGER_LIMIT_BYTES)
    assert not visit.wire.disconnected
    visit.says(b"x")
    assert visit.wire.disconnected
    slow = salon.visit(get("/", "Connection: close"))
    salon.clock.pump([LOOK_S] * 3)
    assert (slow.wire.disconnecting, slow.wire.disconnected) == (True, False)  # in order: no reset


def test_a_drain_closes_who_waits_and_lets_the_others_end_their_request() -> None:
    salon = Salon()
    waiting, busy, young = salon.visit(get()), salon.visit(), salon.visit()
    salon.talks[0].answers()
    busy.says(get())
    salon.house.factory.drain()
    assert (waiting.wire.shut, busy.wire.shut) == (True, False)
    salon.talks[1].answers()
    assert (busy.heard, busy.wire.shut) == (b"(ok)(close)", True)
    young.says(get())
    salon.talks[2].answers()
    assert young.heard == b"(ok)(close)"


def test_before_the_drain_answers_say_that_the_connection_ends_and_who_waits_may_still_ask() -> None:
    salon = Salon()
    waiting, busy, begun, asking, unknown, young = (salon.visit(*said) for said in ([get()],) * 3 + ([],) * 3)
    salon.talks[0].answers()
    asking.says(get()[:9])
    salon.talks[2].begun = True
    salon.house.factory.forewarn()
    late = salon.visit()
    assert not any(visit.wire.shut for visit in (waiting, busy, begun, asking, young, late))
    salon.talks[1].answers()
    salon.talks[2].answers()
    assert (busy.heard, busy.wire.shut) == (b"(ok)(close)", True)
    assert (begun.heard, begun.wire.shut) == (b"(ok)", False)  # it was told that it may go on
    for visit, rest in ((waiting, get()), (begun, get()), (asking, get()[9:]), (young, get()), (late, get())):
        visit.says(rest)
        salon.talks[-1].answers()
        assert (visit.heard.endswith(b"(ok)(close)"), visit.wire.shut) == (True, True)
    salon.house.resolver.known = MISS
    unknown.says(get())
    assert (unknown.heard.endswith(b"keep]"), unknown.wire.shut) == (False, True)


def test_who_waits_until_the_drain_is_closed_then() -> None:
    salon = Salon(hasty=True)
    waiting = salon.visit(get())
    salon.house.factory.forewarn()
    assert not waiting.wire.shut
    salon.house.factory.drain()
    assert waiting.wire.shut


def test_stopped_it_ends_whatever_it_does() -> None:
    salon = Salon()
    waiting, busy, asking = salon.visit(get()), salon.visit(), salon.visit()
    salon.talks[0].answers()
    busy.says(get())
    salon.house.resolver.known = None
    asking.says(get())
    salon.house.factory.stop(Reason.DRAINED)
    assert waiting.wire.shut
    assert busy.wire.disconnected
    assert salon.talks[1].cancelled == 1
    assert b"[drained" in asking.heard
    for visit in (waiting, busy, asking):
        visit.closes()
    assert salon.departed()


def test_stopped_it_resets_who_has_yet_to_take_an_answer_that_is_still_with_us() -> None:
    """The process ends next, and an end in order would pass a response without a length for the whole of it."""
    salon = Salon()
    slow, quick = (salon.visit(get("/", "Connection: close")) for _ in range(2))
    slow.protocol.leg.pauseProducing()
    for talk in salon.talks:
        talk.answers()
    assert (slow.wire.shut, quick.wire.shut) == (True, True)
    salon.house.factory.stop(Reason.DRAINED)
    assert (slow.wire.aborted, quick.wire.aborted) == (True, False)
    for visit in (slow, quick):
        visit.closes()
    assert [reason for _, reason, _ in salon.endings] == ["ok", "ok"]
    assert salon.departed()


def test_a_client_that_is_lost_inside_its_request_takes_the_upstream_with_it() -> None:
    salon = Salon()
    visit = salon.visit(get())
    visit.resets()
    assert (salon.talks[0].cancelled, salon.endings) == (1, [("test-1", "client_gone", 499)])
    assert salon.departed()


def test_a_tunnel_is_brought_to_its_end_by_its_relay_not_by_the_loss_of_the_client() -> None:
    salon = Salon()
    visit = salon.visit(get())
    salon.talks[0].tunnel = True
    visit.closes()
    assert (salon.endings, salon.departed()) == ([], False)
    salon.talks[0].patron.exchanged(Exchanged(Reason.OK, "", 101, keep_client=False, keep_upstream=False))
    assert salon.endings == [("test-1", "ok", 101)]
    assert salon.departed()


def test_a_door_without_conversations_goes_as_the_first_request_goes() -> None:
    salon = Salon()
    object.__setattr__(salon.house.factory.manners, "converse", None)
    visit = salon.visit(get("/1") + get("/2"))
    assert (len(salon.talks), len(salon.house.joins)) == (0, 1)
    assert salon.house.dialer.dials[0].opening == get("/1") + get("/2")
    visit.closes()


@settings(max_examples=300)
@given(st.integers(0, 1 << 32))
def test_whatever_happens_in_any_order_each_request_ends_once_and_nothing_is_left_behind(seed: int) -> None:
    random = Random(seed)
    salon = Salon(words={"requests": random.choice([0, 3])})
    visit, gone = salon.visit(), False
    for _ in range(40):
        if not gone:
            gone = _something(random, salon, visit)
    if not gone:
        visit.resets()
    salon.clock.advance(1000)
    for question in salon.house.resolver.questions:
        if not question.called:
            question.callback(ROUTE)
    for dial in salon.house.dialer.dials:
        if not dial.cancelled and salon.house.dialer.leg is None:
            dial.outcome.failed(DialTimeout("late"))
    ids = [ending.arrival.id for ending in salon.house.ledger.endings]
    assert len(ids) == len(set(ids)) >= 1
    assert salon.departed(), seed


def _something(random: Random, salon: Salon, visit: Visit) -> bool:
    """One thing happens; True where the connection is gone with it."""
    house = salon.house
    live = not (visit.wire.disconnecting or visit.wire.disconnected)
    match random.randint(0, 9):
        case 0 | 1 | 2 if live and not visit.wire.paused:
            visit.says(random.choice([get(), get()[:9], get()[9:], get() * 3, post(b"ab"), b"bad\n", get()]))
        case 3 | 4:
            under_way = [talk for talk in salon.talks if talk.upstreams and not talk.cancelled]
            for talk in under_way[:1]:
                talk.cancelled = 1
                talk.answers(keep_upstream=random.random() < 0.5)
        case 5:
            salon.clock.advance(random.choice([0.1, 3, 11]))
        case 6:
            house.resolver.known = random.choice([ROUTE, MISS, None])
            house.dialer.leg = random.choice([None, FakeLeg()])
        case 7:
            for question in [asked for asked in house.resolver.questions if not asked.called][:1]:
                question.callback(ROUTE)
        case 8 if random.random() < 0.2:
            _leave(random, salon)
        case 9 if random.random() < 0.15:
            visit.resets()
            return True
    return False


def _leave(random: Random, salon: Salon) -> None:
    """We are about to stop, or stop at once."""
    chance = random.random()
    if chance < 0.3:
        salon.house.factory.forewarn()
    elif chance < 0.6:
        salon.house.factory.drain()
    else:
        salon.house.factory.stop(Reason.DRAINED)
