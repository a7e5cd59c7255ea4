"""Questions and replies, held against Twisted's own encoder and decoder."""

from __future__ import annotations

from ipaddress import IPv4Address
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.names import dns

from starship.dns.messages import (
    ALIASES_LIMIT,
    GARBLED,
    RECORDS_LIMIT,
    Reply,
    Service,
    Trouble,
    ask,
    read,
)
from starship.names import Hostname
from tests.dns.replies import NUMBER, a, a_question, aaaa, alias, asked_in, message, srv

QUESTION = a_question()


@pytest.mark.parametrize("edns", [True, False])
@pytest.mark.parametrize("kind", [dns.A, dns.AAAA, dns.SRV])
def test_a_question_is_what_others_understand(kind: int, edns: bool) -> None:
    octets = ask(a_question("_http._tcp.web.example", kind), NUMBER, edns=edns)
    assert asked_in(octets) == a_question("_http._tcp.web.example", kind)
    made = dns.Message()
    made.fromStr(octets)
    assert (made.id, made.recDes, made.answer, len(made.additional)) == (NUMBER, 1, 0, int(edns))


def test_addresses_come_with_the_shortest_time_of_theirs() -> None:
    reply = read(message(a("web.example", "192.0.2.1", 60), a("WEB.example", "192.0.2.2", 30)), QUESTION, NUMBER)
    assert reply == Reply(addresses=("192.0.2.1", "192.0.2.2"), ttl=30)
    six = a_question(kind=dns.AAAA)
    reply = read(message(aaaa("web.example", "2001:db8::1"), asked=six), six, NUMBER)
    assert reply == Reply(addresses=("2001:db8::1",), ttl=60)


def test_aliases_are_followed_and_their_times_count() -> None:
    octets = message(alias("web.example", "a.example", 5), a("b.example", "192.0.2.1"), alias("a.example", "b.example"))
    assert read(octets, QUESTION, NUMBER) == Reply(addresses=("192.0.2.1",), ttl=5)


def test_an_alias_of_which_no_more_is_said_is_told() -> None:
    reply = read(message(alias("web.example", "a.example", 5)), QUESTION, NUMBER)
    assert reply == Reply(alias=Hostname("a.example"), ttl=5)


def test_endless_aliases_are_garbled() -> None:
    circle = message(alias("web.example", "a.example"), alias("a.example", "web.example"))
    assert read(circle, QUESTION, NUMBER) == GARBLED
    chain = [alias("web.example", "n0.example")]
    chain += [alias(f"n{number}.example", f"n{number + 1}.example") for number in range(ALIASES_LIMIT)]
    assert read(message(*chain), QUESTION, NUMBER) == GARBLED


def test_addresses_of_other_names_are_not_ours() -> None:
    octets = message(a("evil.example", "192.0.2.66"), a("web.example", "192.0.2.1"))
    assert read(octets, QUESTION, NUMBER) == Reply(addresses=("192.0.2.1",), ttl=60)
    assert read(message(a("evil.example", "192.0.2.66")), QUESTION, NUMBER) == Reply(trouble=Trouble.EMPTY)


def test_services_are_read_and_a_service_that_is_not_offered_is_none() -> None:
    question = a_question("_http._tcp.web.example", dns.SRV)
    here = "_http._tcp.web.example"
    octets = message(srv(here, 10, 5, 8080, "a.example"), srv(here, 20, 0, 81, "b.example", 9), asked=question)
    services = (Service(10, 5, 8080, Hostname("a.example")), Service(20, 0, 81, Hostname("b.example")))
    assert read(octets, question, NUMBER) == Reply(services=services, ttl=9)
    octets = message(srv(here, 0, 0, 0, ""), asked=question)
    assert read(octets, question, NUMBER) == Reply(trouble=Trouble.EMPTY)


