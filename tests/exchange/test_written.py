"""What is written is one clear message, with nothing in it that was not understood (K5, K6, K7, L12)."""

from __future__ import annotations

import h11
import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.exchange.forwarded import Forwarding, Told
from starship.exchange.response import ResponseReader
from starship.exchange.written import chunk, goes_until_close, is_chunked, last_chunk, request_head, response_head
from starship.sniff.http import HttpSniffer
from starship.words import Field, Hello, Request, Response
from tests.fakes import arrival
from tests.sniff.making import hello_of


def request(*fields: str, line: str = "GET / HTTP/1.1", host: str = "Host: a.com") -> Request:
    raw = "\r\n".join([line, *([host] if host else []), *fields, "", ""]).encode("latin-1")
    found = hello_of(HttpSniffer(32768, is_kept=True).feed(raw)).request
    assert found is not None
    return found


def response(*fields: str, status: str = "200 OK", method: bytes = b"GET", version: str = "1.1") -> Response:
    raw = "\r\n".join([f"HTTP/{version} {status}", *fields, "", ""]).encode("latin-1")
    found = ResponseReader(method, 32768, upgrading=True).feed(raw)
    assert isinstance(found, Response), found
    return found


def lines(head: bytes) -> list[str]:
    """The lines of a head without the empty one."""
    assert head.endswith(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n")[:-2]


# Requests


def test_a_request_is_written_anew() -> None:
    found = request("b: 2", "ACCEPT:\t*/* ", "b: 1", line="PUT /x?y HTTP/1.1")
    assert lines(request_head(found)) == ["PUT /x?y HTTP/1.1", "Host: a.com", "b: 2", "ACCEPT: */*", "b: 1"]


def test_an_upstream_is_spoken_to_in_http_1_1_with_the_host_as_it_was_sent() -> None:
    """K6."""
    assert lines(request_head(request(line="GET / HTTP/1.0", host="hOST: A.com:8080"))) == [
        "GET / HTTP/1.1",
        "Host: A.com:8080",
    ]
    assert lines(request_head(request(line="GET / HTTP/1.0", host=""))) == ["GET / HTTP/1.1", "Host: "]


TARGETS = [
    ("GET http://a.com/b?c HTTP/1.1", "GET /b?c HTTP/1.1"),
    ("GET HTTP://A.com HTTP/1.1", "GET / HTTP/1.1"),
    ("GET http://a.com?b/c HTTP/1.1", "GET /?b/c HTTP/1.1"),
    ("GET http://a.com/b?http://c?d HTTP/1.1", "GET /b?http://c?d HTTP/1.1"),
    ("OPTIONS http://a.com HTTP/1.1", "OPTIONS * HTTP/1.1"),
    ("OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1"),
    ("GET //b/../c%00?d HTTP/1.1", "GET //b/../c%00?d HTTP/1.1"),
]


@pytest.mark.parametrize(("line", "written"), TARGETS)
def test_an_absolute_target_becomes_an_origin_and_any_other_stays(line: str, written: str) -> None:
    """RFC 9112 sections 3.2.2 and 3.2.4."""
    assert lines(request_head(request(line=line))) == [written, "Host: a.com"]


REWRITES = [
    ("/app/x?y", ("/app", ""), "/x?y"),
    ("/app", ("/app", "/"), "/"),
    ("/app?y", ("/app", "/"), "/?y"),
    ("/app/x", ("/app", "/v2"), "/v2/x"),
    ("/x", ("", "/app"), "/app/x"),
    ("http://a.com/app/x?y", ("/app", ""), "/x?y"),
    ("http://a.com?y", ("/", "/app"), "/app?y"),
    ("/other", ("/app", "/"), "/other"),
]


@pytest.mark.parametrize(("target", "rewrite", "written"), REWRITES)
def test_a_rewrite_changes_the_beginning_of_the_path(target: str, rewrite: tuple[str, str], written: str) -> None:
    """K5."""
    assert lines(request_head(request(line=f"GET {target} HTTP/1.1"), rewrite=rewrite))[0] == f"GET {written} HTTP/1.1"


HOPS = [
    ["Connection: keep-alive", "Keep-Alive: timeout=5"],
    ["Proxy-Connection: keep-alive"],
    ["Proxy-Authorization: Basic eDp5"],
    ["Proxy: http://evil.com"],
    ["proxy: x", "PROXY: y"],
    ["Connection: X-Secret, close", "X-Secret: 1", "x-secret: 2"],
    ["Connection: Host, Content-Length"],
    ["TE: gzip", "Connection: TE"],
    ["Upgrade: websocket"],
    ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"],
    ["Proxy_Authorization: x"],
    ["Content_Length: 5", "Transfer_Encoding: chunked"],
]


@pytest.mark.parametrize("fields", HOPS)
def test_what_is_for_us_alone_is_not_passed_on(fields: list[str]) -> None:
    """K6; RFC 9110 section 7.6.1."""
    assert lines(request_head(request("A: 1", *fields, "Z: 2"))) == ["GET / HTTP/1.1", "Host: a.com", "A: 1", "Z: 2"]


def test_the_framing_is_written_from_what_was_understood() -> None:
    """L12."""
    assert lines(request_head(request("content-length: 0007", line="POST / HTTP/1.1")))[2:] == ["Content-Length: 7"]
    chunked = request("transfer-encoding: CHUNKED", "Trailer: x", line="POST / HTTP/1.1")
    assert lines(request_head(chunked))[2:] == ["Trailer: x", "Transfer-Encoding: chunked"]


def test_trailers_are_taken_where_the_client_takes_them() -> None:
    found = request("TE: gzip;q=0.5, Trailers", "Connection: te")
    assert lines(request_head(found))[2:] == ["Connection: TE", "TE: trailers"]


def test_an_upgrade_is_offered_to_the_upstream() -> None:
    """K7."""
    found = request("Upgrade: websocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Key: x")
    assert lines(request_head(found))[2:] == ["Sec-WebSocket-Key: x", "Connection: Upgrade", "Upgrade: websocket"]
    assert lines(request_head(found, close=True))[3:] == ["Connection: Upgrade, close", "Upgrade: websocket"]


def test_a_connection_that_is_not_used_again_is_said_to_close() -> None:
    assert lines(request_head(request("Connection: keep-alive"), close=True))[2:] == ["Connection: close"]


def test_an_expectation_is_passed_on_but_not_from_http_1_0() -> None:
    """RFC 9110 section 10.1.1."""
    assert lines(request_head(request("Expect: 100-continue")))[2:] == ["Expect: 100-continue"]
    assert lines(request_head(request("Expect: 100-continue", line="GET / HTTP/1.0")))[2:] == []


def test_what_is_told_of_the_client_takes_the_place_of_what_it_claims() -> None:
    """K6: spoofed fields go, in any spelling that an upstream may take for the same."""
    claims = ("X-Forwarded-For: 1", "x_forwarded_for: 1", "X-REAL-IP: 1", "Forwarded: for=1", "X-Forwarded-Host: b.com",
              "X-Forwarded_Proto: https", "X-Request-Id: theirs")  # fmt: skip
    found = request(*claims, "A_b: 1")
    told = Forwarding().introduce(arrival()).of(found, "our-id")
    said = lines(request_head(found, told))
    assert said[:3] == ["GET / HTTP/1.1", "Host: a.com", "A_b: 1"]
    assert said[3:] == lines(told.lines + b"\r\n")


# Responses


def test_a_response_is_written_anew() -> None:
    found = response("server: x", "Set-Cookie: a=1", "Set-Cookie: b=2", "content-length: 05", status="404  no\xfc")
    assert lines(response_head(found, 1, close=False)) == [
        "HTTP/1.1 404  no\xfc",
        "server: x",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
        "Content-Length: 5",
    ]


@pytest.mark.parametrize(
    "fields",
    [
        ["Connection: keep-alive", "Keep-Alive: timeout=5"],
        ["Connection: X-Secret", "X-Secret: 1"],
        ["Proxy-Connection: close"],
        ["Proxy-Authenticate: Basic"],
        ["Upgrade: h2,h2c", "Connection: Upgrade"],
        ["Connection: close"],
    ],
)
def test_what_an_upstream_says_to_us_alone_is_not_passed_on(fields: list[str]) -> None:
    assert lines(response_head(response("Content-Length: 0", *fields), 1, close=False))[1:] == ["Content-Length: 0"]


FRAMED = [
    ("a length", response("Content-Length: 5"), ["Content-Length: 5"], ["Content-Length: 5", "Connection: keep-alive"]),
    ("chunks", response("Transfer-Encoding: chunked"), ["Transfer-Encoding: chunked"], ["Connection: close"]),
    ("until close", response(), ["Connection: close"], ["Connection: close"]),
    ("HEAD", response("Content-Length: 5", method=b"HEAD"), ["Content-Length: 5"],
     ["Content-Length: 5", "Connection: keep-alive"]),
    ("HEAD with chunks", response("Transfer-Encoding: chunked", method=b"HEAD"), [], ["Connection: keep-alive"]),
    ("204", response("Content-Length: 0", status="204 -"), [], ["Connection: keep-alive"]),
    ("304", response("Content-Length: 9", status="304 -"), ["Content-Length: 9"],
     ["Content-Length: 9", "Connection: keep-alive"]),
]  # fmt: skip


@pytest.mark.parametrize(("found", "new", "old"), [case[1:] for case in FRAMED], ids=[case[0] for case in FRAMED])
def test_a_body_ends_for_each_client_as_its_version_can_tell(found: Response, new: list[str], old: list[str]) -> None:
    assert lines(response_head(found, 1, close=False))[1:] == new
    assert lines(response_head(found, 0, close=False))[1:] == old
    assert is_chunked(found, 1) is ("Transfer-Encoding: chunked" in new)
    assert not is_chunked(found, 0)
    assert [goes_until_close(found, minor) for minor in (1, 0)] == ["Connection: close" in said for said in (new, old)]


@pytest.mark.parametrize("minor", [0, 1])
def test_the_last_response_of_a_connection_says_so(minor: int) -> None:
    found = response("Content-Length: 0")
    assert lines(response_head(found, minor, close=True))[1:] == ["Content-Length: 0", "Connection: close"]


def test_an_interim_response_says_nothing_of_the_connection() -> None:
    found = response("Link: </a>", "Content-Length: 0", status="103 Early Hints")
    assert lines(response_head(found, 1, close=True)) == ["HTTP/1.1 103 Early Hints", "Link: </a>"]


def test_a_switch_of_protocols_is_passed_on() -> None:
    """K7."""
    found = response("Connection: Upgrade", "upgrade: websocket", "Sec-WebSocket-Accept: x", status="101 -")
    assert lines(response_head(found, 1, close=True)) == [
        "HTTP/1.1 101 -",
        "Sec-WebSocket-Accept: x",
        "Connection: Upgrade",
        "Upgrade: websocket",
    ]


def test_a_client_that_must_upgrade_is_told_to_what() -> None:
    """RFC 9110 section 15.5.22."""
    found = response("Upgrade: websocket", "Content-Length: 0", status="426 -")
    assert lines(response_head(found, 1, close=False))[2:] == ["Connection: Upgrade", "Upgrade: websocket"]
    assert lines(response_head(found, 1, close=True))[2:] == ["Connection: Upgrade, close", "Upgrade: websocket"]
    assert lines(response_head(found, 0, close=False))[2:] == ["Connection: keep-alive"]


def test_whole_lines_can_be_added_to_a_response() -> None:
    head = response_head(response("Content-Length: 0"), 1, close=False, added=b"Via: 1.1 starship\r\n")
    assert lines(head)[-1] == "Via: 1.1 starship"


def test_no_octets_are_no_chunk() -> None:
    assert chunk(b"") == b""
    assert chunk(b"x" * 31) == b"1f\r\n" + b"x" * 31 + b"\r\n"
    assert last_chunk([(b"A", b"1")]) == b"0\r\nA: 1\r\n\r\n"


# What others read in it

TOKEN = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=12).map(str.encode)
VALUE = st.lists(st.integers(0x20, 0xFF).filter(lambda byte: byte != 0x7F), max_size=12).map(bytes)
FIELDS = st.lists(st.tuples(TOKEN, VALUE.map(bytes.strip)), max_size=6)
HOSTS = st.sampled_from([b"a.com", b"A.com:8080"])


