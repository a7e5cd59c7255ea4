"""
The house: everybody who works in it, and what they stand on.

Part of service, floor 7. `make.py` fills it; the router starts and stops who is in it, the pages and the metrics look
at them.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from starship.accept.gate import Gate, TenantGate
from starship.accept.listening import DoorService
from starship.accept.live import Crowd
from starship.account.accesslog import AccessLog
from starship.account.ledger import Ledger
from starship.account.pulse import Pulse
from starship.admin.readiness import LookupProbe, Readiness
from starship.config.settings import Settings
from starship.dial.dialer import Dialer
from starship.dial.idle import IdleConnections
from starship.dial.pools.checks import Checks
from starship.dns.book import Book
from starship.service.lookups import Lookups
from starship.wire.ground import Ground
from starship.wire.nest import loop_of
from starship.wire.wheel import Wheel


@frozen(kw_only=True)
class Footing:
    """What everybody stands on: the reactor, the ground of its connections, and coarse time."""

    reactor: Any
    ground: Ground
    wheel: Wheel


def make_footing(settings: Settings, reactor: Any) -> Footing:
    """One for all."""
    ground = Ground(loop_of(reactor), settings.upstream.splice_after)
    return Footing(reactor=reactor, ground=ground, wheel=Wheel(reactor))


@frozen(kw_only=True)
class House:
    """Who works here, in the order of the walk. None is what the settings do not want."""

    settings: Settings
    reactor: Any
    doors: list[DoorService]
    gate: Gate
    tenants: TenantGate
    crowd: Crowd
    lookups: Lookups
    dialer: Dialer
    idle: IdleConnections
    book: Book
    checks: Checks
    ledger: Ledger
    access_log: AccessLog | None
    pulse: Pulse
    probe: LookupProbe | None
    readiness: Readiness
