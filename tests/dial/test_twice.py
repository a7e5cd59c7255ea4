"""Which first bytes of a client another endpoint may be told."""

from __future__ import annotations

import pytest
from attrs import evolve

from starship.dial.twice import twice
from starship.messages import Request
from starship.words import Hello

SAID = b"a hello"
TLS = Hello(name=None, scheme="tls", consumed=len(SAID))
RAW = Hello(name=None, scheme="tcp", consumed=0)


@pytest.mark.parametrize(
    ("method", "length", "chunked", "may"),
    [
        (b"GET", None, False, True),
        (b"HEAD", 0, False, True),
        (b"DELETE", None, False, True),
        (b"POST", None, False, False),
        (b"PATCH", None, False, False),
        (b"GET", 5, False, False),
        (b"GET", None, True, False),
    ],
)
def test_an_idempotent_request_without_a_body_may_be_said_twice(
    method: bytes, length: int | None, chunked: bool, may: bool
) -> None:
    request = Request(method=method, target=b"/", path="/", minor=1, length=length, chunked=chunked)
    assert twice(Hello(name=None, scheme="http", consumed=9, request=request), b"however it is worded") is may


def test_a_tls_hello_alone_may_be_said_twice() -> None:
    assert twice(TLS, SAID)


def test_early_data_may_not_neither_announced_nor_sent() -> None:
    """Source: RFC 8446 section 8."""
    assert not twice(evolve(TLS, early=True), SAID)
    assert not twice(TLS, SAID + b"a record behind it")


@pytest.mark.parametrize(
    ("head", "behind", "may"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"", True),
        (b"\r\nGET / HTTP/1.0\r\n\r\n", b"", True),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"POST / HTTP/1.1\r\n", False),
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", b"", False),
        (b"GETS / HTTP/1.1\r\nHost: a\r\n\r\n", b"", False),
    ],
)
def test_of_a_head_that_was_not_kept_the_bytes_tell(head: bytes, behind: bytes, may: bool) -> None:
    assert twice(Hello(name=None, scheme="http", consumed=len(head)), head + behind) is may


def test_where_nothing_is_read_only_nothing_may_be_said_twice() -> None:
    assert twice(RAW, b"")
    assert not twice(RAW, b"x")
