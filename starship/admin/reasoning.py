"""
Why a name goes where it goes: the walk of a connection, without walking. Counts, promotes and asks nothing.

Part of `admin`, floor 6: `explain.py` shows what is found here. Follows the order that service.py lays the resolvers
in; end-to-end tests hold it to what clients meet.
"""

from __future__ import annotations

from ipaddress import ip_address

from attrs import evolve, field, frozen

from starship.admin.poolrooms import Choosing
from starship.admin.requests import HTTP, TLS, Turn, turn_of
from starship.admin.rooms import Directory, Doorway, Rooms
from starship.errors import LookupFailed
from starship.names import Hostname
from starship.reasons import Reason
from starship.words import Address, Answer, Look, Miss, Network, Origin, Place, Refusal, Route, Upstream

NO_NAME = Miss(origin=Origin.NONE, reason=Reason.NO_NAME)
UNKNOWN = Miss(origin=Origin.NONE)
OVER = Miss(origin=Origin.NONE, reason=Reason.OVER_LIMIT, told=Reason.UNKNOWN_NAME)


@frozen(kw_only=True)
class Question:
    """
    Who asks for what where. `name` None with `why_not` empty: nobody was named.

    `target`: the path and query of a plain HTTP request; None: hidden from us.
    """

    asked: str
    name: Hostname | None
    why_not: str
    door: Doorway
    client: str | None = None
    target: str | None = None


@frozen(kw_only=True)
class Finding:
    """
    Who would answer (`provider`), and `how` in words. Without `answer` and `error` it is not known before asking.

    `fallback` is the stale route that is served where asking fails.
    """

    provider: str
    how: str
    answer: Answer | None = None
    error: LookupFailed | None = None
    fallback: Route | None = None


@frozen(kw_only=True)
class Outcome:
    """
    What clients meet: `reason` for the log, `told` for the client; reason None: not known before asking.

    `kinds` of clients that meet it: both, unless a request's path or a redirect decided.
    """

    reason: Reason | None
    detail: str = ""
    kinds: tuple[str, ...] = (HTTP, TLS)
    told: Reason | None = field()

    @told.default
    def _(self) -> Reason | None:
        return self.reason

    @property
    def verdict(self) -> str:
        """served, refused or unknown."""
        if self.reason is None:
            return "unknown"
        return "served" if self.reason is Reason.OK else "refused"


@frozen(kw_only=True)
class Endpoint:
    """
    One endpoint of a route, in the order of trying. `share` of the first tries, 0 for one that is not used now.

    `addresses` None: a name that is resolved at the first dial; with ports where SRV records say them. `objections` of
    the guard, by address. `drained`: an operator lets it have no new connections.
    """

    upstream: Upstream
    port: int
    share: float
    addresses: tuple[str, ...] | None
    objections: tuple[str, ...]
    drained: bool = False

    @property
    def forbidden(self) -> bool:
        """Whether none of its addresses may be dialled."""
        return bool(self.addresses) and len(self.objections) == len(self.addresses or ())


def find(rooms: Rooms, question: Question) -> Finding:
    """Who would answer, in the order of the resolvers."""
    name, door = question.name, question.door
    if name is None:
        if not question.why_not and door.no_name is not None:
            return Finding(provider="no_name", how=f"[listener:{door.name}] no_name", answer=door.no_name)
        return Finding(provider="nobody", how=question.why_not or "no name is asked for", answer=NO_NAME)
    route = rooms.table(name)
    if route is not None:
        return Finding(provider="static", how=f"[routes] {route.app}", answer=route)
    directory = rooms.directory
    if directory is None:
        finding = Finding(provider="nobody", how="it is not in [routes], and there is no API", answer=UNKNOWN)
    elif not directory.ours(name):
        finding = Finding(provider="suffixes", how="it is below none of [names] suffixes", answer=UNKNOWN)
    else:
        finding = _remembered(directory, name) or _asked(directory, name, question.client)
    return _or_default(finding, door)


