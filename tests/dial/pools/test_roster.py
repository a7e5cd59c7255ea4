"""Who the members are, once names are known."""

from __future__ import annotations

from starship.dial.pools.roster import Roster
from starship.words import Place, Upstream
from tests.dial.pools.pooling import FakeName, World, up


class Scene(World):
    """A roster, and how often its members changed."""

    def __init__(self, *upstreams: Upstream, lasting: bool = False) -> None:
        super().__init__()
        self.moves = 0
        self.roster = Roster(upstreams, 8443, self.means.names, self.moved, lasting)
        self.roster.open()

    def moved(self) -> None:
        self.moves += 1

    def name(self, host: str, *, srv: bool = False) -> FakeName:
        return self.resolver.name(host, srv=srv)

    @property
    def places(self) -> list[str]:
        return [str(spot.address) for spot in self.roster.places()]


def test_addresses_are_members_at_once_with_their_port_or_the_doors() -> None:
    scene = Scene(up("192.0.2.1"), up("2001:db8::1", None))
    scene.roster.look()
    assert scene.places == ["192.0.2.1:443", "[2001:db8::1]:8443"]
    assert (scene.roster.known, scene.resolver.questions) == ((), [])


def test_g2_every_address_of_a_name_is_a_member_and_each_address_once() -> None:
    scene = Scene(up("a.example"), up("192.0.2.2"), up("b.example", 80, backup=True))
    assert scene.places == ["192.0.2.2:443"]
    scene.roster.look()
    scene.resolver.questions[0].answer("192.0.2.1", "192.0.2.2", "2001:db8::1")
    scene.resolver.questions[1].answer("192.0.2.2")
    assert scene.places == ["192.0.2.1:443", "192.0.2.2:443", "[2001:db8::1]:443", "192.0.2.2:80"]
    assert scene.moves == 2


def test_who_comes_asks_about_what_is_not_known_and_says_that_the_rest_is_used() -> None:
    scene = Scene(up("a.example"), up("b.example"))
    scene.name("a.example").answer("192.0.2.1")
    scene.roster.look()
    assert [str(name) for name in scene.resolver.questions] == ["b.example"]
    assert scene.name("a.example").used


def test_g2_new_answers_come_by_themselves() -> None:
    scene = Scene(up("a.example"))
    scene.name("a.example").answer("192.0.2.1")
    scene.name("a.example").answer("192.0.2.7")
    assert (scene.places, scene.moves) == (["192.0.2.7:443"], 2)


def test_addresses_that_may_be_somebody_elses_by_now_are_no_members() -> None:
    scene = Scene(up("a.example"), up("b.example"))
    scene.name("a.example").answer("192.0.2.1")
    assert not scene.roster.idle
    scene.name("a.example").grow_stale()
    assert (scene.places, scene.roster.idle, scene.moves) == ([], True, 2)


def test_a_name_with_both_families_is_kin_to_its_addresses() -> None:
    scene = Scene(up("a.example"), up("b.example"), up("192.0.2.9"))
    scene.name("a.example").answer("192.0.2.1", "2001:db8::1")
    scene.name("b.example").answer("192.0.2.3", "192.0.2.4")
    assert [str(spot.kin) for spot in scene.roster.places()] == ["a.example"] * 2 + ["None"] * 3


def test_services_have_ports_weights_and_tiers_of_their_own() -> None:
    scene = Scene(up("_http._tcp.a.example", None, srv=True, backup=True), up("a.example", None))
    scene.name("a.example").answer("192.0.2.1")
    scene.name("_http._tcp.a.example", srv=True).answer(Place("192.0.2.1", 81, 7, 0), Place("192.0.2.2", 82, 0, 1))
    spots = list(scene.roster.places())
    assert [str(spot.address) for spot in spots] == ["192.0.2.1:81", "192.0.2.2:82", "192.0.2.1:8443"]
    assert [(spot.upstream.weight, spot.tier, spot.upstream.backup) for spot in spots] == [
        (7, 0, True),
        (0, 1, True),
        (1, 0, False),
    ]
    assert str(spots[0].upstream) == "srv:_http._tcp.a.example"


def test_names_of_which_nothing_is_known_are_told_members_before_backups() -> None:
    scene = Scene(up("192.0.2.1"), up("spare.example", backup=True), up("a.example"), up("b.example"))
    roster, first = scene.roster, scene.name("a.example")
    assert roster.unknown((), backups=False) is first
    assert str(roster.unknown((first,), backups=False)) == "b.example"
    assert str(roster.unknown((), backups=True)) == "spare.example"
    first.answer("192.0.2.9")
    assert str(roster.unknown((), backups=False)) == "b.example"
    first.grow_stale()
    assert roster.unknown((), backups=False) is first


def test_closed_it_is_told_nothing_and_wants_nothing_known() -> None:
    scene = Scene(up("a.example"), lasting=True)
    name = scene.name("a.example")
    assert name.lasting == 1
    scene.roster.close()
    name.answer("192.0.2.1")
    assert (scene.moves, name.lasting, name.watchers) == (0, 0, [])
