"""Endpoints by name on real sockets: a name with both families, one of which leads nowhere; a server that goes mad."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from random import Random

import pytest
from twisted.names.dns import AAAA, A, RRHeader

from starship.dns.messages import Question
from tests.dns.replies import a, aaaa, message
from tests.dns.servers import Server
from tests.e2e.clients import page
from tests.e2e.trouble import GRACE_S, BlackHole, black_hole
from tests.e2e.world import Api, Cluster, Starship, http_hello, ini_text, starship, until

NOISE = Random(5)
DELAY_S = 1.0
"""The head start of a family: more than a visit takes on a machine that has other things to do."""


class Names(Server):
    """A DNS server in a thread of its own. `mad`: it sends garbage before, and instead of, an answer."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.records: dict[tuple[str, int], list[RRHeader]] = {}
        self.mad = False
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def has(self, name: str, *hosts: str) -> None:
        self.records[name, A] = [a(name, host, 1) for host in hosts if ":" not in host]
        self.records[name, AAAA] = [aaaa(name, host, 1) for host in hosts if ":" in host]

    def _answer(self, question: Question, number: int) -> list[bytes]:
        if self.mad:
            return [NOISE.randbytes(NOISE.randrange(600)) for _ in range(5)] + [message(number=number)[:-3]]
        found = self.records.get((question.name, question.kind))
        if found is None:
            return [message(asked=question, number=number, code=3)]
        return [message(*found, asked=question, number=number)]

    def _run(self) -> None:
        while not self.over.wait(0.005):
            self.step()
        self.close()

    def stop(self) -> None:
        self.over.set()
        self.thread.join()


@pytest.fixture(scope="module", name="names")
def a_server() -> Iterator[Names]:
    names = Names()
    yield names
    names.stop()


@pytest.fixture(scope="module", name="hole")
def a_hole() -> Iterator[BlackHole]:
    with black_hole() as hole:
        yield hole


@pytest.fixture(scope="module", name="six")
def a_cluster(hole: BlackHole) -> Iterator[Cluster]:
    """It lives on IPv6, at the port where IPv4 leads nowhere."""
    cluster = Cluster(http_hello("six"), host="::1", port=hole.port).start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module", name="ship")
def a_ship(
    api: Api, names: Names, hole: BlackHole, six: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Starship]:
    names.has("both.test", "127.0.0.1", "::1")
    pools = (
        f"[pool:both]\nendpoints = both.test:{hole.port}\n[routes]\nboth.com = pool:both\n[http]\nupstream_idle = 0\n"
    )
    upstream = f"dns = {names.address}\ndns_timeout = 500ms\nattempt_delay = {DELAY_S}s\nconnect_timeout = 30s\n"
    upstream += "eject_failures = 3\neject_time = 1h"
    with starship(tmp_path_factory.mktemp("ship"), ini_text(api, upstream=upstream, extra=pools)) as ship:
        until(lambda: ship.metric("starship_dns_names") == 1, "the name")
        yield ship


def test_a_family_that_leads_nowhere_costs_a_client_the_delay_and_later_clients_nothing(ship: Starship) -> None:
    def visits() -> list[float]:
        took = []
        for _ in range(8):
            before = time.monotonic()
            status, _, body = page(ship.port("http"), "both.com")
            took.append(time.monotonic() - before)
            assert (status, body.split(b"\n")[0]) == (200, b"six")
        return took

    assert DELAY_S * 0.9 < max(visits()) < DELAY_S + GRACE_S
    assert statistics.median(visits()) < DELAY_S  # one or two may be as late for want of a processor


def test_g2_a_server_that_sends_garbage_changes_nothing(ship: Starship, names: Names) -> None:
    names.mad = True

    def troubled() -> bool:
        wrong = ("garbled", "timeout")
        return sum(ship.metric("starship_dns_resolutions_total", result=word) for word in wrong) >= 2

    until(troubled, "two answers that are none")
    assert page(ship.port("http"), "both.com")[0] == 200
    assert ship.metric("starship_dns_names") == 1
    names.mad = False
