"""Listeners become services that speak their protocol, under one gate."""

from __future__ import annotations

from ipaddress import ip_network

from attrs import evolve
from twisted.internet.testing import MemoryReactorClock

from starship.accept.identity import Identities
from starship.accept.listening import DoorService
from starship.config.settings import Limits, Listener, Settings
from starship.guides import Guides
from starship.reasons import Reason
from starship.service.doors import TUNNELLED, Hall, make_doors, make_gate, make_relay, make_schemes
from starship.service.house import make_footing
from starship.service.requests import make_converse, make_idle
from starship.words import Address, Hello, Miss, Origin, Refusal, Upstream
from tests.fakes import ExactWheel, FakeDialer, FakeLedger, FakeLeg, FakeResolver, FakeTenants, arrival
from tests.service.material import AUTO, HTTP, REQUEST, TLS, Visitor, settings
from tests.sniff.making import hello, records, steady

HELLO = records(hello())


def doors_of(made: Settings, ledger: FakeLedger) -> tuple[list[DoorService], MemoryReactorClock]:
    reactor = MemoryReactorClock()
    resolver = FakeResolver(known=Miss(origin=Origin.FRESH))
    guides = Guides(resolver=resolver, tenants=FakeTenants(), dialer=FakeDialer(), ledger=ledger, clock=reactor)
    footing = evolve(make_footing(made, reactor), wheel=ExactWheel(reactor))
    schemes, relay = make_schemes(made), make_relay(made, footing.wheel)
    hall = Hall(
        schemes=schemes,
        gate=make_gate(made),
        guides=guides,
        relay=relay,
        converse=make_converse(
            made,
            guides,
            schemes,
            relay,
            make_idle(made, footing.wheel),
            fresh=guides.dialer,
            next_turn=footing.ground.loop.again,
        ),
        identities=Identities("boot"),
    )
    return make_doors(made, footing, hall), reactor


def test_each_protocol_has_a_scheme_that_reads_and_refuses_in_it() -> None:
    schemes = make_schemes(settings())
    assert set(schemes) == {"tls", "http", "auto", "tcp", f"http{TUNNELLED}", f"auto{TUNNELLED}"}
    for name, flight in (("tls", HELLO), ("http", REQUEST), ("auto", HELLO), ("auto", REQUEST)):
        assert isinstance(steady(schemes[name].sniffer, flight), Hello)
    miss = Refusal(reason=Reason.UNKNOWN_NAME)
    assert schemes["tls"].refuser.farewell(miss, arrival()).data[:1] == b"\x15"
    assert schemes["http"].refuser.farewell(miss, arrival()).data.startswith(b"HTTP/1.1 404 ")
    assert schemes["auto"].refuser.farewell(miss, arrival()).data == b""
    assert schemes["tcp"].refuser.farewell(miss, arrival()).data == b""


def test_k2_only_where_each_request_goes_its_own_way_does_a_hello_have_its_request() -> None:
    schemes = make_schemes(settings())
    for name in ("http", "auto"):
        kept, first = (steady(schemes[door].sniffer, REQUEST) for door in (name, f"{name}{TUNNELLED}"))
        assert isinstance(kept, Hello)
        assert isinstance(first, Hello)
        assert (kept.request is not None, first.request) == (True, None)


def test_the_limits_of_a_hello_and_of_a_head_are_those_of_the_settings() -> None:
    schemes = make_schemes(settings(limits=Limits(hello_size=len(HELLO) - 1, head_size=len(REQUEST) - 1)))
    for name, flight in (("tls", HELLO), ("http", REQUEST)):
        verdict = schemes[name].sniffer().feed(flight)
        assert isinstance(verdict, Refusal)
        assert verdict.reason is Reason.HELLO_TOO_BIG


def test_the_auto_door_answers_in_the_clients_own_language() -> None:
    ledger = FakeLedger()
    doors, _ = doors_of(settings(), ledger)
    assert Visitor.at(doors, "any").say(HELLO) == bytes((21, 3, 3, 0, 2, 2, 112))
    assert Visitor.at(doors, "any").say(REQUEST).startswith(b"HTTP/1.1 404 ")
    assert [ending.status for ending in ledger.endings] == [495, 404]


