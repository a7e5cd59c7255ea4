"""The response head that nearly all upstreams send, at one glance (L12)."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.exchange.plain import GLANCE, glance
from starship.exchange.response import ResponseReader
from starship.words import Response


def head(*fields: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([status, *fields, "", ""]).encode("latin-1")


def glanced(raw: bytes, method: bytes = b"GET") -> Response | None:
    found = GLANCE.match(raw + b"hello")
    return None if found is None else glance(found, method)


def test_all_is_read_that_a_response_says() -> None:
    raw = head("A: 1", "content-length: 05", "B: 2", "Connection: close", "C: 3", status="HTTP/1.1 404 Not \xfc found")
    assert glanced(raw) == Response(
        status=404,
        reason=b"Not \xfc found",
        minor=1,
        lines=b"A: 1\r\nB: 2\r\nC: 3\r\n",
        length=5,
        close=True,
        consumed=len(raw),
    )


SERVERS = {
    "nginx": head("Server: nginx", "Content-Type: text/html", "Content-Length: 9", "Connection: keep-alive", "E: x"),
    "Apache": head("Date: x", "Keep-Alive: timeout=5, max=100", "Connection: Keep-Alive", "Transfer-Encoding: chunked"),
    "Node": head("content-type: x", "Connection: keep-alive", "Keep-Alive: timeout=5", "Content-Length: 3"),
    "Go": head("Content-Length: 9", "Date: x"),
    "until close": head("Server: x"),
}  # fmt: skip


@pytest.mark.parametrize("raw", SERVERS.values(), ids=SERVERS)
def test_the_heads_of_usual_servers_are_plain(raw: bytes) -> None:
    found = glanced(raw)
    assert found is not None
    assert found.close is found.until_close is (raw == SERVERS["until close"])
    assert found.chunked is (b"chunked" in raw)


CLOSER = [
    head("Content-Length: 5", "Content-Length: 5"),
    head("Content-Length: 5", "Transfer-Encoding: chunked"),
    head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    head("Transfer-Encoding: gzip"),
    head("Connection: keep-alive", "Connection: close"),
    head("Connection: Upgrade", "Upgrade: x"),
    head("Content-Length: 5", "A_b: c", "A:b"),
    head(status="HTTP/1.1 100 Continue"),
    head(status="HTTP/1.1 101 x"),
    head(status="HTTP/1.1 204 No Content"),
    head(status="HTTP/1.1 426 x"),
    head(status="HTTP/1.1 200"),
    head(status="HTTP/1.1 200 "),
    head(status="HTTP/1.0 200 OK"),
]


@pytest.mark.parametrize("raw", CLOSER)
def test_what_is_not_just_so_takes_a_closer_look(raw: bytes) -> None:
    assert glanced(raw) is None


NOTABLE = [
    *[
        "Content-Length: 5",
        "content-length: 05",
        "Content-Length: 0",
        "Content-Length: x",
        "Transfer-Encoding: chunked",
    ],
    *["Transfer-Encoding: gzip", "Connection: close", "connection: Keep-Alive, A", "Connection: upgrade", "Upgrade: x"],
    *["Keep-Alive: 5", "Proxy-Authenticate: Basic", "TE: x", "A: content-length: 7", "B: \xff \t y", "Host: a.com"],
]
STATUSES = ["200 OK", "200 OK", "204 ", "304 x", "404", "100 -", "101 Switch", "426 \xfc", "299 \xfc", "999 x"]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(STATUSES), st.integers(0, 1), st.lists(st.sampled_from(NOTABLE), max_size=5),
       st.sampled_from([b"GET", b"HEAD"]))  # fmt: skip
def test_a_plain_head_is_read_as_llhttp_reads_it(status: str, minor: int, fields: list[str], method: bytes) -> None:
    """L12: by one regular expression; with a field that is empty, which no plain head has, llhttp calls all out."""

    def read(*more: str) -> object:
        return ResponseReader(method, 4096, 100, upgrading=True).feed(head(*more, status=f"HTTP/1.{minor} {status}"))

    seen = read(*fields)
    if isinstance(seen, Response):
        seen = evolve(seen, lines=seen.lines + b"X: \r\n", consumed=seen.consumed + 4)
    assert read(*fields, "X:") == seen
