"""A line of [routes] is for a host or for one of its paths, in one spelling each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.config.hosts import HostKey, read_key
from starship.config.values import Bad

A = "www.example.com"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (A, HostKey(name=A)),
        ("WWW.Example.com.", HostKey(name=A)),
        ("*.example.com", HostKey(name="*.example.com")),
        (f"{A} redirect", HostKey(name=A, redirect=True)),
        (f"{A}/api", HostKey(name=A, path="/api")),
        (f"{A}/api/", HostKey(name=A, path="/api")),
        (f"{A}/", HostKey(name=A, path="/")),
        (f"{A}/api exact", HostKey(name=A, path="/api", kind="exact")),
        (f"{A}/app -> /", HostKey(name=A, path="/app", rewrite="/")),
        (f"{A}/app  exact  ->  /v2/x", HostKey(name=A, path="/app", kind="exact", rewrite="/v2/x")),
        ("*.example.com/b\u00fccher", HostKey(name="*.example.com", path="/b%C3%BCcher")),
        (f"{A}/exact", HostKey(name=A, path="/exact")),
    ],
)
def test_k2_k5_a_host_and_its_paths_have_one_spelling_each(text: str, key: HostKey) -> None:
    assert read_key(text) == key


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no..host", "a hostname such as"),
        ("b\u00fc\u00df..x", "not an internationalised name"),
        (f"{'a' * 301}", "the name is too long"),
        (f"{A} exact", "a line for HOST"),
        (f"{A} -> /", "a line for HOST"),
        (f"{A} redirect redirect", "a line for HOST"),
        (f"{A}/x redirect", "a line for HOST"),
        (f"{A}/x ->", "a line for HOST"),
        (f"{A}/x -> /y exact", "a line for HOST"),
        (f"{A}/x -> y", "a path such as / after ->"),
        (f"{A}/x -> /y?z", "a path such as / after ->"),
        (f"{A}/../x", "a path such as /api after the host (it has a dot segment)"),
        (f"{A}/a%2fb", "a path such as /api after the host"),
        (f"{A}/x?y", "a path such as /api after the host"),
        ("/x", "a hostname such as"),
    ],
)
def test_what_is_none_is_told_in_our_words(text: str, why: str) -> None:
    found = read_key(text)
    assert isinstance(found, Bad)
    assert why in found.allowed


@given(st.text(min_size=1).filter(lambda text: text.strip() != ""))
def test_no_text_breaks_it(text: str) -> None:
    assert isinstance(read_key(text), HostKey | Bad)
