"""
TableResolver: the operator's own routes, before anyone else is asked.

Part of `route`: the outermost resolver. Static names, what happens to who names nobody, and where unknown names go.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from starship.interfaces import IResolver
from starship.names import Hostname
from starship.reasons import Reason
from starship.words import Answer, Ask, Endpoints, Miss, Origin, PathRule, PoolName, Route

_NO_NAME = Miss(origin=Origin.NONE, reason=Reason.NO_NAME)
_NOT_IN_THE_TABLE = Miss(origin=Origin.STATIC)


def static_route(app: str, home: Endpoints, paths: tuple[PathRule, ...] = (), redirect: bool = False, /) -> Route:
    """A route on the operator's word: trusted, and kept as long as the table. `home` () where `paths` alone lead."""
    pool = home if isinstance(home, PoolName) else None
    upstreams = () if isinstance(home, PoolName) else home
    return Route(
        app=app,
        upstreams=upstreams,
        pool=pool,
        origin=Origin.STATIC,
        trusted=True,
        paths=paths,
        redirect=redirect,
    )


def _wildcards(routes: Mapping[str, Route]) -> dict[str, Route]:
    """By the part below the star, its dot included."""
    return {pattern[1:]: route for pattern, route in routes.items() if pattern.startswith("*.")}


@implementer(IResolver)
@define(eq=False, kw_only=True)
class TableResolver:
    """
    A table before `inner` (None: names outside the table are unknown).

    `routes` by canonical name or `*.` wildcard: the exact name first, then the longest wildcard that covers it; what
    that costs depends on the labels of a name, not on the number of routes. `no_name` and `default` by the name of
    a door: where those go who name nobody, and those whose name is unknown. A failed lookup has no default.
    """

    _routes: Mapping[str, Route]
    _inner: IResolver | None
    _no_name: Mapping[str, Route] = field(factory=dict)
    _default: Mapping[str, Route] = field(factory=dict)
    _below: dict[str, Route] = field(init=False)

    @_below.default
    def _(self) -> dict[str, Route]:
        return _wildcards(self._routes)

    def peek(self, ask: Ask) -> Answer | None:
        """Answer from the table; else what `inner` knows, with the door's default in place of an unknown name."""
        answer = self._know(ask)
        if answer is None and self._inner is not None:
            answer = self._inner.peek(ask)
        return None if answer is None else self._or_default(answer, ask)

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """As `peek`, waiting for `inner`. Errors: those of `inner`."""
        answer = self._know(ask)
        if answer is not None or self._inner is None:
            return succeed(self._or_default(answer or _NOT_IN_THE_TABLE, ask))
        return self._inner.resolve(ask).addCallback(self._or_default, ask)

    def renew(self, ask: Ask) -> Deferred[Answer]:
        """As `resolve`: the table does not change by being asked again."""
        answer = self._know(ask)
        if answer is not None or self._inner is None:
            return succeed(self._or_default(answer or _NOT_IN_THE_TABLE, ask))
        return self._inner.renew(ask).addCallback(self._or_default, ask)

    def _know(self, ask: Ask) -> Answer | None:
        """What needs no one else: None only where there is an `inner` to ask."""
        if ask.name is None:
            return self._no_name.get(ask.door, _NO_NAME)
        route = self.find(ask.name)
        return _NOT_IN_THE_TABLE if route is None and self._inner is None else route

    def find(self, name: Hostname) -> Route | None:
        """The table's own word on a name: a look, which asks nobody."""
        route = self._routes.get(name)
        if route is not None or not self._below:
            return route
        dot = name.find(".")
        while dot >= 0:
            route = self._below.get(name[dot:])
            if route is not None:
                return route
            dot = name.find(".", dot + 1)
        return None

    def _or_default(self, answer: Answer, ask: Ask) -> Answer:
        match answer:
            case Miss(reason=Reason.UNKNOWN_NAME):
                return self._default.get(ask.door, answer)
            case _:
                return answer
