"""
Check: what is asked of an endpoint to find out whether it is well, how often, and how the answers are counted. Pure.

Part of the dial step. Knows no sockets and no clock: `dialogue.py` speaks, `probe.py` connects, `checks.py` keeps time.
"""

from __future__ import annotations

from typing import Final

from attrs import define, evolve, field, frozen

from starship.addresses import is_ip
from starship.words import Upstream

TCP: Final = "tcp"
HTTP: Final = "http"
TLS: Final = "tls"
KINDS: Final = (TCP, HTTP, TLS)


@frozen(kw_only=True)
class Question:
    """
    What is asked: `kind` is one of KINDS. `port` 0: the endpoint's own.

    `host` is the Host of a request and the name of a TLS hello; empty: none. `statuses` are those of a well endpoint.
    `preface` goes before all else: a PROXY header that names nobody.
    """

    kind: str
    port: int = 0
    host: str = ""
    path: str = "/"
    statuses: tuple[range, ...] = (range(200, 400),)
    preface: bytes = b""

    def __str__(self) -> str:
        what = f"http check of {self.path}" if self.kind == HTTP else f"{self.kind} check"
        return f"{what} at port {self.port}" if self.port else what


@frozen(kw_only=True)
class Pace:
    """How often (`interval`), and for how long (`timeout`), in seconds; how many in a row change what is thought."""

    interval: float = 5.0
    timeout: float = 2.0
    rise: int = 2
    fall: int = 3

    def stricter(self, other: Pace) -> Pace:
        """Of two the shorter times and the smaller counts: pools that ask the same share one check."""
        return Pace(
            interval=min(self.interval, other.interval),
            timeout=min(self.timeout, other.timeout),
            rise=min(self.rise, other.rise),
            fall=min(self.fall, other.fall),
        )


@frozen(kw_only=True)
class Check:
    """How a pool's endpoints are checked. `closes`: live connections of one that was found down are closed."""

    question: Question
    pace: Pace = Pace()
    closes: bool = False

    def about(self, upstream: Upstream) -> Question:
        """What is asked of this endpoint: where no host was said, its own name stands for it, if it has one."""
        question = self.question
        if question.kind == TCP or question.host or upstream.srv or is_ip(upstream.host):
            return question
        return evolve(question, host=upstream.host)


@frozen
class Well:
    """The endpoint answered as it should."""


@frozen
class Ill:
    """It did not; `why` in our words."""

    why: str


@frozen
class Unmade:
    """It could not be asked, for want of our own means: this says nothing of the endpoint."""


Finding = Well | Ill
Outcome = Finding | Unmade


@define(eq=False)
class Tally:
    """
    Counts findings. It is thought to be up until the first one; that one alone decides.

    Afterwards `pace.fall` in a row bring it down, `pace.rise` in a row up again.
    """

    pace: Pace
    down: bool = field(init=False, default=False)
    _known: bool = field(init=False, default=False)
    _row: int = field(init=False, default=0)

    def count(self, well: bool) -> bool:
        """Take one; whether it changes what is thought."""
        needed = (self.pace.rise if well else self.pace.fall) if self._known else 1
        self._known = True
        if well is not self.down:
            self._row = 0
            return False
        self._row += 1
        if self._row < needed:
            return False
        self.down, self._row = not well, 0
        return True
