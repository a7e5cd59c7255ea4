"""
The seams of a connection: one side of it, how one is made, and something under way that can be given up.

Floor 3, below interfaces, which hands them on. The wire and stock transports provide legs; whoever moves bytes is
written against them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from zope.interface import Attribute, Interface

from starship.words import Address, Stop


class ICancel(Interface):
    """Something under way that can be given up."""

    def cancel() -> None:
        """Give it up; no callback is made after it. A second call does nothing."""


class ILeg(Interface):
    """
    One side of a connection, made of bytes both ways. Fully buffered nowhere: `send` says when to wait.

    What arrives before `carry` is asked for waits here, within a bound; afterwards it goes to the other leg.
    """

    remote: Address = Attribute("whom it is connected to")
    received: int = Attribute("bytes read from the peer so far")
    sent: int = Attribute("bytes accepted for the peer so far")
    held: int = Attribute("bytes that wait here for who carries or reads next")
    full: bool = Attribute("whether its peer has yet to take some of what was sent")
    dead: bool = Attribute("whether a write has shown that its peer hears nothing more")
    dialogue: bool = Attribute(
        "whether its peer speaks to be answered: once it hears nothing more, what it says is dropped, and it is LOST;"
        " else all that it has said is read first"
    )
    over: Callable[[ILeg, Stop], object] | None = Attribute(
        "called once with this leg when nothing is left of the connection: LOST where the peer broke it, else ENDED"
    )

    def send(data: bytes) -> bool:
        """Write; False asks the caller to stop until `drained` calls back."""

    def drained(resume: Callable[[], None]) -> None:
        """Call `resume` once, when what made `send` say False has gone to the kernel."""

    def pause() -> None:
        """Stop reading."""

    def resume() -> None:
        """Read on."""

    def later() -> None:
        """Read on in the loop's next turn: what came was a lot of work, and the others are to have their turn."""

    def end(done: Callable[[Stop], None]) -> None:
        """
        Finish what is buffered, then close for writing (half-close).

        done(ENDED) once the last byte and the FIN went to the kernel; done(LOST) if the connection broke before.
        A leg whose peer has ended too closes itself then.
        """

    def pending() -> int:
        """
        Bytes that were sent and that the peer's kernel has not confirmed, as far as this can be known.

        Grows smaller while the peer reads, and is 0 once nothing can be lost on the way any more.
        """

    def close() -> None:
        """Close both ways once all is written: the kernel goes on sending. What the peer says on is not read."""

    def abort() -> None:
        """Reset the connection at once, and lose what is pending. No callback is made after it."""

    def carry(to: ILeg, limit: int | None, done: Callable[[Stop], None]) -> None:
        """
        Move what arrives here to another leg, with back-pressure.

        limit: exactly that many bytes, then done(LIMIT), later bytes wait here; None: a tunnel.
        done is called once: ENDED at the peer's end of stream, LOST when this connection broke. After ENDED it is
        called once more, with LOST, where the connection breaks before both sides have finished.
        """

    def read(heard: Callable[[bytes], None], ended: Callable[[Stop], None]) -> None:
        """
        Hand each piece that arrives to `heard`, what waits here first, until `carry`, `read` or `unread` is asked for.

        ended is called as `carry` calls its done. Like `carry`, it takes over from whatever was asked for before.
        """

    def unread(data: bytes) -> None:
        """
        Neither carry nor read from here on: bytes wait here, the first of them `data`, which was read too far.

        No callback that was asked for before is made any more.
        """


class Connect(Protocol):
    """
    Connects to one address: `connected(leg)` or `refused(error)` is called once, perhaps before it returns.

    `bind` are our own addresses, tried in this order while one of them cannot be had or has no port left; empty: the
    kernel chooses. `timeout` in seconds (TimeoutError). Cancelling calls neither.
    """

    def __call__(
        self,
        remote: Address,
        bind: tuple[str, ...],
        timeout: float,
        connected: Callable[[ILeg], object],
        refused: Callable[[OSError], object],
    ) -> ICancel: ...
