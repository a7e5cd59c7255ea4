"""
Who is asked where a name lives: the table of the ini file, and behind it the chain to the API, where there is one.

Part of service, floor 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, succeed

from starship.config.settings import Settings
from starship.interfaces import IResolver
from starship.route.client import ApiClient
from starship.route.table import TableResolver, static_route
from starship.service.chain import Chain, make_chain
from starship.words import Endpoints, Route


@frozen(kw_only=True)
class Lookups:
    """What looks names up. `outer` is whom a Journey asks; `chain` None: there is no API, and the table is all."""

    outer: TableResolver
    chain: Chain | None

    def start(self) -> None:
        """As the chain's."""
        if self.chain is not None:
            self.chain.start()

    def stop(self) -> Deferred[None]:
        """As the chain's."""
        return succeed(None) if self.chain is None else Deferred.fromCoroutine(self.chain.stop())


def make_lookups(
    settings: Settings, reactor: Any, *, client: ApiClient | None = None, random: Random | None = None
) -> Lookups:
    """Build them; `client` and `random` as `make_chain` takes them. Raises CredentialsUnusable."""
    lookup = settings.lookup
    if lookup is None:
        return Lookups(outer=_table(settings, None), chain=None)
    chain = make_chain(settings, lookup, reactor, client=client, random=random)
    return Lookups(outer=_table(settings, chain.outer), chain=chain)


def _table(settings: Settings, inner: IResolver | None) -> TableResolver:
    routes = {
        name: static_route(name, home, settings.paths.get(name, ()), name in settings.redirected)
        for name, home in settings.routes.items()
    }
    return TableResolver(
        routes=routes,
        inner=inner,
        no_name=_by_door("no_name", {door.name: door.no_name for door in settings.listeners})
        | _by_door("upstream", {door.name: door.upstream for door in settings.listeners}),
        default=_by_door("default", {door.name: door.default for door in settings.listeners}),
    )


def _by_door(app: str, targets: Mapping[str, Endpoints]) -> dict[str, Route]:
    return {door: static_route(app, home) for door, home in targets.items() if home}