def judge(rooms: Rooms, question: Question, answer: Answer | None, error: LookupFailed | None) -> Outcome:
    """What a client would meet with this answer or failure."""
    if question.why_not:
        return Outcome(reason=Reason.BAD_NAME, detail=question.why_not)
    if question.client is not None and not question.door.admits(question.client):
        return Outcome(reason=Reason.DENIED, detail="the listener does not allow this address")
    if error is not None:
        return Outcome(reason=Reason(error.word), detail=str(error))
    match answer:
        case None:
            return Outcome(reason=None)
        case Miss():
            return Outcome(reason=answer.reason, told=answer.told or answer.reason)
        case Route():
            turn = turn_of(rooms, question.door, question.name, question.target, answer)
            if turn is None:
                return _restricted(rooms, question, answer) or _dialled(rooms, question, answer)
            return evolve(_turned(rooms, question, turn), kinds=(turn.kind,))


def endpoints(rooms: Rooms, question: Question, route: Route) -> tuple[Endpoint, ...]:
    """The endpoints as they would be tried: members by weight, the heaviest first here, then backups."""
    turn = turn_of(rooms, question.door, question.name, question.target, route)
    if turn is None:
        return _tried(rooms, question, route)
    return () if isinstance(turn.found, Refusal) else _tried(rooms, question, turn.found)


def _turned(rooms: Rooms, question: Question, turn: Turn) -> Outcome:
    match turn.found:
        case Refusal():
            return Outcome(reason=turn.found.reason, detail=turn.found.location or turn.found.detail)
        case Route():
            return _restricted(rooms, question, turn.found) or _dialled(rooms, question, turn.found)


def _tried(rooms: Rooms, question: Question, route: Route) -> tuple[Endpoint, ...]:
    upstreams = route.upstreams if route.pool is None else rooms.pool(route.pool) or ()
    found = _choosing(rooms, question, route)
    shares = _written(upstreams) if found is None or not found.standing.members else _used(found)
    ordered = sorted(
        upstreams, key=lambda upstream: (-shares.get(str(upstream), 0.0), upstream.backup, -upstream.weight)
    )
    drained = _drained(found)
    return tuple(
        evolve(_endpoint(rooms, question, route, one, shares.get(str(one), 0.0)), drained=str(one) in drained)
        for one in ordered
    )


def _written(upstreams: tuple[Upstream, ...]) -> dict[str, float]:
    weight = sum(upstream.weight for upstream in upstreams if not upstream.backup)
    shares: dict[str, float] = {}
    for upstream in upstreams if weight else ():
        shares[str(upstream)] = shares.get(str(upstream), 0.0) + (0 if upstream.backup else upstream.weight / weight)
    return shares


def _used(found: Choosing) -> dict[str, float]:
    """By endpoint, whatever it has of addresses."""
    shares: dict[str, float] = {}
    for member in found.standing.members:
        shares[member.endpoint] = shares.get(member.endpoint, 0.0) + member.share
    return shares


def _drained(found: Choosing | None) -> set[str]:
    """The endpoints all of whose addresses are."""
    members = () if found is None else found.standing.members
    return {one.endpoint for one in members} - {one.endpoint for one in members if not one.draining}


def choosing(rooms: Rooms, question: Question, route: Route) -> Choosing | None:
    """How the pool stands that a connection would be given to, and whom it would choose; None where none is in use."""
    turn = turn_of(rooms, question.door, question.name, question.target, route)
    if turn is None:
        return _choosing(rooms, question, route)
    return None if isinstance(turn.found, Refusal) else _choosing(rooms, question, turn.found)


def _choosing(rooms: Rooms, question: Question, route: Route) -> Choosing | None:
    return rooms.choosing(route, question.door.port, question.client, question.name)


def _endpoint(rooms: Rooms, question: Question, route: Route, upstream: Upstream, share: float) -> Endpoint:
    port = upstream.port or question.door.port
    alone = _is_ip(upstream.host) and not upstream.srv
    places = (Place(upstream.host),) if alone else rooms.addresses(upstream.host, upstream.srv)
    found = [Address(place.host, place.port or port) for place in places or ()]
    guarded = () if route.trusted or route.pool is not None else found
    return Endpoint(
        upstream=upstream,
        port=port,
        share=share,
        addresses=None if places is None else tuple(str(one) if upstream.srv else one.host for one in found),
        objections=tuple(why for one in guarded if (why := rooms.objection(one)) is not None),
    )


