"""
What every ICache does, as tests: a class to inherit from, beside a `make` that builds the cache.

The clock is the test's; sizes are small. `ttl` 60, `neg_ttl` 10 and no stale time are what the caches are made with.
"""

from __future__ import annotations

from math import inf

from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from starship.names import Hostname
from starship.route.cache import ICache
from starship.words import Origin, Route
from tests.route.resolvers import A_COM, B_COM, miss, route

ROUTES = 4
MISSES = 2


class CacheContract:
    """Inherit, and say how to `make` one."""

    def make(self, clock: Clock, *, ttl: float = 60.0, neg_ttl: float = 10.0) -> ICache:
        raise NotImplementedError

    def test_it_is_a_cache(self) -> None:
        verifyObject(ICache, self.make(Clock()))

    def test_what_was_never_put_is_unknown(self) -> None:
        cache = self.make(Clock())
        assert cache.get(A_COM) is None
        assert cache.stale(A_COM, inf, 0) is None

    def test_a_route_is_a_hit_and_a_miss_is_negative_S5_S8(self) -> None:
        cache = self.make(Clock())
        cache.put(A_COM, route("A"))
        cache.put(B_COM, miss())
        hit, negative = cache.get(A_COM), cache.get(B_COM)
        assert hit is not None
        assert hit.answer.origin is Origin.HIT
        assert negative is not None
        assert negative.answer.origin is Origin.NEGATIVE

    def test_an_entry_lives_to_the_end_of_its_time_and_not_beyond_S7_M2(self) -> None:
        for answer, ttl in (
            (route(), 60.0),
            (miss(), 10.0),
            (route(ttl=0.25), 0.25),
            (miss(ttl=0.5), 0.5),
            (route(ttl=600), 600.0),
        ):
            clock = Clock()
            cache = self.make(clock)
            cache.put(A_COM, answer)
            clock.advance(ttl - 0.125)
            assert cache.get(A_COM) is not None
            clock.advance(0.125)
            assert cache.get(A_COM) is None

    def test_a_hit_does_not_make_an_entry_live_longer_S7(self) -> None:
        clock = Clock()
        cache = self.make(clock)
        cache.put(A_COM, route())
        clock.pump([20.0, 20.0])
        assert cache.get(A_COM) is not None
        clock.advance(20)
        assert cache.get(A_COM) is None

    def test_a_time_of_nought_in_the_settings_never_expires_M2(self) -> None:
        clock = Clock()
        cache = self.make(clock, ttl=0, neg_ttl=0)
        cache.put(A_COM, route())
        cache.put(B_COM, miss())
        clock.advance(1e9)
        assert cache.get(A_COM) is not None
        assert cache.get(B_COM) is not None

    def test_an_answer_whose_own_time_is_nought_is_not_remembered_M2(self) -> None:
        cache = self.make(Clock(), ttl=0, neg_ttl=0)
        cache.put(A_COM, route(ttl=0))
        cache.put(B_COM, miss(ttl=0))
        assert cache.get(A_COM) is None
        assert cache.get(B_COM) is None

    def test_a_negative_time_in_the_settings_remembers_nothing_M2(self) -> None:
        cache = self.make(Clock(), ttl=-1, neg_ttl=-1)
        cache.put(A_COM, route())
        cache.put(B_COM, miss())
        assert cache.get(A_COM) is None
        assert cache.get(B_COM) is None

    def test_a_newer_answer_replaces_an_older_one_of_either_kind(self) -> None:
        cache = self.make(Clock())
        for answer in (route("A"), miss(), route("B")):
            cache.put(A_COM, answer)
            got = cache.get(A_COM)
            assert got is not None
            assert type(got.answer) is type(answer)
        cache.put(A_COM, route("C", ttl=0))
        assert cache.get(A_COM) is None

    def test_misses_never_evict_a_route_M3(self) -> None:
        cache = self.make(Clock())
        cache.put(A_COM, route())
        for number in range(1000):
            cache.put(Hostname(f"scan{number}.com"), miss())
        assert cache.get(A_COM) is not None
        remembered = sum(cache.get(Hostname(f"scan{number}.com")) is not None for number in range(1000))
        assert remembered == MISSES

    def test_the_least_recently_used_route_goes_first_M10(self) -> None:
        cache = self.make(Clock())
        names = [Hostname(f"r{number}.com") for number in range(ROUTES)]
        for name in names:
            cache.put(name, route())
        assert cache.get(names[0]) is not None
        cache.put(A_COM, route())
        assert cache.get(names[1]) is None
        assert [name for name in names if cache.get(name) is not None] == [names[0], *names[2:]]

    def test_an_expired_route_is_stale_for_its_own_time(self) -> None:
        clock = Clock()
        cache = self.make(clock)
        cache.put(A_COM, route("A", ttl=10, stale_ttl=30))
        assert cache.stale(A_COM, inf, 0) is None
        clock.advance(10)
        assert cache.get(A_COM) is None
        for _ in range(2):
            stale = cache.stale(A_COM, inf, 0)
            assert stale is not None
            assert stale.answer.origin is Origin.STALE
        clock.advance(29.5)
        assert cache.stale(A_COM, inf, 0) is not None
        clock.advance(0.5)
        assert cache.stale(A_COM, inf, 0) is None

    def test_a_route_without_a_stale_time_and_a_miss_are_never_stale(self) -> None:
        clock = Clock()
        cache = self.make(clock)
        cache.put(A_COM, route(ttl=10))
        cache.put(B_COM, miss(ttl=10))
        clock.advance(10)
        assert cache.stale(A_COM, inf, 0) is None
        assert cache.stale(B_COM, inf, 0) is None

    def test_a_miss_in_its_place_ends_a_stale_route(self) -> None:
        clock = Clock()
        cache = self.make(clock)
        cache.put(A_COM, route(ttl=10, stale_ttl=100))
        clock.advance(10)
        cache.put(A_COM, miss())
        assert cache.stale(A_COM, inf, 0) is None

    def test_a_dropped_name_is_unknown_and_the_others_stay(self) -> None:
        cache = self.make(Clock())
        cache.put(A_COM, route())
        cache.put(B_COM, miss())
        assert cache.drop(B_COM)
        assert not cache.drop(B_COM)
        assert cache.get(B_COM) is None
        assert cache.get(A_COM) is not None

    def test_a_purged_cache_knows_nothing_M8(self) -> None:
        cache = self.make(Clock())
        cache.put(A_COM, route())
        cache.put(B_COM, miss())
        assert cache.purge(expired_only=False) == 2
        assert cache.get(A_COM) is None
        assert cache.get(B_COM) is None

    def test_a_look_changes_and_counts_nothing_M8(self) -> None:
        clock = Clock()
        cache = self.make(clock)
        names = [Hostname(f"r{number}.com") for number in range(ROUTES)]
        for name in names:
            cache.put(name, route(stale_ttl=5))
        cache.get(names[0])
        cache.get(names[0])
        clock.advance(20)
        look = cache.look(names[0])
        assert look is not None
        assert (look.name, look.store, look.age, look.left, look.stale_left, look.hits) == (
            names[0],
            "routes",
            20,
            40,
            45,
            2,
        )
        assert look.size > 0
        cache.look(names[1])  # which does not save it
        cache.put(A_COM, route())
        assert cache.look(names[1]) is None
        assert cache.look(names[0]) is not None

    def test_a_look_says_since_when_an_entry_is_stale_M8(self) -> None:
        clock = Clock()
        cache = self.make(clock)
        cache.put(A_COM, route(ttl=10, stale_ttl=30))
        clock.advance(15)
        look = cache.look(A_COM)
        assert look is not None
        assert (look.left, look.stale_left) == (-5, 25)
        clock.advance(25)
        assert cache.look(A_COM) is None

    def test_a_stale_entry_may_be_asked_for_by_its_age(self) -> None:
        clock = Clock()
        cache = self.make(clock)
        cache.put(A_COM, route(ttl=10, stale_ttl=30))
        clock.advance(12)
        assert cache.stale(A_COM, 2, 0) is None
        assert cache.stale(A_COM, 2.5, 0) is not None

    def test_a_wildcard_answers_for_every_name_below_it(self) -> None:
        cache = self.make(Clock())
        cache.put(Hostname("x.evil.tld"), miss(wildcard="*.evil.tld"))
        cache.put(Hostname("x.shop.com"), route("S", wildcard="*.shop.com"))
        for name in ("x.evil.tld", "y.evil.tld", "a.b.c.evil.tld"):
            negative = cache.get(Hostname(name))
            assert negative is not None
            assert (negative.name, negative.answer.origin) == ("*.evil.tld", Origin.NEGATIVE)
        hit = cache.get(Hostname("z.shop.com"))
        assert hit is not None
        assert hit.answer.origin is Origin.HIT
        assert cache.get(Hostname("evil.tld")) is None
        assert cache.get(Hostname("notevil.tld")) is None

    def test_the_exact_name_wins_then_the_longest_wildcard(self) -> None:
        cache = self.make(Clock())
        cache.put(Hostname("x.com"), route("wide", wildcard="*.com"))
        cache.put(Hostname("x.shop.com"), route("narrow", wildcard="*.shop.com"))
        cache.put(Hostname("own.shop.com"), route("own"))
        cache.put(Hostname("no.shop.com"), miss())
        apps = {}
        for name in ("own.shop.com", "other.shop.com", "else.com", "no.shop.com"):
            kept = cache.get(Hostname(name))
            assert kept is not None
            apps[name] = getattr(kept.answer, "app", None)
        assert apps == {"own.shop.com": "own", "other.shop.com": "narrow", "else.com": "wide", "no.shop.com": None}

    def test_an_exact_name_that_is_stale_still_keeps_a_wildcard_from_answering_for_it(self) -> None:
        clock = Clock()
        cache = self.make(clock)
        own = Hostname("own.shop.com")
        cache.put(own, route("own", ttl=1, stale_ttl=60))
        cache.put(Hostname("x.shop.com"), route("all", wildcard="*.shop.com"))
        clock.advance(1)
        assert cache.get(own) is None
        stale = cache.stale(own, inf, 0)
        assert stale is not None
        assert getattr(stale.answer, "app", None) == "own"

    def test_an_answer_for_one_name_that_is_not_remembered_ends_the_wildcards_above_it(self) -> None:
        cache = self.make(Clock())
        cache.put(Hostname("x.shop.com"), route("all", wildcard="*.shop.com"))
        cache.put(Hostname("own.shop.com"), route("own", ttl=0))
        assert cache.get(Hostname("own.shop.com")) is None

    def test_a_wildcard_in_its_place_ends_what_was_known_of_the_name_alone(self) -> None:
        cache = self.make(Clock())
        name = Hostname("x.shop.com")
        cache.put(name, route("alone"))
        cache.put(name, route("all", wildcard="*.shop.com"))
        kept = cache.get(name)
        assert kept is not None
        assert getattr(kept.answer, "app", None) == "all"

    def test_all_of_an_app_or_below_a_suffix_can_be_dropped_M8(self) -> None:
        cache = self.make(Clock())
        for name, app in (("a.com", "A"), ("www.a.com", "A"), ("b.com", "B")):
            cache.put(Hostname(name), route(app))
        cache.put(Hostname("x.a.com"), miss(wildcard="*.no.a.com"))
        assert cache.drop_where(None, None) == ()
        assert cache.drop_where("A", "www.a.com") == ("www.a.com",)
        assert set(cache.drop_where(None, "a.com")) == {"a.com", "*.no.a.com"}
        assert cache.drop_where("A", None) == ()
        assert cache.drop_where("B", None) == ("b.com",)

    def test_what_has_expired_can_be_purged_alone_M8(self) -> None:
        clock = Clock()
        cache = self.make(clock)
        cache.put(A_COM, route(ttl=10, stale_ttl=100))
        cache.put(B_COM, route())
        clock.advance(10)
        assert cache.purge(expired_only=True) == 1
        assert cache.stale(A_COM, inf, 0) is None
        assert cache.get(B_COM) is not None

    def test_the_entries_are_listed_page_by_page_in_the_order_of_their_names_M8(self) -> None:
        cache = self.make(Clock())
        for name in ("c.com", "a.com", "b.com"):
            cache.put(Hostname(name), route())
        first = cache.page("routes", "", 2)
        assert [look.name for look in first] == ["a.com", "b.com"]
        assert [look.name for look in cache.page("routes", first[-1].name, 2)] == ["c.com"]
        assert cache.page("misses", "", 2) == ()

    def test_a_page_can_be_of_those_that_are_wanted_M8(self) -> None:
        cache = self.make(Clock())
        for name in ("c.com", "a.com", "b.com"):
            cache.put(Hostname(name), route())
        wanted = cache.page("routes", "", 2, lambda name, answer: name != "b.com" and isinstance(answer, Route))
        assert [look.name for look in wanted] == ["a.com", "c.com"]