class Seen:
    """What llhttp says of a message."""

    def __init__(self) -> None:
        self.target = self.reason = self.body = b""
        self.fields: list[Field] = []
        self.is_over = False

    def on_url(self, piece: bytes) -> None:
        self.target += piece

    def on_status(self, piece: bytes) -> None:
        self.reason += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value.strip()))

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.is_over = True


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "OPTIONS"]), st.sampled_from([b"/", b"/a?b", b"http://a.com/x"]), FIELDS,
    st.sampled_from([b"", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n"]), st.integers(0, 1),
)  # fmt: skip
def test_llhttp_and_h11_read_the_request_that_we_read(
    method: str, target: bytes, fields: list[Field], framing: bytes, minor: int
) -> None:
    """L12: one message for all, and nothing left over."""
    raw = b"%b %b HTTP/1.%d\r\nHost: a.com\r\n%b" % (method.encode(), target, minor, framing)
    raw += b"".join(b"%b: %b\r\n" % one for one in fields) + b"\r\n"
    verdict = HttpSniffer(32768, is_kept=True).feed(raw)
    if not isinstance(verdict, Hello):
        return
    found = verdict.request
    assert found is not None
    body = chunk(b"abc") + last_chunk() if found.chunked else b"abc"[: found.length or 0]
    head = request_head(found, Told(b"X-Told: 1\r\n", frozenset({b"host", b"content-length", b"transfer-encoding"})))

    seen, other = Seen(), h11.Connection(h11.SERVER)
    parser = httptools.HttpRequestParser(seen)
    parser.feed_data(head + body)
    other.receive_data(head + body)
    event = other.next_event()
    assert isinstance(event, h11.Request)
    assert parser.get_method() == event.method == method.encode()
    assert seen.target == event.target
    assert seen.target.startswith(b"/")
    assert seen.fields == list(event.headers)
    assert seen.is_over
    data = b""
    while isinstance(piece := other.next_event(), h11.Data):
        data += piece.data
    assert isinstance(piece, h11.EndOfMessage)
    assert data == seen.body == (b"abc" if found.chunked else body)
    assert other.trailing_data == (b"", False)
    again = HttpSniffer(32768, is_kept=True).feed(head)
    assert hello_of(again).request is not None


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([200, 204, 304, 404, 999]), VALUE, FIELDS,
       st.sampled_from([b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n"]))  # fmt: skip
def test_llhttp_and_h11_read_the_response_that_we_read(
    status: int, reason: bytes, fields: list[Field], framing: bytes
) -> None:
    raw = b"HTTP/1.1 %d %b\r\n%b" % (status, reason, framing) + b"".join(b"%b: %b\r\n" % one for one in fields)
    found = ResponseReader(b"GET", 32768).feed(raw + b"\r\n")
    if not isinstance(found, Response):
        return
    body = b"" if found.bodyless else chunk(b"abc") + last_chunk() if found.chunked else b"abc"
    head = response_head(found, 1, close=False)

    seen, other = Seen(), h11.Connection(h11.CLIENT)
    parser = httptools.HttpResponseParser(seen)
    parser.feed_data(head + body)
    other.send(h11.Request(method="GET", target="/", headers=[("Host", "a.com")]))
    other.send(h11.EndOfMessage())
    other.receive_data(head + body)
    event = other.next_event()
    assert isinstance(event, h11.Response)
    assert parser.get_status_code() == event.status_code == status
    assert seen.reason == event.reason == reason
    assert seen.fields == list(event.headers)
    assert seen.is_over
    data = b""
    while isinstance(piece := other.next_event(), h11.Data):
        data += piece.data
    assert isinstance(piece, h11.EndOfMessage)
    assert data == seen.body == (b"" if found.bodyless else b"abc")
    assert isinstance(ResponseReader(b"GET", 32768).feed(head), Response)
