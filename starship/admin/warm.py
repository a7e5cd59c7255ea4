"""
`/cache/warm`: lists of names are looked up ahead, in jobs whose progress can be seen.

Part of `admin`, floor 6. What a job does stands in another room; here it is started, watched and ended.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar, Final

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, FirstError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http

from starship.admin.names import hostname
from starship.admin.replies import Place, Reply, Unfit, Visit, json_reply, read_json, refusal
from starship.admin.rooms import Work
from starship.names import Hostname

TOO_MANY_REQUESTS: Final = 429
NAMES_LIMIT: Final = 100_000
RUNNING_LIMIT: Final = 4
SLICE: Final = 2000
"""Names that are read at once: a few milliseconds, and then the reactor gets its turn."""
KEPT_LIMIT: Final = 20
"""Jobs that are remembered, those that are over among them."""


@define(eq=False)
class Job:
    """One list. `state` is running, done, cancelled or broken."""

    id: str
    work: Work
    started: float
    state: str = "running"
    ended: float | None = None

    def fields(self, now: float) -> dict[str, Any]:
        """For programs; seconds."""
        return {
            "id": self.id,
            "state": self.state,
            "total": self.work.total,
            "done": self.work.done,
            "routes": self.work.routes,
            "misses": self.work.misses,
            "failed": self.work.failed,
            "seconds": round((now if self.ended is None else self.ended) - self.started, 3),
        }


@define(eq=False, kw_only=True)
class WarmPages:
    """`begin` makes work of a list of names; `new_id` names a job."""

    log: ClassVar[Logger] = Logger()

    _begin: Callable[[tuple[Hostname, ...]], Work]
    _clock: IReactorTime
    _new_id: Callable[[], str]
    _jobs: OrderedDict[str, Job] = field(factory=OrderedDict, init=False)

    def places(self) -> dict[bytes, Place]:
        """By path."""
        return {
            b"/cache/warm": Place({b"GET": self.list, b"POST": self.post}),
            b"/cache/warm/": Place({b"GET": self.show, b"DELETE": self.cancel}),
        }

    def list(self, visit: Visit) -> Reply:
        """All jobs that are remembered, the latest first. Raises Unfit."""
        visit.parameters()
        now = self._clock.seconds()
        return json_reply({"jobs": [job.fields(now) for job in reversed(self._jobs.values())]})

    def post(self, visit: Visit) -> Deferred[Reply]:
        """Begin a job. Errors: Unfit."""
        return Deferred.fromCoroutine(self._post(visit))

    async def _post(self, visit: Visit) -> Reply:
        visit.parameters()
        names = await self._names(read_json(visit))
        if sum(job.state == "running" for job in self._jobs.values()) >= RUNNING_LIMIT:
            return refusal(TOO_MANY_REQUESTS, f"{RUNNING_LIMIT} lists are being looked up already")
        job = Job(self._new_id(), self._begin(names), self._clock.seconds())
        self._jobs[job.id] = job
        self._forget()
        self.log.info("{count} names are looked up ahead: {id}", count=len(names), id=job.id)
        job.work.start().addBoth(self._over, job)
        return json_reply(job.fields(self._clock.seconds()), http.ACCEPTED)

    def show(self, visit: Visit) -> Reply:
        """How far a job is. Raises Unfit."""
        job = self._job(visit)
        return _NO_JOB if job is None else json_reply(job.fields(self._clock.seconds()))

    def cancel(self, visit: Visit) -> Reply:
        """Give up what is left of a job. Raises Unfit."""
        job = self._job(visit)
        if job is None:
            return _NO_JOB
        if job.state == "running":
            self._end(job, "cancelled")
            job.work.stop()
        return json_reply(job.fields(self._clock.seconds()))

    def stop(self) -> None:
        """Give up all jobs."""
        for job in self._jobs.values():
            if job.state == "running":
                self._end(job, "cancelled")
                job.work.stop()

    async def _names(self, fields: dict[str, Any]) -> tuple[Hostname, ...]:
        """The names of a body, each once. Errors: Unfit."""
        names = fields.get("names")
        if set(fields) != {"names"} or not isinstance(names, list):
            raise Unfit('the body is not {"names": ["a.com", ...]}')
        if not 1 <= len(names) <= NAMES_LIMIT:
            raise Unfit(f"names are not 1 to {NAMES_LIMIT}")
        found: dict[Hostname, None] = {}
        for start in range(0, len(names), SLICE):
            for at, name in enumerate(names[start : start + SLICE], start + 1):
                found[_name(at, name)] = None
            await deferLater(self._clock, 0)
        return tuple(found)

    def _job(self, visit: Visit) -> Job | None:
        visit.parameters()
        return self._jobs.get(visit.last())

    def _over(self, result: object, job: Job) -> None:
        if isinstance(result, Failure):
            error = result.value.subFailure.value if isinstance(result.value, FirstError) else result.value
            if not isinstance(error, CancelledError):
                self.log.failure("looking up a list ahead broke", failure=result)
                self._end(job, "broken")
                job.work.stop()
        self._end(job, "cancelled" if isinstance(result, Failure) else "done")

    def _end(self, job: Job, state: str) -> None:
        if job.state == "running":
            job.state, job.ended = state, self._clock.seconds()
            self.log.info("a list is looked up: {id} {state}", id=job.id, state=state)

    def _forget(self) -> None:
        over = [job.id for job in self._jobs.values() if job.state != "running"]
        for name in over[: max(0, len(self._jobs) - KEPT_LIMIT)]:
            del self._jobs[name]


_NO_JOB: Final = refusal(http.NOT_FOUND, "no such list")


def _name(at: int, name: object) -> Hostname:
    if not isinstance(name, str):
        raise Unfit(f"name {at} is not a string")
    try:
        return hostname(name)
    except Unfit as error:
        raise Unfit(f"name {at}: {error}") from error
