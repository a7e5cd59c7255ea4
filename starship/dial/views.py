"""
Views: a pool as it stands, for who looks at it. Looking changes nothing.

Part of the dial step.
"""

from __future__ import annotations

from attrs import frozen

from starship.dial.member import State
from starship.dial.pool import Pool
from starship.dial.seat import Seat
from starship.dial.terms import Terms
from starship.words import Upstream


@frozen(kw_only=True)
class MemberView:
    """An endpoint as it stands. `since` (s): how long so. `share`: of the connections, 0 where it is not used."""

    address: str
    endpoint: str
    state: str
    since: float
    why: str
    live: int
    total: int
    failures: int
    ejections: int
    weight: int
    backup: bool
    draining: bool
    share: float


@frozen(kw_only=True)
class PoolView:
    """A pool as it stands. `panic`: nobody is well, so all are used. `port`: what an endpoint without one means."""

    name: str
    policy: str
    port: int
    panic: bool
    total: int
    waiting: int
    retries: int
    retries_refused: int
    members: tuple[MemberView, ...]


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
        retries=0,
        retries_refused=0,
        members=tuple(map(_unused, upstreams)),
    )


def _member(pool: Pool, seat: Seat, share: float) -> MemberView:
    member, now = seat.member, pool.means.clock.seconds()
    return MemberView(
        address=seat.label,
        endpoint=str(seat.upstream),
        state=member.state(pool.terms.slow_start),
        since=now - (member.out_until if member.since < member.out_until <= now else member.since),
        why=member.why,
        live=member.live,
        total=member.total,
        failures=member.failures,
        ejections=member.ejections,
        weight=seat.weight,
        backup=seat.backup,
        draining=seat.draining,
        share=share,
    )


def _unused(upstream: Upstream) -> MemberView:
    return MemberView(
        address=str(upstream),
        endpoint=str(upstream),
        state=State.UP,
        since=0.0,
        why="",
        live=0,
        total=0,
        failures=0,
        ejections=0,
        weight=upstream.weight,
        backup=upstream.backup,
        draining=False,
        share=0.0,
    )
