"""What is known of names, for how long, and what stays when nothing new comes."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from starship.dns.book import AGAIN_LEAST_S, AGAIN_MOST_S, FOUND, IDLE_S, RESULTS, Book, Name
from starship.dns.messages import Trouble
from starship.words import Place
from tests.dns.scenes import FakeResolver, a_book, found
from tests.fakes import errors_in, failure_of, success_of


@define(eq=False)
class Scene:
    """A book, one name in it that somebody has, and how often that one was told of changes."""

    lasting: bool = False
    options: dict[str, Any] = field(factory=dict)
    clock: Clock = field(factory=Clock)
    resolver: FakeResolver = field(factory=FakeResolver)
    moves: int = 0
    book: Book = field(init=False)
    name: Name = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.book = a_book(self.clock, self.resolver, **self.options)
        self.book.start()
        self.name = self.book.name("web.example")
        self.name.watch(self.moved, lasting=self.lasting)

    def moved(self) -> None:
        self.moves += 1

    @property
    def hosts(self) -> list[str]:
        return [place.host for place in self.name.places]

    def use(self) -> None:
        """As who dials does."""
        self.name.used = True
        if self.name.stale:
            self.name.ask()

    def known(self, *hosts: str, ttl: int = 5) -> None:
        """Let it be known."""
        self.use()
        self.resolver.answer(*hosts, ttl=ttl)


def test_nothing_is_asked_before_it_is_used() -> None:
    scene = Scene()
    assert (scene.resolver.questions, scene.name.stale) == ([], True)
    scene.use()
    scene.use()
    assert [name for name, _ in scene.resolver.questions] == ["web.example"]


def test_who_wants_a_name_always_has_it_from_the_start_on() -> None:
    resolver, clock = FakeResolver(), Clock()
    book = a_book(clock, resolver)
    first = book.name("a.example")
    first.watch(print, lasting=True)
    assert resolver.questions == []
    book.start()
    book.name("b.example", srv=True).watch(print, lasting=True)
    assert [name for name, _ in resolver.questions] == ["a.example", "srv:b.example"]


def test_an_answer_holds_as_long_as_it_says_and_is_renewed_beside_who_uses_it() -> None:
    scene = Scene()
    scene.known("192.0.2.1", ttl=5)
    scene.use()
    scene.clock.advance(4.9)
    assert len(scene.resolver.questions) == 1
    scene.clock.advance(0.2)
    assert len(scene.resolver.questions) == 2
    assert (scene.hosts, scene.name.stale) == (["192.0.2.1"], False)
    scene.resolver.answer("192.0.2.7", "192.0.2.8")
    assert (scene.hosts, scene.moves) == (["192.0.2.7", "192.0.2.8"], 2)


@pytest.mark.parametrize(("ttl", "held"), [(0, 2.0), (1, 2.0), (7, 7.0), (99, 30.0)])
def test_the_time_of_an_answer_is_kept_within_bounds(ttl: int, held: float) -> None:
    scene = Scene(lasting=True, options={"min_ttl": 2.0, "max_ttl": 30.0})
    scene.known("192.0.2.1", ttl=ttl)
    scene.clock.advance(held - 0.1)
    assert len(scene.resolver.questions) == 1
    scene.clock.advance(0.2)
    assert len(scene.resolver.questions) == 2


def test_names_that_were_asked_together_drift_apart() -> None:
    scene = Scene(options={"random": Random(1)})
    scene.known("192.0.2.1", ttl=100)
    (call,) = scene.clock.getDelayedCalls()
    assert 100 < call.getTime() < 110


def test_an_answer_that_says_the_same_moves_nobody() -> None:
    scene = Scene(lasting=True)
    for _ in range(4):
        scene.resolver.answer("192.0.2.1", "192.0.2.2")
        scene.clock.advance(6)
    assert scene.moves == 1


def test_a_name_that_nobody_used_lately_is_not_asked_about_and_its_addresses_count_no_more() -> None:
    scene = Scene()
    scene.known("192.0.2.1")
    scene.clock.pump([6.0] * 2)
    scene.resolver.at_once = found("192.0.2.1")
    scene.resolver.answer("192.0.2.1")
    scene.clock.pump([6.0] * int(IDLE_S / 6 + 2))
    asked = len(scene.resolver.questions)
    scene.clock.pump([60.0] * 10)
    assert len(scene.resolver.questions) == asked
    assert (scene.name.stale, scene.clock.getDelayedCalls()) == (True, [])


def test_who_comes_after_a_long_time_waits_for_a_new_answer_and_has_the_old_one_where_none_comes() -> None:
    scene = Scene()
    scene.known("192.0.2.1")
    scene.name.release()
    waiting = scene.name.find()
    assert not waiting.called
    scene.resolver.fail(Trouble.TIMEOUT)
    assert success_of(waiting) == (Place("192.0.2.1"),)
    assert not scene.name.stale


@pytest.mark.parametrize("why", list(Trouble))
def test_g2_the_last_good_answer_stays_whatever_goes_wrong(why: Trouble) -> None:
    scene = Scene(lasting=True)
    scene.resolver.answer("192.0.2.1")
    for _ in range(20):
        scene.clock.advance(AGAIN_MOST_S + 1)
        scene.resolver.fail(why)
    assert (scene.hosts, scene.name.stale, scene.moves) == (["192.0.2.1"], False, 1)
    assert scene.book.results[why] == 20
    assert scene.book.results[FOUND] == 1
    assert why in RESULTS


def test_a_failure_is_said_once_and_so_is_its_end() -> None:
    scene = Scene(lasting=True)
    with capturedLogs() as logs:
        scene.resolver.answer("192.0.2.1")
        for why in (Trouble.SERVFAIL, Trouble.SERVFAIL, Trouble.SERVFAIL, Trouble.TIMEOUT, Trouble.TIMEOUT):
            scene.clock.advance(AGAIN_MOST_S + 1)
            scene.resolver.fail(why)
        scene.clock.advance(AGAIN_MOST_S + 1)
        scene.resolver.answer("192.0.2.1")
    said = [event["log_format"].format(**event) for event in logs]
    assert said == [
        "web.example has no addresses now (servfail); its last 1 are kept",
        "web.example has no addresses now (timeout); its last 1 are kept",
        "web.example has addresses again",
    ]
    assert errors_in(logs) == []


@pytest.mark.parametrize(
    ("max_ttl", "later"),
    [(300.0, [2, 4, 8, AGAIN_MOST_S, AGAIN_MOST_S]), (3.0, [2, 3, 3, 3, 3]), (0.5, [1, 1, 1, 1, 1])],
)
def test_after_a_failure_it_is_asked_again_ever_more_seldom_but_no_more_seldom_than_after_an_answer(
    max_ttl: float, later: list[float]
) -> None:
    scene = Scene(lasting=True, options={"min_ttl": 0.5, "max_ttl": max_ttl})
    moments = []
    for _ in range(6):
        scene.resolver.fail(Trouble.SERVFAIL)
        (call,) = scene.clock.getDelayedCalls()
        moments.append(call.getTime() - scene.clock.seconds())
        scene.clock.advance(moments[-1])
    assert moments == [1, *later]


def test_a_name_without_any_answer_is_asked_about_once_a_second_while_somebody_comes() -> None:
    """However long it has failed: whoever comes when it is there at last has not to wait for a long pause to end."""
    scene = Scene(lasting=True)
    for _ in range(5):
        scene.resolver.fail(Trouble.NXDOMAIN)
        scene.clock.advance(scene.clock.getDelayedCalls()[0].getTime() - scene.clock.seconds())
    scene.resolver.fail(Trouble.NXDOMAIN)
    asked = len(scene.resolver.questions)
    scene.clock.advance(AGAIN_LEAST_S - 0.01)
    assert success_of(scene.name.find()) == ()
    assert len(scene.resolver.questions) == asked
    scene.clock.advance(0.02)
    assert len(scene.resolver.questions) == asked
    waiting = scene.name.find()
    assert len(scene.resolver.questions) == asked + 1
    assert scene.clock.getDelayedCalls() == []
    scene.resolver.answer("192.0.2.1")
    assert success_of(waiting) == (Place("192.0.2.1"),)


def test_a_name_with_a_last_good_answer_is_left_to_its_pauses() -> None:
    scene = Scene(lasting=True)
    scene.resolver.answer("192.0.2.1", ttl=1)
    scene.clock.advance(1)
    scene.resolver.fail(Trouble.SERVFAIL)
    asked = len(scene.resolver.questions)
    scene.name.ask()
    assert success_of(scene.name.find()) == (Place("192.0.2.1"),)
    assert len(scene.resolver.questions) == asked


def test_a_name_without_any_answer_is_told_at_once_until_it_is_asked_again() -> None:
    scene = Scene()
    waiting = scene.name.find()
    scene.resolver.fail(Trouble.NXDOMAIN)
    assert success_of(waiting) == ()
    assert success_of(scene.name.find()) == ()
    assert len(scene.resolver.questions) == 1
    scene.use()
    scene.clock.advance(1)
    assert len(scene.resolver.questions) == 2
    scene.resolver.answer("192.0.2.1")
    assert success_of(scene.name.find()) == (Place("192.0.2.1"),)


def test_a_family_that_was_not_heard_of_keeps_its_addresses() -> None:
    scene = Scene(lasting=True)
    scene.resolver.answer("192.0.2.1", "2001:db8::1")
    scene.clock.advance(6)
    scene.resolver.answer("192.0.2.2", unheard=frozenset({6}))
    assert scene.hosts == ["192.0.2.2", "2001:db8::1"]
    scene.clock.advance(6)
    scene.resolver.answer("192.0.2.2")
    assert scene.hosts == ["192.0.2.2"]


def test_many_who_wait_make_one_question_and_one_who_leaves_harms_nobody() -> None:
    scene = Scene()
    waiters = [scene.name.find() for _ in range(50)]
    waiters[0].cancel()
    assert isinstance(failure_of(waiters[0]), CancelledError)
    waiters[1].addCallback(lambda found: waiters[2].cancel())
    scene.resolver.answer("192.0.2.1")
    assert len(scene.resolver.questions) == 1
    assert {success_of(waiter) for waiter in waiters[3:]} == {(Place("192.0.2.1"),)}
    assert isinstance(failure_of(waiters[2]), CancelledError)


def test_a_name_that_nobody_has_any_more_is_forgotten() -> None:
    scene = Scene()
    scene.known("192.0.2.1")
    assert (len(scene.book), scene.book.total) == (1, 1)
    scene.name.leave(scene.moved, lasting=False)
    assert (len(scene.book), scene.book.total, scene.clock.getDelayedCalls()) == (0, 0, [])
    assert scene.book.name("web.example") is not scene.name


def test_who_still_waits_when_everybody_has_left_is_answered() -> None:
    scene = Scene()
    waiting = scene.name.find()
    scene.name.leave(scene.moved, lasting=False)
    scene.resolver.answer("192.0.2.1")
    assert success_of(waiting) == (Place("192.0.2.1"),)
    assert (scene.book.total, scene.clock.getDelayedCalls()) == (0, [])


def test_stopped_it_asks_no_more_and_leaves_nobody_waiting() -> None:
    scene = Scene()
    waiting = scene.name.find()
    scene.book.stop()
    assert success_of(waiting) == ()
    assert scene.clock.getDelayedCalls() == []
    assert scene.resolver.questions[0][1].called


def test_something_of_ours_that_breaks_is_logged_and_asked_again() -> None:
    scene = Scene(lasting=True)
    with capturedLogs() as logs:
        scene.resolver.questions[-1][1].errback(RuntimeError("ours"))
    assert len(errors_in(logs)) == 1
    scene.clock.advance(1)
    assert len(scene.resolver.questions) == 2


def test_all_places_together_are_bounded_and_idle_names_give_theirs_up_first() -> None:
    scene = Scene(options={"limit": 20})
    scene.known(*(f"10.0.0.{number}" for number in range(15)))
    idle = scene.book.name("idle.example")
    idle.watch(scene.moved, lasting=False)
    idle.ask()
    scene.resolver.answer(*(f"10.0.1.{number}" for number in range(5)))
    assert scene.book.total == 20
    third = scene.book.name("third.example")
    third.watch(scene.moved, lasting=False)
    third.ask()
    scene.resolver.answer(*(f"10.0.2.{number}" for number in range(100)))
    assert (len(third.places), len(idle.places), idle.stale, len(scene.name.places)) == (8, 0, True, 15)


def test_a_name_tells_how_it_stands() -> None:
    scene = Scene()
    (view,) = scene.book.views()
    assert (view.name, view.places, view.age, view.left, view.trouble) == ("web.example", (), None, None, "")
    scene.known("192.0.2.1", ttl=10)
    scene.clock.advance(4)
    (view,) = scene.book.views()
    assert (view.places, view.age, view.left, scene.book.oldest()) == ((Place("192.0.2.1"),), 4, 6, 4)
    scene.use()
    scene.clock.advance(6)
    scene.resolver.fail(Trouble.REFUSED)
    (view,) = scene.book.views()
    assert (view.age, view.trouble) == (10, "refused")


def test_a_look_at_a_name_asks_nobody_and_tells_how_old_its_answer_is() -> None:
    scene = Scene()
    assert scene.book.look("other.example") is None
    unknown = scene.book.look("web.example")
    assert unknown is not None
    assert (unknown.places, unknown.age, unknown.left, scene.resolver.questions) == ((), None, None, [])
    scene.known("192.0.2.1", ttl=5)
    scene.clock.advance(2)
    known = scene.book.look("web.example")
    assert known is not None
    assert ([place.host for place in known.places], known.age, known.trouble) == (["192.0.2.1"], 2.0, "")
