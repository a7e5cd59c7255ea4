"""
Figures: what a named pool and its endpoints have done since the start, by endpoint as the ini file has it.

Part of the dial step. Addresses of names come and go, and so would series of metrics: here they are added up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from starship.dial.pools.book import NamedPool
from starship.dial.pools.tallies import NOTHING
from starship.poolviews import EndpointFigures, MemberView, PoolFigures

DRAINING = "draining"


def figures(named: NamedPool) -> PoolFigures:
    """Of all doors together; an address counts once."""
    views = tuple(named.views())
    members: dict[str, MemberView] = {}
    used: set[str] = set()
    for member in (member for view in views for member in view.members):
        members[member.address] = member
        if member.share:
            used.add(member.endpoint)
    return PoolFigures(
        pool=named.name,
        states=Counter(DRAINING if member.draining else member.state for member in members.values()),
        panic=any(view.panic for view in views),
        total=sum(view.total for view in views),
        waiting=sum(view.waiting for view in views),
        retries=sum(view.retries for view in views),
        retries_refused=sum(view.retries_refused for view in views),
        endpoints=_endpoints(named, members, used),
    )


def _endpoints(named: NamedPool, members: Mapping[str, MemberView], used: set[str]) -> tuple[EndpointFigures, ...]:
    live: Counter[str] = Counter()
    for member in members.values():
        live[member.endpoint] += member.live
    counts = named.tallies.counts()
    return tuple(
        EndpointFigures(endpoint=endpoint, used=endpoint in used, live=live[endpoint], **found._asdict())
        for endpoint in dict.fromkeys(map(str, named.upstreams))
        for found in (counts.get(endpoint, NOTHING),)
    )
