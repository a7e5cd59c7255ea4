"""The epoll and its turn: guards, turns, and descriptors that are reused."""

from __future__ import annotations

import fcntl
import os
import select
import socket
from collections.abc import Callable, Sequence

import pytest
from twisted.logger import LogEvent

from starship.wire.leg import WireLeg
from starship.wire.loop import LEVEL
from tests.fakes import errors_in
from tests.wire.bench import Bench, Eye, Told, arrived, bench, log, tcp_pair, wait

__all__ = ["bench", "log"]


def test_each_event_is_told_once_with_its_flags(bench: Bench) -> None:
    (ours, theirs), seen = tcp_pair(), list[int]()
    bench.loop.watch(ours.fileno(), Eye(seen.append))
    theirs.send(b"x")
    bench.until(lambda: bool(seen) and bool(seen[-1] & select.EPOLLIN))
    bench.turns(5)
    assert len(seen) in (1, 2)  # writable from the start, perhaps readable at once
    theirs.close()
    bench.until(lambda: bool(seen[-1] & select.EPOLLRDHUP))
    bench.loop.close(ours.detach())


def test_an_exception_in_one_event_is_logged_once_and_leaves_the_others_of_the_batch(
    bench: Bench, log: Sequence[LogEvent]
) -> None:
    def boom(data: bytes) -> None:
        raise RuntimeError("boom")

    visits = [bench.leg(WireLeg) for _ in range(20)]
    owners = [Told(boom if number == 7 else None) for number in range(20)]
    for (leg, peer), owner in zip(visits, owners, strict=True):
        leg.owner = owner
        peer.send(b"x")
    bench.until(lambda: [owner.data for owner in owners] == [b"x"] * 20)
    bench.turns()
    assert [bool(owner.lost) for owner in owners] == [number == 7 for number in range(20)]
    assert len(errors_in(log)) == 1
    assert bench.loop.broken == 1


@pytest.mark.parametrize("how", ["again", "soon"])
def test_whatever_is_called_is_guarded(bench: Bench, log: Sequence[LogEvent], how: str) -> None:
    def boom() -> None:
        raise RuntimeError("boom")

    call: Callable[[Callable[[], object]], object] = getattr(bench.loop, how)
    call(boom)
    bench.turns()
    assert len(errors_in(log)) == 1


def test_a_broken_connection_that_cannot_be_ended_breaks_nothing_else(bench: Bench, log: Sequence[LogEvent]) -> None:
    class Stubborn:
        def call(self) -> None:
            raise RuntimeError("boom")

        def broke(self) -> None:
            raise RuntimeError("and boom again")

    seen = list[str]()
    bench.loop.again(Stubborn().call)
    bench.loop.again(lambda: seen.append("next"))
    bench.turns()
    assert seen == ["next"]
    assert len(errors_in(log)) == 2


def test_a_number_is_not_reused_within_the_batch_in_which_its_descriptor_was_closed(bench: Bench) -> None:
    made = list[int]()
    seen = list[tuple[int, int]]()
    pairs = [tcp_pair() for _ in range(2)]
    numbers = [ours.fileno() for ours, _ in pairs]

    def ready(number: int) -> Callable[[int], None]:
        def come(flags: int) -> None:
            seen.append((number, flags))
            for other, _ in pairs:
                if other.fileno() >= 0:
                    bench.loop.close(other.detach())
            made.append(os.dup(0))  # as accept would, in the same batch

        return come

    for number in numbers:
        bench.loop.watch(number, Eye(ready(number)))
    for _, theirs in pairs:
        theirs.send(b"x")
    bench.turns(1)
    assert len(seen) == 1  # the second was closed by the first: its event is nobody's
    assert not set(made) & set(numbers)
    free = [fcntl.fcntl(0, fcntl.F_DUPFD, number) for number in numbers]
    made += free
    assert free == numbers  # now they are
    for fd in made:
        os.close(fd)
    for _, theirs in pairs:
        theirs.close()


def test_closing_between_turns_closes_at_once(bench: Bench) -> None:
    ours, theirs = tcp_pair()
    bench.loop.watch(ours.fileno(), Eye())
    number = ours.detach()
    bench.loop.close(number)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(number)
    theirs.close()


def test_a_descriptor_that_somebody_else_has_closed_costs_the_others_nothing_and_is_told(
    bench: Bench, log: Sequence[LogEvent]
) -> None:
    pairs = [tcp_pair() for _ in range(3)]
    numbers = [ours.detach() for ours, _ in pairs]

    def close_all(flags: int) -> None:
        for number in numbers:
            bench.loop.close(number)
        os.close(numbers[0])

    bench.loop.watch(numbers[0], Eye(close_all))
    bench.turns()
    assert len(errors_in(log)) == 1  # whose number is taken again by then loses a connection that is not its own
    for number in numbers[1:]:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(number)
    for _, theirs in pairs:
        theirs.close()


def test_again_is_the_next_turn_which_does_not_wait_and_soon_is_the_end_of_this_one(bench: Bench) -> None:
    seen = list[str]()

    def first() -> None:
        bench.loop.again(lambda: seen.append("again"))
        bench.loop.soon(second)
        seen.append("first")

    def second() -> None:
        bench.loop.soon(lambda: seen.append("sooner still"))
        seen.append("soon")

    bench.loop.again(first)
    assert bench.loop.busy
    bench.loop.turn(60)
    assert seen == ["first", "soon", "sooner still"]
    bench.loop.turn(60)
    assert seen == ["first", "soon", "sooner still", "again"]
    assert not bench.loop.busy


def test_who_waits_elsewhere_is_told_of_work_that_comes_up_between_turns(bench: Bench) -> None:
    told = list[str]()
    bench.loop.on_work = lambda: told.append("work")
    bench.loop.soon(lambda: bench.loop.again(lambda: None))
    assert told == ["work"]
    bench.turns(1)
    assert told == ["work"]  # within a turn it sees for itself


def test_a_descriptor_that_rests_is_silent_until_it_is_watched_again(bench: Bench) -> None:
    (ours, theirs), seen = tcp_pair(), list[int]()
    bench.loop.watch(ours.fileno(), Eye(seen.append), LEVEL)
    theirs.send(b"x")
    wait(lambda: arrived(ours) == 1)
    bench.turns(2)
    assert len(seen) == 2
    bench.loop.rest(ours.fileno(), None)
    bench.turns()
    assert len(seen) == 2
    bench.loop.rest(ours.fileno(), Eye(seen.append))
    bench.turns(1)
    assert len(seen) == 3
    bench.loop.close(ours.detach())
    theirs.close()


def test_a_loop_that_has_stopped_turns_no_more_and_raises_nothing(bench: Bench) -> None:
    ours, theirs = tcp_pair()
    bench.loop.watch(ours.fileno(), Eye())
    bench.loop.stop()
    bench.loop.turn(0)
    with pytest.raises(OSError, match="stopped"):
        bench.loop.watch(theirs.fileno(), Eye())
    bench.loop.close(ours.detach())
    theirs.close()


def test_a_loop_can_stop_itself_within_a_turn(bench: Bench) -> None:
    with socket.socket() as extra:
        bench.loop.again(bench.loop.stop)
        bench.loop.again(lambda: bench.loop.close(extra.detach()))
        bench.turns()