def test_a_door_behind_a_balancer_waits_for_its_header_and_then_counts_the_client() -> None:
    behind = evolve(HTTP, proxy_protocol="required", proxy_trusted=(ip_network("192.168.0.0/16"),))
    ledger = FakeLedger()
    doors, reactor = doors_of(settings(listeners=(behind, TLS), limits=Limits(proxy_timeout=2.0)), ledger)
    assert Visitor.at(doors, "http").say(b"PROXY TCP4 198.51.100.7 203.0.113.1 4711 80\r\n" + REQUEST)
    assert ledger.endings[0].arrival.client == Address("198.51.100.7", 4711)
    silent = Visitor.at(doors, "http")
    reactor.advance(2.1)
    assert silent.wire.disconnecting
    assert ledger.endings[1].reason is Reason.PREFACE_TIMEOUT
    assert Visitor.at(doors, "https").say(HELLO)[:1] == b"\x15"  # others wait for none


def test_a_door_whose_balancers_are_elsewhere_takes_nobody() -> None:
    behind = evolve(HTTP, proxy_protocol="required", proxy_trusted=(ip_network("10.0.0.0/8"),))
    doors, _ = doors_of(settings(listeners=(behind,)), FakeLedger())
    assert Visitor.at(doors, "http").heard.startswith(b"HTTP/1.1 403 ")


def test_k1_a_raw_door_asks_at_once_and_does_not_let_the_kernel_wait_for_the_first_byte() -> None:
    raw = Listener(
        name="raw", protocol="tcp", endpoints=("tcp:0:interface=127.0.0.1",), upstream=(Upstream(host="10.0.0.9"),)
    )
    ledger = FakeLedger()
    doors, _ = doors_of(settings(listeners=(raw, TLS)), ledger)
    assert [door.how.defer for door in doors] == [False, True]
    Visitor.at(doors, "raw")
    assert ledger.endings[0].hello == Hello(name=None, scheme="tcp", consumed=0)


def test_a_door_knows_where_its_plain_http_is_sent() -> None:
    ledger = FakeLedger()
    doors, _ = doors_of(settings(listeners=(evolve(HTTP, redirect=8443), TLS)), ledger)
    for name in ("http", "https"):
        Visitor.at(doors, name)
    assert [one.door.redirect for one in ledger.arrivals] == [8443, 0]


def test_arrivals_are_numbered_across_doors() -> None:
    ledger = FakeLedger()
    doors, _ = doors_of(settings(), ledger)
    for name in ("http", "https", "any"):
        Visitor.at(doors, name)
    assert [one.id for one in ledger.arrivals] == ["boot-1", "boot-2", "boot-3"]
    assert [one.door.name for one in ledger.arrivals] == ["http", "https", "any"]


def test_the_gate_keeps_each_doors_own_list() -> None:
    closed = evolve(HTTP, deny=(ip_network("192.168.0.0/16"),))  # where StringTransport comes from
    open_to_others = evolve(AUTO, allow=(ip_network("10.0.0.0/8"),))
    ledger = FakeLedger()
    doors, _ = doors_of(settings(listeners=(closed, TLS, open_to_others)), ledger)
    assert Visitor.at(doors, "http").heard.startswith(b"HTTP/1.1 403 ")
    assert Visitor.at(doors, "any").wire.disconnecting
    Visitor.at(doors, "https")
    assert [ending.reason for ending in ledger.endings] == [Reason.DENIED, Reason.DENIED]


def test_a_listener_with_two_endpoints_is_two_doors_of_one_name() -> None:
    two = Listener(name="http", protocol="http", endpoints=("tcp:0:interface=127.0.0.1", "tcp6:0:interface=\\:\\:1"))
    doors, _ = doors_of(settings(listeners=(two,)), FakeLedger())
    assert [door.description for door in doors] == list(two.endpoints)
    assert {door.factory.manners.door.name for door in doors} == {"http"}


def test_l16_the_first_flight_has_the_time_of_the_settings_at_each_door() -> None:
    ledger = FakeLedger()
    doors, reactor = doors_of(settings(limits=Limits(hello_timeout=3.0)), ledger)
    for name in ("http", "https", "any"):
        Visitor.at(doors, name)
    reactor.advance(2.9)
    assert ledger.endings == []
    reactor.advance(0.2)
    assert [ending.reason for ending in ledger.endings] == [Reason.HELLO_TIMEOUT] * 3


def test_the_relay_ends_what_is_idle_after_the_time_of_the_settings() -> None:
    reactor = MemoryReactorClock()
    limits = evolve(settings().upstream, idle_timeout=8.0)
    said: list[Reason] = []
    make_relay(settings(upstream=limits), ExactWheel(reactor))(
        FakeLeg(), FakeLeg(), lambda reason, detail: said.append(reason)
    )
    reactor.pump([2.0] * 3)
    assert said == []
    reactor.pump([2.0] * 3)
    assert said == [Reason.IDLE]
