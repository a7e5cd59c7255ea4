"""
DNS messages: a question to bytes, and what a server sent to a Reply. Pure.

Part of `dns`: knows no server, no socket and no clock. Every octet of a reply may be hostile; records are counted.
"""

from __future__ import annotations

import socket
import struct
from enum import StrEnum
from typing import Final

from attrs import frozen
from twisted.names.dns import AAAA, CNAME, ENAME, EREFUSED, ESERVER, IN, OK, OPT, SRV, A

from starship.dns.labels import Garbled, Labels
from starship.names import Hostname

PAYLOAD_OCTETS: Final = 1232
"""What we take over UDP: it passes every link in one piece (DNS flag day 2020)."""

RECORDS_LIMIT: Final = 512
"""Records of one answer that are read."""

ALIASES_LIMIT: Final = 12
"""CNAMEs in a row."""

TTL_SIGN: Final = 1 << 31

_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_SERVICE = struct.Struct("!3H")

RESPONSE: Final = 0x8000
OPCODE: Final = 0x7800
TRUNCATED: Final = 0x0200
RECURSION: Final = 0x0100
RCODE: Final = 0x000F


class Trouble(StrEnum):
    """Why a name brings no address."""

    NXDOMAIN = "nxdomain"
    EMPTY = "empty"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    GARBLED = "garbled"
    UNREACHABLE = "unreachable"


NO_SUCH: Final = frozenset({Trouble.NXDOMAIN, Trouble.EMPTY})
"""These are answers: another server would say the same."""

_TROUBLES: Final = {OK: None, ENAME: Trouble.NXDOMAIN, EREFUSED: Trouble.REFUSED}


@frozen
class Question:
    """`kind` is A, AAAA or SRV."""

    name: Hostname
    kind: int


@frozen
class Service:
    """One SRV record."""

    priority: int
    weight: int
    port: int
    target: Hostname


@frozen(kw_only=True)
class Reply:
    """
    What a server said to a question. `ttl` in seconds, the least of all that count.

    `alias`: the name that CNAMEs lead to, where the reply says no more of it. `plain`: the server does not understand
    EDNS, and is to be asked without.
    """

    trouble: Trouble | None = None
    truncated: bool = False
    plain: bool = False
    addresses: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    alias: Hostname | None = None
    ttl: int = 0


GARBLED: Final = Reply(trouble=Trouble.GARBLED)


def ask(question: Question, number: int, *, edns: bool = True) -> bytes:
    """
    The octets of a question, recursion desired. `number` is its ID.

    Source: RFC 1035 section 4.1; RFC 6891 section 6.1.2 for the OPT record.
    """
    labels = b"".join(bytes((len(label),)) + label.encode() for label in question.name.split("."))
    more = b"\0" + struct.pack("!HHIH", OPT, PAYLOAD_OCTETS, 0, 0) if edns else b""
    return _HEADER.pack(number, RECURSION, 1, 0, 0, int(edns)) + labels + struct.pack("!xHH", question.kind, IN) + more


def read(data: bytes, question: Question, number: int) -> Reply | None:
    """
    Read what came.

    Returns: None for what is no reply to this question (another ID, another name); GARBLED for a reply that cannot be
    read. Names are compared without case.
    Raises: nothing, whatever the bytes.
    """
    if len(data) < _HEADER.size:
        return None
    number_there, flags, questions, answers, _, _ = _HEADER.unpack_from(data)
    if number_there != number or not flags & RESPONSE or flags & OPCODE:
        return None
    code = flags & RCODE
    reader = _Reader(data, Labels(data))
    try:
        if questions == 0 and code not in (OK, ENAME):  # who does not understand the question may leave it out
            return _failed(code)
        asked, at = reader.labels.name(_HEADER.size)
        if questions != 1 or asked != question.name or reader.kind(at) != (question.kind, IN):
            return None
    except Garbled:
        return None
    if code not in (OK, ENAME):
        return _failed(code)
    if flags & TRUNCATED:
        return Reply(truncated=True)
    try:
        reply = reader.records(at + 4, min(answers, RECORDS_LIMIT), question)
    except Garbled:
        return GARBLED
    if code == ENAME:  # of the name that aliases lead to, if there are any: RFC 2308 section 2.1
        return Reply(trouble=Trouble.NXDOMAIN)
    return reply


