"""Store: bounded in number and bytes, the longest unused go first (M3, M10)."""

from __future__ import annotations

from starship.route.store import Entry, Store
from starship.words import Origin
from tests.route.resolvers import route


def entry(name: str, size: int = 100) -> Entry:
    return Entry(name, route(), 0.0, 50.0, 60.0, 90.0, size)


def test_it_is_bounded_in_number_and_in_bytes_M10() -> None:
    store = Store(3, 250)
    for name in ("a.com", "b.com", "c.com"):
        store.put(entry(name))
    assert (list(store.kept), store.bytes, store.evictions) == (["b.com", "c.com"], 200, 1)
    store.put(entry("huge.com", 1000))
    assert (list(store.kept), store.bytes, store.evictions) == ([], 0, 4)


def test_an_entry_in_its_place_is_counted_once() -> None:
    store = Store(3)
    store.put(entry("a.com", 100))
    store.put(entry("a.com", 70))
    assert (store.entries, store.bytes) == (1, 70)


def test_it_knows_how_many_wildcards_it_has() -> None:
    store = Store(2)
    store.put(entry("*.a.com"))
    store.put(entry("*.b.com"))
    assert store.wildcards == 2
    store.put(entry("c.com"))
    assert store.wildcards == 1
    store.drop("*.b.com")
    assert store.wildcards == 0
    store.put(entry("*.d.com"))
    assert store.clear() == 2
    assert (store.wildcards, store.bytes) == (0, 0)


def test_walking_over_it_may_change_it() -> None:
    store = Store(3)
    for name in ("a.com", "b.com"):
        store.put(entry(name))
    for one in store:
        store.expire(one)
        store.expire(one)
    assert (store.entries, store.expired) == (0, 2)


def test_a_walk_is_in_the_order_of_putting_whatever_was_used_since() -> None:
    store = Store(3)
    for name in ("a.com", "b.com", "c.com"):
        store.put(entry(name))
    store.kept.move_to_end("a.com")
    assert [one.name for one in store.all()] == ["a.com", "b.com", "c.com"]
    store.put(entry("b.com"))
    assert [one.name for one in store] == ["a.com", "c.com", "b.com"]


def test_an_answer_is_evolved_only_where_its_origin_changes() -> None:
    one = entry("a.com")
    fresh = one.answer
    assert one.as_of(Origin.FRESH).answer is fresh
    assert one.as_of(Origin.STALE).answer.origin is Origin.STALE
    assert one.as_of(Origin.STALE).answer is one.answer


def test_a_look_says_how_old_it_is_and_what_is_left_M8() -> None:
    look = entry("a.com").look("routes", 70.0)
    assert (look.age, look.left, look.stale_left, look.size, look.store) == (70, -10, 20, 100, "routes")
    assert entry("a.com").look("routes", -5.0).age == 0
