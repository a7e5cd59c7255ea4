"""
A body under way from one leg to another, where it has to be read: in chunks, or to be kept for a second try.

Part of `exchange`, floor 4: it knows two legs and framing, not which of them is the client. Bodies of a known length
that nobody keeps never come here: legs carry those by themselves. Back-pressure: what the sink cannot take stops the
source, so no more than one read is held.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from attrs import define, field

from starship.exchange.chunks import BadChunks, ChunkReader
from starship.exchange.written import chunk, last_chunk
from starship.interfaces import ILeg
from starship.words import Stop


class Passed(Enum):
    """How a body went."""

    WHOLE = "whole"
    ENDED = "ended"  # the source ended its stream inside the body
    LOST = "lost"  # the source's connection broke
    BAD = "bad"  # its framing cannot be read
    TOO_BIG = "too big"


PASSED_OF = {Stop.LIMIT: Passed.WHOLE, Stop.ENDED: Passed.ENDED, Stop.LOST: Passed.LOST}
"""What the end of a carry says of the body that was carried."""


CHUNKS_PER_TURN: Final = 512
"""A source of so many chunks in one read has had its share of a turn: each costs more than its octets."""


@define(eq=False)
class Body:
    """
    Reads a body from `source` and writes it to `sink`; done(how, detail) once.

    `framed`: the sink is to get it in chunks, too. `limit` (octets, 0: none) bounds the body. `keep` (octets, 0: not)
    is how much of what was written may be kept for `again`. `length` is the body's, None for one in chunks.
    """

    source: ILeg
    sink: ILeg
    done: Callable[[Passed, str], None]
    length: int | None = None
    framed: bool = True
    limit: int = 0
    keep: int = 0
    size: int = field(default=0, init=False)  # octets of the body so far
    over: bool = field(default=False, init=False)
    _kept: bytearray | None = field(init=False)
    _reader: ChunkReader = field(factory=ChunkReader, init=False)
    _before: bytes = field(default=b"", init=False)

    @_kept.default
    def _(self) -> bytearray | None:
        return bytearray() if self.keep else None

    def start(self, before: bytes = b"") -> None:
        """Begin; `before` goes out first, in one write with what is there already."""
        self._before = before
        self.source.read(self._heard, self._ended)
        if self._before and not self.over:
            self._send(b"")

    @property
    def begun(self) -> bool:
        """Whether anything has gone out, were it only what stands before the body."""
        return not self._before

    @property
    def can_begin_again(self) -> bool:
        """Whether all that was written is still here."""
        return self._kept is not None

    def hold(self) -> None:
        """Read no more; `again` goes on."""
        if not self.over:
            self.source.unread(b"")

    def again(self, sink: ILeg) -> None:
        """Write what was written so far to another sink, and go on."""
        self.sink = sink
        if self._kept:
            sink.send(bytes(self._kept))  # no more than may be kept: going on adds one read
        if not self.over:
            self.source.read(self._heard, self._ended)

    # Inside

    def _heard(self, data: bytes) -> None:
        if self.length is None:
            self._unwrap(data)
            return
        left = self.length - self.size
        piece = data[:left]
        self.size += len(piece)
        whole = self.size == self.length
        if whole:
            self._finish(data[left:])
        self._send(piece)
        if whole:
            self.done(Passed.WHOLE, "")

    def _unwrap(self, data: bytes) -> None:
        found = self._reader.feed(data)
        if self._reader.lately > CHUNKS_PER_TURN:
            self.source.later()
        if isinstance(found, BadChunks):
            self._fail(Passed.BAD, found.detail)
            return
        self.size += len(found.data)
        if self.limit and self.size > self.limit:
            self._fail(Passed.TOO_BIG, f"the body is longer than {self.limit} octets")
            return
        if found.done:
            self._finish(found.rest)
        end = last_chunk(found.trailers) if found.done and self.framed else b""
        self._send((chunk(found.data) if self.framed else found.data) + end)
        if found.done:
            self.done(Passed.WHOLE, "")

    def _send(self, data: bytes) -> None:
        if self._kept is not None:
            if len(self._kept) + len(data) > self.keep:
                self._kept = None
            else:
                self._kept += data
        if self._before:
            data, self._before = self._before + data, b""
        if data and not self.sink.send(data) and not self.over:
            self.source.pause()
            self.sink.drained(self._room)

    def _room(self) -> None:
        if not self.over:
            self.source.resume()

    def _ended(self, how: Stop) -> None:
        if not self.over:
            self._fail(PASSED_OF[how], "")

    def _finish(self, rest: bytes) -> None:
        self.over = True
        self.source.unread(rest)

    def _fail(self, how: Passed, detail: str) -> None:
        self._finish(b"")
        self.done(how, detail)
