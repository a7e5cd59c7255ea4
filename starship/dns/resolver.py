"""
A name to places: which servers are asked what, and what their answers mean together.

Part of `dns`. Knows the machine's plan and one deadline; remembers no answer, only which server was silent lately.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.names.dns import SRV
from twisted.python.failure import Failure

from starship.dns.asking import Asker
from starship.dns.messages import FAMILIES, GARBLED, NO_SUCH, Question, Reply, Service, Trouble
from starship.dns.system import Plan
from starship.names import Hostname
from starship.words import Address, Place

ROUNDS: Final = 2
"""How often each server is asked before a question is given up."""

TRY_LEAST_S: Final = 0.1
SILENT_S: Final = 30.0
"""How long a server that did not answer in time is asked last."""

IN_FLIGHT_LIMIT: Final = 64
"""Questions under way at once, each with a descriptor; others wait, within the deadline of their name."""

QUESTIONS_LIMIT: Final = 8
"""Questions that the aliases of one name may lead to."""

TARGETS_LIMIT: Final = 64
"""Targets of one name's SRV records that are asked about."""

PLACES_LIMIT: Final = 200
"""Addresses of one name that are used."""

FILE_TTL_S: Final = 5
"""How long what hosts(5) says holds."""


@frozen
class Found:
    """
    `places` in a fixed order, at least one; `ttl` in seconds.

    `unheard`: the families (4, 6) of which some addresses could not be had, so that those known before still count.
    """

    places: tuple[Place, ...]
    ttl: int
    unheard: frozenset[int] = frozenset()


