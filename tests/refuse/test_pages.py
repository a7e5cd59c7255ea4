"""The HTTP door says no in one complete response that nothing a client sent can bend."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from starship.errors import BadPages
from starship.interfaces import IRefuser
from starship.reasons import Reason
from starship.refuse.colour import READABLE, Colour, contrast
from starship.refuse.pages import PageRefuser, load_pages
from starship.words import Manner, Refusal
from tests.fakes import arrival

CODES = [None, 400, 403, 404, 408, 413, 414, 421, 431, 500, 502, 503, 504, 505]
SILENT = {Reason.OK, Reason.BAD_PREFACE, Reason.PREFACE_TIMEOUT, Reason.CLIENT_GONE, Reason.IDLE, Reason.LIFETIME}
SPOKEN = [reason for reason in Reason if reason not in SILENT | {Reason.REDIRECTED}]


def pages(**changed: Any) -> PageRefuser:
    settings: dict[str, Any] = {
        "brand": "Starship",
        "colour": "#4f46e5",
        "logo": None,
        "support": "mailto:help@a.example",
        "templates": None,
        "retry_after": 10.0,
        "wall_clock": lambda: 784111777.9,
    }
    return load_pages(**{**settings, **changed})


PAGES = pages()


def parse(data: bytes, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body as h11 reads them; asserts that one response is there and no byte more."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "a.com")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    response = client.next_event()
    assert isinstance(response, h11.Response)
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert client.trailing_data == (b"", False)
    headers = [(name.decode(), value.decode()) for name, value in response.headers]
    assert len(dict(headers)) == len(headers), "a header came twice"
    return response.status_code, dict(headers), body


def ask(refusal: Refusal, refuser: PageRefuser = PAGES) -> tuple[int, dict[str, str], bytes]:
    farewell = refuser.farewell(refusal, arrival())
    status, headers, body = parse(farewell.data)
    assert status == farewell.status
    return status, headers, body


def page(refusal: Refusal, refuser: PageRefuser = PAGES) -> str:
    return ask(refusal, refuser)[2].decode("utf-8")


def test_it_is_a_refuser() -> None:
    assert verifyObject(IRefuser, PAGES)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("reason", SPOKEN)
def test_every_reason_at_every_status_is_one_complete_response(reason: Reason, code: int | None) -> None:
    for json_wanted in (False, True):
        manner = Manner(json=json_wanted)
        status, headers, body = ask(Refusal(reason=reason, code=code, name="a.com", manner=manner))
        assert status == (code or reason.row.status)
        assert headers["connection"] == "close"
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-length"] == str(len(body))
        assert headers["x-request-id"] == arrival().id
        assert headers["date"] == "Sun, 06 Nov 1994 08:49:37 GMT"
        assert ("retry-after" in headers) == (status == 503)
        assert len(body) < 6 * 1024


@pytest.mark.parametrize("reason", sorted(SILENT))
def test_who_is_gone_or_was_carried_already_gets_no_bytes(reason: Reason) -> None:
    farewell = PAGES.farewell(Refusal(reason=reason), arrival())
    assert (farewell.data, farewell.status) == (b"", reason.row.logged)


def test_s9_a_miss_is_a_branded_404_that_says_app_not_found() -> None:
    status, headers, body = ask(Refusal(reason=Reason.UNKNOWN_NAME, name="xn--bcher-kva.example"), pages(brand="Orbit"))
    text = body.decode()
    assert status == 404
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "App not found" in text
    assert "Orbit" in text
    assert "xn--bcher-kva.example" in text
    assert "unknown_name" in text
    assert arrival().id in text
    assert "mailto:help@a.example" in text


def test_a_hello_that_never_came_is_a_408() -> None:
    assert ask(Refusal(reason=Reason.HELLO_TIMEOUT))[0] == 408


def moved(method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    manner = Manner(bodyless=method == "HEAD")
    refusal = Refusal(reason=Reason.REDIRECTED, name="a.com", location="https://a.com/x?y=1", manner=manner)
    return parse(PAGES.farewell(refusal, arrival()).data, method)


def test_a_redirect_is_a_308_with_a_location_and_one_line_of_text() -> None:
    status, headers, body = moved()
    assert (status, headers["location"], body) == (308, "https://a.com/x?y=1", b"This site is served over https.\n")
    assert headers["cache-control"] == "no-store"
    assert headers["connection"] == "close"
    assert headers["x-request-id"] == arrival().id


def test_a_redirect_of_a_head_request_has_the_same_head_and_no_body() -> None:
    assert moved("HEAD") == (*moved()[:2], b"")


def test_a_redirect_that_leads_nowhere_is_a_plain_close() -> None:
    farewell = PAGES.farewell(Refusal(reason=Reason.REDIRECTED), arrival())
    assert (farewell.data, farewell.status) == (b"", 308)


@pytest.mark.parametrize("code", [112, 200, 302, 495, 499, 999])
def test_a_code_that_is_no_http_error_never_reaches_the_wire(code: int) -> None:
    assert ask(Refusal(reason=Reason.UNKNOWN_NAME, code=code))[0] == 404


def test_a_page_fetches_nothing_and_runs_nothing() -> None:
    _, headers, body = ask(Refusal(reason=Reason.LOOKUP_TIMEOUT, name="a.com"), pages(support="https://a.example/"))
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert b"<script" not in body
    assert b"url(" not in body
    assert b"@import" not in body
    assert re.findall(rb'(?:src|href)="([^"]*)"', body) == [b"https://a.example/"]


def test_the_page_is_made_for_light_and_dark_and_small_screens() -> None:
    text = page(Refusal(reason=Reason.UNKNOWN_NAME))
    assert "@media (prefers-color-scheme:dark)" in text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text


@pytest.mark.parametrize("colour", ["#fde047", "#111", "#4f46e5", "#fff", "#808080"])
def test_the_accent_is_readable_on_the_page_in_light_and_dark(colour: str) -> None:
    text = page(Refusal(reason=Reason.UNKNOWN_NAME), pages(colour=colour))
    found = [dict(re.findall(r"--(\w+):(#\w+)", rule)) for rule in re.findall(r":root\{([^}]*)\}", text)]
    assert len(found) == 2
    for style in found:
        shades = {name: Colour.parse(value) for name, value in style.items()}
        for ground in ("paper", "card"):
            for front in ("accent", "ink", "soft"):
                assert contrast(shades[front], shades[ground]) >= READABLE, (front, ground)
        assert contrast(shades["on"], shades["accent"]) >= READABLE


def test_a_head_request_gets_the_headers_of_the_page_and_no_body() -> None:
    refusal = Refusal(reason=Reason.UNKNOWN_NAME, name="a.com")
    whole = PAGES.farewell(refusal, arrival()).data
    short = PAGES.farewell(Refusal(reason=refusal.reason, name="a.com", manner=Manner(bodyless=True)), arrival()).data
    assert whole.startswith(short)
    assert parse(short, "HEAD")[1] == parse(whole)[1]


def test_who_asks_for_json_gets_the_same_facts_as_json() -> None:
    _, headers, body = ask(Refusal(reason=Reason.LOOKUP_5XX, name="a.com", manner=Manner(json=True)))
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {
        "error": "lookup_5xx",
        "status": 503,
        "title": "This site cannot be found right now",
        "detail": "The directory of sites is failing.",
        "host": "a.com",
        "request_id": arrival().id,
    }


def test_json_says_null_where_no_host_was_named() -> None:
    assert json.loads(ask(Refusal(reason=Reason.NO_NAME, manner=Manner(json=True)))[2])["host"] is None


@pytest.mark.parametrize(
    ("wish", "header"),
    [(None, "10"), (0.0, "1"), (0.2, "1"), (7.1, "8"), (-5.0, "10"), (float("nan"), "10"), (float("inf"), "86400")],
)
def test_retry_after_is_whole_seconds_within_a_day_whatever_the_api_wished(wish: float | None, header: str) -> None:
    assert ask(Refusal(reason=Reason.LOOKUP_BUSY, retry_after=wish))[1]["retry-after"] == header


SPITEFUL = ["<script>", "</p>", '"', "'", "&", "\r\n", "\r\nX: y", "$host", "${brand}", "\x00", "\udc80", "\u202e"]
HOSTILE = st.one_of(st.text(max_size=400), st.lists(st.sampled_from(SPITEFUL)).map("".join))


@given(name=HOSTILE)
def test_l14_no_byte_of_a_hostile_host_appears_unescaped(name: str) -> None:
    text = page(Refusal(reason=Reason.BAD_NAME, name=name))
    shown = re.search(r'<p class="host">(.*?)</p>', text)
    assert shown is not None
    assert re.fullmatch(r"(?:[!#-%(-;=?-~\N{REPLACEMENT CHARACTER}]|&(?:amp|lt|gt|quot|#x27);)*", shown[1])
    assert text.replace(shown[0], "") == page(Refusal(reason=Reason.BAD_NAME)).replace('<p class="host"></p>', "")
    _, _, body = ask(Refusal(reason=Reason.BAD_NAME, name=name, manner=Manner(json=True)))
    assert not set(body) & set(b"<>&\r\x00")
    assert len(json.loads(body)["host"] or "") <= 253


@given(name=st.text(min_size=254, max_size=5000))
def test_what_is_shown_is_bounded(name: str) -> None:
    assert len(PAGES.farewell(Refusal(reason=Reason.BAD_NAME, name=name), arrival()).data) < 8 * 1024


def test_an_operators_templates_replace_ours_by_status(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text("<h1>$brand: $title</h1>$host $request_id $reason")
    refuser = pages(templates=tmp_path, brand="A & B")
    assert page(Refusal(reason=Reason.UNKNOWN_NAME, name="<x>"), refuser) == (
        f"<h1>A &amp; B: App not found</h1>&lt;x&gt; {arrival().id} unknown_name"
    )
    assert "<!doctype html>" in page(Refusal(reason=Reason.LOOKUP_BUSY), refuser)
    (tmp_path / "page.html").write_text("$status in $retry_after s")
    assert page(Refusal(reason=Reason.LOOKUP_BUSY), pages(templates=tmp_path)) == "503 in 10 s"
    (tmp_path / "404.html").unlink()
    assert page(Refusal(reason=Reason.UNKNOWN_NAME), refuser).startswith("<h1>"), "templates are read once"


def test_every_mistake_of_the_section_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text("$hots")
    with pytest.raises(BadPages) as caught:
        pages(colour="red", logo=tmp_path / "no.png", support="javascript:1", templates=tmp_path)
    colour, logo, support, template = caught.value.mistakes
    assert colour.startswith("colour: ")
    assert "no.png" in logo
    assert support.startswith("support: ")
    assert "404.html: line 1: unknown placeholder $hots" in template


def test_a_page_that_would_not_fit_the_buffer_of_a_client_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"x" * 30000)
    (tmp_path / "502.html").write_text("$logo" * 3)
    with pytest.raises(BadPages, match="larger than 61440"):
        pages(logo=tmp_path / "logo.png", templates=tmp_path)


def test_a_logo_is_inside_the_page(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<svg/>")
    text = page(Refusal(reason=Reason.UNKNOWN_NAME), pages(logo=tmp_path / "logo.svg"))
    assert '<img class="logo" alt="" src="data:image/svg+xml;base64,PHN2Zy8+">' in text


def test_scanners_make_nothing_grow() -> None:
    refuser = pages()
    for number in range(1000):
        refuser.farewell(Refusal(reason=Reason.UNKNOWN_NAME, name=f"{number}.example", code=number), arrival(number))
    first = refuser.farewell(Refusal(reason=Reason.UNKNOWN_NAME, name="a.com"), arrival())
    assert first == refuser.farewell(Refusal(reason=Reason.UNKNOWN_NAME, name="a.com"), arrival())
    assert len(refuser._sheets) < 50
