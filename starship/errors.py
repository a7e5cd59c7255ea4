"""
Failures of our own means: configuration, resolver, dial. Never the peer's conduct (that is a Refusal).

Floor 0 of the house: knows nothing. `word` is the spelling of a `reasons.Reason`; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar, Final

from attrs import frozen


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


class BadPages(StarshipError):
    """What `[pages]` names cannot be used: `mistakes` has one line each, the file or key first."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class LookupFailed(StarshipError):
    """
    The lookup brought no answer: neither a route nor a miss.

    str(error) says why, in our words, bounded and printable. `retry_after` (s) is the API's wish, if it had one.
    `shared`: it would have failed for every name, and who says so keeps count of that; it says nothing of this name.
    """

    side = Side.RESOLVER
    retriable = True
    word = "lookup_refused"

    def __init__(self, why: str, retry_after: float | None = None, *, shared: bool = False) -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.shared = shared


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


class DialReset(DialFailed):
    """Endpoints took the connection, and ended or reset it before they had said a byte."""

    word = "upstream_reset"


class DialUnresolved(DialFailed):
    """The endpoint is a name, and it has no address."""

    word = "upstream_unresolved"


class DialForbidden(DialFailed):
    """The endpoint that a lookup brought is in a range that the settings do not allow."""

    retriable = False
    word = "upstream_forbidden"


class DialBusy(DialFailed):
    """Every endpoint has as many connections as it may, and there was no room in time."""

    side = Side.OURS
    retriable = False
    word = "over_limit"


class DialBroken(DialFailed):
    """We cannot connect for a reason of our own (no address or port left): not the upstream's fault."""

    side = Side.OURS
    word = "internal"


class DialShort(DialBroken):
    """Our descriptors or memory are used up: the house is full."""

    word = "over_limit"


SHOWN_LIMIT: Final = 80
"""Characters of an operator's text that a mistake repeats."""

PATH_LIMIT: Final = 4096
"""Those of a path: Linux knows none that is longer (limits.h, PATH_MAX)."""

MISTAKES_SHOWN_LIMIT: Final = 200


def shown(text: str, limit: int = SHOWN_LIMIT) -> str:
    """The text on one line: what cannot be printed is escaped, what is long is cut. For mistakes and logs."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in cut
    )


@frozen(kw_only=True)
class Mistake:
    """
    One thing wrong in the ini file, as one line: `FILE:12: [lookup] timeout = "soon": expected a duration …`.

    `line` counts from 1, 0 where the file as a whole is meant; `section` and `key` are empty where there is none.
    `found` is None where nothing was found, or where it must not be repeated because it may be a secret.
    `allowed` goes after the word "expected".
    """

    file: str
    line: int
    section: str = ""
    key: str = ""
    found: str | None = None
    allowed: str

    def __str__(self) -> str:
        file = shown(self.file, PATH_LIMIT)
        place = f"{file}:{self.line}" if self.line else file
        section = f" [{shown(self.section)}]" if self.section else ""
        key = f" {shown(self.key)}" if self.key else ""
        equals = " =" if self.key and self.found is not None else ""
        found = "" if self.found is None else f' "{shown(self.found)}"'
        subject = f"{section}{key}{equals}{found}"
        return f"{place}:{subject}{':' if subject else ''} expected {self.allowed}"


class ConfigError(StarshipError):
    """The ini file cannot be used. `mistakes` has all of them, in the order of the file; str() is one line each."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__(mistakes)
        self.mistakes = mistakes

    def __str__(self) -> str:
        lines = [str(mistake) for mistake in self.mistakes[:MISTAKES_SHOWN_LIMIT]]
        unsaid = len(self.mistakes) - len(lines)
        return "\n".join([*lines, f"... and {unsaid} more"] if unsaid else lines)