@define(eq=False, kw_only=True)
class Resolver:
    """`timeout` (s) is for a name as a whole. `families` are asked for: 4, 6 or both."""

    asker: Asker
    plan: Callable[[], Plan]
    timeout: float
    families: Sequence[int] = (4, 6)
    _silent: dict[Address, float] = field(init=False, factory=dict)
    _room: DeferredSemaphore = field(init=False, factory=lambda: DeferredSemaphore(IN_FLIGHT_LIMIT))

    def resolve(self, name: Hostname, *, srv: bool = False) -> Deferred[Found | Trouble]:
        """Find the places of a name. Errors: none unless it is cancelled."""
        work = Deferred.fromCoroutine(self._resolve(name, srv=srv))
        late: list[bool] = []

        def too_late() -> None:
            late.append(True)
            work.cancel()

        deadline = self.asker.clock.callLater(self.timeout, too_late)

        def over(result: Found | Trouble | Failure) -> Found | Trouble | Failure:
            if deadline.active():
                deadline.cancel()
            return Trouble.TIMEOUT if late else result

        return work.addBoth(over)

    async def _resolve(self, name: Hostname, *, srv: bool) -> Found | Trouble:
        plan = self.plan()
        local = () if srv else plan.local(name)
        if local:
            usable = tuple(Place(host) for host in local if _family(host) in self.families)
            return Found(usable, FILE_TTL_S) if usable else Trouble.EMPTY
        best = Trouble.NXDOMAIN
        for candidate in plan.candidates(name):
            found = await (self._services(candidate, plan) if srv else self._addresses(candidate, plan))
            if isinstance(found, Found) or found not in NO_SUCH:
                # A search goes on over names that there are not, never over silence: else another name would answer.
                return found
            if found is Trouble.EMPTY:
                best = found
        return best

    async def _addresses(self, name: Hostname, plan: Plan) -> Found | Trouble:
        asked = [Deferred.fromCoroutine(self._ask(Question(name, FAMILIES[one]), plan)) for one in self.families]
        replies: list[Reply] = await gatherResults(asked, consumeErrors=True)
        places = sorted({Place(host) for reply in replies for host in reply.addresses}, key=_order)
        troubles = {family: reply.trouble for family, reply in zip(self.families, replies, strict=True)}
        unheard = {family: why for family, why in troubles.items() if why is not None and why not in NO_SUCH}
        if places:
            ttl = min(reply.ttl for reply in replies if reply.addresses)
            return Found(tuple(places[:PLACES_LIMIT]), ttl, frozenset(unheard))
        if unheard:
            return next(iter(unheard.values()))
        return Trouble.NXDOMAIN if Trouble.NXDOMAIN in troubles.values() else Trouble.EMPTY

    async def _services(self, name: Hostname, plan: Plan) -> Found | Trouble:
        reply = await self._ask(Question(name, SRV), plan)
        if reply.trouble is not None:
            return reply.trouble
        services = sorted(reply.services, key=lambda one: (one.priority, one.target, one.port))[:TARGETS_LIMIT]
        if not services:
            return Trouble.EMPTY
        targets = list(dict.fromkeys(service.target for service in services))
        asked = [Deferred.fromCoroutine(self._addresses(target, plan)) for target in targets]
        told: list[Found | Trouble] = await gatherResults(asked, consumeErrors=True)
        return _together(services, dict(zip(targets, told, strict=True)), reply.ttl)

    async def _ask(self, question: Question, plan: Plan) -> Reply:
        """The reply of the first server that has one, past the aliases; else the last trouble."""
        ttls = []
        for _ in range(QUESTIONS_LIMIT):
            reply = await self._of_servers(question, plan)
            ttls.append(reply.ttl)
            if reply.alias is None:
                return evolve(reply, ttl=min(ttls))
            question = Question(reply.alias, question.kind)
        return GARBLED

    async def _of_servers(self, question: Question, plan: Plan) -> Reply:
        reply = Reply(trouble=Trouble.TIMEOUT)
        now = self.asker.clock.seconds()
        servers = sorted(plan.servers, key=lambda server: self._silent.get(server, 0.0) > now)
        timeout = max(self.timeout / (ROUNDS * max(len(servers), 1)) * 0.95, TRY_LEAST_S)
        for server in servers * ROUNDS:
            reply = await self._of_server(server, question, timeout)
            if reply.trouble is None or reply.trouble in NO_SUCH:
                return reply
        return reply

    async def _of_server(self, server: Address, question: Question, timeout: float) -> Reply:
        await self._room.acquire()
        try:
            reply = await self.asker.ask(server, question, timeout)
            if reply.plain:
                reply = await self.asker.ask(server, question, timeout, edns=False)
        finally:
            self._room.release()
        if reply.trouble is Trouble.TIMEOUT:
            self._silent[server] = self.asker.clock.seconds() + SILENT_S
        else:
            self._silent.pop(server, None)
        return reply


def _together(services: list[Service], told: dict[Hostname, Found | Trouble], ttl: int) -> Found | Trouble:
    """The places of all targets, by the priorities and weights of their records."""
    tiers = sorted({service.priority for service in services})
    places: dict[tuple[str, int | None], Place] = {}
    unheard: set[int] = set()
    for service in services:
        found = told[service.target]
        if isinstance(found, Found):
            ttl = min(ttl, found.ttl)
            unheard |= found.unheard
            for one in found.places:
                place = Place(one.host, service.port, service.weight, tiers.index(service.priority))
                places.setdefault((place.host, place.port), place)
        elif found not in NO_SUCH:
            unheard |= set(FAMILIES)
    if places:
        first = min(place.tier for place in places.values())  # targets that there are not leave no gap
        kept = [place._replace(tier=place.tier - first) for place in places.values()]
        return Found(tuple(sorted(kept, key=_order)[:PLACES_LIMIT]), ttl, frozenset(unheard))
    return next((why for why in told.values() if why not in NO_SUCH and isinstance(why, Trouble)), Trouble.EMPTY)


def _family(host: str) -> int:
    return 6 if ":" in host else 4


def _order(place: Place) -> tuple[int, int, bytes, int]:
    """The same places always stand in the same order, whatever order they came in."""
    return place.tier, _family(place.host), ip_address(place.host).packed, place.port or 0
