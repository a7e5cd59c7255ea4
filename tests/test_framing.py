"""What HTTP/1 framing allows, whichever way a message goes (L12; SEMANTICS 4)."""

from __future__ import annotations

import re

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.framing import (
    CODING,
    JUDGE,
    LENGTH,
    PLAIN_LINES,
    Notes,
    Said,
    fault_of_line,
    fields_of,
    lines_but,
    options,
    sift,
    spelled,
    unclear,
)

PLAIN = re.compile(PLAIN_LINES)
OURS = re.compile(lines_but([b"te", b"x-a"]) + rb"\r\n")
HEAD = b"Host: a.com\r\nX: y\t \xff\r\n\r\n"

UNPLAIN = [
    HEAD.replace(b"a.com\r\n", b"a.com\n"),
    HEAD.replace(b"a.com\r\n", b"a.com\r"),
    HEAD.replace(b"a.com\r\n", b"a.com\r\r\n"),
    HEAD.replace(b"a.com", b"a.com\0"),
    HEAD.replace(b"a.com", b"a\x0bcom"),
    HEAD.replace(b"a.com", b"a\x7fcom"),
    HEAD.replace(b"X:", b" X:"),
    HEAD.replace(b"X:", b"\tX:"),
]
NOT_OURS = [
    *UNPLAIN,
    HEAD.replace(b"X: ", b"X:"),
    HEAD.replace(b"X: ", b"X:  "),
    HEAD.replace(b"X: ", b"X:\t"),
    HEAD.replace(b"a.com", b"a.com "),
    HEAD.replace(b"a.com", b"a.com\t"),
    HEAD.replace(b"a.com", b""),
    HEAD.replace(b"Host: a.com", b"Host:"),
    HEAD.replace(b"Host", b"H_st"),
    HEAD.replace(b"Host", b"H\xffst"),
    HEAD.replace(b"Host", b""),
    HEAD.replace(b"Host:", b"Host :"),
    HEAD.replace(b"Host: ", b"Host"),
    HEAD.replace(b"Host", b"tE"),
    HEAD.replace(b"Host", b"X-a"),
]


def test_a_head_of_plain_lines_is_plain() -> None:
    assert PLAIN.fullmatch(HEAD)


@pytest.mark.parametrize("head", UNPLAIN)
def test_a_head_with_a_line_that_readers_take_differently_is_not_plain(head: bytes) -> None:
    assert not PLAIN.fullmatch(head)


@pytest.mark.parametrize("head", NOT_OURS)
def test_lines_that_we_would_write_otherwise_or_not_at_all_are_not_taken_as_they_are(head: bytes) -> None:
    assert not OURS.fullmatch(head)


@pytest.mark.parametrize("name", [b"t", b"tea", b"a-te", b"x-ab", b"x-", b"X"])
def test_lines_of_other_fields_are_taken_as_they_are(name: bytes) -> None:
    head = HEAD.replace(b"Host", name)
    found = OURS.fullmatch(head)
    assert found
    assert found[1] == head[:-2]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=4), st.sampled_from([b"\r\n", b"\r", b"\n", b"a: b\r\n"]))))
def test_the_quick_look_at_a_head_and_the_look_at_each_line_agree(parts: list[bytes]) -> None:
    head = b"".join(parts) + b"\r\n\r\n"
    lines = [line + b"\n" for line in head.split(b"\n")[:-1]]
    lines = lines[: lines.index(b"\r\n") + 1]
    end = sum(len(line) for line in lines)
    singly = not any(fault_of_line(line) or line[0] in b" \t" or line[0] > 0x7F for line in lines)
    found = PLAIN.match(head)
    assert (found is not None and found.end() == end) is singly


def said(**values: list[bytes]) -> Said:
    return {key: values[name] for name, key in (("lengths", LENGTH), ("codings", CODING)) if name in values}


@pytest.mark.parametrize("clear", [said(), said(lengths=[b"0"]), said(lengths=[b"5"]), said(codings=[b"CHUNKED"])])
def test_one_length_or_chunked_alone_or_nothing_is_clear(clear: Said) -> None:
    assert unclear(clear, 1) is None


