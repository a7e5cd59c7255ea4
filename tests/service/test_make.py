"""Settings and a reactor become a service: who works there, and who asks whom."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from attrs import evolve
from twisted.internet.testing import MemoryReactorClock

from starship.config.settings import Admin, Limits, Listener, Lookup, Pages
from starship.errors import BadPages
from starship.reasons import Reason
from starship.service import make_service
from starship.words import Upstream
from tests.admin.visiting import Visitor as Guest
from tests.fakes import success_of
from tests.service.material import API, HTTP, REQUEST, Visitor, logging_to, settings

ELSEWHERE = REQUEST.replace(b"a.com", b"b.com")


def test_nothing_listens_and_nobody_is_asked_before_the_start(tmp_path: Path) -> None:
    reactor = MemoryReactorClock()
    log = tmp_path / "access.log"
    router = make_service(settings(lookup=API, access_log=logging_to(log)), reactor)
    assert [door.bound for door in router.house.doors] == [None] * 3
    assert [*reactor.tcpServers, *reactor.tcpClients, *reactor.getDelayedCalls()] == []
    assert not log.exists()


def test_s12_a_static_route_is_dialled_at_the_port_of_the_door() -> None:
    """And before the client has said another word; the guard does not forbid what the operator wrote."""
    with socket.create_server(("127.0.0.1", 0)) as cluster:
        cluster.settimeout(30)
        door = evolve(HTTP, upstream_port=cluster.getsockname()[1])
        home = {"a.com": (Upstream(host="127.0.0.1"),)}
        router = make_service(settings(listeners=(door,), routes=home), MemoryReactorClock())
        Visitor.at(router.house.doors, "http").say(REQUEST)
        connection, _ = cluster.accept()
        connection.close()
        router.house.doors[0].factory.stop(Reason.DRAINED)


def test_s4_a_name_outside_the_table_is_asked_of_the_api() -> None:
    reactor = MemoryReactorClock()
    router = make_service(settings(lookup=API), reactor)
    Visitor.at(router.house.doors, "http").say(ELSEWHERE)
    assert [client[:2] for client in reactor.tcpClients] == [("127.0.0.1", 8500)]
    assert router.house.lookups.chain is not None
    assert router.house.lookups.chain.api.in_flight == 1


def test_s9_without_an_api_it_is_a_miss() -> None:
    router = make_service(settings(pages=Pages(brand="Acme Hosting")), MemoryReactorClock())
    answer = Visitor.at(router.house.doors, "http").say(ELSEWHERE)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"Acme Hosting" in answer


def test_an_ending_is_counted_logged_and_shown(tmp_path: Path) -> None:
    """One word for it everywhere."""
    reactor, log = MemoryReactorClock(), tmp_path / "access.log"
    router = make_service(settings(access_log=logging_to(log)), reactor)
    assert router.house.access_log is not None
    router.house.access_log.start()
    Visitor.at(router.house.doors, "http").say(ELSEWHERE)
    router.house.access_log.close(30.0)
    (line,) = log.read_text().splitlines()
    assert json.loads(line)["reason"] == "unknown_name"
    at_the_window = Guest({})
    at_the_window.site = router.admin.window.site
    text = at_the_window.ask(b"/metrics").body.decode()
    assert 'starship_endings_total{answer="static",door="http",mood="missed",reason="unknown_name"} 1.0' in text
    assert "starship_ready 0.0" in text


def test_a_limit_holds_for_all_doors_together() -> None:
    router = make_service(settings(limits=Limits(connections=1)), MemoryReactorClock())
    Visitor.at(router.house.doors, "http")
    second = Visitor.at(router.house.doors, "any")
    assert (second.heard, second.wire.disconnecting) == (b"", True)


def test_a_file_that_cannot_be_used_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadPages, match=r"logo\.svg"):
        make_service(settings(pages=Pages(logo=tmp_path / "logo.svg")), MemoryReactorClock())


def test_a_table_is_ready_as_soon_as_it_listens_and_an_api_once_it_answered() -> None:
    table = make_service(settings(), MemoryReactorClock()).house.readiness
    api = make_service(settings(routes={}, lookup=API), MemoryReactorClock()).house.readiness
    table.listening = api.listening = True
    assert table.standing().ready
    assert api.standing().reasons == ("the lookup was not asked yet",)


def test_k1_raw_listeners_need_nobody_to_be_ready() -> None:
    raw = Listener(
        name="raw", protocol="tcp", endpoints=("tcp:0:interface=127.0.0.1",), upstream=(Upstream(host="10.0.0.9"),)
    )
    made = make_service(settings(listeners=(raw,), routes={}), MemoryReactorClock()).house.readiness
    made.listening = True
    assert made.standing().ready


def test_an_admin_site_is_made_for_whom_wants_none_but_listens_nowhere() -> None:
    reactor = MemoryReactorClock()
    router = make_service(settings(admin=None), reactor)
    router.admin.bind()
    assert reactor.tcpServers == []
    assert success_of(router.admin.close()) is None


def test_a_bearer_token_is_read_at_the_start(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("sesame\n")
    lookup = Lookup(url=API.url, token_file=token)
    reactor = MemoryReactorClock()
    router = make_service(settings(lookup=lookup, admin=Admin(endpoint="")), reactor)
    token.unlink()
    Visitor.at(router.house.doors, "http").say(ELSEWHERE)
    assert len(reactor.tcpClients) == 1
