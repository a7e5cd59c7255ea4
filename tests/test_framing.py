"""What HTTP/1 framing allows, whichever way a message goes (L12; SEMANTICS 4)."""

from __future__ import annotations

import re

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.framing import CODING, LENGTH, PLAIN_LINES, Noted, Notes, fault_of_line, noted, options, unclear

PLAIN = re.compile(PLAIN_LINES)
HEAD = b"Host: a.com\r\nX:\ty\xff \r\n\r\n"

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


def test_a_head_of_plain_lines_is_plain() -> None:
    assert PLAIN.fullmatch(HEAD)


@pytest.mark.parametrize("head", UNPLAIN)
def test_a_head_with_a_line_that_readers_take_differently_is_not_plain(head: bytes) -> None:
    assert not PLAIN.fullmatch(head)


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


def said(**values: list[bytes]) -> Notes:
    return Notes(frozenset(), said={LENGTH: values.get("lengths", []), CODING: values.get("codings", [])})


@pytest.mark.parametrize("notes", [said(), said(lengths=[b"0"]), said(lengths=[b"5"]), said(codings=[b"CHUNKED"])])
def test_one_length_or_chunked_alone_or_nothing_is_clear(notes: Notes) -> None:
    assert unclear(notes, 1) is None


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


@pytest.mark.parametrize("notes", UNCLEAR)
def test_any_other_framing_is_unclear(notes: Notes) -> None:
    assert unclear(notes, 1)


def test_a_coding_is_unclear_in_http_1_0() -> None:
    assert unclear(said(codings=[b"chunked"]), 0)


def test_options_are_the_members_of_all_lines_without_empty_ones() -> None:
    assert options([]) == []
    assert options([b""]) == []
    assert options([b"Keep-Alive"]) == [b"keep-alive"]
    assert options([b"close, \tX-A ,, ", b"x-b"]) == [b"close", b"x-a", b"x-b"]


def test_notes_keep_all_fields_or_only_those_that_decide() -> None:
    for is_kept in (True, False):
        notes = Notes(frozenset({b"host"}), is_kept)
        notes.on_header(b"Host", b"a.com \t")
        notes.on_header(b"X", b"y")
        assert notes.of(b"host") == [b"a.com"]
        assert notes.of(b"x") == []
        assert notes.fields == ([(b"Host", b"a.com"), (b"X", b"y")] if is_kept else [])


def listened(head: bytes, notes: Noted) -> Noted:
    """What is noted when llhttp has read the head."""
    httptools.HttpRequestParser(notes).feed_data(head)
    return notes


DECIDING = frozenset({b"host", b"x"})
TOKENS = st.text("!#$%&'*+.^_`|~09AZazXx-", min_size=1, max_size=5).map(str.encode)
VALUES = st.text('aZ09:,; \t\xff\x80"@', max_size=8).map(lambda text: text.encode("latin-1"))
FIELDS = st.lists(st.tuples(TOKENS, st.sampled_from([b"", b" ", b"\t  "]), VALUES), max_size=6)


@settings(max_examples=300)
@given(FIELDS, st.booleans())
def test_what_is_read_at_one_glance_is_what_llhttp_calls_out(
    fields: list[tuple[bytes, bytes, bytes]], kept: bool
) -> None:
    head = b"GET / HTTP/1.1\r\n%b\r\n" % b"".join(b"%b:%b%b\r\n" % field for field in fields)
    glanced = listened(head, noted(head, DECIDING, is_kept=kept))
    told = listened(head, Notes(DECIDING, kept))
    assert (glanced.fields, glanced.said) == (told.fields, told.said)
    assert (glanced.target, glanced.is_whole) == (told.target, told.is_whole) == (b"/", True)


@pytest.mark.parametrize("line", [b"X : y", b"X@: y", b"a@X: y", b"X\xff: y", b"nothing", b": y"])
def test_a_line_that_is_no_field_is_left_to_llhttp_which_refuses_it(line: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a.com\r\n%b\r\n\r\n" % line
    found = noted(head, DECIDING)
    assert isinstance(found, Notes)
    with pytest.raises(httptools.HttpParserError):
        listened(head, found)
