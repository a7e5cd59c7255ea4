"""The head that nearly all clients send, at one glance (L12)."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.names import Hostname
from starship.sniff.http import HttpSniffer
from starship.sniff.plain import GLANCE, read_plain
from starship.words import Hello, Manner, Request


def head(*fields: str, request: str = "GET / HTTP/1.1") -> bytes:
    return "\r\n".join([request, *fields, "", ""]).encode("latin-1")


def glanced(raw: bytes) -> Hello | None:
    found = GLANCE.match(raw + b"hello")
    return None if found is None else read_plain(found, is_kept=True)


def test_all_is_read_that_a_request_says() -> None:
    fields = ["A: 1", "host: a.com:8080", "B: 2", "Connection: keep-alive", "C: 3", "Content-Length: 05", "D: 4"]
    raw = head(*fields, request="POST /a?b HTTP/1.1")
    request = Request(
        method=b"POST",
        target=b"/a?b",
        path="/a",
        minor=1,
        lines=b"A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n",
        length=5,
        authority=b"a.com:8080",
        hops=(b"keep-alive",),
    )
    found = glanced(raw)
    assert found == Hello(
        name=Hostname("a.com"), scheme="http", consumed=len(raw), manner=Manner(), request=request
    )  # fmt: skip


CLIENTS = {
    "curl": head("Host: a.com", "User-Agent: curl/7.88.1", "Accept: */*"),
    "a browser": head("Host: a.com", "Connection: keep-alive", "Upgrade-Insecure-Requests: 1", "User-Agent: M",
                      "Accept: text/html,*/*;q=0.8", "Accept-Encoding: gzip, deflate", "Cookie: a=b; c=d"),
    "a form": head("Host: a.com", "Connection: keep-alive", "Content-Length: 9", "X: y", request="POST / HTTP/1.1"),
    "fetch": head("host: a.com", "connection: keep-alive", "accept: application/json", "content-length: 2"),
    "a proxy": head("X-Forwarded-For: 192.0.2.1", "Host: a.com", "X-Forwarded-Proto: https"),
}  # fmt: skip


@pytest.mark.parametrize("raw", CLIENTS.values(), ids=CLIENTS)
def test_the_heads_of_usual_clients_are_plain(raw: bytes) -> None:
    found = glanced(raw)
    assert found is not None
    assert found.request is not None
    assert (found.name, found.request.is_plain) == ("a.com", b"X-Forwarded" not in raw)
    assert found.manner.json is (b"application/json" in raw)


CLOSER = [
    head("Host: a.com", "Content-Length: 5", "Content-Length: 5"),
    head("Host: a.com", "Connection: close", "Connection: close"),
    head("Host: a.com", "Host: a.com"),
    head("Host: a.com:65536"),
    head("Host: 192.0.2.1"),
    head("Host: a.com", "Transfer-Encoding: chunked"),
    head("Host: a.com", "Connection: Upgrade", "Upgrade: websocket"),
    head("Host: a.com", "Expect: 100-continue"),
    head("Host: a.com", "A_b: c"),
    head("Host: a.com", "A:b"),
    head("Host: a.com", request="GET / HTTP/1.0"),
    head("Host: a.com", request="PRI / HTTP/1.1"),
    b"\r\n" + head("Host: a.com"),
]


@pytest.mark.parametrize("raw", CLOSER)
def test_what_is_not_just_so_takes_a_closer_look(raw: bytes) -> None:
    assert glanced(raw) is None


HOSTS = ["Host: a.com", "hoST: a.com", "Host: a.com:81", "Host: a.com:0", "Host: a.com:99999", "Host: 127.1", "Host: -"]
NOTABLE = [
    *["Host: b.com", "Accept: application/json", "Accept: */*", "Expect: 100-continue"],
    *["Content-Length: 5", "content-length: 05", "Content-Length: +5", "Transfer-Encoding: chunked", "TE: trailers"],
    *["Transfer-Encoding: x", "Connection: close", "Connection: Keep-Alive, Upgrade, A", "Upgrade: x", "Upgrade: h2c"],
    *["Forwarded: for=x", "X-Forwarded-For: 192.0.2.1", "X-Request-Id: x", "Proxy: x", "Keep-Alive: 5", "A: host: b"],
    *["B: \xff \t y", "X-Host: a", "Hosts: a", "Cookie: a=b; connection: close"],
]
TARGETS = ["/", "/a?b=/c", "//a.com/", "http://a.com/x", "*", "/#a", "a.com:80", "/\xff", "%"]
METHODS = ["GET", "HEAD", "POST", "OPTIONS", "TRACE", "CONNECT", "PATCH", "M-SEARCH", "SOURCE", "FOO", "PRI"]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(METHODS), st.sampled_from(TARGETS), st.sampled_from(["1.1", "1.1", "1.0"]),
       st.sampled_from(HOSTS), st.integers(0, 3), st.lists(st.sampled_from(NOTABLE), max_size=5))  # fmt: skip
def test_a_plain_head_is_read_as_llhttp_reads_it(
    method: str, target: str, version: str, host: str, at: int, fields: list[str]
) -> None:
    """L12: by one regular expression, with llhttp as judge; behind an empty line it is llhttp that calls all out."""
    raw = head(*fields[:at], host, *fields[at:], request=f"{method} {target} HTTP/{version}")
    seen = HttpSniffer(32768, is_kept=True).feed(raw)
    called = HttpSniffer(32768, is_kept=True).feed(b"\r\n" + raw)
    assert (evolve(called, consumed=len(raw)) if isinstance(called, Hello) else called) == seen
