"""What `explain` looks into is the house as it is put together."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.testing import MemoryReactorClock

from starship.config.settings import Listener, Pool
from starship.names import Hostname
from starship.service.make import make_house
from starship.service.rooms import endpoints_of, rooms_of
from starship.words import Upstream
from tests.service.material import API, HTTP, TLS, settings

HOME = (Upstream(host="10.0.0.9"),)


def test_each_listener_that_knows_names_is_a_door_with_the_homes_that_it_has() -> None:
    raw = Listener(name="raw", protocol="tcp", endpoints=("tcp:0:interface=127.0.0.1",), upstream=HOME)
    house = make_house(settings(listeners=(evolve(HTTP, default=HOME, mode="tunnel"), TLS, raw)), MemoryReactorClock())
    http, https = rooms_of(house).doors()
    assert (http.name, http.port, http.requests, https.requests) == ("http", 8080, False, True)
    assert http.default is not None
    assert http.default.upstreams == HOME
    assert (http.no_name, https.default) == (None, None)


def test_the_endpoints_of_a_pool_are_shown_as_they_are_written() -> None:
    house = make_house(settings(pools={"web": Pool(name="web", endpoints=HOME)}), MemoryReactorClock())
    assert endpoints_of(house, "web") == HOME
    assert endpoints_of(house, "mail") is None


def test_without_an_api_there_is_no_directory() -> None:
    assert rooms_of(make_house(settings(), MemoryReactorClock())).directory is None


def test_looking_asks_nobody_until_it_is_told_to() -> None:
    reactor = MemoryReactorClock()
    directory = rooms_of(make_house(settings(lookup=API), reactor)).directory
    assert directory is not None
    name = Hostname("b.com")
    assert (directory.ours(name), directory.refusal()) == (True, None)
    assert reactor.tcpClients == []
    directory.ask(name).addErrback(lambda why: None)
    assert len(reactor.tcpClients) == 1
