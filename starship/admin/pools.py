"""
`/pools`: the pools of the ini file and their members are looked at; an operator drains one, or gives it a weight.

Part of `admin`, floor 6. A look changes nothing: no turn is taken, no name asked. What is said here of an endpoint
counts for new connections until the next start; live ones stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from attrs import frozen
from twisted.logger import Logger
from twisted.web import http

from starship.admin.poolrooms import Basin
from starship.admin.pooltelling import fields_of, member_fields, summary, summary_line, text_of
from starship.admin.replies import Place, Reply, Unfit, Visit, json_reply, read_json, refusal, text_reply
from starship.errors import shown
from starship.poolviews import NameView, PoolView

WEIGHT_LIMIT: Final = 65_535
ENDPOINT_LIMIT: Final = 300
"""Characters of an endpoint: a hostname and a port have fewer."""

NOBODY: Final = "no endpoint of the pool takes new connections now: its clients are refused"


@frozen(kw_only=True)
class PoolPages:
    """The pages; `basin` has what is shown and changed."""

    log: ClassVar[Logger] = Logger()

    basin: Basin

    def places(self) -> dict[bytes, Place]:
        """By path."""
        return {
            b"/pools": Place({b"GET": self.list}),
            b"/pools/": Place({b"GET": self.show, b"POST": self.change}),
        }

    def list(self, visit: Visit) -> Reply:
        """All pools in short. Raises Unfit."""
        visit.parameters()
        pools = self.basin.pools
        found = [pools.views(name) for name in pools.names()]
        if visit.wants_json:
            return json_reply({"pools": [summary(views) for views in found]})
        lines = [summary_line(views) for views in found] or ["there is no [pool:NAME] in the ini file"]
        return text_reply("".join(f"{line}\n" for line in lines))

    def show(self, visit: Visit) -> Reply:
        """One pool with its members. Raises Unfit."""
        visit.parameters()
        name = visit.last()
        views = self.basin.pools.views(name)
        if not views:
            return _NO_POOL
        known = self._known(name)
        return json_reply(fields_of(views, known)) if visit.wants_json else text_reply(text_of(views, known))

    def change(self, visit: Visit) -> Reply:
        """Drain an endpoint or let it be used again, give it a weight, or both. Raises Unfit."""
        visit.parameters()
        name = visit.last()
        endpoint, wanted = _meant(read_json(visit))
        if not self.basin.pools.views(name):
            return _NO_POOL
        if not self._done(name, endpoint, wanted):
            return refusal(http.NOT_FOUND, f"the pool {name} has no endpoint {shown(endpoint)} now")
        views = self.basin.pools.views(name)
        meant = [one for view in views for one in view.members if endpoint in (one.address, one.endpoint)]
        said = {"pool": name, "endpoint": endpoint, "members": [member_fields(member) for member in meant]}
        return json_reply(said if _anybody(views) else {**said, "warning": NOBODY})

    def _done(self, pool: str, endpoint: str, wanted: dict[str, Any]) -> bool:
        pools = self.basin.pools
        if "draining" in wanted:
            if not (pools.drain if wanted["draining"] else pools.undrain)(pool, endpoint):
                return False
            how = "is drained" if wanted["draining"] else "is not drained any more"
            self.log.info("{endpoint} of {pool} {how}, by hand", endpoint=endpoint, pool=pool, how=how)
        if "weight" in wanted:
            weight = wanted["weight"]
            if not pools.set_weight(pool, endpoint, weight):
                return False
            what = "as it is written" if weight is None else weight
            self.log.info("{endpoint} of {pool} weighs {what}, by hand", endpoint=endpoint, pool=pool, what=what)
        return True

    def _known(self, pool: str) -> Sequence[NameView]:
        """What is known of the names that it has endpoints by."""
        found = (self.basin.known(upstream) for upstream in self.basin.upstreams(pool) or ())
        return [known for known in found if known is not None]


_NO_POOL: Final = refusal(http.NOT_FOUND, "no such pool; GET /pools tells all")


def _meant(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The endpoint, and what is to be done with it. Raises Unfit."""
    endpoint = fields.get("endpoint")
    wanted = {key: value for key, value in fields.items() if key != "endpoint"}
    if not isinstance(endpoint, str) or not wanted or not set(wanted) <= {"draining", "weight"}:
        raise Unfit('the body is not {"endpoint": "10.0.0.5:443", "draining": true} or {"endpoint": ..., "weight": 3}')
    if not 1 <= len(endpoint) <= ENDPOINT_LIMIT:
        raise Unfit(f"endpoint is not a text of 1 to {ENDPOINT_LIMIT} characters")
    if not isinstance(wanted.get("draining", False), bool):
        raise Unfit("draining is neither true nor false")
    weight = wanted.get("weight")
    if weight is not None and (type(weight) is not int or not 0 <= weight <= WEIGHT_LIMIT):
        raise Unfit(f"weight is not a number from 0 to {WEIGHT_LIMIT}, or null for the one that is written")
    return endpoint, wanted


def _anybody(views: Sequence[PoolView]) -> bool:
    """Whether somebody may be given new connections at each port. A name without an address yet counts."""
    return all(any(not member.draining for member in view.members) for view in views if view.members)
