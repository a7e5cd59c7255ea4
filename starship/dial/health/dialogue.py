"""
Dialogue: what is said to an endpoint that is checked, and what its answer means. Pure: bytes in, bytes out.

Part of the dial step. Any cut of the answer means the same, and there is a bound on what an endpoint may say. No word
of its own comes into a finding.
"""

from __future__ import annotations

import re
import ssl
from contextlib import suppress
from typing import Final, Protocol

from attrs import define, field

from starship.dial.health.check import HTTP, TLS, Finding, Ill, Question, Well

HEAD_LIMIT_BYTES: Final = 16_384
HANDSHAKE_LIMIT_BYTES: Final = 262_144

LEGACY_SERVER: Final = 0x4
"""SSL_OP_LEGACY_SERVER_CONNECT: an endpoint that cannot renegotiate safely is well all the same. It has no name yet."""

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r\n")
_BEGIN: Final = b"HTTP/1."
_END: Final = b"\r\n\r\n"
SWITCHING: Final = 101


class Dialogue(Protocol):
    """One conversation with an endpoint. `finding` is None until its answer is known; nothing is heard after that."""

    finding: Finding | None

    def begin(self) -> bytes:
        """Connected: what is said first."""

    def hear(self, data: bytes) -> bytes:
        """Take the next bytes of the answer; what is said to them. Raises nothing, whatever the bytes."""

    def end(self) -> Finding:
        """The endpoint has ended its stream, or broken the connection: what is thought of it then."""


def dialogue(question: Question, context: ssl.SSLContext, label: str) -> Dialogue:
    """The right one; `label` names the endpoint where the question has no host."""
    if question.kind == HTTP:
        return Request(question, question.host or label)
    return Handshake(question.host, context) if question.kind == TLS else Touch()


def unverified() -> ssl.SSLContext:
    """Takes any certificate and any key: whether those are good is for the clients to say."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.options |= LEGACY_SERVER
    return context


@define(eq=False)
class Touch:
    """It takes connections: that is all."""

    finding: Finding | None = field(init=False, default=None)

    def begin(self) -> bytes:
        self.finding = Well()
        return b""

    def hear(self, data: bytes) -> bytes:
        return b""

    def end(self) -> Finding:
        return Well()


@define(eq=False)
class Request:
    """
    A GET, whose status decides once the head of the answer is whole.

    Source: RFC 9112 sections 2.2 and 4; interim answers (RFC 9110 section 15.2) are passed over.
    """

    question: Question
    host: str
    finding: Finding | None = field(init=False, default=None)
    _held: bytearray = field(init=False, factory=bytearray)
    _passed: int = field(init=False, default=0)
    _searched: int = field(init=False, default=0)

    def begin(self) -> bytes:
        lines = (
            f"GET {self.question.path} HTTP/1.1",
            f"Host: {self.host}",
            "User-Agent: starship-check",
            "Accept: */*",
        )
        return "\r\n".join((*lines, "Connection: close", "", "")).encode("ascii")

    def hear(self, data: bytes) -> bytes:
        self._held += data[: HEAD_LIMIT_BYTES + 1 - self._passed - len(self._held)]
        while self.finding is None and self._head():
            pass
        return b""

    def end(self) -> Finding:
        return Ill("the connection ended before the answer")

    def _head(self) -> bool:
        """Look for one whole head; whether there was one, and another is to follow."""
        held = self._held
        if held[: len(_BEGIN)] != _BEGIN[: len(held)]:
            self.finding = Ill("the answer is not HTTP/1")
            return False
        at = held.find(_END, self._searched)
        if at < 0 or self._passed + at + len(_END) > HEAD_LIMIT_BYTES:
            self._searched = max(0, len(held) - len(_END) + 1)
            if self._passed + len(held) > HEAD_LIMIT_BYTES:
                self.finding = Ill(f"the head of the answer does not end within {HEAD_LIMIT_BYTES} bytes")
            return False
        status = _STATUS.match(held)
        if status is None:
            self.finding = Ill("the answer is not HTTP/1")
            return False
        code = int(status[1])
        if code // 100 == 1 and code != SWITCHING:
            del held[: at + len(_END)]
            self._passed, self._searched = self._passed + at + len(_END), 0
            return bool(held)
        well = any(code in statuses for statuses in self.question.statuses)
        self.finding = Well() if well else Ill(f"the status is {code}")
        return False


@define(eq=False)
class Handshake:
    """A TLS handshake to its end, closed in order. `host` empty: the hello names nobody."""

    host: str
    context: ssl.SSLContext
    finding: Finding | None = field(init=False, default=None)
    _session: ssl.SSLObject = field(init=False)
    _incoming: ssl.MemoryBIO = field(init=False, factory=ssl.MemoryBIO)
    _outgoing: ssl.MemoryBIO = field(init=False, factory=ssl.MemoryBIO)
    _heard: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self._session = self.context.wrap_bio(self._incoming, self._outgoing, server_hostname=self.host or None)

    def begin(self) -> bytes:
        return self._go_on()

    def hear(self, data: bytes) -> bytes:
        self._heard += len(data)
        if self._heard > HANDSHAKE_LIMIT_BYTES:
            self.finding = Ill(f"the handshake does not end within {HANDSHAKE_LIMIT_BYTES} bytes")
            return b""
        self._incoming.write(data)
        return self._go_on()

    def end(self) -> Finding:
        return Ill("the connection ended in the handshake")

    def _go_on(self) -> bytes:
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.finding = Ill(f"the handshake failed: {(error.reason or 'no reason given').lower().replace('_', ' ')}")
        else:
            self.finding = Well()
            with suppress(ssl.SSLError):  # our part of the closing is said; the endpoint's is not waited for
                self._session.unwrap()
        return self._outgoing.read()
