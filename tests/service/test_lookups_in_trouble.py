"""All that stands around the API, against a server that misbehaves: who is known is served, and it heals (F5 to F8)."""

# mypy: allow-untyped-calls
# mypy: allow-untyped-decorators
# (parts of twisted.internet have no annotations, nor has pytest_twisted)
from __future__ import annotations

import json
import re
from typing import Any

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs

from starship.config.settings import Cache, Lookup, Shadow
from starship.errors import LookupBusy, LookupFailed
from starship.names import Hostname
from starship.route.breaker import State
from starship.service.lookups import Lookups, make_lookups
from starship.words import Answer, Ask, Route
from tests.fakes import errors_in
from tests.route import rude_api
from tests.route.rude_api import Conduct, RudeProtocol, RudeServer, http, saying
from tests.service.material import settings

RECOVERY_S = 5.0
LOOK_S = 0.02
INTERVAL_S = 0.4
"""After so long, a breaker that is open lets one question through."""
LONG_S = 30.0
"""For what ends by itself; a busy machine must not turn it into a timeout."""
KNOWN = Hostname("known.com")


def right(connection: RudeProtocol) -> None:
    """A good answer about whatever was asked, short-lived."""
    found = re.search(rb"host=([a-z0-9.-]+)", connection.server.requests[-1])
    assert found is not None
    connection.say(http(body=json.dumps({"host": found[1].decode(), "endpoint": "10.0.0.24", "ttl": 0.1}).encode()))


def silence(connection: RudeProtocol) -> None:
    """Nothing."""


def close(connection: RudeProtocol) -> None:
    connection.transport.loseConnection()


def ask(name: str) -> Ask:
    return Ask(name=Hostname(name), source="192.0.2.7", door="http")


@define(eq=False)
class House:
    """The whole chain and rude servers; `shut` proves that nothing is left."""

    reactor: Any
    servers: int = 1
    lookup: dict[str, Any] = field(factory=dict)
    shadowed: bool = False
    rude: list[RudeServer] = field(init=False)
    ports: list[Any] = field(init=False)
    lookups: Lookups = field(init=False)
    before: set[object] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.before = set(self.reactor.getDelayedCalls())
        self.rude = [RudeServer(self.reactor, right) for _ in range(self.servers)]
        self.ports = [self.reactor.listenTCP(0, one, interface="127.0.0.1") for one in self.rude]
        urls = [f"http://127.0.0.1:{port.getHost().port}/?host={{host}}" for port in self.ports]
        shadow = Shadow(url=urls.pop(), fraction=100) if self.shadowed else None
        quick = {
            "connect_timeout": LONG_S,
            "timeout": LONG_S,
            "breaker_failures": 3,
            "breaker_interval": INTERVAL_S,
            "queue_timeout": LONG_S,
        }
        lookup = Lookup(url=urls[0], fallback_urls=tuple(urls[1:]), **(quick | self.lookup))
        cache = Cache(error_ttl=0.1, max_error_ttl=0.4)
        self.lookups = make_lookups(settings(lookup=lookup, cache=cache, shadow=shadow), self.reactor)

    async def ask(self, name: str) -> Answer | LookupFailed:
        known = self.lookups.outer.peek(ask(name))
        if known is not None:
            return known
        try:
            return await self.lookups.outer.resolve(ask(name))
        except LookupFailed as error:
            return error

    async def until_known(self, name: str) -> None:
        """Ask until a name is answered, with no more than RECOVERY_S of waiting: a busy machine's are not counted."""
        for _ in range(round(RECOVERY_S / LOOK_S)):
            if isinstance(await self.ask(name), Route):
                return
            await deferLater(self.reactor, LOOK_S)
        raise AssertionError("it does not heal")

    def allowed(self, usual: int, since: float) -> int:
        """So many questions, and those that open breakers have let through since."""
        return usual + 2 * int((self.reactor.seconds() - since) / INTERVAL_S)

    async def shut(self) -> None:
        await self.lookups.stop()
        for one in self.rude:
            await one.empty()
        for port in self.ports:
            await maybeDeferred(port.stopListening)
        await deferLater(self.reactor, 0)
        assert set(self.reactor.getDelayedCalls()) <= self.before


