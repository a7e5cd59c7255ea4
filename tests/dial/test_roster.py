"""Who the members are, once names are known."""

from __future__ import annotations

from typing import Any

import pytest

from starship.dial.resolve import KEEP_S
from starship.dial.roster import Roster, is_ip
from starship.words import Upstream
from tests.dial.pooling import World, up
from tests.fakes import success_of


class Scene(World):
    """A roster, and how often its members changed."""

    def __init__(self, *upstreams: Upstream) -> None:
        super().__init__()
        self.moves = 0
        self.roster = Roster(upstreams, 8443, self.means.names, self.moved)

    def moved(self) -> None:
        self.moves += 1

    @property
    def places(self) -> list[str]:
        return [str(address) for address, _ in self.roster.places()]


@pytest.mark.parametrize(
    ("host", "expected"), [("192.0.2.1", True), ("::1", True), ("a.example", False), ("a1", False)]
)
def test_an_address_is_told_from_a_name(host: str, expected: bool) -> None:
    assert is_ip(host) is expected


def test_addresses_are_members_at_once_with_their_port_or_the_doors() -> None:
    scene = Scene(up("192.0.2.1"), up("2001:db8::1", None))
    scene.roster.look()
    assert scene.places == ["192.0.2.1:443", "[2001:db8::1]:8443"]
    assert (scene.roster.hosts, scene.resolver.questions) == ((), [])


def test_g2_every_address_of_a_name_is_a_member_and_each_address_once() -> None:
    scene = Scene(up("a.example"), up("192.0.2.2"), up("b.example", 80, backup=True))
    assert scene.places == ["192.0.2.2:443"]
    scene.roster.look()
    scene.resolver.questions[0].answer("192.0.2.1", "192.0.2.2", "2001:db8::1")
    scene.resolver.questions[1].answer("192.0.2.2")
    assert scene.places == ["192.0.2.1:443", "192.0.2.2:443", "[2001:db8::1]:443", "192.0.2.2:80"]
    assert scene.moves == 2


def test_g2_a_name_is_asked_about_again_while_it_is_used_and_the_last_answer_stays_meanwhile() -> None:
    scene = Scene(up("a.example"))
    scene.roster.look()
    scene.roster.look()
    scene.resolver.questions[0].answer("192.0.2.1")
    scene.clock.advance(KEEP_S)
    scene.roster.look()
    assert len(scene.resolver.questions) == 2
    assert scene.places == ["192.0.2.1:443"]
    scene.resolver.questions[1].answer("192.0.2.7")
    scene.roster.look()
    assert (scene.places, scene.moves) == (["192.0.2.7:443"], 2)


def test_g2_an_answer_without_addresses_changes_nothing() -> None:
    scene = Scene(up("a.example"))
    scene.roster.look()
    scene.resolver.questions[0].answer("192.0.2.1")
    scene.clock.advance(KEEP_S)
    scene.roster.look()
    scene.resolver.questions[1].answer()
    assert (scene.places, scene.moves) == (["192.0.2.1:443"], 1)


def test_an_answer_that_says_the_same_moves_nobody() -> None:
    scene = Scene(up("a.example"))
    for _ in range(3):
        scene.roster.look()
        scene.resolver.questions[-1].answer("192.0.2.1")
        scene.clock.advance(KEEP_S)
    assert scene.moves == 1


def test_names_of_which_nothing_is_known_are_told_members_before_backups() -> None:
    scene = Scene(up("192.0.2.1"), up("spare.example", backup=True), up("a.example"), up("b.example"))
    roster = scene.roster
    assert roster.unknown((), backups=False) == "a.example"
    assert roster.unknown(("a.example",), backups=False) == "b.example"
    assert roster.unknown((), backups=True) == "spare.example"
    found = roster.find("a.example")
    scene.resolver.questions[0].answer("192.0.2.9")
    assert success_of(found) == ("192.0.2.9",)
    assert roster.unknown((), backups=False) == "b.example"


def test_who_waits_for_a_name_and_who_asks_beside_make_one_question() -> None:
    scene = Scene(up("a.example"))
    scene.roster.look()
    found = scene.roster.find("a.example")
    assert len(scene.resolver.questions) == 1
    scene.resolver.questions[0].answer()
    assert success_of(found) == ()


def test_closed_it_waits_for_nothing() -> None:
    scene = Scene(up("a.example"))
    scene.roster.look()
    scene.roster.close()
    scene.resolver.questions[0].answer("192.0.2.1")
    assert scene.moves == 0
    asked: Any = scene.roster._asked
    assert asked == {}
