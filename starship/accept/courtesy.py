"""
Courtesy: how conversations are held at a door.

Part of accept. What all conversations of a door have in common, and nothing of any one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from starship.accept.turn import Wording
from starship.exchanging import ExchangeMaker, IIdle
from starship.guides import Guides
from starship.interfaces import IDialer, IRefuser, Scheme
from starship.words import Arrival, Refusal, Verdict


@frozen(kw_only=True)
class Courtesy:
    """
    Seconds and counts; 0: no limit.

    `glance` is a look at what comes first of a head: the verdict where that is enough, else None, and nothing is
    remembered. `head_timeout` from a head's first byte to its last, `keepalive_timeout` between two requests,
    `patience` for a client that takes nothing of what is kept for it: before its next request is read, and after its
    last answer. `lifetime` of the connection and `requests` on it are looked at when a response is written. `body_size`
    (octets) bounds a request's body. `introduce` prepares how an arrival's requests are worded. `next_turn` calls once
    others have had their turn.
    """

    scheme: Scheme
    glance: Callable[[bytes], Verdict | None]
    refusers: Mapping[str, IRefuser]
    guides: Guides
    exchange: ExchangeMaker
    idle: IIdle
    fresh: IDialer
    introduce: Callable[[Arrival], Wording]
    next_turn: Callable[[Callable[[], None]], object]
    head_timeout: float
    keepalive_timeout: float = 60.0
    patience: float = 60.0
    requests: int = 0
    lifetime: float = 0.0
    body_size: int = 0

    def refuser(self, refusal: Refusal) -> IRefuser:
        """Who puts it into words: those of the door, unless the client speaks another language."""
        return self.refusers.get(refusal.scheme or "", self.scheme.refuser)