UNCLEAR = [
    said(lengths=[b"5", b"5"]),
    said(lengths=[b"5, 5"]),
    said(lengths=[b""]),
    said(lengths=[b"+5"]),
    said(lengths=[b"-0"]),
    said(lengths=[b"0x5"]),
    said(lengths=[b"5 5"]),
    said(lengths=[b"\xd9\xa5"]),
    said(lengths=[b"9" * 19]),
    said(lengths=[b"5"], codings=[b"chunked"]),
    said(codings=[b"gzip"]),
    said(codings=[b"gzip, chunked"]),
    said(codings=[b"chunked, chunked"]),
    said(codings=[b"chunked", b"chunked"]),
    said(codings=[b"chunked;q=1"]),
    said(codings=[b"identity"]),
    said(codings=[b""]),
]


@pytest.mark.parametrize("told", UNCLEAR)
def test_any_other_framing_is_unclear(told: Said) -> None:
    assert unclear(told, 1)


def test_a_coding_is_unclear_in_http_1_0() -> None:
    assert unclear(said(codings=[b"chunked"]), 0)


def test_options_are_the_members_of_all_lines_without_empty_ones() -> None:
    assert options([]) == []
    assert options([b""]) == []
    assert options([b"Keep-Alive"]) == [b"keep-alive"]
    assert options([b"close, \tX-A ,, ", b"x-b"]) == [b"close", b"x-a", b"x-b"]


def test_notes_are_the_fields_without_white_space_around() -> None:
    notes = Notes()
    notes.on_header(b"Host", b"a.com \t")
    notes.on_header(b"x_y", b"")
    assert notes.fields == [(b"Host", b"a.com"), (b"x_y", b"")]


def test_a_head_is_parted_into_lines_that_we_write_and_what_is_said_to_us() -> None:
    fields = [(b"X", b"1"), (b"te", b""), (b"Y", b"te: 3"), (b"TE", b"B"), (b"x", b"")]
    lines, said = sift(fields, frozenset({b"te", b"z"}))
    assert lines == b"X: 1\r\nY: te: 3\r\nx: \r\n"
    assert said == {b"te": [b"", b"B"]}
    assert fields_of(lines) == [(b"X", b"1"), (b"Y", b"te: 3"), (b"x", b"")]


@settings(max_examples=200)
@given(st.sets(st.text("ab-", min_size=1, max_size=4).map(str.encode), min_size=1), st.text("aAbB-.", max_size=5))
def test_words_are_found_in_either_case_and_nothing_else_is(words: set[bytes], text: str) -> None:
    assert bool(re.fullmatch(spelled(words), text.encode())) is (text.lower().encode() in words)


def listened(head: bytes) -> Notes:
    """What is noted when llhttp has read the head."""
    notes = Notes()
    httptools.HttpRequestParser(notes).feed_data(head)
    return notes


TOKENS = st.text("!#$%&'*+.^_`|~09AZazXx-", min_size=1, max_size=5).map(str.encode)
VALUES = st.text('aZ09:,; \t\xff\x80"@', max_size=8).map(lambda text: text.encode("latin-1"))
FIELDS = st.lists(st.tuples(TOKENS, st.sampled_from([b"", b" ", b" ", b"\t  "]), VALUES), max_size=6)


@settings(max_examples=300)
@given(FIELDS)
def test_lines_that_are_taken_as_they_are_are_what_llhttp_calls_out_written_by_us(
    fields: list[tuple[bytes, bytes, bytes]],
) -> None:
    lines = b"".join(b"%b:%b%b\r\n" % field for field in fields)
    notes = listened(b"GET / HTTP/1.1\r\n%b\r\n" % lines)
    assert (notes.target, notes.is_whole) == (b"/", True)
    names = {name.lower() for name, _ in notes.fields}
    is_ours = not any(b"_" in name for name in names) and all(value for _, value in notes.fields)
    written = sift(notes.fields, frozenset())[0]
    assert bool(OURS.fullmatch(written + b"\r\n")) is (is_ours and names.isdisjoint({b"te", b"x-a"}))
    if OURS.fullmatch(lines + b"\r\n"):
        assert lines == written


@pytest.mark.parametrize("line", [b"X : y", b"X@: y", b"a@X: y", b"X\xff: y", b"nothing", b": y", b"a\0: y", b"X: \0"])
def test_whoever_listens_llhttp_refuses_what_is_no_field(line: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a.com\r\n%b\r\n\r\n" % line
    for listener in (JUDGE, Notes()):
        with pytest.raises(httptools.HttpParserError):
            httptools.HttpRequestParser(listener).feed_data(head)
