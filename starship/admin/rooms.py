"""
What the pages may ask of the other rooms, as Protocols and callables. None of it counts, promotes or asks, but `ask`.

Part of `admin`, floor 6, which knows no workshop: service.py hands these in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import frozen
from twisted.internet.defer import Deferred

from starship.admin.poolrooms import Choosing
from starship.errors import LookupFailed
from starship.inside import Order, Rank, Roll, Wanted
from starship.names import Hostname
from starship.words import Address, Answer, Door, Hello, Look, Place, Refusal, Route, Upstream


class Standing(Protocol):
    """What an API is like. Seconds; the url without secrets; ages None where there is nothing to tell."""

    @property
    def index(self) -> int: ...
    @property
    def url(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def state_age(self) -> float | None: ...
    @property
    def retry_in(self) -> float: ...
    @property
    def well(self) -> bool: ...
    @property
    def answers(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def error(self) -> str: ...
    @property
    def error_age(self) -> float | None: ...


class Raw(Protocol):
    """What an API said last about a name; `at` in monotonic seconds."""

    @property
    def api(self) -> int: ...
    @property
    def status(self) -> int: ...
    @property
    def cache_control(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def at(self) -> float: ...


class Keeper(Protocol):
    """The cache, for who administers it."""

    def look(self, name: str) -> Look | None: ...
    def page(
        self, store: str, after: str = "", limit: int = 100, only: Callable[[str, Answer], bool] | None = None
    ) -> tuple[Look, ...]: ...
    def set(self, name: Hostname, answer: Answer) -> None: ...
    def drop(self, name: str) -> bool: ...
    def drop_where(self, app: str | None = None, suffix: str | None = None) -> tuple[str, ...]: ...
    def purge(self, expired_only: bool = False) -> int: ...
    def failure_of(self, name: Hostname) -> LookupFailed | None: ...
    def asking(self, name: Hostname) -> bool: ...


class Crowd(Protocol):
    """Everybody who is inside, looked at in slices; `busy` while so many looks wait that no other is to be begun."""

    @property
    def busy(self) -> bool: ...
    def page(self, wanted: Wanted, order: Order, after: Rank | None, limit: int) -> Deferred[Roll]: ...
    def close(self, wanted: Wanted) -> Deferred[int]: ...


class Work(Protocol):
    """A list of names that is looked up."""

    @property
    def total(self) -> int: ...
    @property
    def done(self) -> int: ...
    @property
    def routes(self) -> int: ...
    @property
    def misses(self) -> int: ...
    @property
    def failed(self) -> int: ...
    def start(self) -> Deferred[None]: ...
    def stop(self) -> None: ...


@frozen(kw_only=True)
class Doorway:
    """
    A listener: `port` is what an endpoint without one means; where nameless and unknown clients go, if anywhere.

    `requests`: plain HTTP is routed request by request; `redirect` is the port of https that it is sent to, or 0.
    """

    name: str
    protocol: str
    port: int
    no_name: Route | None
    default: Route | None
    admits: Callable[[str], bool]
    requests: bool = True
    redirect: int = 0


@frozen(kw_only=True)
class Directory:
    """
    The API, and what is remembered of it.

    `patience`: how long (s) a stale route is given at once, and with how many hits; `over` why a client's new name
    would not be asked about; `refusal` what any question would fail with now; `forgiving`: a failure is a miss.
    `ask` asks the API beside the cache, and remembers nothing.
    """

    keeper: Keeper
    ours: Callable[[Hostname], bool]
    patience: Callable[[Hostname], tuple[float, int]]
    over: Callable[[str], str | None]
    refusal: Callable[[], LookupFailed | None]
    forgiving: bool
    raw: Callable[[Hostname], Raw | None]
    apis: Callable[[], tuple[Standing, ...]]
    ask: Callable[[Hostname], Deferred[Answer]]


@frozen(kw_only=True)
class Rooms:
    """
    What explain looks into. `directory` None: there is no API.

    `table` is the operator's own word on a name, its app the line that says it; `objection` the guard's; `addresses`
    of an endpoint's name where they are known already; `inside` counts the clients of a name; `spell` an answer in
    the words of the lookup contract. `narrow` makes the route of one request, as a Journey has it made; `pool` has the
    endpoints of a pool of the ini file, None where there is none of that name. `choosing` tells how the pool of a route
    stands for clients of a port, from an address (None: not said), who ask for a name; None where none is in use.
    """

    doors: Callable[[], tuple[Doorway, ...]]
    table: Callable[[Hostname], Route | None]
    directory: Directory | None
    objection: Callable[[Address], str | None]
    addresses: Callable[[str, bool], tuple[Place, ...] | None]
    inside: Callable[[Hostname], int]
    spell: Callable[[Answer], Mapping[str, Any]]
    narrow: Callable[[Route, Hello, Door], Route | Refusal]
    pool: Callable[[str], tuple[Upstream, ...] | None]
    choosing: Callable[[Route, int, str | None, Hostname | None], Choosing | None]
