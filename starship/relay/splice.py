"""
Splice: two legs, joined until nothing is left of either.

The fifth step of the walk. Knows legs and a wheel of deadlines; not who they belong to. Back-pressure is the legs'
own; the Splice adds half-close, the idle and half-close limits, the lifetime, and one word for how it went.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen
from twisted.internet.interfaces import IDelayedCall
from zope.interface import classImplements

from starship.interfaces import ICancel, ILeg, IWayBack
from starship.reasons import Reason
from starship.wire.wheel import Slot, Wheel
from starship.words import Stop

LINGER_S: Final = 10.0
"""How long a client that takes nothing has to read what an upstream said before it reset."""

CLIENT: Final = 1
UPSTREAM: Final = 2
BOTH: Final = CLIENT | UPSTREAM
SIDES: Final = {CLIENT: "client", UPSTREAM: "upstream"}

IDLE_CHECKS: Final = 4
"""Silence is noticed by looking at the byte counts this often per idle time: no clock is read per chunk."""


LOOK_S: Final = 2.0
"""Whether an upstream has spoken is looked at this often, where the client has a way back until then."""


@frozen(kw_only=True)
class SpliceLimits:
    """Seconds; 0: none. `idle`: silence both ways; `half_close`: that, once one side has ended; `lifetime`: in all."""

    idle: float
    half_close: float
    lifetime: float


class Splice:
    """
    Carries both ways from `start` on.

    done(reason, detail) is called once when both directions are over: `ok`, `client_gone`, `upstream_reset`,
    `idle` or `lifetime`. A side that breaks after its own stream had ended has only refused to hear more: that is
    an ordinary end (a browser that closes on a late close_notify, a server that answers early and closes). What the
    upstream had said by then still reaches the client.

    A side that was given all, and the other's end, is closed however it ends: its kernel goes on sending to a slow
    reader. Any other is reset, or it might take what it has for all. A reader who is slow is not silent.

    `back` is taken where the upstream stops before it has said a byte, and nothing of the client was carried yet nor
    lost, and it has not ended: the client's leg is let go of, the upstream's is reset, and `done` is not called.
    """

    __slots__ = (
        "_detail",
        "_ended",
        "_finished",
        "_life",
        "_linger",
        "_over",
        "_quiet_checks",
        "_received",
        "_seen",
        "_sent",
        "_taken",
        "_watch",
        "back",
        "client",
        "done",
        "limits",
        "upstream",
        "wheel",
    )

    def __init__(
        self,
        client: ILeg,
        upstream: ILeg,
        limits: SpliceLimits,
        wheel: Wheel,
        done: Callable[[Reason, str], None],
        back: IWayBack | None = None,
    ) -> None:
        self.client = client
        self.upstream = upstream
        self.limits = limits
        self.wheel = wheel
        self.done = done
        self.back = back
        self._received = self._sent = 0  # of the client and to the upstream by the start, for the way back
        self._ended = 0  # sides whose stream has ended
        self._finished = 0  # sides that have the other's end, or will never take it
        self._detail = ""
        self._quiet_checks = 0
        self._seen = -1
        self._over = False
        self._watch: Slot | None = None  # where the next look at the byte counts stands
        self._life: IDelayedCall | None = None
        self._linger: IDelayedCall | None = None
        self._taken = 0  # of what the client was sent, when the linger was looked at last

    def start(self) -> None:
        """Begin to carry."""
        limits = self.limits
        if limits.lifetime:
            self._life = self.wheel.callLater(limits.lifetime, self._sever, Reason.LIFETIME)
        if self.back is not None:
            self._note(self.back)
        elif limits.idle:
            self._watch = self.wheel.put(limits.idle / IDLE_CHECKS, self)
        self.client.carry(self.upstream, None, self._client_stopped)
        if not self._over:
            self.upstream.carry(self.client, None, self._upstream_stopped)

    def cancel(self) -> None:
        """Reset both sides; `done` is not called."""
        if not self._over:
            self._abort_both()

    def late(self) -> None:
        """Look whether anything has moved since the last look, and whether there is a way back to be kept."""
        if self.back is not None and self._looks_back(self.back):
            return
        moved = self._moved()
        self._quiet_checks = self._quiet_checks + 1 if moved == self._seen else 0
        self._seen = moved
        if self._quiet_checks >= IDLE_CHECKS:
            self._sever(Reason.IDLE)
        else:
            self._watch = self._put_watch()

    def _client_stopped(self, why: Stop) -> None:
        if self._over:
            return
        if why is Stop.LOST:
            self._lost(CLIENT)
            return
        self._ended |= CLIENT
        if self._ended != BOTH:
            self._grow_impatient()
        self.upstream.end(self._upstream_finished)

    def _upstream_stopped(self, why: Stop) -> None:
        if self._over or (self.back is not None and not self.upstream.received and self._goes_back(self.back, why)):
            return
        if why is Stop.LOST:
            self._lost(UPSTREAM)
            return
        self._ended |= UPSTREAM
        if self._ended != BOTH:
            self._grow_impatient()
        self.client.end(self._client_finished)

    def _client_finished(self, how: Stop) -> None:
        self._sent_end(CLIENT, how)

    def _upstream_finished(self, how: Stop) -> None:
        self._sent_end(UPSTREAM, how)

    def _sent_end(self, side: int, how: Stop) -> None:
        if self._over:
            return
        if how is Stop.LOST:
            self._lost(side)
            return
        self._finished |= side
        if self._finished == self._ended == BOTH:
            self._finish()

    def _lost(self, side: int) -> None:
        ended = bool(self._ended & side)
        if side == CLIENT:
            ended = ended or self._linger is not None
            reason = Reason.OK if ended else Reason.CLIENT_GONE
        else:
            reason = Reason.OK if ended else Reason.UPSTREAM_RESET
        self._detail = self._detail or f"{SIDES[side]} reset{' after its end' if ended else ''}"
        if side == UPSTREAM and ended:
            self._let_client_read()
        else:
            self._sever(reason)

    def _let_client_read(self) -> None:
        """The upstream is lost, but not what it said: the client's own bytes go nowhere from here on."""
        self._finished |= UPSTREAM
        if self._linger is None:
            self._taken = self.client.sent - self.client.pending()
            self._linger = self.wheel.callLater(LINGER_S, self._lingered)
        if self._finished == self._ended == BOTH:
            self._finish()

    def _lingered(self) -> None:
        """Look whether the client still reads."""
        moved = self.client.sent - self.client.pending()
        if moved == self._taken:
            self._sever(Reason.OK)
        else:
            self._taken = moved
            self._linger = self.wheel.callLater(LINGER_S, self._lingered)

    def _finish(self) -> None:
        self._stop_clocks()
        self.done(Reason.OK, self._detail)

    def _sever(self, reason: Reason) -> None:
        self._abort_both()
        self.done(reason, self._detail)

    def _abort_both(self) -> None:
        self._stop_clocks()  # first: legs may call back while they are torn down
        for leg, side in ((self.client, CLIENT), (self.upstream, UPSTREAM)):
            if self._finished & side:
                leg.close()
            else:
                leg.abort()

    def _moved(self) -> int:
        """Bytes that have come from either side, or to it: those that the kernel keeps for a slow reader have not."""
        client, upstream = self.client, self.upstream
        waiting = client.pending() + upstream.pending()
        return client.received + client.sent + upstream.received + upstream.sent - waiting

    def _stop_clocks(self) -> None:
        self._over = True
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.pop(self, None)
        for call in (self._life, self._linger):
            if call is not None and call.active():
                call.cancel()

    # The way back

    def _note(self, back: IWayBack) -> None:
        """Begin with a way back, unless the client has said more already."""
        self._received, self._sent = self.client.received, self.upstream.sent
        if self.client.held:
            self.back = None
            back.stay()
            self._watch = self._put_watch()
        else:
            self._watch = self.wheel.put(min(self.limits.idle / IDLE_CHECKS or LOOK_S, LOOK_S), self)

    def _looks_back(self, back: IWayBack) -> bool:
        """
        Close the way back once it is of no use. True while it is open, and silence does not count yet.

        Who goes the way back bounds how long that is.
        """
        if self._is_unheard() and back.may_go_back():
            patience = self._patience()
            if patience and patience / IDLE_CHECKS <= LOOK_S:
                return False  # silence ends it sooner
            self._watch = self._put_watch()
            return True
        self.back = None
        back.stay()
        return False

    def _put_watch(self) -> Slot | None:
        patience = self._patience()
        wait = patience / IDLE_CHECKS
        if self.back is not None:
            wait = min(wait or LOOK_S, LOOK_S)
        return self.wheel.put(wait, self) if wait else None

    def _goes_back(self, back: IWayBack, how: Stop) -> bool:
        self.back = None
        if not self._is_unheard() or not back.may_go_back():
            return False
        self._stop_clocks()
        self.client.unread(b"")
        self.upstream.abort()
        back.go_back(how)
        return True

    def _is_unheard(self) -> bool:
        """Whether nothing was carried: the upstream was told what it was told before, and no more; it said nothing."""
        client, upstream = self.client, self.upstream
        heard = upstream.received or client.received != self._received or upstream.sent != self._sent
        return not heard and not self._ended

    def _grow_impatient(self) -> None:
        """One side has ended: from now on silence may last as long as `half_close` says."""
        watch = self._watch
        if watch is not None:
            watch.pop(self, None)
        self._quiet_checks = 0
        self._watch = self._put_watch()

    def _patience(self) -> float:
        idle, half_close = self.limits.idle, self.limits.half_close
        return _shorter(idle, half_close) if self._ended else idle


classImplements(Splice, ICancel)  # not by a decorator: setup.py compiles this module


def _shorter(one: float, other: float) -> float:
    """The shorter of two limits, of which 0 is none."""
    return min(one, other) if one and other else one or other
