"""When nothing moves (K8)."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.task import Clock

from starship.accept.alarm import Alarm
from starship.exchange.stall import Stall

TIME_S = 20.0


@define(eq=False)
class Watched:
    """Something that moves as the test says."""

    clock: Clock = field(factory=Clock)
    count: int = 0
    stalls: int = 0
    stall: Stall = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.stall = Stall(TIME_S, Alarm(self.clock), lambda: self.count, self.stalled)
        self.stall.watch()

    def stalled(self) -> None:
        self.stalls += 1


def test_k8_what_does_not_move_is_stalled_once_and_in_time() -> None:
    watched = Watched()
    watched.clock.pump([TIME_S / 8] * 7)
    assert watched.stalls == 0
    watched.clock.pump([TIME_S / 8] * 5)
    assert watched.stalls == 1
    watched.clock.advance(TIME_S * 9)
    assert watched.stalls == 1


def test_k8_what_trickles_is_not_stalled() -> None:
    watched = Watched()
    for _ in range(50):
        watched.clock.advance(TIME_S * 0.45)
        watched.count += 1
    assert watched.stalls == 0


def test_who_begins_again_has_all_of_the_time() -> None:
    watched = Watched()
    for _ in range(5):
        watched.clock.advance(TIME_S * 0.45)
        watched.clock.advance(TIME_S * 0.45)
        watched.stall.watch()
    assert watched.stalls == 0
