"""
Views: a pool as it stands, and whom it would choose, for who looks at it. Looking changes nothing.

Part of the dial step.
"""

from __future__ import annotations

from typing import Final

from starship.dial.pools.member import State
from starship.dial.pools.pool import Pool
from starship.dial.pools.seat import Seat
from starship.dial.pools.terms import Terms
from starship.poolviews import Forecast, MemberView, PoolView
from starship.words import Upstream


def view(pool: Pool) -> PoolView:
    """How it stands now."""
    table = pool.current()
    whole = sum(table.shares)
    shares = {seat: share / whole for seat, share in zip(table.seats, table.shares, strict=True)}
    return PoolView(
        name=pool.name,
        policy=pool.terms.policy,
        port=pool.port,
        panic=table.panic,
        total=pool.total,
        waiting=0 if pool.room is None else len(pool.room),
        queue=pool.terms.queue,
        max_connections=pool.terms.max_connections,
        retries=pool.retries.spent,
        retries_refused=pool.retries.refused,
        members=tuple(_member(pool, seat, shares.get(seat, 0.0)) for seat in pool.seats),
    )


def unused(name: str, terms: Terms, upstreams: tuple[Upstream, ...]) -> PoolView:
    """How a pool stands that nobody has asked for yet: as it is written."""
    return PoolView(
        name=name,
        policy=terms.policy,
        port=0,
        panic=False,
        total=0,
        waiting=0,
        queue=terms.queue,
        max_connections=terms.max_connections,
        retries=0,
        retries_refused=0,
        members=tuple(_unused(upstream, upstreams) for upstream in upstreams),
    )


def foresee(pool: Pool, source: str | None, host: str | None) -> Forecast:
    """Whom the pool would choose for a client (None: any) that asks for this name."""
    table, policy = pool.current(), pool.terms.policy
    if table.picker is None:
        return Forecast(None, "nobody may be used")
    if len(table.seats) > 1 and policy == "hash_source" and source is None:
        return Forecast(None, "it depends on the client's address, which was not said")
    seat = table.picker.foresee(source or "", host)
    if seat is None:
        return Forecast(None, _BY_LOT[policy])
    why = "it is the only one that is used" if len(table.seats) == 1 else _CERTAIN[policy]
    return Forecast(seat.label, why + ("; it is full, so another one is looked for" if pool.full(seat) else ""))


_BY_LOT: Final = {
    "random": "drawn by weight",
    "random_two": "two are drawn by weight, and the one with fewer connections is taken",
    "least_connections": "several have the fewest connections for their weight: one of them is drawn",
}
_CERTAIN: Final = {
    "round_robin": "it has the next turn",
    "least_connections": "it has the fewest connections for its weight",
    "hash_source": "the client's address belongs to it",
    "hash_host": "the name belongs to it",
}


def _member(pool: Pool, seat: Seat, share: float) -> MemberView:
    member, now = seat.member, pool.means.clock.seconds()
    began = member.out_until if member.since < member.out_until <= now else member.since
    checked = member.checked.get(seat.question)
    down = checked is not None and checked.down
    if checked is not None and (down or checked.since > began):
        began = checked.since
    return MemberView(
        address=seat.label,
        endpoint=str(seat.upstream),
        state=member.state(pool.terms.slow_start, seat.question),
        since=now - began,
        back_in=max(0.0, member.out_until - now),
        why=checked.why if checked is not None and down else member.why,
        live=member.live,
        total=member.total,
        failures=member.failures,
        ejections=member.ejections,
        weight=seat.weight,
        backup=seat.backup,
        draining=seat.draining,
        share=share,
        spares=pool.means.ready(member.address),
    )


def _unused(upstream: Upstream, all_: tuple[Upstream, ...]) -> MemberView:
    whole = sum(one.weight for one in all_ if not one.backup)
    return MemberView(
        address=str(upstream),
        endpoint=str(upstream),
        state=State.UP,
        since=0.0,
        back_in=0.0,
        why="",
        live=0,
        total=0,
        failures=0,
        ejections=0,
        weight=upstream.weight,
        backup=upstream.backup,
        draining=False,
        share=0.0 if upstream.backup or not whole else upstream.weight / whole,
        spares=0,
    )
