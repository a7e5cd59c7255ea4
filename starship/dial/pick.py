"""
The order in which a route's upstreams are tried. Pure: candidates in, order out.

Part of the dial step. Knows neither health nor load.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from operator import itemgetter
from random import Random

from starship.words import Upstream


def order(upstreams: Sequence[Upstream], random: Random) -> list[Upstream]:
    """
    Put the upstreams of one connection in the order of trying.

    Shape: the members first, drawn by weight without replacement, so that a share of the connections as large as its
    share of the weights starts at each; a weight of 0 takes no share and comes last among them; then the backups in
    the same way.
    """
    if len(upstreams) == 1:
        return [upstreams[0]]
    members = [upstream for upstream in upstreams if not upstream.backup]
    backups = [upstream for upstream in upstreams if upstream.backup]
    return _drawn(members, random) + _drawn(backups, random)


def _drawn(upstreams: list[Upstream], random: Random) -> list[Upstream]:
    # A race of exponential clocks is won in proportion to their rates, and so are the places behind the winner.
    lots = [(random.expovariate(up.weight) if up.weight else inf, random.random()) for up in upstreams]
    return [up for _, up in sorted(zip(lots, upstreams, strict=True), key=itemgetter(0))]
