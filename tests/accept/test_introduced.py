"""A balancer's header comes before the client's hello, and its address before everybody who asks for one."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from starship.accept.gate import Gate, Guestlist
from starship.accept.introduced import EagerProtocol, IntroducedProtocol
from starship.accept.porch import Porch
from starship.buckets import Buckets
from starship.interfaces import IRefuser
from starship.reasons import Mood, Reason
from starship.refuse.alerts import AlertRefuser
from starship.refuse.pages import load_pages
from starship.refuse.silence import SilentRefuser
from starship.sniff.raw import RawSniffer
from starship.tlv import AWS, SIGNATURE, UNIQUE_ID
from starship.words import Address, Tlv
from tests import fakes
from tests.accept.doors import HELLO_TIMEOUT_S, PROXY_TIMEOUT_S, House, Visit
from tests.fakes import errors_in

LINE = b"PROXY TCP4 198.51.100.7 203.0.113.1 4711 443\r\n"
FIELDS = b"\x05\x00\x02id" + b"\xea\x00\x02\x01v"
V2 = (
    SIGNATURE
    + b"\x21\x11"
    + (12 + len(FIELDS)).to_bytes(2, "big")
    + bytes((198, 51, 100, 7, 203, 0, 113, 1))
    + (4711).to_bytes(2, "big")
    + (443).to_bytes(2, "big")
    + FIELDS
)
CHECK = SIGNATURE + b"\x20\x00\x00\x00"
CLIENT = Address("198.51.100.7", 4711)
BALANCER = "192.168.1.1"  # as StringTransport says
TRUSTED = (ip_network("192.168.0.0/16"),)
FLIGHT = b"a.com\nmore!"
PAGES = load_pages(
    brand="S", colour="#4f46e5", logo=None, support=None, templates=None, retry_after=5, wall_clock=lambda: 0.0
)


def house(**parts: Any) -> House:
    """A door behind a balancer."""
    gate = parts.setdefault("gate", Gate(connections=100, per_source=0, guests={}))
    parts.setdefault(
        "porch", Porch(trusted={"https": TRUSTED}, connections=gate.connections, inside=lambda: gate.inside)
    )
    return House(kind=IntroducedProtocol, **parts)


def says(visit: Visit, data: bytes, cuts: Iterable[int] = ()) -> None:
    for start, end in pairwise([0, *sorted(cuts), len(data)]):
        visit.says(data[start:end])


@given(st.sampled_from([LINE, V2]), st.lists(st.integers(0, 60), max_size=6))
@settings(max_examples=30, deadline=None)
def test_l11_in_any_pieces_the_client_of_the_header_is_the_client_and_its_own_bytes_go_on(
    header: bytes, cuts: list[int]
) -> None:
    behind = house(dialer=fakes.FakeDialer())
    visit = behind.visit()
    data = header + FLIGHT
    says(visit, data, [min(cut, len(data)) for cut in cuts])
    (dial,) = behind.dialer.dials
    leg = fakes.FakeLeg()
    dial.outcome.dialled(leg)
    behind.joins[0].client.carry(leg, None, lambda why: None)
    assert dial.opening + bytes(leg.data) == FLIGHT
    arrival = visit.protocol.arrival
    assert (arrival.client, arrival.local) == (CLIENT, Address("203.0.113.1", 443))
    assert arrival.via == Address(BALANCER, 54321)
    assert arrival.tlvs == ((Tlv(UNIQUE_ID, b"id"), Tlv(AWS, b"\x01v")) if header is V2 else ())
    assert behind.resolver.asks[0].source == CLIENT.host
    behind.joins[0].done(Reason.OK, "")
    visit.closes()
    assert (behind.ending.arrival.client, behind.ending.received) == (CLIENT, len(FLIGHT))
    assert behind.is_empty()


def test_every_byte_alone_is_the_same() -> None:
    behind = house()
    visit = behind.visit()
    says(visit, V2 + FLIGHT, range(1, len(V2 + FLIGHT)))
    assert visit.protocol.arrival.client == CLIENT
    assert behind.dialer.dials[0].opening + b"more!" == FLIGHT


def test_a_balancer_that_looks_whether_we_live_is_itself_the_client_and_leaves_quietly() -> None:
    behind = house()
    with capturedLogs() as events:
        visit = behind.visit()
        visit.says(CHECK)
        assert visit.protocol.arrival.client.host == BALANCER
        assert visit.protocol.arrival.via is None
        visit.ends()
        visit.closes()
    assert (behind.ending.reason, behind.ending.mood, behind.ending.received) == (Reason.CLIENT_GONE, Mood.GONE, 0)
    assert not errors_in(events)
    assert visit.heard == b""
    assert behind.is_empty()


@pytest.mark.parametrize("refuser", [AlertRefuser(), PAGES, SilentRefuser()])
def test_l10_what_is_no_header_is_closed_without_a_word(refuser: IRefuser) -> None:
    behind = house(refuser=refuser)
    visit = behind.visit()
    visit.says(b"GET / HTTP/1.1\r\n")
    assert (visit.heard, visit.wire.disconnecting) == (b"", True)
    visit.closes()
    assert (behind.ending.reason, behind.ending.status) == (Reason.BAD_PREFACE, 400)
    assert "PROXY header" in behind.ending.detail
    assert behind.is_empty()


def test_l10_a_header_from_elsewhere_is_not_read() -> None:
    behind = house(porch=Porch(trusted={"https": (ip_network("10.0.0.0/8"),)}, connections=0, inside=int))
    visit = behind.visit()
    assert visit.heard == b"no: denied"
    visit.says(LINE + FLIGHT)
    visit.ends()
    visit.closes()
    assert behind.ending.arrival.client.host == BALANCER
    assert not behind.dialer.dials
    assert behind.is_empty()


def test_the_header_has_a_deadline_of_its_own_and_the_hello_another_after_it() -> None:
    behind = house()
    late = behind.visit()
    late.says(LINE[:-1])
    behind.clock.advance(PROXY_TIMEOUT_S - 0.01)
    in_time = behind.visit()
    in_time.says(LINE + b"a.c")
    assert not late.wire.disconnecting
    behind.clock.advance(0.01)
    assert late.wire.disconnecting
    late.closes()
    assert (behind.ending.reason, behind.ending.mood) == (Reason.PREFACE_TIMEOUT, Mood.SILENT)
    behind.clock.advance(HELLO_TIMEOUT_S - 0.02)
    assert in_time.heard == b""
    behind.clock.advance(0.02)
    assert in_time.heard == b"no: hello_timeout"


def test_a_client_that_says_nothing_after_the_header_is_closed_without_a_word() -> None:
    behind = house()
    visit = behind.visit()
    visit.says(LINE)
    behind.clock.advance(HELLO_TIMEOUT_S)
    assert (visit.heard, visit.wire.disconnecting) == (b"", True)
    assert (behind.ending.reason, behind.ending.arrival.client) == (Reason.HELLO_TIMEOUT, CLIENT)


@pytest.mark.parametrize("leaves", [Visit.ends, Visit.closes, Visit.resets])
def test_who_leaves_before_the_header_is_complete_frees_its_place(leaves: Any) -> None:
    behind = house()
    visit = behind.visit()
    visit.says(LINE[:10])
    assert behind.porch is not None
    assert (behind.porch.waiting, behind.gate.inside) == (1, 0)
    leaves(visit)
    if leaves is Visit.ends:
        visit.closes()
    assert behind.ending.reason is Reason.CLIENT_GONE
    assert behind.is_empty()


def test_limits_count_the_clients_and_not_their_balancer() -> None:
    gate = Gate(connections=100, per_source=1, guests={}, newcomers=Buckets(1.0, 2.0))
    behind = house(gate=gate)
    for number in range(5):
        behind.visit().says(LINE.replace(b"100.7", b"100.%d" % number) + FLIGHT)
    assert (gate.inside, gate.sources) == (5, 5)
    again = behind.visit()
    again.says(LINE.replace(b"100.7", b"100.4") + FLIGHT)
    assert again.heard == b"no: over_limit"
    assert behind.ending.detail == "1 connections are open from 198.51.100.4"


def test_the_list_of_the_door_is_of_clients_too() -> None:
    behind = house(
        gate=Gate(connections=0, per_source=0, guests={"https": Guestlist(deny=(ip_network("198.51.100.0/24"),))})
    )
    visit = behind.visit()
    visit.says(V2 + FLIGHT)
    assert visit.heard == b"no: denied"
    assert behind.ending.arrival.client == CLIENT
    assert not behind.dialer.dials


def test_a_stop_meanwhile_is_told_and_counted() -> None:
    behind = house()
    visit = behind.visit()
    visit.says(LINE[:10])
    behind.factory.stop(Reason.DRAINED)
    visit.closes()
    assert behind.ending.reason is Reason.DRAINED
    assert behind.is_empty()


def test_a_reader_that_breaks_ends_its_own_connection_alone() -> None:
    behind = house()
    with capturedLogs():
        visit = behind.visit()
        visit.says(LINE + b"boom\n")
        other = behind.visit()
        other.says(LINE + FLIGHT)
    visit.closes()
    assert behind.ledger.endings[0].reason is Reason.INTERNAL
    assert len(behind.dialer.dials) == 1


# Raw doors


def raw(**parts: Any) -> House:
    return House(sniffer=RawSniffer, refuser=SilentRefuser(), kind=EagerProtocol, **parts)


def test_k1_a_raw_door_dials_before_the_first_byte() -> None:
    door = raw(dialer=fakes.FakeDialer())
    visit = door.visit()
    (dial,) = door.dialer.dials
    assert dial.opening == b""
    assert (door.resolver.asks[0].name, door.resolver.asks[0].door) == (None, "https")
    visit.says(b"meanwhile")
    dial.outcome.dialled(fakes.FakeLeg())
    leg = fakes.FakeLeg()
    door.joins[0].client.carry(leg, None, lambda why: None)
    assert bytes(leg.data) == b"meanwhile"
    door.joins[0].done(Reason.OK, "")
    visit.closes()
    hello = door.ending.hello
    assert hello is not None
    assert (door.ending.name, hello.scheme) == (None, "tcp")
    assert door.is_empty()


def test_k1_a_raw_door_behind_a_balancer_dials_as_soon_as_the_client_is_named() -> None:
    door = house(sniffer=RawSniffer, dialer=fakes.FakeDialer())
    visit = door.visit()
    visit.says(V2[:-1])
    assert not door.dialer.dials
    visit.says(V2[-1:])
    assert len(door.dialer.dials) == 1
    assert visit.protocol.arrival.client == CLIENT


def test_k1_a_refusal_at_a_raw_door_is_a_plain_close() -> None:
    door = raw(gate=Gate(connections=0, per_source=0, guests={"https": Guestlist(deny=TRUSTED)}))
    visit = door.visit()
    assert (visit.heard, visit.wire.disconnecting) == (b"", True)
    visit.protocol.connectionLost(Failure(ConnectionDone()))
    assert (door.ending.reason, door.ending.status) == (Reason.DENIED, 403)
    assert not door.dialer.dials
    assert door.is_empty()
