"""
A pool as it stands, as JSON and as text. Pure.

Part of `admin`, floor 6: `pools.py` shows it, `explain` a part of it. No column but the last has a space.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from starship.admin.replies import seconds
from starship.poolviews import MemberView, NameView, PoolView

DRAINING: Final = "draining"

_COLUMNS: Final = "  {:<30} {:<9} {:>9} {:>6} {:>6} {:>6} {:>9} {:>8} {:>9}  {}"
TITLE: Final = _COLUMNS.format(
    "address", "state", "since s", "share", "weight", "live", "total", "failures", "ejections", "remarks"
)


def state_of(member: MemberView) -> str:
    """How it stands; draining goes before all else."""
    return DRAINING if member.draining else member.state


def states_of(members: Iterable[MemberView]) -> dict[str, int]:
    """How many stand how."""
    return dict(Counter(map(state_of, members)))


def summary(views: Sequence[PoolView]) -> dict[str, Any]:
    """A pool in short, for programs; an address that several ports have counts once."""
    members = {member.address: member for view in views for member in view.members}
    return {
        "pool": views[0].name,
        "policy": views[0].policy,
        "endpoints": len(members),
        "states": states_of(members.values()),
        "used": len({member.address for view in views for member in view.members if member.share}),
        "panic": any(view.panic for view in views),
        "live": sum(member.live for member in members.values()),
        "total": sum(view.total for view in views),
        "waiting": sum(view.waiting for view in views),
    }


def summary_line(views: Sequence[PoolView]) -> str:
    """A pool in short, for people."""
    short = summary(views)
    states = ", ".join(f"{count} {state}" for state, count in sorted(short["states"].items())) or "none known"
    panic = "; PANIC: none is well, all are tried" if short["panic"] else ""
    waiting = f"; waiting for room: {_counted(short['waiting'], 'client')}" if short["waiting"] else ""
    return (
        f"{short['pool']}: {short['policy']}, {_counted(short['endpoints'], 'endpoint')} ({states}),"
        f" {short['used']} used, {short['live']} live, {_counted(short['total'], 'connection')} so far{waiting}{panic}"
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def fields_of(views: Sequence[PoolView], names: Sequence[NameView]) -> dict[str, Any]:
    """A pool with its members, for programs. Seconds."""
    return {
        **summary(views),
        "ports": [_port_fields(view) for view in views],
        "names": [_name_fields(name) for name in names],
    }


def text_of(views: Sequence[PoolView], names: Sequence[NameView]) -> str:
    """The same for people."""
    lines = [summary_line(views)]
    for view in views:
        at = f"at port {view.port}, " if view.port else ""
        limit = (
            f"at most {view.max_connections} each, {view.waiting} of {view.queue} wait" if view.max_connections else ""
        )
        spent = f"{view.retries} retries, {view.retries_refused} refused"
        lines += ["", f"{at}{limit or 'no limit'}; {spent}", TITLE]
        lines += map(_member_line, view.members)
    if names:
        lines += ["", *map(_name_line, names)]
    return "".join(f"{line}\n" for line in lines)


def member_fields(member: MemberView) -> dict[str, Any]:
    """A member, for programs."""
    return {
        "address": member.address,
        "endpoint": member.endpoint,
        "state": member.state,
        "since": seconds(member.since),
        "back_in": round(member.back_in, 3) or None,
        "why": member.why or None,
        "draining": member.draining,
        "share": round(member.share, 4),
        "weight": member.weight,
        "backup": member.backup,
        "live": member.live,
        "total": member.total,
        "failures": member.failures,
        "ejections": member.ejections,
        "spares": member.spares,
    }


def not_well(member: MemberView) -> str:
    """What is not as usual with a member, in words; empty: nothing."""
    state = state_of(member)
    if state == "up":
        return ""
    if state == DRAINING:
        return f"draining: no new connections, {member.live} live"
    back = f", used again in {member.back_in:.1f} s" if member.back_in and state == "ejected" else ""
    why = f" ({member.why})" if member.why and state != "slow" else ""
    return f"{state} for {member.since:.1f} s{back}{why}"


def _port_fields(view: PoolView) -> Mapping[str, Any]:
    return {
        "port": view.port or None,
        "panic": view.panic,
        "total": view.total,
        "max_connections": view.max_connections or None,
        "waiting": view.waiting,
        "queue": view.queue,
        "retries": view.retries,
        "retries_refused": view.retries_refused,
        "members": [member_fields(member) for member in view.members],
    }


def _member_line(member: MemberView) -> str:
    remarks = [member.endpoint] if member.endpoint != member.address else []
    remarks += ["backup"] if member.backup else []
    remarks += [f"{member.spares} spare"] if member.spares else []
    if member.state == "ejected" and member.back_in:
        remarks.append(f"used again in {member.back_in:.1f} s")
    if member.why and member.state in ("ejected", "down"):
        remarks.append(member.why)
    elif member.why:
        remarks.append(f"last: {member.why}")
    return _COLUMNS.format(
        member.address,
        state_of(member),
        f"{member.since:.1f}",
        f"{member.share:.0%}",
        member.weight,
        member.live,
        member.total,
        member.failures,
        member.ejections,
        "; ".join(remarks) or "-",
    )


def _name_fields(name: NameView) -> Mapping[str, Any]:
    return {
        "name": name.name,
        "addresses": [place.host for place in name.places],
        "age": seconds(name.age),
        "asked_again_in": seconds(name.left),
        "trouble": name.trouble or None,
    }


def _name_line(name: NameView) -> str:
    age = "never answered" if name.age is None else f"answered {name.age:.1f} s ago"
    again = "" if name.left is None else f", asked again in {max(0.0, name.left):.1f} s"
    trouble = f"; since then {name.trouble}, so the last good answer stays" if name.trouble and name.places else ""
    trouble = trouble or (f"; {name.trouble}" if name.trouble else "")
    count = len(name.places)
    return f"{name.name}: {count} address{'' if count == 1 else 'es'}, {age}{again}{trouble}"
