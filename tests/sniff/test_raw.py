"""Where nothing is read, all is known before the first byte."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from starship.interfaces import ISniffer
from starship.sniff.raw import RawSniffer
from starship.words import Hello


def test_it_is_a_sniffer() -> None:
    assert verifyObject(ISniffer, RawSniffer())


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"\0"])
def test_k1_whoever_comes_in_names_nobody_and_consumes_nothing(data: bytes) -> None:
    assert RawSniffer().feed(data) == Hello(name=None, scheme="tcp", consumed=0)
