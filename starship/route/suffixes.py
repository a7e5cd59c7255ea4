"""
Suffixes: names that are none of ours are unknown without asking anybody.

Part of `route`: where the operator listed what is ever looked up, it stands before the cache.
"""

from __future__ import annotations

from typing import Final

from attrs import define
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from starship.interfaces import IResolver
from starship.names import Hostname
from starship.words import Answer, Ask, Miss, Origin

_NOT_OURS: Final = Miss(origin=Origin.STATIC)


@implementer(IResolver)
@define(eq=False)
class Suffixes:
    """Lets names through that are one of `suffixes` or below one; what that costs depends on a name's labels alone."""

    _inner: IResolver
    _suffixes: frozenset[str]

    def peek(self, ask: Ask) -> Answer | None:
        """A miss for what is not ours; else as inside."""
        return self._inner.peek(ask) if self.ours(ask.name) else _NOT_OURS

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """As `peek`, waiting for inside."""
        return self._inner.resolve(ask) if self.ours(ask.name) else succeed(_NOT_OURS)

    def renew(self, ask: Ask) -> Deferred[Answer]:
        """As `resolve`."""
        return self._inner.renew(ask) if self.ours(ask.name) else succeed(_NOT_OURS)

    def ours(self, name: Hostname | None) -> bool:
        """Whether a name is let through. Who names nobody is not judged here."""
        if name is None or name in self._suffixes:
            return True
        dot = name.find(".")
        while dot >= 0:
            if name[dot + 1 :] in self._suffixes:
                return True
            dot = name.find(".", dot + 1)
        return False
