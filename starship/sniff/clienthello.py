"""
Handshake bytes -> ClientHello -> name, ALPN, ECH, early data: the inner half of the TLS step of `sniff`.

Part of `sniff`, floor 4, pure. It knows nothing of records (sniff/tls.py) or packets, so that every carrier of a
handshake can use it. Everything but server_name, ALPN and the marks of ECH and early data is opaque: the upstream
judges it.
Source: RFC 8446 sections 4 and 4.1.2, RFC 5246 section 7.4.1.2, RFC 6066 section 3, RFC 7301 section 3.1, RFC 9849.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from attrs import define, field

from starship import names
from starship.reasons import Reason
from starship.sniff.shown import shown
from starship.words import NEED_MORE, Hello, Manner, Refusal, Verdict

HEADER_OCTETS: Final = 4
BODY_MIN_OCTETS: Final = 41  # version 2, random 32, session id 1, ciphers 2 + 2, compression 1 + 1

DECODE_ERROR: Final = 50
ILLEGAL_PARAMETER: Final = 47
UNEXPECTED_MESSAGE: Final = 10

SERVER_NAME: Final = 0
ALPN: Final = 16
EARLY_DATA: Final = 42
ECH: Final = 0xFE0D
LIST_MAX_OCTETS: Final = 4096  # of names or offers, which are kept until they are whole

_CLIENT_HELLO = 1
_SESSION_ID_AT = HEADER_OCTETS + 2 + 32
_SESSION_ID_MAX_OCTETS = 32
_HOST_NAME = 0
_OFFERS_KEPT = 64
_LET_GO_OCTETS = 4096
_JUDGED_OCTETS = 70  # of longer ones: the length of the list, the header of a name, and as much of it as is shown
_GREASE_OFFERS = frozenset(bytes([high << 4 | 0xA] * 2) for high in range(16))

_pair = Struct(">HH").unpack_from
_short = Struct(">H").unpack_from
_named = Struct(">BH").unpack_from

MANNERS: Final = {version: Manner(tls_version=version) for version in (0x0301, 0x0302, 0x0303)}


@define(eq=False)
class HelloReader:
    """
    Reads one ClientHello out of a buffer of handshake bytes that grows behind its back.

    Every length is checked against its container as soon as it is there, so that a lie is never waited for, and the
    first fault in the order of the bytes is the one that is told: what it says depends on the bytes alone.
    `end` is the length of the message with its header (octets), 0 until it is known; `have` is how much of it has come.
    """

    _message: bytearray | bytes
    end: int = 0
    _gone: int = 0  # octets at the front that were let go
    _version: int = -1  # of the front, kept when it goes
    _past: int = 0  # where the cipher suites end; 0 until it is known
    _at: int = 0  # the next extension's header; 0 until the extensions are reached
    _seen: set[int] = field(factory=set)
    _name: names.Hostname | None = None
    _alpn: tuple[bytes, ...] = ()
    _ech: bool = False

    def advance(self) -> Refusal | None:
        """Read as far as the bytes reach. Returns: what is wrong, or None. Cost: linear over all calls together."""
        if not self.end and (fault := self._open()):
            return fault
        if not self._at and self.end and (fault := self._reach_extensions()):
            return fault
        return self._extensions() if self._at else None

    @property
    def have(self) -> int:
        """The octets of the message that have come, those that were let go too."""
        return self._gone + len(self._message)

    @property
    def is_whole(self) -> bool:
        """All of the message was read, and nothing is wrong with it."""
        return 0 < self.end <= self._at and self.end <= self.have

    def let_go(self, message: bytearray) -> None:
        """Drop from the reader's own buffer what it is done with, so that a long hello is not held twice meanwhile."""
        done = min(max(self._at, self._past) - self._gone, len(message))
        if done >= _LET_GO_OCTETS:
            if not self._gone:
                (self._version,) = _short(message, HEADER_OCTETS)
            del message[:done]
            self._gone += done

    def hello(self, consumed: int) -> Hello:
        """What the client asked for, once `is_whole`; `consumed` as the carrier counts it (octets)."""
        return Hello(
            name=self._name,
            scheme="tls",
            consumed=consumed,
            alpn=self._alpn,
            ech=self._ech,
            early=EARLY_DATA in self._seen,
            manner=self._manner(),
        )

    def _open(self) -> Refusal | None:
        message = self._message
        if message and message[0] != _CLIENT_HELLO:
            return _broken("the first handshake message is no ClientHello", UNEXPECTED_MESSAGE)
        if len(message) < HEADER_OCTETS:
            return None
        length = int.from_bytes(message[1:HEADER_OCTETS], "big")
        if length < BODY_MIN_OCTETS:
            return _broken("the hello is shorter than any can be", DECODE_ERROR)
        self.end = HEADER_OCTETS + length
        return None

    def _reach_extensions(self) -> Refusal | None:
        # A handful of steps, taken anew with each call until they succeed: no loop, so still linear.
        if not self._past and (fault := self._pass_ciphers()):
            return fault
        at, end, have = self._past, self.end, self.have
        if not at or have <= at:
            return None
        compressions = self._message[at - self._gone]
        at += 1 + compressions
        if not compressions or at > end:
            return self._fault("the list of compression methods has an impossible length")
        if at == end:
            self._at = end if have >= end else 0  # TLS 1.2 without extensions
            return None
        return self._enter_extensions(at)

    def _pass_ciphers(self) -> Refusal | None:
        message, have, end = self._message, len(self._message), self.end
        at = _SESSION_ID_AT
        if have <= at:
            return None
        if message[at] > _SESSION_ID_MAX_OCTETS:
            return self._fault("the session id is longer than 32 octets")
        at += 1 + message[at]
        if at + 2 > end:
            return self._fault("the session id runs past the hello")
        if have < at + 2:
            return None
        (ciphers,) = _short(message, at)
        at += 2 + ciphers
        if ciphers < 2 or ciphers % 2 or at >= end:
            return self._fault("the list of cipher suites has an impossible length")
        self._past = at
        return None

    def _enter_extensions(self, at: int) -> Refusal | None:
        if self.end < at + 2:
            return self._fault("there are bytes after the compression methods")
        if self.have < at + 2:
            return None
        if at + 2 + _short(self._message, at - self._gone)[0] != self.end:
            return self._fault("the extensions do not end where the hello ends")
        self._at = at + 2
        return None

    def _extensions(self) -> Refusal | None:
        message, gone, end, seen, at = self._message, self._gone, self.end, self._seen, self._at
        have = gone + len(message)
        while at < end:
            if at + 4 > end:
                return self._fault("an extension has no room for its header")
            if have < at + 4:
                break
            kind, length = _pair(message, at - gone)
            if kind in seen:
                return self._fault(f"extension {kind} comes twice", ILLEGAL_PARAMETER)
            after = at + 4 + length
            if after > end:
                return self._fault(f"extension {kind} runs past the hello")
            if kind in (SERVER_NAME, ALPN):
                if have < (after if length <= LIST_MAX_OCTETS else at + 4 + _JUDGED_OCTETS):
                    break
                if fault := self._known(kind, at + 4 - gone, after - gone):
                    return fault
            elif kind == ECH:
                self._ech = True
            seen.add(kind)
            at = after  # what is opaque is passed over before it is there
        self._at = at
        return None

    def _known(self, kind: int, at: int, end: int) -> Refusal | None:
        if end - at > LIST_MAX_OCTETS:
            return self._too_long(kind, at, end)
        return self._server_name(at, end) if kind == SERVER_NAME else self._offers(at, end)

    def _server_name(self, at: int, end: int) -> Refusal | None:
        message = self._message
        if end < at + 5 or at + 2 + _short(message, at)[0] != end:
            return self._fault("the list of server names does not fit its extension")
        at += 2
        kinds: set[int] = set()
        while at < end:
            if at + 3 > end:
                return self._fault("a server name has no room for its header")
            kind, length = _named(message, at)
            at += 3
            if not length or at + length > end:
                return self._fault("a server name does not fit its list")
            if kind in kinds:
                return self._fault("there are several server names of one type", ILLEGAL_PARAMETER)
            kinds.add(kind)
            if kind == _HOST_NAME and (fault := self._host_name(bytes(message[at : at + length]))):
                return fault
            at += length  # RFC 6066 section 3: a name of another type begins with a length too, so it can be skipped
        return None

    def _host_name(self, raw: bytes) -> Refusal | None:
        name = names.canonical(raw)
        if isinstance(name, names.BadName):
            return Refusal(reason=Reason.BAD_NAME, detail=name.why, name=shown(raw), manner=self._manner())
        self._name = name
        return None

    def _offers(self, at: int, end: int) -> Refusal | None:
        message = self._message
        if end < at + 4 or at + 2 + _short(message, at)[0] != end:
            return self._fault("the list of application protocols does not fit its extension")
        offers = read_offers(bytes(message[at:end]))
        if offers is None:
            return self._fault("an application protocol does not fit its list")
        self._alpn = offers
        return None

    def _manner(self) -> Manner:
        # RFC 8446 section 5.1: no record of ours may say more than 3.3; clients take none that says less than 3.1.
        (version,) = (self._version,) if self._gone else _short(self._message, HEADER_OCTETS)
        return MANNERS[min(max(version, 0x0301), 0x0303)]

    def _too_long(self, kind: int, at: int, end: int) -> Refusal:
        """What no client says, judged by its first octets: kept until it is whole, it would be held twice."""
        raw = bytes(self._message[at + 5 : at + _JUDGED_OCTETS])
        if kind == SERVER_NAME and _named(self._message, at + 2) == (_HOST_NAME, end - at - 5):
            return Refusal(
                reason=Reason.BAD_NAME, detail="longer than any name", name=shown(raw), manner=self._manner()
            )
        detail = f"extension {kind} is longer than {LIST_MAX_OCTETS} octets"
        return Refusal(reason=Reason.HELLO_TOO_BIG, detail=detail, manner=self._manner())

    def _fault(self, detail: str, code: int = DECODE_ERROR) -> Refusal:
        return _broken(detail, code, self._manner())


