"""The grammar: sections, keys and values with their lines, and every mistake of spelling at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.config.ini import Entry, Section, read


def sections_of(text: str) -> tuple[Section, ...]:
    sections, mistakes = read(text.encode(), "a.ini")
    assert mistakes == ()
    return sections


def mistakes_of(raw: bytes) -> list[str]:
    return [str(mistake) for mistake in read(raw, "a.ini")[1]]


def value_of(text: str) -> str:
    return sections_of(f"[s]\n{text}\n")[0].entries[0].value


def test_sections_and_keys_know_their_lines() -> None:
    assert sections_of("# first\n\n[a]\nx = 1\ny=2\n\n[b:c]\n") == (
        Section("a", 3, (Entry("x", "1", 4), Entry("y", "2", 5))),
        Section("b:c", 7, ()),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("colour = #4f46e5", "#4f46e5"),
        ("key = value # a comment", "value"),
        ("key = value\t#", "value"),
        ("key = # nothing", ""),
        ("key = a#b ;c", "a#b ;c"),
        ("key = a = b", "a = b"),
        ("key =", ""),
        ("key = tcp:443", "tcp:443"),
    ],
)
def test_a_comment_follows_a_value_after_a_space_and_a_hash_that_stands_alone(text: str, value: str) -> None:
    assert value_of(text) == value


def test_an_indented_line_goes_on_with_the_value() -> None:
    text = "endpoint = tcp:443 # here\n\n[s]\nendpoint =\n  tcp:80\n\t# between\n  tcp6:80  # there\n  ; too\nnext = 1"
    sections = sections_of("[r]\n" + text)
    assert sections[0].entries == (Entry("endpoint", "tcp:443", 2),)
    assert sections[1].entries == (Entry("endpoint", "tcp:80\ntcp6:80", 5), Entry("next", "1", 10))


def test_a_blank_line_ends_a_value() -> None:
    assert mistakes_of(b"[s]\nkey = 1\n\n  2\n") == [
        "a.ini:4: [s]: expected a key at the start of the line (an indented line continues the value above it)"
    ]


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake() -> None:
    assert read(b"\xef\xbb\xbf[s]\r\nkey = caf\xc3\xa9\r\n  more\r\n", "a.ini") == (
        (Section("s", 1, (Entry("key", "café\nmore", 2),)),),
        (),
    )


@pytest.mark.parametrize("byte", [b"\x00", b"\x1b", b"\r", b"\x7f", b"\xc2\x85", b"\x0b"])
def test_control_characters_are_a_mistake_of_their_line(byte: bytes) -> None:
    assert mistakes_of(b"[s]\nkey = a" + byte + b"b\n")[0].startswith("a.ini:2: [s]: expected no control characters")


def test_bytes_that_are_not_utf8_are_a_mistake_of_their_line() -> None:
    assert mistakes_of(b"[s]\nkey = \xff\nother = 1\n") == ["a.ini:2: [s]: expected text in UTF-8"]


def test_a_key_that_is_indented_is_told_rather_than_swallowed_by_the_value_above() -> None:
    """Who takes away the `#` of an example and leaves its space."""
    raw = b"[s]\nendpoint = tcp:443\n# other:\n upstream_port = 443\n  10.0.0.5:1 weight=3\n"
    assert mistakes_of(raw) == [
        "a.ini:4: [s] upstream_port: expected this at the start of the line (indented, it continues the value of"
        " endpoint)"
    ]
    assert read(raw, "a.ini")[0][0].entries[0].value == "tcp:443\n10.0.0.5:1 weight=3"


def test_what_appears_twice_names_both_lines() -> None:
    assert mistakes_of(b"[s]\na = 1\nb = 1\na = 2\n[t]\na = 1\n[s]\nc = 1\nc = 2\n") == [
        "a.ini:4: [s] a: expected each key once in a section; the first is on line 2",
        "a.ini:7: [s]: expected each section once; the first [s] is on line 1",
        "a.ini:9: [s] c: expected each key once in a section; the first is on line 8",
    ]


def test_lines_that_are_nothing_are_all_told_and_never_repeated() -> None:
    mistakes = mistakes_of(b"secret = 1\nother = 2\n[s\n[]\n[a]\nsecret\n= secret\n[b] secret\n")
    assert [mistake.split(":")[1] for mistake in mistakes] == ["1", "3", "4", "6", "7", "8"]
    assert "secret" not in " ".join(mistakes)


def test_the_first_value_counts_where_a_key_appears_twice() -> None:
    sections, _ = read(b"[s]\na = 1\na = 2\n  3\n[s]\na = 4", "a.ini")
    assert sections == (Section("s", 1, (Entry("a", "1", 2),)),)


def test_a_long_line_costs_no_more_than_its_length() -> None:
    spaces = b" " * 1_000_000
    sections, _ = read(b"[s]\na = x" + spaces + b"#y\n", "a.ini")
    assert sections[0].entries[0].value.endswith("#y")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([b"[a]", b"k = v", b" ", b"#", b";", b"=", b"\n", b"\r", b"\xff", b"[", b"]", b"\x00"]))
)
def test_no_bytes_raise_anything(parts: list[bytes]) -> None:
    sections, mistakes = read(b"".join(parts), "a.ini")
    assert all(section.name for section in sections)
    assert all(mistake.line >= 1 for mistake in mistakes)
