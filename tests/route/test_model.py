"""The cache against a naive model: random operations, a clock that steps at will, backwards too (M1, M2, M3, M10)."""

from __future__ import annotations

from math import inf

from attrs import define, field, frozen
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.internet.task import Clock

from starship.names import Hostname
from starship.route.lifetimes import Lifetimes
from starship.route.memory import MemoryCache
from starship.route.store import Store
from starship.words import Answer, Origin, Route
from tests.route.resolvers import miss, route

SIZES = {"routes": 3, "misses": 2}
NAMES = ("a.com", "x.a.com", "y.a.com", "z.y.a.com", "b.com")
TIMES = st.sampled_from([None, 0.0, 1.0, 2.5, 10.0])


@frozen
class Held:
    """What the model knows of a name or wildcard."""

    answer: Answer
    expires: float
    forgotten: float


@define
class Model:
    """Two lists, the latest used last; every question walks over all of it."""

    now: float = 0.0
    held: dict[str, list[tuple[str, Held]]] = field(factory=lambda: {"routes": [], "misses": []})

    def put(self, name: str, answer: Answer) -> None:
        kind = "routes" if isinstance(answer, Route) else "misses"
        ttl = answer.ttl if answer.ttl is not None else {"routes": 5.0, "misses": 2.0}[kind]
        self.drop(name)
        if ttl == 0:
            for wildcard in above(name):
                self.drop(wildcard)
            return
        stale = 0.0
        if isinstance(answer, Route):
            stale = 4.0 if answer.stale_ttl is None else answer.stale_ttl
        key = answer.wildcard or name
        self.drop(key)
        self.held[kind].append((key, Held(answer, self.now + ttl, self.now + ttl + stale)))
        del self.held[kind][: -SIZES[kind]]

    def drop(self, key: str) -> bool:
        found = False
        for kind, pairs in self.held.items():
            self.held[kind] = [pair for pair in pairs if pair[0] != key]
            found = found or len(self.held[kind]) < len(pairs)
        return found

    def find(self, name: str) -> tuple[str, str, Held] | None:
        for key in (name, *above(name)):
            for kind, pairs in self.held.items():
                for held_key, held in pairs:
                    if held_key == key and self.now < held.forgotten:
                        return kind, key, held
        return None

    def get(self, name: str) -> Answer | None:
        for kind, pairs in self.held.items():  # what is over is let go where it is met
            self.held[kind] = [(key, held) for key, held in pairs if key != name or self.now < held.forgotten]
        found = self.find(name)
        if found is None or self.now >= found[2].expires:
            return None
        kind, key, held = found
        self.held[kind].remove((key, held))
        self.held[kind].append((key, held))
        return held.answer

    def stale(self, name: str) -> Answer | None:
        found = self.find(name)
        return None if found is None or self.now < found[2].expires else found[2].answer


def above(name: str) -> list[str]:
    labels = name.split(".")
    return ["*." + ".".join(labels[at:]) for at in range(1, len(labels))]


def said(answer: Answer | None) -> tuple[str, str] | None:
    """What tells one answer from another, whatever its origin."""
    return None if answer is None else (type(answer).__name__, getattr(answer, "app", ""))


class CacheAndModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.model = Model()
        self.count = 0
        self.cache = MemoryCache(
            clock=self.clock,
            lifetimes=Lifetimes(ttl=5.0, neg_ttl=2.0, stale_ttl=4.0),
            routes=Store(SIZES["routes"]),
            misses=Store(SIZES["misses"]),
            ahead=0.2,
        )

    @rule(name=st.sampled_from(NAMES), ttl=TIMES, stale_ttl=TIMES, wild=st.integers(0, 3), known=st.booleans())
    def put(self, name: str, ttl: float | None, stale_ttl: float | None, wild: int, known: bool) -> None:
        self.count += 1
        wildcard = above(name)[-1] if wild == 1 else above(name)[0] if wild == 2 else None
        answer: Answer = miss(ttl, wildcard=wildcard)
        if known:
            answer = route(f"app {self.count}", ttl=ttl, stale_ttl=stale_ttl, wildcard=wildcard)
        self.cache.put(Hostname(name), answer)
        self.model.put(name, answer)

    @rule(name=st.sampled_from(NAMES))
    def get(self, name: str) -> None:
        kept, expected = self.cache.get(Hostname(name)), self.model.get(name)
        assert said(kept.answer if kept is not None else None) == said(expected)
        if kept is not None:
            assert kept.answer.origin is (Origin.HIT if isinstance(expected, Route) else Origin.NEGATIVE)

    @rule(name=st.sampled_from(NAMES))
    def stale(self, name: str) -> None:
        kept = self.cache.stale(Hostname(name), inf, 0)
        assert said(kept.answer if kept is not None else None) == said(self.model.stale(name))
        assert kept is None or kept.answer.origin is Origin.STALE

    @rule(name=st.sampled_from((*NAMES, "*.a.com", "*.com")))
    def drop(self, name: str) -> None:
        assert self.cache.drop(name) == self.model.drop(name)

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 20.0, -0.5, -3.0, -20.0]))
    def step(self, seconds: float) -> None:
        self.clock.rightNow += seconds
        self.model.now += seconds

    @rule()
    def purge_expired(self) -> None:
        now = self.model.now
        before = sum(map(len, self.model.held.values()))
        for kind, pairs in self.model.held.items():
            self.model.held[kind] = [(key, held) for key, held in pairs if now < held.expires]
        gone = before - sum(map(len, self.model.held.values()))
        assert self.cache.purge(expired_only=True) == gone

    @rule()
    def purge(self) -> None:
        self.model.held = {"routes": [], "misses": []}
        self.cache.purge(expired_only=False)

    @invariant()
    def both_hold_the_same_in_the_same_order(self) -> None:
        for kind, store in self.cache.stores.items():
            assert list(store.kept) == [key for key, _ in self.model.held[kind]]
            assert store.bytes == sum(entry.size for entry in store)
            assert store.wildcards == sum(key.startswith("*") for key in store.kept)

    @invariant()
    def a_look_tells_what_is_there_and_changes_nothing(self) -> None:
        for name in NAMES:
            look, found = self.cache.look(name), self.model.find(name)
            assert (look and (look.name, look.store)) == (found and (found[1], found[0]))


TestCacheAndModel = CacheAndModel.TestCase
TestCacheAndModel.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
