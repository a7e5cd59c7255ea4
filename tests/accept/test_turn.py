"""One request of a conversation: what its Journey asks of it, and what becomes of its connections."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from starship.accept.turn import Turn
from starship.errors import DialRefused, DialReset
from starship.exchanging import IPatron
from starship.interfaces import IClient, IDialOutcome
from starship.reasons import Reason
from starship.words import Address, Exchanged, Stop
from tests.accept.doors import ROUTE, Visit
from tests.accept.talks import WELL, Salon, get, post
from tests.fakes import FakeChance, FakeLeg


def turn_of(salon: Salon) -> Turn:
    turn = salon.talks[-1].patron
    assert isinstance(turn, Turn)
    return turn


def test_it_is_a_client_a_patron_and_who_waits_for_a_second_dial() -> None:
    salon = Salon()
    salon.visit(get())
    for interface in (IClient, IPatron, IDialOutcome):
        verifyObject(interface, turn_of(salon))


def test_an_upstream_that_may_go_on_is_kept_under_its_route_and_any_other_is_parted_with() -> None:
    salon = Salon()
    leg = salon.house.dialer.leg
    salon.visit(get(), get())
    salon.talks[0].answers()
    salon.talks[1].answers(keep_upstream=False)
    assert salon.shelf.kept == [(leg, ROUTE)]
    assert salon.shelf.parted == [leg]


def test_a_turn_that_is_over_holds_its_walk_no_more_so_that_both_are_gone_without_the_collector() -> None:
    salon = Salon()
    salon.visit(get())
    turn = turn_of(salon)
    assert turn.journey.client is turn
    salon.talks[0].answers()
    assert not hasattr(turn, "journey")


def test_who_was_told_nothing_yet_gets_a_page_of_the_failure_and_the_connection_ends() -> None:
    salon = Salon()
    visit = salon.visit(get())
    salon.talks[0].fail(Reason.UPSTREAM_TIMEOUT, "no answer")
    assert visit.heard == b"[upstream_timeout test-1]"
    assert salon.endings == [("test-1", "upstream_timeout", 504)]
    assert salon.house.ledger.endings[0].detail == "no answer"
    assert visit.wire.shut


@pytest.mark.parametrize(
    ("said", "keeps"),
    [
        (get(), True),
        (post(b"body"), True),
        (get("/", "Connection: close"), False),
        (b"GET / HTTP/1.0\r\nHost: a.com\r\nConnection: keep-alive\r\n\r\n", False),
    ],
)
def test_a_page_of_a_failure_keeps_the_connection_where_all_of_the_request_was_read(said: bytes, keeps: bool) -> None:
    salon = Salon()
    visit = salon.visit(said)
    outcome = Exchanged(Reason.UPSTREAM_TIMEOUT, "", 0, keep_client=True, keep_upstream=False)
    visit.protocol.leg.take()  # as the exchange has
    salon.talks[0].patron.exchanged(outcome)
    assert visit.heard == b"[upstream_timeout test-1%b]" % (b" keep" if keeps else b"")
    assert visit.wire.shut is not keeps
    if keeps:
        visit.says(get())
        assert len(salon.talks) == 2


def test_who_was_told_a_part_gets_no_page() -> None:
    salon = Salon()
    visit = salon.visit(get())
    outcome = Exchanged(Reason.UPSTREAM_RESET, "inside", 200, keep_client=False, keep_upstream=False)
    salon.talks[0].patron.exchanged(outcome)
    assert (visit.heard, salon.endings) == (b"", [("test-1", "upstream_reset", 200)])


def test_a_client_that_is_gone_gets_no_page() -> None:
    salon = Salon()
    visit = salon.visit(post(b"xx"))
    salon.talks[0].fail(Reason.CLIENT_GONE, "left")
    assert (visit.heard, salon.endings) == (b"", [("test-1", "client_gone", 499)])


def test_the_status_of_an_ending_is_the_responses() -> None:
    salon = Salon()
    salon.visit(get())
    salon.talks[0].patron.exchanged(WELL._replace(status=404))
    assert salon.endings == [("test-1", "ok", 404)]


def test_a_dead_connection_is_replaced_by_a_fresh_one_and_the_line_names_it() -> None:
    salon = Salon()
    salon.visit(get())
    salon.talks[0].patron.again()
    (dial,) = salon.fresh.dials
    assert dial.opening == b"test-1 GET /"
    other = FakeLeg(Address("192.0.2.81", 80))
    dial.outcome.dialled(other)
    assert salon.talks[0].upstreams[1] is other
    salon.talks[0].answers()
    assert salon.house.ledger.endings[0].upstream == other.remote
    assert salon.shelf.kept == [(other, ROUTE)]


def test_a_replacement_that_cannot_be_dialled_is_the_end_of_the_request() -> None:
    salon = Salon()
    visit = salon.visit(get())
    salon.talks[0].patron.again()
    salon.fresh.dials[0].outcome.failed(DialRefused("nobody there"))
    assert visit.heard == b"[upstream_refused test-1]"


def test_a_client_that_is_lost_while_a_replacement_is_dialled_ends_the_dial() -> None:
    salon = Salon()
    visit = salon.visit(get())
    salon.talks[0].patron.again()
    visit.resets()
    assert salon.fresh.dials[0].cancelled == 1
    late = FakeLeg()
    salon.fresh.dials[0].outcome.dialled(late)
    assert (late.aborted, salon.endings) == (1, [("test-1", "client_gone", 499)])
    assert salon.departed()


def test_an_exchange_may_be_over_before_it_has_begun_to_wait() -> None:
    salon = Salon(hasty=True)
    salon.fresh.leg = FakeLeg()
    visit = salon.visit(get(), get())
    assert visit.heard == b"(ok)(ok)"


def with_chance() -> tuple[Salon, Visit, FakeChance]:
    """A request that was asked of the first endpoint of a pool."""
    salon, chance = Salon(), FakeChance()
    salon.house.dialer.leg = None
    visit = salon.visit(get())
    salon.house.dialer.dials[0].outcome.dialled(FakeLeg(), chance)
    return salon, visit, chance


def test_an_endpoint_that_stopped_before_it_answered_is_replaced_by_another_with_an_exchange_of_its_own() -> None:
    salon, _, chance = with_chance()
    turn = turn_of(salon)
    assert salon.talks[0].back
    assert turn.may_go_back()
    turn.go_back(Stop.LOST)
    assert salon.talks[0].cancelled == 1
    other = FakeLeg(Address("192.0.2.81", 80))
    chance.takes[0][0].dialled(other)
    assert (salon.talks[1].upstreams, salon.talks[1].back) == ([other], False)
    salon.talks[1].answers()
    assert salon.endings == [("test-1", "ok", 200)]
    assert salon.house.ledger.endings[0].upstream == other.remote
    assert salon.shelf.kept == [(other, ROUTE)]


def test_where_all_have_stopped_there_is_a_page_and_the_next_request_may_follow() -> None:
    salon, visit, chance = with_chance()
    turn_of(salon).go_back(Stop.ENDED)
    chance.takes[0][0].failed(DialReset("192.0.2.80:80 ended the connection before its first byte"))
    salon.house.resolver.renewals[0].callback(ROUTE)
    assert visit.heard == b"[upstream_reset test-1 keep]"
    assert not visit.wire.shut
    visit.says(get())
    assert len(salon.house.dialer.dials) == 2


def test_a_client_that_is_lost_while_another_is_dialled_ends_that_dial() -> None:
    salon, visit, chance = with_chance()
    turn_of(salon).go_back(Stop.LOST)
    visit.resets()
    assert chance.cancelled == 1
    assert salon.endings == [("test-1", "client_gone", 499)]
    assert salon.departed()


def test_what_is_kept_for_another_is_let_go_of_when_it_is_not_needed() -> None:
    salon, _, chance = with_chance()
    turn_of(salon).stay()
    assert chance.forgotten == 1


def test_a_fresh_one_in_the_place_of_a_dead_one_may_have_a_second_chance_too() -> None:
    salon, chance = Salon(), FakeChance()
    salon.visit(get())
    salon.talks[0].patron.again()
    salon.fresh.dials[0].outcome.dialled(FakeLeg(), chance)
    assert salon.talks[0].back
    assert turn_of(salon).may_go_back()


def test_a_response_that_would_pass_for_whole_is_reset_and_its_line_says_what_happened() -> None:
    """An end in order, sent before the reset, was read as the end of the body."""
    salon = Salon()
    visit = salon.visit(get())
    cut = Exchanged(Reason.UPSTREAM_RESET, "", 200, keep_client=False, keep_upstream=False, cut=True)
    salon.talks[0].patron.exchanged(cut)
    assert (visit.wire.aborted, visit.wire.shut) == (True, False)
    visit.resets()
    assert salon.endings == [("test-1", "upstream_reset", 200)]
    assert salon.departed()


@pytest.mark.parametrize("status", [0, 200, 101])
def test_the_status_of_who_is_closed_is_the_one_that_was_sent_and_0_where_there_was_none(status: int) -> None:
    salon = Salon()
    salon.visit(get())
    salon.talks[0].status = status
    salon.house.factory.stop(Reason.CLOSED)
    assert salon.endings == [("test-1", "closed", status)]
