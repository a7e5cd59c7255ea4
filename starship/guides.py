"""
Guides: whom a Journey asks on its way.

Floor 4, beside the Journey: the seams that it is written against, as one value that all Journeys share.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from starship.interfaces import IDialer, ILedger, IResolver, ITenantGate
from starship.words import Door, Hello, Refusal, Route


def for_all(route: Route, hello: Hello, door: Door) -> Route:
    """A route that is not particular about requests."""
    return route


@frozen(kw_only=True)
class Guides:
    """
    The same for all Journeys.

    `dial_timeout` (s) is for all that is dialled for one client, a second route and second chances included. `narrow`
    is asked about a route that is particular about requests, and says where this one goes.
    """

    resolver: IResolver
    tenants: ITenantGate
    dialer: IDialer
    ledger: ILedger
    clock: IReactorTime
    dial_timeout: float = 10.0
    narrow: Callable[[Route, Hello, Door], Route | Refusal] = for_all
