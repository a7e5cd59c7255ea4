"""The smuggling corpus, and the reading of a whole connection of requests with what Starship reads them with."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from starship.exchange.chunks import BadChunks, ChunkReader
from starship.exchange.written import chunk, last_chunk, request_head
from starship.sniff.http import HttpSniffer
from starship.words import Field, Hello, Refusal, Request

FILE = Path(__file__).parent.parent / "data" / "smuggling.txt"


class Case(NamedTuple):
    """One line of the corpus."""

    outcome: str
    name: str
    raw: bytes


class Message(NamedTuple):
    """One request that was read to its last octet."""

    request: Request
    body: bytes
    trailers: tuple[Field, ...] = ()

    def written(self) -> bytes:
        """As it is passed on."""
        body = self.body
        if self.request.chunked:
            body = chunk(body) + last_chunk(self.trailers)
        return request_head(self.request) + body


def cases() -> list[Case]:
    lines = [line for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
    return [_case(*line.split("\t")) for line in lines]


def _case(outcome: str, name: str, raw: str) -> Case:
    quoted = raw.replace('"', '\\"')
    octets = literal_eval(f'b"{quoted}"')
    assert isinstance(octets, bytes)
    return Case(outcome, name, octets)


class Conversation:
    """Reads requests, one after the other, over any cut."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.fault = ""  # `head` or `body` once there is one
        self._step: Callable[[bytes], bytes] = self._head
        self._sniffer = HttpSniffer(32768, 1000, True)
        self._chunks = ChunkReader()
        self._body = b""
        self._request: Request | None = None
        self._refused: list[str] = []

    @property
    def methods(self) -> list[str]:
        """What each answer is for: the requests that were read, and the one that was not."""
        return [message.request.method.decode() for message in self.messages] + self._refused

    def feed(self, data: bytes) -> None:
        while data and not self.fault:
            data = self._step(data)

    def _head(self, data: bytes) -> bytes:
        self._body += data
        verdict = self._sniffer.feed(data)
        if isinstance(verdict, Refusal):
            self.fault = "head"
            self._refused = ["HEAD" if verdict.manner.bodyless else "GET"]
        if not isinstance(verdict, Hello):
            return b""
        assert verdict.request is not None
        self._request = verdict.request
        behind, self._body = self._body[verdict.consumed :], b""
        self._chunks, self._step = ChunkReader(), self._in_chunks if self._request.chunked else self._by_length
        return self._over(behind) if not self._request.chunked and not self._request.length else behind

    def _by_length(self, data: bytes) -> bytes:
        assert self._request is not None
        left = (self._request.length or 0) - len(self._body)
        self._body += data[:left]
        return self._over(data[left:]) if len(data) >= left else b""

    def _in_chunks(self, data: bytes) -> bytes:
        assert self._request is not None
        piece = self._chunks.feed(data)
        self._body += piece.data
        if isinstance(piece, BadChunks):
            self.fault = "body"
            self._refused = [self._request.method.decode()]
            return b""
        return self._over(piece.rest, piece.trailers) if piece.done else b""

    def _over(self, behind: bytes, trailers: tuple[Field, ...] = ()) -> bytes:
        assert self._request is not None
        self.messages.append(Message(self._request, self._body, trailers))
        self._request, self._body = None, b""
        self._sniffer, self._step = HttpSniffer(32768, 1000, True), self._head
        return behind


def converse(pieces: Sequence[bytes]) -> Conversation:
    conversation = Conversation()
    for piece in pieces:
        conversation.feed(piece)
    return conversation
