"""
Keeper: who administers a cache does it here, so that a question asked before cannot bring back what was forgotten.

Part of `route`: CachingResolver has one. Looks promote nothing, count nothing and ask nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from starship.errors import LookupFailed
from starship.names import Hostname
from starship.route.cache import ICache
from starship.route.failures import Failures
from starship.route.questions import Questions
from starship.words import Answer, Look


@define(eq=False)
class Keeper:
    """Looks into a cache and changes it by hand."""

    _cache: ICache
    _questions: Questions
    _failures: Failures

    def look(self, name: str) -> Look | None:
        """What is held of a name or wildcard."""
        return self._cache.look(name)

    def page(
        self, store: str, after: str = "", limit: int = 100, only: Callable[[str, Answer], bool] | None = None
    ) -> tuple[Look, ...]:
        """At most `limit` entries of `routes` or `misses`, by name, beginning after a name; those that `only` wants."""
        return self._cache.page(store, after, limit, only)

    def failure_of(self, name: Hostname) -> LookupFailed | None:
        """How the name's last lookup failed, while that is remembered."""
        return self._failures.of(name)

    def asking(self, name: Hostname) -> bool:
        """Whether a question about the name is under way whose answer will be remembered."""
        return self._questions.of(name) is not None

    def set(self, name: Hostname, answer: Answer) -> None:
        """Put an answer by hand; what a question now under way will say is not remembered."""
        self._outdate(answer.wildcard or name)
        self._failures.forget(name)
        self._cache.put(name, answer)

    def drop(self, name: str) -> bool:
        """Forget a name or wildcard, how it failed, and what a question now under way will say of it; say if known."""
        self._outdate(name)
        self._failures.forget(Hostname(name))
        return self._cache.drop(name)

    def drop_where(self, app: str | None = None, suffix: str | None = None) -> tuple[str, ...]:
        """Forget all of an app, or all at and below a suffix; both given, both must hold. The names forgotten."""
        if app is not None or suffix is not None:
            self._questions.outdate(lambda asked: suffix is None or asked == suffix or asked.endswith("." + suffix))
        return self._cache.drop_where(app, suffix)

    def purge(self, expired_only: bool = False) -> int:
        """Forget everything, or what has expired; say how much."""
        if not expired_only:
            self._questions.outdate(lambda asked: True)
            self._failures.clear()
        return self._cache.purge(expired_only)

    def _outdate(self, name: str) -> None:
        """Of a wildcard: the names below it too, whose answer may be for all of them."""
        self._questions.outdate(lambda asked: asked == name or (name[:2] == "*." and asked.endswith(name[1:])))
