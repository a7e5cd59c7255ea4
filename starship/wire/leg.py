"""
WireLeg: one connected socket on the wire, from its first byte to its closing.

The ground underfoot. A Flow with a life: it carries, is read from or holds what arrives, tells its owner (the Twisted
protocol that it belongs to, if there is one) and whoever asked, half-closes, closes and resets.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from select import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP
from typing import Any, Final

from twisted.internet import error
from twisted.python.failure import Failure
from zope.interface import classImplements

from starship.addresses import plain_ip
from starship.interfaces import ILeg
from starship.wire.flow import LATER, PAUSED, Flow, as_socket
from starship.wire.ground import Ground
from starship.wire.hold import Hold, Owner
from starship.wire.libc import reset_on_close, shut_write, unacknowledged
from starship.wire.loop import EDGES, READS
from starship.words import Address, Stop

READABLE: Final = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR
ENDING: Final = EPOLLRDHUP | EPOLLHUP | EPOLLERR
WRITABLE: Final = EPOLLOUT | EPOLLHUP | EPOLLERR

LOCALS_LIMIT: Final = 1024

_locals: dict[Address, Address] = {}

CLOSED: Final = Failure(error.ConnectionDone())
LOST: Final = Failure(error.ConnectionLost())
ABORTED: Final = Failure(error.ConnectionAborted())
BROKEN: Final = Failure(RuntimeError("an event of this connection failed"))


class WireLeg(Hold):
    """One side of a connection. Asking for `local` may ask the kernel."""

    __slots__ = ("_finish", "_local", "_producer", "_shut", "over", "remote")

    def __init__(self, ground: Ground, fd: int, remote: Address, local: Address | None = None) -> None:
        # All of a Flow's and a Hold's too: this is run for every connection, twice.
        self.ground = ground
        self.fd = fd
        self.remote = remote
        self._local = local
        self.received = self.sent = self.run = self.piped = self.paused = self.mask = self.nagle = self.held = 0
        self.left = -1
        self.more = self.hung = self.ended = self.dead = self.dialogue = self.cut = self._shut = False
        self.to = self.sink = self.done = self.out = self.waiter = self.pipe = None
        self.owner = self._held = self._ear = None
        self.over: Callable[[ILeg, Stop], object] | None = None
        self._finish: Callable[[Stop], None] | None = None
        self._producer: Any = None  # Twisted's, of who writes more than is taken

    def local(self) -> Address:
        found = self._local
        if found is None:
            held = as_socket(self.fd)
            name = held.getsockname()
            held.detach()
            self._local = found = _shared(Address(plain_ip(name[0]), name[1]))
        return found

    # The loop's side

    def begin(self) -> None:
        """Read what is there already; only a connection that is still there then costs the loop a registration."""
        self.more = True
        self.read_on()
        if self.fd >= 0:
            self.watch()

    def adopt(self, flags: int) -> None:
        """Take over a descriptor that the loop watches already, with the flags of its last event."""
        self.more, self.hung = bool(flags & READABLE), bool(flags & ENDING)
        self.mask = EDGES
        self.ground.loop.hand_over(self.fd, self)

    def watch(self) -> None:
        """Let the loop call `ready`. If it cannot (no memory for it), the connection is broken off."""
        self.mask = EDGES if self.mask else READS
        try:
            self.ground.loop.watch(self.fd, self, self.mask)
        except OSError:
            self.broken_off()

    def ready(self, flags: int) -> None:
        """An event."""
        if flags & WRITABLE and (self.out is not None or self.waiter is not None):
            self.flush()
            if self.out is None and self._finish is not None and not self.dead:
                self._shut_down()
        if flags & READABLE:
            self.more = True
            if flags & ENDING:
                self.hung = True
                # Our stream is open, and still the kernel is through with it; or a client has gone whom nobody reads.
                if (self.ended and flags & EPOLLHUP) or (flags & EPOLLERR and self.forget_dead()):
                    self.broken_off()
            if not self.paused and self.fd >= 0:
                if self.sink is not None:
                    self.pump()
                else:
                    self.read_on()

    def read_on(self) -> None:
        """Read, for whoever is to have it."""
        if self.ended:
            return
        if self.sink is not None:
            self.pump()
        elif self.to is not None:
            self.read_to(self.to)
        else:
            self.read_unclaimed()

    def broke(self) -> None:
        """An exception of ours came through: the end of this connection, and of no other."""
        self._over(BROKEN, Stop.LOST)

    # ILeg

    def send(self, data: bytes) -> bool:
        return self.put(data)

    def drained(self, resume: Callable[[], None]) -> None:
        if self.out is None:
            resume()
        else:
            self.waiter = resume  # `out` is there: room is minded

    def pause(self) -> None:
        self.paused |= PAUSED

    def resume(self) -> None:
        self.paused &= ~PAUSED
        self.go_on()

    def go_on(self) -> None:
        if self.fd >= 0 and not self.paused and (self.more or self.piped or not self.left):
            self.read_on()

    def end(self, done: Callable[[Stop], None]) -> None:
        if self.fd < 0 or self.dead:
            done(Stop.LOST)
            return
        self._finish = done
        if self.out is None:
            self._shut_down()

    def pending(self) -> int:
        if self.fd < 0 or self.dead:
            return 0
        return unacknowledged(self.fd) + (0 if self.out is None else len(self.out))

    def close(self) -> None:
        if self.fd >= 0:
            self.ended = True
            if self.dead:
                self.ground.loop.soon(self.broken_off)  # nothing is written any more, and nothing read
            else:
                self.end(_nobody)

    def abort(self) -> None:
        if self.fd < 0:
            return
        self.done = self._ear = self._finish = self.waiter = None
        reset_on_close(self.fd)
        self._over(ABORTED, Stop.LOST)

    def carry(self, to: ILeg, limit: int | None, done: Callable[[Stop], None]) -> None:
        if self.fd < 0:
            done(Stop.LOST)
            return
        self._ear = None
        self.to, self.done = to, done
        self.sink = to if isinstance(to, Flow) else None
        self.left = -1 if limit is None else limit
        self.paused &= LATER  # whoever was waited for before, it goes on to another now
        if self._held is not None or self.ended or not self.left:
            self._pass_held(to)
        elif not self.paused and (self.more or self.piped):
            self.read_on()

    def read(self, heard: Callable[[bytes], None], ended: Callable[[Stop], None]) -> None:
        if self.fd < 0:
            ended(Stop.LOST)
            return
        if self.to is None and self.left < 0:  # nobody carries
            self.paused &= LATER
        else:
            self._let_go()
        self._ear, self.done = heard, ended
        if self._held is not None:
            heard(self.take())
            if self._ear is not heard:
                return
        if self.ended:
            self._stop_carrying(Stop.ENDED)
        elif self.more:
            self.go_on()

    def unread(self, data: bytes) -> None:
        self._let_go()
        self.done = None
        if data:
            before = self.take()
            self.heard(data + before if before else data)
        if self.more:
            self.ground.loop.soon(self.go_on)

    @property
    def full(self) -> bool:
        return self.out is not None or self.waiter is not None

    # The owner's own words

    def heard_end(self) -> None:
        """The owner was told of the end of the stream; it is kept here already."""

    def shut(self) -> None:
        """The owner was told that our end of stream has gone."""

    def lost(self, reason: Failure) -> None:
        """The owner was told that nothing is left."""

    # Inside

    def at_end(self) -> None:
        self.more = False
        if self.cut:
            self.broken_off()
            return
        self.ended = True
        if self.to is not None or self._ear is not None:
            self._stop_carrying(Stop.ENDED)
        elif self.owner is not None:
            self.tell_end(self.owner)
        if self.dead:
            self.broken_off()
        elif self._shut and self.fd >= 0:
            self._over(CLOSED, Stop.ENDED)

    def broken_off(self) -> None:
        self._over(LOST, Stop.LOST)

    def limit_reached(self) -> None:
        if self.more:
            self.later()  # or thousands of little carries, each asked for at the last one's end, would go too deep
        self._stop_carrying(Stop.LIMIT)

    def tell_end(self, owner: Owner) -> None:
        """The owner is to know of the end of the stream."""
        owner.readConnectionLost()

    def _pass_held(self, to: ILeg) -> None:
        held = self.take()
        if held and self.left:
            if 0 < self.left < len(held):
                self.heard(held[self.left :])
                held = held[: self.left]
            self.hand(held, to)
        elif held:
            self.heard(held)
        if self.to is not to:
            return
        if self.left == 0:
            self.limit_reached()
        elif self.ended:
            self._stop_carrying(Stop.ENDED)
        else:
            self.go_on()

    def _stop_carrying(self, why: Stop) -> None:
        if self.pipe is not None:
            self.give_back()
        done = self.done
        if why is not Stop.ENDED:  # who was told of an end is still to be told of a loss after it
            self.done = None
        self.to = self.sink = self._ear = None
        if done is not None:
            done(why)

    def _let_go(self) -> None:
        """Whoever carried or read until now does so no longer."""
        if self.pipe is not None:
            self.give_back()
        self.to = self.sink = self._ear = None
        self.left = -1
        self.paused &= LATER

    def _shut_down(self) -> None:
        finish, self._finish = self._finish, None
        self._shut = True
        if self.ended:  # closing says the same
            self._over(CLOSED, Stop.ENDED)
        else:
            shut_write(self.fd)  # a peer that is gone shows when reading
        if finish is not None:
            finish(Stop.ENDED)

    def _over(self, reason: Failure, why: Stop) -> None:
        """Close the descriptor, and tell everybody who waits."""
        if self.fd < 0:
            return
        fd, self.fd = self.fd, -1
        self.more = False
        self.out = None
        if self.waiter is not None:
            self.free()
        if self.pipe is not None:
            self.give_back()
        self.ground.loop.close(fd)
        owner, self.owner = self.owner, None
        finish, self._finish = self._finish, None
        if owner is not None:
            self.ground.loop.soon(partial(owner.connectionLost, reason))
        producer, self._producer = self._producer, None
        if producer is not None:
            self.ground.loop.soon(producer.stopProducing)
        try:
            if finish is not None:
                finish(why)
        finally:
            if why is Stop.LOST:
                self._stop_carrying(why)
            self.done = self._ear = None
            over, self.over = self.over, None
            if over is not None:
                over(self, Stop.LOST if reason is LOST else Stop.ENDED)


classImplements(WireLeg, ILeg)  # not by a decorator: setup.py compiles this module


def _shared(local: Address) -> Address:
    """The same object for the same address: there are few of ours."""
    if len(_locals) >= LOCALS_LIMIT:
        _locals.clear()
    return _locals.setdefault(local, local)


def _nobody(how: Stop) -> None:
    """Who closes for good does not wait."""