CONDUCTS: dict[str, Conduct] = {
    "silence": silence,
    "close": close,
    "500": saying(http("500 Oops", b"")),
    "503": saying(http("503 Soon", b"", "Retry-After: 1")),
    "401": saying(http("401 Who", b"")),
    "HTML": saying(rude_api.HTML),
    "gzip": saying(rude_api.GZIP_BOMB),
    "deep JSON": saying(rude_api.DEEP_JSON),
    "10 MB": saying(rude_api.TEN_MEGABYTES),
    "redirect": saying(rude_api.REDIRECT),
    "not HTTP": saying(b"not HTTP at all\r\n\r\n", close=True),
    "chunks without end": rude_api.chunks_without_end,
    "headers without end": rude_api.headers_without_end,
}


@pytest.mark.parametrize("conduct", CONDUCTS.values(), ids=CONDUCTS.keys())
@pytest_twisted.ensureDeferred
async def test_whatever_the_api_does_who_is_known_is_served_and_it_heals_within_five_seconds_M5(
    conduct: Conduct,
) -> None:
    from twisted.internet import reactor

    with capturedLogs() as events:
        house = House(reactor, lookup={"timeout": 0.3} if conduct is silence else {})
        await house.until_known(KNOWN)
        began = reactor.seconds()
        house.rude[0].conduct = conduct
        await deferLater(reactor, 0.15)
        for number in range(6):
            assert isinstance(await house.ask(f"new{number}.com"), LookupFailed)
            assert isinstance(await house.ask(KNOWN), Route)
        assert house.lookups.chain is not None
        assert house.lookups.chain.apis.failover.snapshot()[0].state is not State.CLOSED
        asked = len(house.rude[0].requests)
        assert asked <= house.allowed(8, began)
        house.rude[0].conduct = right
        await house.until_known("new0.com")
        await house.until_known("other.com")
        assert house.lookups.chain.apis.failover.snapshot()[0].state is State.CLOSED
        await house.shut()
    assert not errors_in(events)


@pytest_twisted.ensureDeferred
async def test_an_api_that_hangs_holds_so_many_questions_and_no_more_F6() -> None:
    from twisted.internet import reactor

    house = House(reactor, lookup={"concurrency": 4, "queue": 3, "queue_timeout": 0.1, "breaker_failures": 0})
    house.rude[0].conduct = silence
    answers = list[Any]()
    for number in range(20):
        _asked(house, f"new{number}.com").addBoth(answers.append)
    while len(answers) < 16 or len(house.rude[0].requests) < 4:
        await deferLater(reactor, LOOK_S)
    assert [type(answer) for answer in answers] == [LookupBusy] * 16
    assert len(house.rude[0].requests) == 4
    await house.shut()


def _asked(house: House, name: str) -> Any:
    from twisted.internet.defer import Deferred

    return Deferred.fromCoroutine(house.ask(name))


@pytest_twisted.ensureDeferred
async def test_the_second_api_answers_while_the_first_one_fails_and_the_first_one_again_when_it_is_well() -> None:
    from twisted.internet import reactor

    house = House(reactor, servers=2)
    began = reactor.seconds()
    house.rude[0].conduct = saying(rude_api.HTML)
    for number in range(6):
        assert isinstance(await house.ask(f"new{number}.com"), Route)
    assert len(house.rude[0].requests) <= house.allowed(4, began)
    assert len(house.rude[1].requests) == 6
    house.rude[0].conduct = right
    for number in range(round(RECOVERY_S / LOOK_S)):
        assert isinstance(await house.ask(f"late{number}.com"), Route)
        if b"late" in house.rude[0].requests[-1]:
            break
        await deferLater(reactor, LOOK_S)
    assert b"late" in house.rude[0].requests[-1]
    await house.shut()


@pytest_twisted.ensureDeferred
async def test_a_shadow_that_fails_costs_nobody_anything() -> None:
    from twisted.internet import reactor

    house = House(reactor, servers=2, shadowed=True)
    assert isinstance(await house.ask("one.com"), Route)
    chain = house.lookups.chain
    assert chain is not None
    while chain.shadow is not None and not chain.shadow.results:
        await deferLater(reactor, 0.01)
    house.rude[1].conduct = silence
    assert isinstance(await house.ask("two.com"), Route)
    assert chain.shadow is not None
    assert chain.shadow.results == {"same": 1}
    await house.shut()


@pytest_twisted.ensureDeferred
async def test_what_the_api_said_last_can_be_read_word_by_word() -> None:
    from twisted.internet import reactor

    house = House(reactor)
    await house.ask("one.com")
    assert house.lookups.chain is not None
    raw = house.lookups.chain.apis.raw.of(Hostname("one.com"))
    assert raw is not None
    assert (raw.api, raw.status, json.loads(raw.body)["host"]) == (0, 200, "one.com")
    await house.shut()
