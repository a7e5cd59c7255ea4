"""One door for both languages: the first byte picks, and each refusal says in which language to answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zope.interface.verify import verifyObject

from starship.interfaces import ISniffer
from starship.reasons import Reason
from starship.sniff.auto import AutoSniffer
from starship.sniff.http import HttpSniffer
from starship.sniff.tls import TlsSniffer
from starship.words import NEED_MORE, Refusal
from tests.sniff.making import hello, hello_of, records, refusal_of, sni, steady


def sniffer() -> AutoSniffer:
    return AutoSniffer(lambda: TlsSniffer(65536), lambda: HttpSniffer(32768))


def test_it_provides_its_seam() -> None:
    assert verifyObject(ISniffer, sniffer())


def test_a_hello_and_a_head_are_each_read_by_their_own() -> None:
    """S1, S2: one address, two languages."""
    assert hello_of(steady(sniffer, records(hello()))).scheme == "tls"
    assert hello_of(steady(sniffer, b"\r\nGET / HTTP/1.1\r\nHost: a.com\r\n\r\n")).scheme == "http"


def test_nothing_is_picked_before_there_is_a_byte() -> None:
    auto = sniffer()
    assert auto.feed(b"") is NEED_MORE
    assert hello_of(auto.feed(records(hello()))).scheme == "tls"


@pytest.mark.parametrize(
    ("raw", "reason", "scheme"),
    [
        (b"\x15\x03\x01", Reason.BAD_HELLO, "tls"),
        (b"\x80\x2e\x01", Reason.BAD_HELLO, "tls"),
        (b"\0", Reason.BAD_HELLO, "tls"),
        (b"get / HTTP/1.1\r\n", Reason.BAD_HEAD, "http"),
        (b"\n", Reason.BAD_HEAD, "http"),
        (b"{}", Reason.BAD_HEAD, "http"),
        (b"GET / HTTP/1.1\r\n\r\n", Reason.BAD_HEAD, "http"),
        (records(hello([sni(b"1.2.3.4")])), Reason.BAD_NAME, "tls"),
    ],
)
def test_a_refusal_says_in_which_language_to_answer(raw: bytes, reason: Reason, scheme: str) -> None:
    refusal = refusal_of(steady(sniffer, raw))
    assert (refusal.reason, refusal.scheme) == (reason, scheme)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [b"", b"\x16\x03\x01", b"\x16\x03\x01\0\x30\1\0\0\x2c\3\3", b"POST / HTTP/1.1\r\n", b"\r\nGET http://"]
    ),
    st.binary(max_size=60),
)
def test_no_bytes_raise_no_cut_matters_and_no_door_is_wrong(start: bytes, data: bytes) -> None:
    verdict = steady(sniffer, start + data)
    if isinstance(verdict, Refusal):
        assert verdict.scheme in ("tls", "http")
        assert verdict.reason is not Reason.WRONG_DOOR
