"""
How long an answer may be kept, as HTTP says it: Cache-Control, Age, Retry-After. Pure.

Part of `route`: the contract reads this where the body says nothing. Knows neither names nor JSON.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Final

from attrs import frozen

from starship.route.fields import TIME_LIMIT_S

RETRY_AFTER_LIMIT_S: Final = 86_400.0
HEADER_LIMIT: Final = 1024
"""Characters of a header that are read; what is longer counts as not sent."""

_SECONDS = re.compile(r"[0-9]{1,20}")
_FORBIDS_MEMORY = frozenset({"no-store", "no-cache"})


@frozen(kw_only=True)
class Freshness:
    """Seconds to keep an answer, and to serve it beyond that on an error; None where the headers say nothing."""

    ttl: float | None = None
    stale_ttl: float | None = None


def freshness(cache_control: str, age: str = "") -> Freshness:
    """
    Read Cache-Control and Age.

    no-store and no-cache make a ttl of 0. Of a directive sent twice the shortest counts, and one that is no number
    counts as 0: freshness that cannot be read is no freshness.
    Source: RFC 9111 sections 4.2.1, 4.2.3, 5.1, 5.2.2; RFC 5861 section 4.
    """
    ttl: float | None = None
    stale: float | None = None
    for directive in cache_control[:HEADER_LIMIT].lower().split(","):
        word, _, value = (part.strip(" \t") for part in directive.partition("="))
        if word in _FORBIDS_MEMORY:
            return Freshness(ttl=0.0, stale_ttl=0.0)
        if word == "max-age":
            ttl = _shorter(ttl, _delta(value))
        elif word == "stale-if-error":
            stale = _shorter(stale, _delta(value))
    if ttl is not None and age:
        ttl = max(0.0, ttl - _delta(age))
    return Freshness(ttl=ttl, stale_ttl=stale)


def retry_after(value: str, date: str = "") -> float | None:
    """
    Read Retry-After: seconds, or a date, which is measured against the answer's own Date. At most a day.

    Source: RFC 9110 section 10.2.3.
    """
    if len(value) > HEADER_LIMIT or len(date) > HEADER_LIMIT:
        return None
    if _SECONDS.fullmatch(value):
        return min(float(value), RETRY_AFTER_LIMIT_S)
    try:
        wait = parsedate_to_datetime(value).timestamp() - parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(wait, 0.0), RETRY_AFTER_LIMIT_S)


def _delta(value: str) -> float:
    text = value.strip('" \t')
    return min(float(text), TIME_LIMIT_S) if _SECONDS.fullmatch(text) else 0.0


def _shorter(known: float | None, new: float) -> float:
    return new if known is None else min(known, new)
