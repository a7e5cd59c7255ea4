"""The demo's world listens where its plan says, and says which place is taken."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import treq
from twisted.internet import reactor
from twisted.internet.task import deferLater

from benchmarks.wire.ports import free_ports
from starship.mock.demo import Plan
from starship.mock.world import PlaceTaken, World, check_places
from tests.fakes import turning

NOW = datetime.now(UTC)
LOOP: Any = reactor
PORTS = free_ports()


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    tls, http, admin, api = islice(PORTS, 4)
    return Plan(directory=tmp_path, tls=tls, http=http, admin=admin, api=api)


@pytest.fixture
def blocked(plan: Plan) -> Iterator[Plan]:
    with socket.create_server(("127.0.0.3", plan.http)):
        yield plan


@turning
async def test_the_api_and_both_clusters_answer(plan: Plan) -> None:
    """S3, S4, S15."""
    heard: list[str] = []
    world = World(plan=plan, reactor=LOOP, clock=LOOP, heard=lambda question: heard.append(str(question)))
    check_places(plan)
    world.start(NOW)
    try:
        answer = await treq.get(f"http://127.0.0.1:{plan.api}/?host=b.com", persistent=False)
        assert json.loads(await answer.content())["endpoint"] == "127.0.0.3"
        assert heard == ["asked for b.com: 200"]
        for address, name in (("127.0.0.2", b"Cluster north"), ("127.0.0.3", b"Cluster south")):
            page = await treq.get(f"http://{address}:{plan.http}/", persistent=False)
            assert name in await page.content()
    finally:
        await world.stop()
    assert b"BEGIN CERTIFICATE" in plan.authority.read_bytes()
    check_places(plan)


def test_a_place_that_is_taken_is_named_before_anything_starts(blocked: Plan) -> None:
    with pytest.raises(PlaceTaken) as error:
        check_places(blocked)
    assert f"port {blocked.http} on 127.0.0.3 is taken by another program" in str(error.value)
    assert "--port-base N" in str(error.value)


@turning
async def test_a_place_that_is_taken_later_is_named_too_and_nothing_listens_then(blocked: Plan) -> None:
    world = World(plan=blocked, reactor=LOOP, clock=LOOP)
    with pytest.raises(PlaceTaken, match=f"port {blocked.http} on 127.0.0.3 is taken"):
        world.start(NOW)
    assert not world.clusters
    await deferLater(LOOP, 0)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", blocked.api))
