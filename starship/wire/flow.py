"""
Flow: bytes from one descriptor to another, write-through.

The ground underfoot, the innermost loop of the service. A Flow reads into the shared buffer and writes at once; what
the other side does not take is kept there, and this side stops reading until it is gone, so a direction never holds
more than one read. A direction that carries much in large pieces is spliced through a pipe and never enters Python.

With edges, nobody calls twice: `more` says that the socket may hold unread bytes, and whoever stopped reading while it
was set comes back by itself. EPOLLRDHUP comes once, perhaps with the last bytes: `hung` makes reading go on to the end.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import Final

from starship.interfaces import ILeg
from starship.wire.ground import BUFFER_BYTES, Ground
from starship.wire.libc import send_at_once
from starship.wire.loop import EDGES, READS
from starship.words import Stop

READS_PER_TURN: Final = 8
"""Reads that one direction may make before the others get their turn."""

SMALL_BYTES: Final = 4096
"""A read smaller than this is talk, not bulk: a pipe is not worth it."""

SPLICE_FLAGS: Final = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK

NO_SPLICE: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})
"""Errors that say that these descriptors cannot be spliced; copying goes on."""

NEVER: Final = -(1 << 62)
"""The `run` of a direction that cannot be spliced."""

NOT_YET: Final = -1
"""The `mask` of who waited for room before it was watched."""

PAUSED: Final = 1
FULL: Final = 2
LATER: Final = 4
"""Why nothing is read: its owner said so, the other side is full, the others have their turn. Bits of `paused`."""


class Flow:
    """One descriptor: reading from it, and writing to it."""

    __slots__ = (
        "cut",
        "dead",
        "dialogue",
        "done",
        "ended",
        "fd",
        "ground",
        "hung",
        "left",
        "mask",
        "more",
        "nagle",
        "out",
        "paused",
        "pipe",
        "piped",
        "received",
        "run",
        "sent",
        "sink",
        "to",
        "waiter",
    )

    ground: Ground
    fd: int  # -1 once closed
    received: int
    sent: int
    to: ILeg | None  # who carries what is read here
    sink: Flow | None  # the same, where it is a Flow
    done: Callable[[Stop], None] | None
    left: int  # bytes still to be carried; -1: no limit
    run: int  # bytes carried since the last small read
    out: bytearray | None  # what was not taken at once
    waiter: Callable[[], None] | None  # who stopped for `out`
    pipe: tuple[int, int, int] | None
    piped: int  # bytes in the pipe
    more: bool
    hung: bool
    paused: int  # PAUSED | FULL | LATER
    mask: int  # of the epoll: READS at first, EDGES once room was waited for; 0 while it is not watched
    nagle: int  # writes until Nagle's algorithm is switched off; 0: it is
    ended: bool  # the peer's end of stream was read
    dead: bool  # the peer takes nothing more; what it has said is still read
    dialogue: bool  # it has only said it to be answered: then it is not
    cut: bool  # it reset its stream in the middle: the zero of a later read is no end of stream

    # What becomes of a connection is the leg's matter.

    def at_end(self) -> None:
        """The end of the stream was read."""
        raise NotImplementedError

    def broken_off(self) -> None:
        """Reading failed."""
        raise NotImplementedError

    def limit_reached(self) -> None:
        """The last byte of a limited carry was moved."""
        raise NotImplementedError

    def go_on(self) -> None:
        """Read on, unless paused meanwhile."""
        raise NotImplementedError

    # Writing

    def put(self, data: bytes | memoryview) -> bool:
        """Write; False asks to stop until `waiter` is called."""
        if self.nagle:
            # The first write of a connection is never held back, so one that makes only one is spared the call.
            self.nagle -= 1
            if not self.nagle:
                send_at_once(self.fd)
        if self.fd < 0 or self.dead:
            return True  # nobody hears it; whoever carries here reads on to the end of their stream
        size = len(data)
        self.sent += size
        if self.out is not None:
            self.out += data
            return False
        try:
            written = os.write(self.fd, data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            return self.cannot_write(error)
        if written == size:
            return True
        self.out = bytearray(data[written:])
        self.mind_room()
        return False

    def flush(self) -> None:
        """The descriptor takes bytes again."""
        out = self.out
        if out:
            try:
                written = os.write(self.fd, out)
            except BlockingIOError:
                return
            except OSError as error:
                self.cannot_write(error)
                return
            if written < len(out):
                del out[:written]
                return
        self.out = None
        waiter, self.waiter = self.waiter, None
        if waiter is not None:
            waiter()

    def mind_room(self) -> None:
        """Be told when the descriptor takes bytes again, from here on: most connections never have to ask."""
        if self.mask == READS:
            self.mask = EDGES
            self.ground.loop.mind(self.fd, EDGES)
        elif not self.mask:
            self.mask = NOT_YET

    def cannot_write(self, error: OSError) -> bool:
        """
        The peer hears nothing more. What it said before that is read first; then the connection is broken off.

        The kernel tells of a reset once, to whoever asks first: EPIPE if the peer's stream had ended before, and
        ECONNRESET if it was cut (tcp_reset in net/ipv4/tcp_input.c).
        """
        if not self.dead:
            self.dead = self.hung = self.more = True
            self.cut = error.errno != errno.EPIPE
            self.out = None
            self.free()
            if self.dialogue:
                self.more = False
            self.ground.loop.soon(self.broken_off if self.ended or self.dialogue else self.room)
        return True

    def cannot_read(self, error: OSError) -> bool:
        """There is nothing more to read, because of a reset. False, as there is no more."""
        if error.errno == errno.EPIPE and not self.cut:
            self.dead = True
            self.at_end()
        else:
            self.broken_off()
        return False

    def free(self) -> None:
        """Whoever waits for us to take bytes waits no longer."""
        waiter, self.waiter = self.waiter, None
        if waiter is not None:
            self.ground.loop.soon(waiter)

    # Carrying

    def pump(self) -> None:
        """Move what can be read to `sink` until it is all, or the sink is full, or others should have their turn."""
        sink = self.sink
        if sink is None or (self.piped and not self._unpipe(sink)) or not (self.left or self._within_limit()):
            return
        splice_after = self.ground.splice_after
        for _ in range(READS_PER_TURN):
            if self.run < splice_after or sink.fd < 0 or sink.dead:
                if not self._copy(sink):
                    return
            elif not self._splice(sink):
                return
        self.later()

    def later(self) -> None:
        """Let the others have their turn; read on in the next."""
        if not self.paused & LATER:
            self.paused |= LATER
            self.ground.loop.again(self.come_back)

    def come_back(self) -> None:
        """The others have had it."""
        self.paused &= ~LATER
        self.go_on()

    def room(self) -> None:
        """The other side takes bytes again."""
        self.paused &= ~FULL
        self.go_on()

    def _copy(self, sink: Flow) -> bool:
        """One read and its write. True if there is more to read and room for it."""
        ground = self.ground
        left = self.left
        into = ground.into if left < 0 or left >= BUFFER_BYTES else [ground.view[:left]]
        try:
            size = os.readv(self.fd, into)
        except BlockingIOError:
            self.more = False
            return False
        except OSError as error:
            return self.cannot_read(error)
        if not size:
            self.at_end()
            return False
        self.received += size
        self.run = 0 if size < SMALL_BYTES and self.run >= 0 else self.run + size
        if left < 0:
            if size < BUFFER_BYTES and not self.hung:
                self.more = False
            return self.more if sink.put(ground.view[:size]) else self._stop_for(sink)
        self.left = left - size
        return (sink.put(ground.view[:size]) or self._stop_for(sink)) and self._within_limit() and self.more

    def _splice(self, sink: Flow) -> bool:
        """One splice into a pipe, and out of it. As `_copy`."""
        if sink.out is not None:
            return self._stop_for(sink)
        pipe = self.pipe or self._borrow()
        if pipe is None:
            self.run = 0
            return True
        try:
            size = os.splice(
                self.fd, pipe[1], pipe[2] if self.left < 0 else min(self.left, pipe[2]), flags=SPLICE_FLAGS
            )
        except BlockingIOError:
            self.more = False
            self.give_back()
            return False
        except OSError as error:
            return self._cannot_splice(error)
        if not size:  # the end, or urgent data before it: reading knows
            self.give_back()
            self.run = 0
            return True
        self.received += size
        self.piped = size
        if self.left > 0:
            self.left -= size
        if size < SMALL_BYTES:
            self.run = 0
        return self._unpipe(sink) and self._within_limit()

    def _unpipe(self, sink: Flow) -> bool:
        """Empty the pipe into the sink. True once it is empty."""
        pipe = self.pipe
        if pipe is None or sink.fd < 0 or sink.dead:
            self.give_back()
            return True
        try:
            moved = os.splice(pipe[0], sink.fd, self.piped, flags=SPLICE_FLAGS)
        except BlockingIOError:
            moved = 0
        except OSError as error:
            if error.errno in NO_SPLICE:
                return self._unpipe_by_copy(sink, pipe[0])
            self.give_back()
            return sink.cannot_write(error)
        sink.sent += moved
        self.piped -= moved
        if self.piped:
            return self._stop_for(sink)
        if not self.run:
            self.give_back()
        return True

    def _unpipe_by_copy(self, sink: Flow, reads: int) -> bool:
        """The sink cannot be spliced into; nothing of what is in the pipe may be lost."""
        data = os.read(reads, self.piped)
        self.piped -= len(data)
        self.run = NEVER
        self.give_back()
        return sink.put(data) or self._stop_for(sink)

    def _within_limit(self) -> bool:
        """Whether there is still something to carry. What was read of it has gone to the sink."""
        if self.left:
            return True
        self.give_back()
        self.limit_reached()
        return False

    def _stop_for(self, sink: Flow) -> bool:
        """Read no more until the sink has taken what it holds."""
        self.paused |= FULL
        sink.waiter = self.room
        sink.mind_room()
        return False

    def _borrow(self) -> tuple[int, int, int] | None:
        self.pipe = self.ground.pipes.borrow()
        return self.pipe

    def _cannot_splice(self, error: OSError) -> bool:
        self.give_back()
        if error.errno in NO_SPLICE:
            self.run = NEVER
            return True
        return self.cannot_read(error)

    def give_back(self) -> None:
        """Return the pipe, if there is one."""
        pipe, self.pipe = self.pipe, None
        if pipe is not None:
            self.ground.pipes.give_back(pipe, empty=not self.piped)
            self.piped = 0


def as_socket(fd: int) -> socket.SocketType:
    """
    A descriptor as a socket object for a moment; detach it before it is forgotten, or it closes the descriptor.

    Told all it wants to know, it makes no system call. The family matters to addresses alone; IPv6 has room for all.
    """
    return socket.SocketType(socket.AF_INET6, socket.SOCK_STREAM, 0, fd)
