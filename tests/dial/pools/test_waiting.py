"""Where clients wait while every endpoint is full."""

from __future__ import annotations

from typing import Any

from attrs import define
from twisted.internet.task import Clock

from starship.dial.pools.waiting import WaitingRoom


@define(eq=False)
class Client:
    """Takes what is free, where it likes it; `tires` says when it gave up."""

    house: House
    name: str
    likes: bool = True

    def room(self) -> bool:
        if not self.likes or not self.house.free:
            return False
        self.house.waiting.leave(self)
        self.house.free -= 1
        self.house.told.append(self.name)
        if self.name.startswith("hasty"):  # it is over at once, and frees what it had taken
            self.house.free += 1
            self.house.waiting.call()
        return True

    def tired(self) -> None:
        self.house.told.append(f"{self.name} is tired")


class House:
    """A room of so many places, and so many free endpoints."""

    def __init__(self, limit: int = 3) -> None:
        self.clock: Any = Clock()
        self.waiting = WaitingRoom(clock=self.clock, limit=limit, patience=1.0)
        self.free = 0
        self.told: list[str] = []

    def join(self, name: str, **more: Any) -> bool:
        return self.waiting.join(Client(self, name, **more))

    def release(self) -> None:
        self.free += 1
        self.waiting.call()


def test_who_came_first_is_served_first_and_one_at_a_time() -> None:
    house = House()
    assert all(house.join(name) for name in "abc")
    house.release()
    assert house.told == ["a"]
    house.release()
    assert house.told == ["a", "b"]
    assert len(house.waiting) == 1


def test_it_holds_so_many_and_no_more() -> None:
    house = House()
    assert [house.join(name) for name in "abcd"] == [True, True, True, False]
    assert not House(limit=0).join("a")


def test_each_waits_so_long_and_no_longer() -> None:
    house = House()
    house.join("a")
    house.clock.advance(0.5)
    house.join("b")
    house.clock.advance(0.49)
    assert house.told == []
    house.clock.advance(0.02)
    assert house.told == ["a is tired"]
    house.clock.advance(0.5)
    assert house.told == ["a is tired", "b is tired"]
    assert len(house.waiting) == 0


def test_who_was_served_or_has_left_is_not_tired_later() -> None:
    house = House()
    house.join("a")
    leaver = Client(house, "b")
    house.waiting.join(leaver)
    house.waiting.leave(leaver)
    house.waiting.leave(leaver)
    house.release()
    house.clock.advance(5)
    assert house.told == ["a"]
    assert house.clock.getDelayedCalls() == []


def test_one_who_cannot_use_what_is_free_holds_up_nobody() -> None:
    house = House()
    house.join("picky", likes=False)
    house.join("b")
    house.release()
    assert house.told == ["b"]
    assert len(house.waiting) == 1


def test_a_thousand_who_are_served_one_by_another_go_no_deeper() -> None:
    house = House(limit=1000)
    for number in range(1000):
        house.join(f"hasty {number}")
    house.release()
    assert len(house.told) == 1000
    assert house.told[:2] == ["hasty 0", "hasty 1"]


def test_nobody_waits_and_nothing_happens() -> None:
    house = House()
    house.release()
    assert house.told == []


def test_where_there_is_room_for_several_all_of_them_are_served() -> None:
    """An endpoint that is new or not drained any more has room for many, and no connection of it ends to say so."""
    house = House(limit=5)
    assert all(house.join(name) for name in ("a", "hasty", "b", "c"))
    assert house.join("picky", likes=False)
    house.free = 2
    house.waiting.call_all()
    assert house.told == ["a", "hasty", "b"]
    assert len(house.waiting) == 2
