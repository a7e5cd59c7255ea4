"""One Ending is one line of printable ASCII, in either form, and the docs say the same."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starship.account.lines import (
    APP_LIMIT,
    CUT,
    DETAIL_LIMIT,
    FIELDS,
    FORMS,
    NAME_LIMIT,
    OFFER_LIMIT,
    OFFERS_LIMIT,
    PROXY,
    Form,
    json_line,
    json_line_and_more,
    text_line,
)
from starship.names import Hostname
from starship.words import Address, Ending, Hello, Tlv
from tests import fakes
from tests.account.endings import WALL, carried, silent

DOCS = Path(__file__).parent.parent.parent / "docs" / "access-log.md"
PRINTABLE = re.compile(r"[ -~]+")

CARRIED_TEXT = (
    "2026-11-21T20:31:19.123Z https 192.0.2.7:50000 a.com tls 200 ok carried hit in=517 out=4096 t=0.123456 "
    "hello=0.001000 route=0.000200 dial=0.001500 up=10.0.0.24:443 via=- id=test-1 alpn=h2,http/1.1 ech=0 "
    'app="A Simple App" detail=""'
)
SILENT_TEXT = (
    "2026-11-21T20:31:19.123Z https [2001:db8::7]:50000 - - 408 hello_timeout silent none in=0 out=0 t=10.000000 "
    'hello=- route=- dial=- up=- via=- id=test-1 alpn=- ech=0 app="" detail=""'
)


def hostile(*texts: str) -> Ending:
    """An Ending whose name, app and detail are these, and whose client offered them too."""
    name, app, detail = texts
    offers = tuple(text.encode("utf-8", "surrogatepass")[:255] for text in texts)
    hello = Hello(name=Hostname(name), scheme="tls", consumed=1, alpn=offers)
    return attrs.evolve(carried(), name=name, hello=hello, app=app, detail=detail)


def test_a_text_line_has_its_columns_then_its_pairs() -> None:
    assert text_line(carried(), WALL) == CARRIED_TEXT
    assert text_line(silent(), WALL) == SILENT_TEXT


def test_a_text_line_has_every_field_in_the_order_of_the_list() -> None:
    columns = CARRIED_TEXT.split(" ")[:9]
    pairs = [pair.split("=")[0] for pair in shlex.split(CARRIED_TEXT)[9:]]
    assert (*("time", "door", "client", "name", "scheme", "status", "reason", "mood", "answer"), *pairs) == FIELDS
    assert len(columns) + len(pairs) == len(FIELDS)


def test_a_json_line_has_the_same_fields_with_their_own_types() -> None:
    line = json.loads(json_line(carried(), WALL))
    assert tuple(line) == FIELDS
    assert line == {
        "time": "2026-11-21T20:31:19.123Z",
        "door": "https",
        "client": "192.0.2.7:50000",
        "name": "a.com",
        "scheme": "tls",
        "status": 200,
        "reason": "ok",
        "mood": "carried",
        "answer": "hit",
        "in": 517,
        "out": 4096,
        "t": 0.123456,
        "hello": 0.001,
        "route": 0.0002,
        "dial": 0.0015,
        "up": "10.0.0.24:443",
        "via": None,
        "id": "test-1",
        "alpn": ["h2", "http/1.1"],
        "ech": False,
        "app": "A Simple App",
        "detail": "",
    }


def test_json_says_null_for_what_is_not_known() -> None:
    line = json.loads(json_line(silent(), WALL))
    assert {key for key, value in line.items() if value is None} == {
        *("name", "scheme", "hello", "route", "dial", "up", "via")
    }


BALANCED = attrs.evolve(
    carried(),
    arrival=attrs.evolve(
        fakes.arrival(), via=Address("2001:db8::9", 40000), tlvs=(Tlv(5, b"id-1"), Tlv(0xE4, b"\x7f"))
    ),
)


def test_the_balancer_is_told_beside_the_client() -> None:
    assert " via=[2001:db8::9]:40000 " in text_line(BALANCED, WALL)
    line = json.loads(json_line(BALANCED, WALL))
    assert (line["client"], line["via"]) == ("192.0.2.7:50000", "[2001:db8::9]:40000")
    assert PROXY not in line


def test_what_else_the_header_said_is_told_where_it_is_asked_for() -> None:
    line = json.loads(json_line_and_more(BALANCED, WALL))
    assert line == {**json.loads(json_line(BALANCED, WALL)), PROXY: {"unique_id": "id-1", "0xe4": "7f"}}
    assert json.loads(json_line_and_more(carried(), WALL))[PROXY] is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", '""'),
        ("a b.com", "a\\x20b.com"),
        ("a\x00b\n\r\x1b[31m", "a\\x00b\\n\\r\\x1b[31m"),
        ("\x7f\x85\u2028", "\\x7f\\x85\\u2028"),
        ("é\U0001f680", "\\xe9\\U0001f680"),
        ('a" app="forged', 'a\\"\\x20app=\\"forged'),
        ("a\\nb", "a\\\\nb"),
    ],
)
def test_l18_a_name_is_escaped_in_its_column(name: str, shown: str) -> None:
    assert text_line(attrs.evolve(carried(), name=name), WALL).split(" ")[3] == shown


def test_l18_the_delete_character_is_escaped_in_json_too() -> None:
    line = json_line(attrs.evolve(carried(), name="a\x7fb"), WALL)
    assert "\x7f" not in line
    assert json.loads(line)["name"] == "a\x7fb"


def test_a_comma_in_an_offer_does_not_make_two_of_it() -> None:
    hello = Hello(name=Hostname("a.com"), scheme="tls", consumed=1, alpn=(b"a,b", b"c"))
    assert " alpn=a\\x2cb,c " in text_line(attrs.evolve(carried(), hello=hello), WALL)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_is_too_long_is_cut_and_says_so(form: Form) -> None:
    hello = Hello(name=Hostname("a"), scheme="tls", consumed=1, alpn=(b"o" * 255,) * 100)
    ending = attrs.evolve(hostile("n" * 9999, "p" * 9999, "d" * 9999), hello=hello)
    line = form(ending, WALL)
    for letter, limit in (("n", NAME_LIMIT), ("p", APP_LIMIT), ("d", DETAIL_LIMIT), ("o", OFFER_LIMIT)):
        assert re.search(f"[^{letter}]{letter}{{{limit}}}{re.escape(CUT)}", line)
    assert line.count("o" * OFFER_LIMIT) == OFFERS_LIMIT


@given(st.tuples(st.text(), st.text(), st.text()), st.sampled_from(list(FORMS.values())))
def test_l18_no_text_makes_a_second_line_or_a_raw_control_byte(texts: tuple[str, str, str], form: Form) -> None:
    line = form(hostile(*texts), WALL)
    assert PRINTABLE.fullmatch(line)
    assert len(line) < 8192


@given(st.tuples(st.text(), st.text(), st.text()))
def test_l18_no_text_forges_a_column_or_a_pair(texts: tuple[str, str, str]) -> None:
    line = text_line(hostile(*texts), WALL)
    columns = line.split(" ")
    assert columns[4:10] == ["tls", "200", "ok", "carried", "hit", "in=517"]
    assert re.fullmatch(r'app="(?:[^"\\]|\\.)*" detail="(?:[^"\\]|\\.)*"', " ".join(columns[20:]))


@given(st.text(max_size=APP_LIMIT))
def test_json_gives_back_what_was_put_in(app: str) -> None:
    assert json.loads(json_line(carried(app=app), WALL))["app"] == app


@pytest.mark.parametrize(
    ("wall", "shown"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1.9999, "1970-01-01T00:00:01.999Z"),
        (WALL, "2026-11-21T20:31:19.123Z"),
    ],
)
def test_the_time_is_utc_in_milliseconds(wall: float, shown: str) -> None:
    assert text_line(carried(), wall).startswith(shown + " ")


def test_the_docs_show_the_lines_that_we_write_and_every_field() -> None:
    docs = DOCS.read_text()
    for example in (CARRIED_TEXT, SILENT_TEXT, json_line(carried(), WALL)):
        assert f"\n{example}\n" in docs
    assert tuple(re.findall(r"^\| `(\w+)` \|", docs, re.MULTILINE)) == (*FIELDS, PROXY)
