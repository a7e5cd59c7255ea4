"""
How the names of endpoints are resolved: the book of names, the servers that are asked, the machine's own files.

Part of service, floor 7.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random, SystemRandom
from typing import Final

from starship.config.settings import Settings
from starship.dns.asking import Asker
from starship.dns.book import Book
from starship.dns.resolver import Resolver
from starship.dns.system import Plan, SystemPlan
from starship.service.house import Footing

FAMILIES: Final = {"both": (4, 6), "ipv4": (4,), "ipv6": (6,)}

DIAL_SHARE: Final = 0.5
"""Of the time for a dial, what a name may take: where no server answers, its last addresses are still to be tried."""


def make_book(settings: Settings, footing: Footing) -> Book:
    """Nobody is asked before it is started, or a name is used."""
    wanted = settings.upstream
    return Book(
        resolver=Resolver(
            asker=Asker(footing.reactor, SystemRandom()),
            plan=_fixed(Plan(servers=wanted.dns)) if wanted.dns else SystemPlan(),
            timeout=min(wanted.dns_timeout, wanted.dial_timeout * DIAL_SHARE),
            families=FAMILIES[wanted.dns_family],
        ),
        clock=footing.wheel,
        random=Random(),  # noqa: S311  # lets questions drift apart, guards nothing
        min_ttl=wanted.dns_min_ttl,
        max_ttl=wanted.dns_max_ttl,
    )


def _fixed(plan: Plan) -> Callable[[], Plan]:
    """The servers of the ini file are asked for names as they are written: no file of the machine has a say."""
    return lambda: plan