def _failed(code: int) -> Reply:
    trouble = _TROUBLES.get(code) or Trouble.SERVFAIL
    return Reply(trouble=trouble, plain=code not in (ESERVER, EREFUSED))


@frozen
class _Reader:
    """Reads one message."""

    data: bytes
    labels: Labels

    def kind(self, at: int) -> tuple[int, int]:
        """Type and class of the question."""
        if at + 4 > len(self.data):
            raise Garbled
        kind, family = struct.unpack_from("!HH", self.data, at)
        return kind, family

    def records(self, at: int, count: int, question: Question) -> Reply:
        """What `count` records from `at` on say to the question."""
        aliases: dict[str, tuple[Hostname, int]] = {}
        found: dict[str, list[tuple[str | Service, int]]] = {}
        for _ in range(count):
            owner, at = self.labels.name(at)
            if at + _RECORD.size > len(self.data):
                raise Garbled
            kind, family, ttl, size = _RECORD.unpack_from(self.data, at)
            at += _RECORD.size
            end = at + size
            if end > len(self.data):
                raise Garbled
            if owner is not None and family == IN and kind in (CNAME, question.kind):
                self._record(owner, kind, ttl if ttl < TTL_SIGN else 0, at, end, aliases, found)
            at = end
        return _followed(question, aliases, found)

    def _record(
        self,
        owner: str,
        kind: int,
        ttl: int,
        at: int,
        end: int,
        aliases: dict[str, tuple[Hostname, int]],
        found: dict[str, list[tuple[str | Service, int]]],
    ) -> None:
        data = self.data[at:end]
        match kind:
            case _ if kind == CNAME:
                target, after = self.labels.name(at)
                if target is None or after != end:
                    raise Garbled
                aliases.setdefault(owner, (Hostname(target), ttl))
            case _ if kind == SRV:
                if len(data) <= _SERVICE.size:
                    raise Garbled
                priority, weight, port = _SERVICE.unpack_from(data)
                target, _ = self.labels.name(at + _SERVICE.size)
                if target is not None and port:  # a target of "." offers nothing: RFC 2782
                    found.setdefault(owner, []).append((Service(priority, weight, port, Hostname(target)), ttl))
            case _:
                family, octets = (socket.AF_INET, 4) if kind == A else (socket.AF_INET6, 16)
                if len(data) != octets:
                    raise Garbled
                found.setdefault(owner, []).append((socket.inet_ntop(family, data), ttl))


def _followed(
    question: Question,
    aliases: dict[str, tuple[Hostname, int]],
    found: dict[str, list[tuple[str | Service, int]]],
) -> Reply:
    """What is said of the name at the end of the aliases."""
    name, ttls = question.name, []
    for _ in range(ALIASES_LIMIT):
        if name in found or name not in aliases:
            break
        name, ttl = aliases[name]
        ttls.append(ttl)
    else:
        return GARBLED
    told = found.get(name, ())
    ttls += [ttl for _, ttl in told]
    least = min(ttls, default=0)
    if not told:
        if name != question.name:
            return Reply(alias=name, ttl=least)
        return Reply(trouble=Trouble.EMPTY)
    return Reply(
        addresses=tuple(one for one, _ in told if isinstance(one, str)),
        services=tuple(one for one, _ in told if isinstance(one, Service)),
        ttl=least,
    )


FAMILIES: Final = {4: A, 6: AAAA}
"""The type of record that has a family's addresses."""