def _remembered(directory: Directory, name: Hostname) -> Finding | None:
    look = directory.keeper.look(name)
    if look is not None and look.left > 0:
        kind = "route" if isinstance(look.answer, Route) else "miss"
        return Finding(provider="cache", how=f"a fresh {kind}, kept as {look.name}", answer=look.answer)
    if look is not None and isinstance(look.answer, Route) and look.stale_left > 0:
        return _stale(directory, name, look, look.answer)
    failure = directory.keeper.failure_of(name)
    if failure is not None:
        return Finding(provider="failures", how="its last lookup failed only just now", error=failure)
    return None


def _stale(directory: Directory, name: Hostname, look: Look, route: Route) -> Finding:
    within, used = directory.patience(name)
    if -look.left < within and look.hits >= used:
        how = f"a stale route, kept as {look.name}: given at once, and the API is asked beside"
        return Finding(provider="cache", how=how, answer=route)
    how = f"the API is asked; where that fails, the stale route kept as {look.name} is given"
    return Finding(provider="api", how=how, fallback=route)


def _asked(directory: Directory, name: Hostname, client: str | None) -> Finding:
    if directory.keeper.asking(name):
        return Finding(provider="api", how="a question about it is under way: whoever comes waits for its answer")
    over = None if client is None else directory.over(client)
    if over is not None:
        return Finding(provider="budget", how=f"it is new, and {over}", answer=OVER)
    refusal = directory.refusal()
    if refusal is None:
        return Finding(provider="api", how="it is not known here: the API is asked")
    if directory.forgiving:
        return Finding(provider="api", how=f"{refusal}; miss_on_error makes a miss of it", answer=UNKNOWN)
    return Finding(provider="api", how="it is not known here, and no API may be asked now", error=refusal)


def _or_default(finding: Finding, door: Doorway) -> Finding:
    match finding.answer:
        case Miss(reason=Reason.UNKNOWN_NAME) if door.default is not None:
            how = f"{finding.how}: unknown, so it is [listener:{door.name}] default"
            return evolve(finding, provider="default", how=how, answer=door.default)
    return finding


def _restricted(rooms: Rooms, question: Question, route: Route) -> Outcome | None:
    if route.maintenance:
        return Outcome(reason=Reason.MAINTENANCE, detail="acme-tls/1 hellos reach the tenant all the same")
    client = question.client
    if client is not None and (
        _within(client, route.deny) or (route.allow is not None and not _within(client, route.allow))
    ):
        return Outcome(reason=Reason.DENIED, detail="the route does not allow this address")
    count = 0 if question.name is None else rooms.inside(question.name)
    if route.max_connections is not None and count >= route.max_connections:
        return Outcome(reason=Reason.OVER_LIMIT, detail=f"{count} connections are open to this name")
    return None


def _dialled(rooms: Rooms, question: Question, route: Route) -> Outcome:
    if route.pool is not None and rooms.pool(route.pool) is None:
        return Outcome(reason=Reason.UPSTREAM_UNRESOLVED, detail=f"there is no pool {route.pool}")
    chosen = _choosing(rooms, question, route)
    if chosen is not None and chosen.standing.members and all(one.draining for one in chosen.standing.members):
        return Outcome(reason=Reason.UPSTREAM_REFUSED, detail=f"every endpoint of the pool {route.pool} is drained")
    found = _tried(rooms, question, route)
    if found and all(endpoint.forbidden for endpoint in found):
        return Outcome(reason=Reason.UPSTREAM_FORBIDDEN, detail=found[-1].objections[-1])
    return Outcome(reason=Reason.OK)


def _within(host: str, networks: tuple[Network, ...]) -> bool:
    ip = ip_address(host)
    return any(ip.version == network.version and ip in network for network in networks)


def _is_ip(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()  # no Hostname ends in a number
