"""First flights of real clients: each gets through in every cut (S3, L1, L2, L4)."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starship.interfaces import ISniffer
from starship.reasons import Reason
from starship.sniff.auto import AutoSniffer
from starship.sniff.http import HttpSniffer
from starship.sniff.tls import TlsSniffer
from starship.words import NEED_MORE, Hello
from tests.data.capture import CLIENTS, HERE, Client
from tests.sniff.making import hello_of, records, refusal_of, split, steady, verdict_of

SERVED = [client for client in CLIENTS if client.served]
TLS = [client for client in SERVED if client.scheme == "tls"]
each_client = pytest.mark.parametrize("client", SERVED, ids=lambda client: client.file)
each_tls_client = pytest.mark.parametrize("client", TLS, ids=lambda client: client.file)


def sniffer(scheme: str) -> ISniffer:
    return TlsSniffer(65536) if scheme == "tls" else HttpSniffer(32768)


def message_in(flight: bytes) -> bytes:
    """The handshake bytes of a flight of one record."""
    assert len(flight) == 5 + int.from_bytes(flight[3:5], "big")
    return flight[5:]


def test_each_flight_has_its_line_and_each_line_its_flight() -> None:
    readme = (HERE / "README.md").read_text()
    assert {path.stem for path in HERE.glob("*.bin")} == {client.file for client in CLIENTS}
    assert all(f"| `{client.file}.bin` | " in readme for client in CLIENTS)


@each_client
def test_a_real_client_is_understood_whole_byte_by_byte_and_with_bytes_to_spare(client: Client) -> None:
    """S3: each name to its own."""
    found = hello_of(steady(lambda: sniffer(client.scheme), client.flight()))
    assert (found.name, found.scheme, found.alpn) == (client.name, client.scheme, client.alpn)
    assert found.consumed <= len(client.flight())
    assert AutoSniffer(lambda: sniffer("tls"), lambda: sniffer("http")).feed(client.flight()) == found


@each_client
def test_a_real_client_is_understood_with_every_two_way_cut(client: Client) -> None:
    """L1, L2."""
    flight = client.flight()
    whole = sniffer(client.scheme).feed(flight)
    for cut in range(1, len(flight)):
        assert verdict_of(sniffer(client.scheme), [flight[:cut], flight[cut:]]) == whole, cut


@each_client
def test_half_a_flight_is_waited_for(client: Client) -> None:
    flight = client.flight()
    consumed = hello_of(sniffer(client.scheme).feed(flight)).consumed
    assert all(sniffer(client.scheme).feed(flight[:cut]) is NEED_MORE for cut in range(0, consumed, 7))
    assert sniffer(client.scheme).feed(flight[: consumed - 1]) is NEED_MORE


@each_tls_client
def test_a_hello_recorded_anew_with_every_two_way_cut_is_the_same(client: Client) -> None:
    """L1: two records, cut at every byte."""
    whole = hello_of(sniffer("tls").feed(client.flight()))
    message = message_in(client.flight())
    for cut in range(1, len(message)):
        found = hello_of(sniffer("tls").feed(records(message, [cut])))
        assert (found.name, found.alpn, found.ech) == (whole.name, whole.alpn, whole.ech), cut


@each_tls_client
def test_a_hello_recorded_anew_at_random_is_the_same(client: Client) -> None:
    """L1: many records, many segments; and a record of each byte."""
    whole = hello_of(sniffer("tls").feed(client.flight()))
    message = message_in(client.flight())
    generator = random.Random(client.file)
    cuttings = [generator.sample(range(1, len(message)), generator.randrange(1, 30)) for _ in range(20)]
    for cuts in [*cuttings, list(range(1, len(message)))]:
        raw = records(message, cuts, version=0x0303)
        segments = split(raw, generator.sample(range(1, len(raw)), 9))
        found = hello_of(verdict_of(sniffer("tls"), segments))
        assert (found.name, found.alpn, found.consumed) == (whole.name, whole.alpn, len(raw))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_the_bound_cuts_no_real_client_and_depends_on_no_cut(data: st.DataObject) -> None:
    """Law 1, near the limit, with flights recorded anew."""
    client = data.draw(st.sampled_from(SERVED))
    raw = client.flight()
    if client.scheme == "tls":
        raw = records(message_in(raw), data.draw(st.sets(st.integers(1, len(raw) - 6), max_size=8)))
    end = hello_of(sniffer(client.scheme).feed(raw)).consumed
    limit = end + data.draw(st.integers(-6, 6))
    make = TlsSniffer if client.scheme == "tls" else HttpSniffer
    whole = make(limit).feed(raw)
    assert isinstance(whole, Hello) is (end <= limit)
    cuts = data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=12))
    assert verdict_of(make(limit), split(raw, cuts)) == whole


def test_a_post_quantum_hello_and_a_browsers_are_among_them() -> None:
    """L2: key shares of X25519MLKEM768, and an ECH extension."""
    flights = {client.file: client.flight() for client in TLS}
    for file in ("pyopenssl-mlkem", "chromium-tls"):
        assert b"\x11\xec\x04\xc0" in flights[file]
        assert len(flights[file]) > 1460
    assert hello_of(sniffer("tls").feed(flights["chromium-tls"])).ech


def test_a_client_that_speaks_http2_at_once_is_told_apart() -> None:
    (client,) = [client for client in CLIENTS if not client.served]
    refusal = refusal_of(steady(lambda: sniffer("http"), client.flight()))
    assert refusal.reason is Reason.BAD_HEAD
    assert "HTTP/2" in refusal.detail


@each_client
def test_at_the_wrong_door_a_client_is_told_so_at_its_first_byte(client: Client) -> None:
    other = "http" if client.scheme == "tls" else "tls"
    refusal = refusal_of(sniffer(other).feed(client.flight()[:1]))
    assert (refusal.reason, refusal.scheme) == (Reason.WRONG_DOOR, client.scheme)