def _broken(detail: str, code: int, manner: Manner = MANNERS[0x0303]) -> Refusal:
    # The version in `manner` is told once the reader is past it, never because later bytes happen to be there already.
    return Refusal(reason=Reason.BAD_HELLO, detail=detail, code=code, manner=manner)


def read_offers(body: bytes) -> tuple[bytes, ...] | None:
    """
    The application protocols of an ALPN extension's body, in their order, those of GREASE left out; None for a fault.

    Cost: thousands of them fit into a hello, and an object each is no bound: the first 64 are kept.
    """
    at, end = 2, len(body)
    if end < at + 2 or _short(body)[0] + at != end:
        return None
    offers: list[bytes] = []
    while at < end:
        length = body[at]
        at += 1
        if not length or at + length > end:
            return None
        if len(offers) < _OFFERS_KEPT:
            offers.append(body[at : at + length])
        at += length
    return tuple([offer for offer in offers if offer not in _GREASE_OFFERS])


def read_client_hello(message: bytes) -> Verdict:
    """
    Read a ClientHello from handshake bytes alone, without records.

    Shape: the handshake stream from its first byte as far as it is known without a gap; bytes after the message are
    not looked at.
    Returns: NeedMore while the message is incomplete and so far flawless; a Hello whose `consumed` counts handshake
    bytes; or a Refusal, the same for every longer prefix. The caller bounds what it collects.
    Raises: nothing, whatever the bytes.
    """
    reader = HelloReader(message)
    if fault := reader.advance():
        return fault
    return reader.hello(reader.end) if reader.is_whole else NEED_MORE
