"""The admin pages see the house as it is put together; who may see them is decided by the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel, capturedLogs

from starship.config.settings import Admin, Listener, Names, Settings
from starship.errors import LookupInvalid
from starship.names import Hostname
from starship.route.credentials import CredentialsUnusable
from starship.service import make_service
from starship.service.router import Router
from starship.service.window import is_local, read_by_hand
from starship.words import Miss, Origin, Route, Upstream
from tests.admin.visiting import Answer, Visitor, answer_of
from tests.service.material import API, HTTP, TLS, settings

NAMES: Any = ("/explain?host=a.com", "/lookups", "/connections", "/cache", "/pools")


def router_of(wanted: Settings) -> Router:
    return make_service(wanted, MemoryReactorClock())


def seen(router: Router, path: str, *headers: bytes) -> Answer:
    """A page of the site."""
    visitor = Visitor({})
    visitor.site = router.admin.window.site
    return visitor.ask(path.encode(), b"GET", *headers)


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("tcp:9901:interface=127.0.0.1", True),
        ("tcp:9901:interface=127.9.9.9", True),
        (r"tcp6:9901:interface=\:\:1", True),
        ("unix:/run/admin.sock", True),
        ("systemd:domain=UNIX:index=0", True),
        ("tcp:9901", False),
        ("tcp6:9901", False),
        ("tcp:9901:interface=0.0.0.0", False),
        ("tcp:9901:interface=10.0.0.5", False),
        ("systemd:domain=INET:index=0", False),
        ("nonsense", False),
    ],
)
def test_an_endpoint_is_local_where_no_other_machine_reaches_it(endpoint: str, local: bool) -> None:
    assert is_local(endpoint) is local


def test_a_raw_listener_knows_no_names_to_explain() -> None:
    raw = Listener(name="raw", protocol="tcp", endpoints=("tcp:25",), upstream=(Upstream(host="10.0.0.9"),))
    router = router_of(settings(listeners=(raw, TLS)))
    assert b"https" in seen(router, "/explain?host=a.com").body
    assert seen(router, "/explain?host=a.com&door=raw").status == 400


def test_on_loopback_names_are_shown_without_a_token() -> None:
    router = router_of(settings(lookup=API))
    assert [seen(router, path).status for path in NAMES] == [200] * 5
    assert router.admin.window.warning == ""


def test_where_other_machines_come_in_names_need_a_token_which_is_said_at_the_start() -> None:
    router = router_of(settings(lookup=API, admin=Admin(endpoint="tcp:9901:interface=10.0.0.5")))
    assert [seen(router, path).status for path in NAMES] == [403] * 5
    assert [seen(router, path).status for path in ("/", "/healthz", "/metrics", "/readyz")][:3] == [200] * 3
    with capturedLogs() as events:
        router.startService()
    router.stopService()
    said = [event["warning"] for event in events if event["log_level"] == LogLevel.warn and "warning" in event]
    assert len(said) == 1
    assert "without [admin] token_file it shows no names" in said[0]


def test_the_token_of_the_file_lets_in_from_anywhere(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    router = router_of(settings(lookup=API, admin=Admin(endpoint="tcp:9901", token_file=token)))
    assert seen(router, "/lookups").status == 401
    assert seen(router, "/lookups", b"Authorization: Bearer s3cret").status == 200
    assert router.admin.window.warning == ""
    token.write_text("another\n")
    assert isinstance(router.admin.reactor, MemoryReactorClock)
    router.admin.reactor.advance(1)
    assert seen(router, "/lookups", b"Authorization: Bearer s3cret").status == 401
    assert seen(router, "/lookups", b"Authorization: Bearer another").status == 200


def test_a_token_file_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(CredentialsUnusable):
        router_of(settings(admin=Admin(token_file=tmp_path / "missing")))


def test_without_an_api_there_is_no_cache_and_the_table_is_explained() -> None:
    router = router_of(settings())
    assert seen(router, "/cache").status == 404
    assert b"static: [routes] a.com" in seen(router, "/explain?host=a.com").body
    assert b"there is no API" in seen(router, "/lookups").body


def test_explain_sees_the_doors_the_suffixes_the_cache_and_the_guard() -> None:
    other = (Upstream(host="10.9.9.9"),)
    tls: Listener = evolve(TLS, default=other)
    router = router_of(settings(listeners=(tls, HTTP), lookup=API, names=Names(suffixes=("a.com", "b.com"))))
    assert b"suffixes: it is below none" in seen(router, "/explain?host=x.com&scheme=http").body
    assert b"[listener:https] default" in seen(router, "/explain?host=x.com").body
    chain = router.house.lookups.chain
    assert chain is not None
    chain.caching.keeper.set(
        Hostname("b.com"), Route(app="B", upstreams=(Upstream(host="127.0.0.1"),), origin=Origin.FRESH)
    )
    text = seen(router, "/explain?host=b.com&scheme=http").body
    assert b"127.0.0.1:8080 (first for 100%); FORBIDDEN: 127.0.0.1 is a loopback address" in text
    assert b"cache: a fresh route, kept as b.com" in text
    assert b"unknown before the API is asked" in seen(router, "/explain?host=www.b.com").body


def test_a_list_is_looked_up_without_asking_for_what_is_known_or_not_ours() -> None:
    router = router_of(settings(lookup=API, names=Names(suffixes=("a.com", "b.com"))))
    chain = router.house.lookups.chain
    assert chain is not None
    chain.caching.keeper.set(Hostname("b.com"), Miss(origin=Origin.FRESH))
    visitor = Visitor({}, clock=router.admin.reactor)
    visitor.site = router.admin.window.site
    posted = visitor.ask(b"/cache/warm", b"POST", body={"names": ["a.com", "b.com", "x.com", "www.a.com"]})
    assert posted.status == 202
    jobs = visitor.ask(b"/cache/warm").json["jobs"]
    assert {key: jobs[0][key] for key in ("total", "done", "routes", "misses")} == {
        "total": 4,
        "done": 3,
        "routes": 1,
        "misses": 2,
    }
    router.admin.window.stop()
    assert visitor.ask(b"/cache/warm").json["jobs"][0]["state"] == "cancelled"


def test_live_asks_the_api_past_the_cache_the_budget_and_the_counters() -> None:
    router = router_of(settings(lookup=API))
    visitor = Visitor({}, clock=router.admin.reactor)
    visitor.site = router.admin.window.site
    transport, channel = visitor.open()
    channel.dataReceived(b"GET /explain?host=b.com&live=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    chain = router.house.lookups.chain
    assert chain is not None
    assert (chain.queue.in_flight, chain.api.in_flight) == (1, 0)
    router.admin.reactor.advance(30)
    assert answer_of(transport.value()).status == 200
    assert chain.queue.in_flight == 0
    assert chain.api.results == {}


def test_an_answer_by_hand_is_read_as_one_of_the_api() -> None:
    assert isinstance(read_by_hand(Hostname("a.com"), b'{"endpoint": "10.0.0.1"}'), Route)
    with pytest.raises(LookupInvalid, match="the answer is not JSON"):
        read_by_hand(Hostname("a.com"), b"{")
