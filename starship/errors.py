"""
Failures of our own means: configuration, resolver, dial. Never the peer's conduct (that is a Refusal).

Floor 0 of the house: knows nothing. `word` is the spelling of a `words.Reason`; a test holds the two together.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Side(StrEnum):
    """Whose side failed."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    RESOLVER = "resolver"
    OURS = "ours"


class StarshipError(Exception):
    """The ancestor of every exception of ours: whose side failed, and whether another try may help."""

    side: ClassVar[Side] = Side.OURS
    retriable: ClassVar[bool] = False
    word: ClassVar[str] = "internal"


class LookupFailed(StarshipError):
    """
    The lookup brought no answer: neither a route nor a miss.

    str(error) says why, in our words, bounded and printable. `retry_after` (s) is the API's wish, if it had one.
    """

    side = Side.RESOLVER
    retriable = True
    word = "lookup_refused"

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class LookupRefused(LookupFailed):
    """The API could not be reached, broke off, or answered with a status that is no answer (3xx, 4xx but 404)."""


class LookupTimeout(LookupFailed):
    """The API did not answer within its deadline."""

    word = "lookup_timeout"


class LookupServerError(LookupFailed):
    """The API answered 5xx."""

    word = "lookup_5xx"


class LookupInvalid(LookupFailed):
    """The API answered something that is not the contract."""

    retriable = False
    word = "lookup_invalid"


class LookupBusy(LookupFailed):
    """We would not ask: too many questions are in flight."""

    word = "lookup_busy"


class DialFailed(StarshipError):
    """No upstream of the route could be reached. str(error) names the last endpoint tried and why it failed."""

    side = Side.UPSTREAM
    retriable = True
    word = "upstream_refused"


class DialRefused(DialFailed):
    """Refused, unreachable, or reset while connecting."""


class DialTimeout(DialFailed):
    """Not connected within the deadline."""

    word = "upstream_timeout"


class DialUnresolved(DialFailed):
    """The endpoint is a name, and it has no address."""

    word = "upstream_unresolved"


class DialForbidden(DialFailed):
    """The endpoint that a lookup brought is in a range that the settings do not allow."""

    retriable = False
    word = "upstream_forbidden"


class DialBroken(DialFailed):
    """Our own means ran out (descriptors, ports, memory): not the upstream's fault."""

    side = Side.OURS
    word = "internal"
