"""
`/connections`: the connections that are open are listed, and closed by hand.

Part of `admin`, floor 6. Long lists are made, and many connections closed, in slices between which clients are served.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.web import http

from starship.admin.meant import FILTERS, MEANT, after_of, limit_of, order_of, shown_rank, wanted_of
from starship.admin.replies import JSON, Place, Reply, Unfit, Visit, json_reply, read_json, refusal, text_reply
from starship.admin.rooms import Crowd
from starship.errors import shown
from starship.inside import Live, Order, Roll, Wanted

SLICE: Final = 200
"""Rows that are written at once: a millisecond or two."""
TOO_MANY_REQUESTS: Final = 429


@frozen(kw_only=True)
class ConnectionPages:
    """`clock` is the reactor's."""

    log: ClassVar[Logger] = Logger()

    crowd: Crowd
    clock: IReactorTime

    def places(self) -> dict[bytes, Place]:
        """By path."""
        return {
            b"/connections": Place({b"GET": self.page}),
            b"/connections/": Place({b"GET": self.show, b"DELETE": self.close}),
            b"/connections/close": Place({b"POST": self.close_many}),
        }

    def page(self, visit: Visit) -> Reply | Deferred[Reply]:
        """A page of them; `next` is what to say as `after` for the following one. Raises Unfit."""
        asked = visit.parameters(*FILTERS, "sort", "after", "limit")
        wanted = wanted_of(asked)
        order, after, limit = order_of(asked), after_of(asked), limit_of(asked)
        if self.crowd.busy:
            return _BUSY
        return Deferred.fromCoroutine(self._list(visit, self.crowd.page(wanted, order, after, limit)))

    def show(self, visit: Visit) -> Reply | Deferred[Reply]:
        """One connection. Errors: Unfit."""
        visit.parameters()
        if self.crowd.busy:
            return _BUSY
        return self.crowd.page(Wanted(id=visit.last()), Order.AGE, None, 1).addCallback(_one)

    def close(self, visit: Visit) -> Reply | Deferred[Reply]:
        """End one connection. Errors: Unfit."""
        visit.parameters()
        if self.crowd.busy:
            return _BUSY
        return Deferred.fromCoroutine(self._close({"id": visit.last()}, Wanted(id=visit.last()), _NOBODY))

    def close_many(self, visit: Visit) -> Reply | Deferred[Reply]:
        """End all of whom all holds that is said. Raises Unfit."""
        visit.parameters()
        fields = read_json(visit)
        if not fields or not set(fields) <= set(MEANT) or not all(isinstance(value, str) for value in fields.values()):
            raise Unfit(f"the body is not an object of texts: {', '.join(MEANT)}, of which at least one is said")
        wanted = wanted_of(fields)
        if self.crowd.busy:
            return _BUSY
        return Deferred.fromCoroutine(self._close(fields, wanted, json_reply({"closed": 0})))

    async def _list(self, visit: Visit, looking: Deferred[Roll]) -> Reply:
        roll = await looking
        goes_on = None if roll.next is None else shown_rank(roll.next)
        if visit.wants_json:
            rows = ",\n".join(await self._told(roll, lambda live: json.dumps(fields_of(live))))
            end = json.dumps({"meant": roll.meant, "next": goes_on})
            body = '{"connections": [\n' + rows + "\n], " + end[1:] + "\n"
            return Reply(status=http.OK, kind=JSON, body=body.encode("ascii"))
        lines = await self._told(roll, line_of)
        more = "" if goes_on is None else f"; for more: after={goes_on}"
        return text_reply("\n".join([TITLE, *lines, f"{len(lines)} of {roll.meant} connections{more}", ""]))

    async def _told(self, roll: Roll, tell: Callable[[Live], str]) -> list[str]:
        told: list[str] = []
        for start in range(0, len(roll.rows), SLICE):
            if start:
                await deferLater(self.clock, 0)
            told += map(tell, roll.rows[start : start + SLICE])
        return told

    async def _close(self, said: Mapping[str, str], wanted: Wanted, none: Reply) -> Reply:
        what = ", ".join(f"{key} {shown(value)}" for key, value in said.items())
        try:
            count = await self.crowd.close(wanted)
        except CancelledError:
            self.log.info("closing connections by hand was given up ({what})", what=what)
            raise
        if not count:
            return none
        self.log.info("{count} connections were closed by hand ({what})", count=count, what=what)
        return json_reply({"closed": count})


_BUSY: Final = refusal(TOO_MANY_REQUESTS, "others are looking at the connections already")
_NOBODY: Final = refusal(http.NOT_FOUND, "no such connection is open")


def fields_of(live: Live) -> dict[str, Any]:
    """For programs: age in seconds, bytes so far from (in) and to (out) the client."""
    client = live.arrival.client
    return {
        "id": live.arrival.id,
        "state": live.step,
        "host": live.name,
        "source": client.host,
        "port": client.port,
        "door": live.arrival.door.name,
        "app": live.app,
        "endpoint": None if live.upstream is None else str(live.upstream),
        "age": round(live.age, 3),
        "in": live.received,
        "out": live.sent,
    }


_COLUMNS: Final = "{:<14} {:<9} {:>10} {:>14} {:>14}  {:<10} {:<21} {:<32} {:<21} {}"
TITLE: Final = _COLUMNS.format("id", "state", "age s", "in", "out", "door", "source", "host", "endpoint", "app")


def line_of(live: Live) -> str:
    """For people: what came from outside is escaped, and nothing is empty, so that columns can be counted."""
    return _COLUMNS.format(
        live.arrival.id,
        live.step,
        f"{live.age:.1f}",
        live.received,
        live.sent,
        live.arrival.door.name,
        str(live.arrival.client),
        live.name or "-",
        "-" if live.upstream is None else str(live.upstream),
        shown(live.app) or "-",
    )


def _one(roll: Roll) -> Reply:
    return json_reply(fields_of(roll.rows[0])) if roll.rows else _NOBODY