@pytest.mark.parametrize(
    "octets",
    [
        message(a("web.example", "192.0.2.1"), number=NUMBER + 1),
        message(a("web.example", "192.0.2.1"), asked=a_question("other.example")),
        message(a("web.example", "192.0.2.1"), asked=a_question(kind=dns.AAAA)),
        ask(QUESTION, NUMBER),  # our own question, sent back
        message(a("web.example", "192.0.2.1"), opCode=4),
        b"",
        b"\0" * 11,
        b"\xff" * 40,
    ],
)
def test_what_is_no_reply_to_the_question_is_none(octets: bytes) -> None:
    assert read(octets, QUESTION, NUMBER) is None


@pytest.mark.parametrize(
    ("code", "trouble", "plain"),
    [
        (dns.ENAME, Trouble.NXDOMAIN, False),
        (dns.ESERVER, Trouble.SERVFAIL, False),
        (dns.EREFUSED, Trouble.REFUSED, False),
        (dns.EFORMAT, Trouble.SERVFAIL, True),
        (dns.ENOTIMP, Trouble.SERVFAIL, True),
        (9, Trouble.SERVFAIL, True),
    ],
)
def test_a_servers_no_has_a_word_and_who_may_not_know_edns_is_asked_without(
    code: int, trouble: Trouble, plain: bool
) -> None:
    reply = read(message(code=code), QUESTION, NUMBER)
    assert reply is not None
    assert (reply.trouble, reply.plain) == (trouble, plain)


def test_who_does_not_understand_the_question_may_leave_it_out() -> None:
    octets = dns.Message(NUMBER, answer=1, rCode=dns.EFORMAT).toStr()
    assert read(octets, QUESTION, NUMBER) == Reply(trouble=Trouble.SERVFAIL, plain=True)
    assert read(dns.Message(NUMBER, answer=1).toStr(), QUESTION, NUMBER) is None


def test_no_addresses_are_empty_and_a_reply_that_was_cut_says_so() -> None:
    assert read(message(), QUESTION, NUMBER) == Reply(trouble=Trouble.EMPTY)
    assert read(message(a("web.example", "192.0.2.1"), truncated=True), QUESTION, NUMBER) == Reply(truncated=True)


def test_a_time_with_its_highest_bit_set_is_none() -> None:
    octets = message(a("web.example", "192.0.2.1", 0x7FFFFFFF)).replace(b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff")
    reply = read(octets, QUESTION, NUMBER)
    assert reply is not None
    assert (reply.addresses, reply.ttl) == (("192.0.2.1",), 0)


def test_records_that_lie_about_their_length_are_garbled() -> None:
    whole = message(a("web.example", "192.0.2.1"))
    assert read(whole[:-1], QUESTION, NUMBER) == GARBLED
    short = whole[:-6] + b"\0\3" + whole[-4:-1]
    assert read(short, QUESTION, NUMBER) == GARBLED


def test_two_hundred_addresses_are_read_and_endless_ones_are_cut() -> None:
    hosts = [str(IPv4Address("10.0.0.0") + number) for number in range(2000)]
    reply = read(message(*(a("web.example", host) for host in hosts[:200])), QUESTION, NUMBER)
    assert reply is not None
    assert reply.addresses == tuple(hosts[:200])
    reply = read(message(*(a("web.example", host) for host in hosts)), QUESTION, NUMBER)
    assert reply is not None
    assert len(reply.addresses) == RECORDS_LIMIT


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_no_octets_break_it(seed: int, changes: int) -> None:
    random = Random(seed)
    octets = bytearray(
        message(alias("web.example", "b.example"), a("b.example", "192.0.2.1"), srv("b.example", 1, 2, 3, "c.example"))
    )
    for _ in range(changes):
        octets[random.randrange(len(octets))] = random.randrange(256)
    for cut in (len(octets), random.randrange(len(octets))):
        for kind in (dns.A, dns.AAAA, dns.SRV):
            read(bytes(octets[:cut]), a_question(kind=kind), NUMBER)
