"""What a whole request head asks for: names, targets, framing, and the manner of a refusal (L8, L12, L15)."""

from __future__ import annotations

import pytest
from attrs import evolve

from starship.reasons import Reason
from starship.sniff.head import read_head
from starship.sniff.http import HttpSniffer
from starship.words import Hello, Request, Verdict
from tests.sniff.making import hello_of, refusal_of, steady


def head(*fields: str, request: str = "GET / HTTP/1.1") -> bytes:
    return "\r\n".join([request, *fields, "", ""]).encode("latin-1")


def read(raw: bytes) -> Verdict:
    """The verdict on the head, seen to be the same through the sniffer and byte by byte."""
    verdict = steady(lambda: HttpSniffer(32768), raw)
    kept = steady(lambda: HttpSniffer(32768, is_kept=True), raw)
    assert (evolve(kept, request=None) if isinstance(kept, Hello) else kept) == verdict
    return verdict


def request_of(*fields: str, request: str = "GET / HTTP/1.1") -> Request:
    """The request of a head with `Host: a.com`, kept."""
    found = hello_of(steady(lambda: HttpSniffer(32768, is_kept=True), head("Host: a.com", *fields, request=request)))
    assert found.request is not None
    return found.request


NAMED = [
    ("a host", head("Host: a.com"), "a.com"),
    ("a host in HTTP/1.0", head("Host: a.com", request="GET / HTTP/1.0"), "a.com"),
    ("upper case and a final dot", head("HOST: A.Com."), "a.com"),
    ("a port", head("Host: a.com:8080"), "a.com"),
    ("an empty port", head("Host: a.com:"), "a.com"),
    ("white space around", head("Host: \t a.com \t"), "a.com"),
    ("no white space", head("Host:a.com"), "a.com"),
    ("an underscore", head("Host: a_b.com"), "a_b.com"),
    ("the absolute form", head("Host: a.com", request="GET http://a.com/x HTTP/1.1"), "a.com"),
    ("the absolute form in other case", head("Host: a.com:80", request="GET HTTP://A.com. HTTP/1.1"), "a.com"),
    ("the absolute form with a query", head("Host: a.com", request="GET http://a.com?x@y HTTP/1.1"), "a.com"),
    ("the absolute form alone", head(request="GET http://a.com/ HTTP/1.0"), "a.com"),
    ("the asterisk form", head("Host: a.com", request="OPTIONS * HTTP/1.1"), "a.com"),
    ("a path that looks like a host", head("Host: a.com", request="GET //evil.com/ HTTP/1.1"), "a.com"),
    ("a URL in the query", head("Host: a.com", request="GET /?u=http://evil.com/ HTTP/1.1"), "a.com"),
    ("a body by length", head("Host: a.com", "Content-Length: 5", request="POST / HTTP/1.1"), "a.com"),
    ("a body in chunks", head("Host: a.com", "Transfer-Encoding: Chunked", request="POST / HTTP/1.1"), "a.com"),
    ("a websocket", head("Host: a.com", "Connection: Upgrade", "Upgrade: websocket"), "a.com"),
    ("an offer of h2c", head("Host: a.com", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"), "a.com"),
    ("octets over 127 in a value", head("Host: a.com", "X: \xff"), "a.com"),
    ("HTTP/1.0 without a host", head(request="GET / HTTP/1.0"), None),
    ("an empty host", head("Host:"), None),
    ("a host of white space", head("Host:  \t "), None),
]


@pytest.mark.parametrize(("raw", "name"), [case[1:] for case in NAMED], ids=[case[0] for case in NAMED])
def test_a_clear_request_names_its_host(raw: bytes, name: str | None) -> None:
    """S2, L8, L15; SEMANTICS 4."""
    found = hello_of(read(raw))
    assert (found.name, found.consumed) == (name, len(raw))


UNCLEAR = [
    ("no host", head("Accept: */*")),
    ("no field at all", head()),
    ("the absolute form without a host", head(request="GET http://a.com/ HTTP/1.1")),
    ("two hosts", head("Host: a.com", "Host: b.com")),
    ("two equal hosts", head("Host: a.com", "X: y", "host: a.com")),
    ("two hosts in HTTP/1.0", head("Host: a.com", "Host: b.com", request="GET / HTTP/1.0")),
    ("a host and an empty one", head("Host: a.com", "Host:")),
    ("user information", head("Host: user@a.com")),
    ("user information in the target", head("Host: a.com", request="GET http://a.com@evil.com/ HTTP/1.1")),
    ("user information in the target alone", head(request="GET http://u:p@a.com/ HTTP/1.0")),
    ("a port of letters", head("Host: a.com:http")),
    ("a port of 0", head("Host: a.com:0")),
    ("a port too great", head("Host: a.com:65536")),
    ("a port too long", head("Host: a.com:000080")),
    ("two ports", head("Host: a.com:80:80")),
    ("another host in the target", head("Host: a.com", request="GET http://b.com/ HTTP/1.1")),
    ("another port in the target", head("Host: a.com", request="GET http://a.com:81/ HTTP/1.1")),
    ("a target host that is none", head("Host: a.com", request="GET http://[::1]/ HTTP/1.1")),
    ("a target without a host", head("Host: a.com", request="GET http:///x HTTP/1.1")),
    ("a target of https", head("Host: a.com", request="GET https://a.com/ HTTP/1.1")),
    ("a target of another scheme", head("Host: a.com", request="GET ftp://a.com/ HTTP/1.1")),
    ("a fragment", head("Host: a.com", request="GET /a#b HTTP/1.1")),
    ("a fragment in the authority", head("Host: a.com", request="GET http://a.com#b HTTP/1.1")),
    ("a bare name as target", head("Host: a.com", request="GET a.com HTTP/1.1")),
    ("the asterisk with GET", head("Host: a.com", request="GET * HTTP/1.1")),
    ("CONNECT", head("Host: a.com:443", request="CONNECT a.com:443 HTTP/1.1")),
    ("a space before the colon", head("Host : a.com")),
    ("a tab before the colon", head("Host\t: a.com")),
    ("no colon", head("Host: a.com", "nonsense")),
    ("no name", head("Host: a.com", ": x")),
    ("a name with a bracket", head("Host: a.com", "X(: y")),
    ("length and chunks", head("Host: a.com", "Content-Length: 5", "Transfer-Encoding: chunked")),
    ("chunks and length", head("Host: a.com", "Transfer-Encoding: chunked", "Content-Length: 5")),
    ("two lengths", head("Host: a.com", "Content-Length: 5", "Content-Length: 6")),
    ("two equal lengths", head("Host: a.com", "Content-Length: 5", "Content-Length: 5")),
    ("a list of lengths", head("Host: a.com", "Content-Length: 5, 5")),
    ("a length with a sign", head("Host: a.com", "Content-Length: +5")),
    ("a length below zero", head("Host: a.com", "Content-Length: -1")),
    ("a length in hexadecimal", head("Host: a.com", "Content-Length: 0x5")),
    ("an empty length", head("Host: a.com", "Content-Length:")),
    ("a length too great", head("Host: a.com", "Content-Length: 99999999999999999999")),
    ("an unknown coding", head("Host: a.com", "Transfer-Encoding: xchunked", request="POST / HTTP/1.1")),
    ("chunks that do not end", head("Host: a.com", "Transfer-Encoding: chunked, gzip", request="POST / HTTP/1.1")),
    ("identity", head("Host: a.com", "Transfer-Encoding: identity", request="POST / HTTP/1.1")),
    ("two codings", head("Host: a.com", "Transfer-Encoding: gzip, chunked", request="POST / HTTP/1.1")),
    ("chunked twice", head("Host: a.com", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
    ("a quoted coding", head("Host: a.com", 'Transfer-Encoding: "chunked"', request="POST / HTTP/1.1")),
    ("an empty coding", head("Host: a.com", "Transfer-Encoding:", request="POST / HTTP/1.1")),
    ("TRACE with a body", head("Host: a.com", "Content-Length: 5", request="TRACE / HTTP/1.1")),
    ("TRACE with a body in chunks", head("Host: a.com", "Transfer-Encoding: chunked", request="TRACE / HTTP/1.1")),
    ("a coding in HTTP/1.0", head("Host: a.com", "Transfer-Encoding: chunked", request="POST / HTTP/1.0")),
]


@pytest.mark.parametrize("raw", [case[1] for case in UNCLEAR], ids=[case[0] for case in UNCLEAR])
def test_what_two_readers_could_read_in_two_ways_is_refused(raw: bytes) -> None:
    """L12, L15; SEMANTICS 4."""
    refusal = refusal_of(read(raw))
    assert (refusal.reason, refusal.code) == (Reason.BAD_HEAD, None)


def test_connect_is_refused_in_so_many_words() -> None:
    raw = head("Host: a.com:443", request="CONNECT a.com:443 HTTP/1.1")
    assert refusal_of(read(raw)).detail == "CONNECT is not served"


BAD_NAMES = ["192.0.2.1", "192.0.2.1:80", "[::1]", "[::1]:80", "127.1", "a..b", ".a.com", "a.com, b.com", "a.com/x",
             "a.com?x", "a.com#x", "a%2ecom", "a b", "b\xfccher.de", "*.a.com", ":80", "a" * 64 + ".com",
             "a." * 127 + "com", "<script>"]  # fmt: skip


@pytest.mark.parametrize("host", BAD_NAMES)
def test_a_host_that_is_no_hostname_is_a_bad_name_and_shown_escaped(host: str) -> None:
    """L6, L15: the same grammar as the other door's."""
    refusal = refusal_of(read(head(f"Host: {host}")))
    assert refusal.reason is Reason.BAD_NAME
    assert refusal.name is not None
    assert refusal.name.isascii()
    assert refusal.name.isprintable()


def test_a_head_request_is_refused_without_a_body_and_routed_knowing_so() -> None:
    assert hello_of(read(head("Host: a.com", request="HEAD / HTTP/1.1"))).manner.bodyless
    assert refusal_of(read(b"\r\n" * 99 + head(request="HEAD / HTTP/1.1"))).manner.bodyless
    assert not hello_of(read(head("Host: a.com"))).manner.bodyless


@pytest.mark.parametrize(
    ("accepts", "json"), [([], False), (["application/json"], True), (["*/*", "text/json"], False)]
)
def test_a_head_says_whether_it_wants_json(accepts: list[str], json: bool) -> None:
    found = hello_of(read(head("Host: a.com", *(f"Accept: {accept}" for accept in accepts))))
    assert found.manner.json is json
    assert refusal_of(read(head(*(f"Accept: {accept}" for accept in accepts)))).manner.json is json


def test_half_a_head_is_refused_as_well() -> None:
    assert refusal_of(read_head(b"")).reason is Reason.BAD_HEAD
    assert refusal_of(read_head(b"GET / HTTP/1.1\r\nHost: a.com\r\n")).reason is Reason.BAD_HEAD


PATHS = [
    ("GET /a/b?c=/d HTTP/1.1", "/a/b"),
    ("GET / HTTP/1.1", "/"),
    ("GET //a.com/b HTTP/1.1", "//a.com/b"),
    ("GET /a%2fb/../c HTTP/1.1", "/a%2fb/../c"),
    ("GET http://a.com HTTP/1.1", "/"),
    ("GET http://a.com?x HTTP/1.1", "/"),
    ("GET http://a.com/b?x HTTP/1.1", "/b"),
    ("OPTIONS * HTTP/1.1", "*"),
    ("OPTIONS http://a.com HTTP/1.1", "*"),
    ("OPTIONS http://a.com?x HTTP/1.1", "/"),
]


@pytest.mark.parametrize(("request_line", "path"), PATHS)
def test_a_request_has_the_path_of_its_target_as_it_was_sent(request_line: str, path: str) -> None:
    """K5, K9: what path rules see."""
    found = request_of(request=request_line)
    assert (found.path, found.target) == (path, request_line.split()[1].encode())


def test_a_request_knows_where_its_body_ends() -> None:
    assert (request_of().length, request_of().chunked) == (None, False)
    assert request_of("Content-Length: 0").length == 0
    assert request_of("Content-Length: 0012").length == 12
    assert request_of("transfer-encoding: CHUNKED").chunked


CLOSING = [
    ("GET / HTTP/1.1", [], False),
    ("GET / HTTP/1.1", ["Connection: close"], True),
    ("GET / HTTP/1.1", ["Connection: X, Close"], True),
    ("GET / HTTP/1.1", ["Connection: keep-alive", "Connection: close"], True),
    ("GET / HTTP/1.0", [], True),
    ("GET / HTTP/1.0", ["Connection: Keep-Alive"], False),
    ("GET / HTTP/1.0", ["Connection: keep-alive, close"], True),
]


@pytest.mark.parametrize(("line", "fields", "closes"), CLOSING)
def test_a_request_says_whether_another_one_may_follow(line: str, fields: list[str], closes: bool) -> None:
    assert request_of(*fields, request=line).close is closes


UPGRADES = [
    (["Connection: Upgrade", "Upgrade: websocket"], "1.1", b"websocket"),
    (["Connection: keep-alive, upgrade", "Upgrade: a/1", "Upgrade: b"], "1.1", b"a/1, b"),
    (["Upgrade: websocket"], "1.1", None),
    (["Connection: Upgrade"], "1.1", None),
    (["Connection: Upgrade", "Upgrade:"], "1.1", None),
    (["Connection: Upgrade", "Upgrade: websocket"], "1.0", None),
    (["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"], "1.1", None),
    (["Connection: Upgrade", "Upgrade: websocket, H2C"], "1.1", None),
]


@pytest.mark.parametrize(("fields", "version", "offered"), UPGRADES)
def test_an_upgrade_is_one_that_connection_names_too(fields: list[str], version: str, offered: bytes | None) -> None:
    """K7; RFC 9110 section 7.8. h2c would hide later requests from this door."""
    found = request_of(*fields, request=f"GET / HTTP/{version}")
    assert (found.upgrade, found.minor) == (offered, int(version[-1]))


def test_an_expectation_is_one_of_http_1_1() -> None:
    """RFC 9110 section 10.1.1."""
    assert request_of("Expect: 100-Continue").expects
    assert not request_of("Expect: 100-continue", request="POST / HTTP/1.0").expects
    assert not request_of("Expect: gold").expects


def test_the_authority_is_the_host_as_it_was_sent_or_the_target_s() -> None:
    assert request_of().authority == b"a.com"
    alone = hello_of(HttpSniffer(32768, is_kept=True).feed(head(request="GET http://A.com:80/ HTTP/1.0"))).request
    nobody = hello_of(HttpSniffer(32768, is_kept=True).feed(head(request="GET / HTTP/1.0"))).request
    assert alone is not None
    assert nobody is not None
    assert (alone.authority, nobody.authority) == (b"A.com:80", b"")


def test_what_connection_names_ends_here() -> None:
    assert request_of("Connection: close, X-Secret").hops == (b"close", b"x-secret")


def test_the_fields_that_pass_on_are_kept_in_their_order_as_they_are_spelled() -> None:
    assert request_of("b: 2\t", "Connection: close", "A:  1 1", "b:").lines == b"b: 2\r\nA: 1 1\r\nb: \r\n"


PLAIN = [
    (["A: 1", "Connection: keep-alive", "Keep-Alive: 5"], True),
    (["Connection: Upgrade, TE, close", "TE: trailers", "Upgrade: x"], True),
    (["Connection: A", "A: 1"], False),
    (["X-Forwarded-For: 192.0.2.1"], False),
    (["X-Request-Id: theirs"], False),
    (["Proxy_Connection: x"], False),
]


@pytest.mark.parametrize(("fields", "plain"), PLAIN)
def test_a_request_says_whether_a_field_of_it_is_to_be_looked_at_again(fields: list[str], plain: bool) -> None:
    """K6: what may be a claim, under any spelling, and what Connection names."""
    assert request_of(*fields).is_plain is plain


def test_an_expectation_of_http_1_0_is_to_be_looked_at_again() -> None:
    assert request_of("Expect: 100-continue").is_plain
    assert not request_of("Expect: 100-continue", request="GET / HTTP/1.0").is_plain


@pytest.mark.parametrize(
    ("values", "takes"),
    [(["trailers"], True), (["gzip", "deflate, Trailers;q=1"], True), (["gzip"], False), ([], False)],
)
def test_a_request_says_whether_trailers_are_taken(values: list[str], takes: bool) -> None:
    assert request_of(*(f"TE: {value}" for value in values)).trailers is takes
