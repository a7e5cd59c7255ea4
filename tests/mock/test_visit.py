"""The stand-in for curl does what curl does, as far as the demo's lines go."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread

from starship.mock.certificates import Authority
from starship.mock.cluster import Cluster
from starship.mock.visit import NO_REPLY, NOT_TRUSTED, REFUSED, TIMEOUT, TLS_FAILED, main
from tests.fakes import turning

NOW = datetime.now(UTC)
LOOP: Any = reactor
PATIENT = ("-sS", "--max-time", "60")
ALERT_112 = bytes.fromhex("15030300020270")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Path]:
    made = Authority.made("Test authority", NOW)
    return made, made.write(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def cluster(authority: tuple[Authority, Path]) -> Iterator[Cluster]:
    cluster = Cluster(name="north", reactor=LOOP, clock=LOOP, credentials=authority[0].leaf(("a.com",), NOW))
    cluster.start()
    yield cluster
    pytest_twisted.blockon(cluster.stop())


class Alerting(Protocol):
    """Answers whatever comes with unrecognized_name."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(ALERT_112)
        self.transport.loseConnection()


@pytest.fixture
def alerting() -> Iterator[int]:
    port = LOOP.listenTCP(0, Factory.forProtocol(Alerting), interface="127.0.0.1")
    yield port.getHost().port
    pytest_twisted.blockon(port.stopListening())


def resolve(port: int) -> list[str]:
    return [*PATIENT, "--resolve", f"a.com:{port}:127.0.0.1"]


@turning
async def test_a_host_is_visited_where_resolve_says(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    port = cluster.http_port
    assert await deferToThread(main, [*resolve(port), "-i", f"http://a.com:{port}/x?y"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("HTTP/1.1 200 OK\n")
    assert f"host    a.com:{port}\npath    /x?y\n" in shown


@turning
async def test_a_certificate_is_trusted_through_cacert_alone(
    cluster: Cluster, authority: tuple[Authority, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"https://a.com:{cluster.tls_port}/"
    assert await deferToThread(main, [*resolve(cluster.tls_port), "--cacert", str(authority[1]), url]) == 0
    assert "door    tls" in capsys.readouterr().out
    assert await deferToThread(main, [*resolve(cluster.tls_port), url]) == NOT_TRUSTED


@turning
async def test_an_alert_is_named(alerting: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert await deferToThread(main, [*resolve(alerting), f"https://a.com:{alerting}/"]) == TLS_FAILED
    assert "unrecognized name" in capsys.readouterr().err


@turning
async def test_what_is_no_http_is_no_reply(alerting: int) -> None:
    assert await deferToThread(main, [*PATIENT, f"http://127.0.0.1:{alerting}/"]) == NO_REPLY


def test_a_closed_port_is_refused_and_a_silent_one_times_out() -> None:
    with socket.socket() as quiet:
        quiet.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{quiet.getsockname()[1]}/"
        assert main([*PATIENT, url]) == REFUSED
        quiet.listen()
        assert main(["--max-time", "0.05", url]) == TIMEOUT


def test_the_exit_statuses_are_those_of_curl() -> None:
    assert (REFUSED, TIMEOUT, TLS_FAILED, NO_REPLY, NOT_TRUSTED) == (7, 28, 35, 52, 60)
