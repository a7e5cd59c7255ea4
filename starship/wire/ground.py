"""
Ground: what all connections of one loop share.

The ground underfoot: the epoll, the buffer that every read goes into, the pipes for splicing.
"""

from __future__ import annotations

from typing import Final

from starship.wire.loop import WireLoop
from starship.wire.pipes import Pipes

BUFFER_BYTES: Final = 65536
"""One read while carrying."""

HOLD_READ_BYTES: Final = 16384
"""One read while nobody carries."""

SPLICE_AFTER_BYTES: Final = 65536
"""A direction that has carried this much in large pieces is spliced: on small ones a pipe costs more than copying."""


class Ground:
    """`splice_after` in bytes; 0: never. What is read into `view` is gone with the next read of anybody."""

    def __init__(self, loop: WireLoop, splice_after: int = SPLICE_AFTER_BYTES) -> None:
        self.loop = loop
        self.pipes = Pipes()
        self.splice_after = splice_after or 1 << 62
        self.view = memoryview(bytearray(BUFFER_BYTES))
        self.into = [self.view]
        self.hold_into = [self.view[:HOLD_READ_BYTES]]
