"""
MissOnError: a lookup that fails counts as a miss, as in the original design (`miss_on_error = yes`).

Part of `route`: a wrapper that service.py puts between the cache and the API when the operator asks for it.
"""

from __future__ import annotations

from attrs import define
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from starship.errors import LookupFailed
from starship.interfaces import IResolver
from starship.words import Answer, Ask, Miss, Origin


@implementer(IResolver)
@define(eq=False)
class MissOnError:
    """Answers with a miss where `inner` fails; the cache outside remembers it as long as any other miss."""

    _inner: IResolver

    def peek(self, ask: Ask) -> Answer | None:
        """As inside."""
        return self._inner.peek(ask)

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """As inside, but without its LookupFailed."""
        return self._inner.resolve(ask).addErrback(_as_miss)

    def renew(self, ask: Ask) -> Deferred[Answer]:
        """As inside, but without its LookupFailed."""
        return self._inner.renew(ask).addErrback(_as_miss)


def _as_miss(failure: Failure) -> Answer:
    failure.trap(LookupFailed)
    return Miss(origin=Origin.FRESH)
