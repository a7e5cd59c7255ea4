"""
The last raw answers of the API, for people who ask why: bounded in bytes, the oldest go first.

Part of `route`: RemoteResolver notes what it got, explain shows it. A cached entry itself keeps no text, so that it
stays under a kibibyte: what is remembered of it is spelled out of the answer (`spelling.py`).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from attrs import define, field, frozen

from starship.names import Hostname

TEXT_LIMIT_BYTES: Final = 2048
TOTAL_LIMIT_BYTES: Final = 1024 * 1024
RECORD_BYTES: Final = 400
"""A record beside its text."""


@frozen
class Raw:
    """What the API said about a name: HTTP status, Cache-Control, the first bytes of the body; `at` in monotonic s."""

    api: int
    status: int
    cache_control: str
    body: bytes
    at: float


@define(eq=False)
class RawAnswers:
    """The latest answers, at most `limit` bytes of them all together."""

    _limit: int = TOTAL_LIMIT_BYTES
    _kept: OrderedDict[Hostname, Raw] = field(factory=OrderedDict, init=False)
    bytes: int = field(default=0, init=False)

    def note(self, name: Hostname, raw: Raw) -> None:
        """Keep it in place of what was said before."""
        old = self._kept.pop(name, None)
        if old is not None:
            self.bytes -= _size(old)
        self._kept[name] = raw
        self.bytes += _size(raw)
        while self.bytes > self._limit:
            self.bytes -= _size(self._kept.popitem(last=False)[1])

    def of(self, name: Hostname) -> Raw | None:
        """What was said last about a name, if that is still kept."""
        return self._kept.get(name)


def _size(raw: Raw) -> int:
    return RECORD_BYTES + len(raw.body) + len(raw.cache_control)
