"""Replies as servers send them, written by Twisted's own encoder, and a question's plain sibling."""

from __future__ import annotations

import struct
from typing import Any

from twisted.names import dns

from starship.dns.messages import Question
from starship.names import Hostname

NUMBER = 4711


def a_question(name: str = "web.example", kind: int = dns.A) -> Question:
    return Question(Hostname(name), kind)


def a(name: str, host: str, ttl: int = 60) -> dns.RRHeader:
    return dns.RRHeader(name.encode(), dns.A, dns.IN, ttl, dns.Record_A(host, ttl))


def aaaa(name: str, host: str, ttl: int = 60) -> dns.RRHeader:
    return dns.RRHeader(name.encode(), dns.AAAA, dns.IN, ttl, dns.Record_AAAA(host, ttl))


def alias(name: str, target: str, ttl: int = 60) -> dns.RRHeader:
    return dns.RRHeader(name.encode(), dns.CNAME, dns.IN, ttl, dns.Record_CNAME(target.encode(), ttl))


def srv(name: str, priority: int, weight: int, port: int, target: str, ttl: int = 60) -> dns.RRHeader:
    record = dns.Record_SRV(priority, weight, port, target.encode(), ttl)
    return dns.RRHeader(name.encode(), dns.SRV, dns.IN, ttl, record)


def message(
    *answers: dns.RRHeader,
    asked: Question | None = None,
    number: int = NUMBER,
    code: int = dns.OK,
    truncated: bool = False,
    **more: Any,
) -> bytes:
    """A whole reply."""
    asked = asked or a_question()
    made = dns.Message(number, answer=1, rCode=code, trunc=truncated, maxSize=0, **more)
    made.queries = [dns.Query(asked.name.encode(), asked.kind, dns.IN)]
    made.answers = list(answers)
    octets: bytes = made.toStr()
    return octets


def number_of(octets: bytes) -> int:
    """The ID of a question that was sent."""
    (number,) = struct.unpack_from("!H", octets)
    return int(number)


def asked_in(octets: bytes) -> Question:
    """What a message asks, as Twisted's own decoder has it."""
    made = dns.Message()
    made.fromStr(octets)
    (query,) = made.queries
    return Question(Hostname(query.name.name.decode()), query.type)
