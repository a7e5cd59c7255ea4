"""Names and upstreams fit together."""

from __future__ import annotations

from benchmarks.wire.world import NAMES, POOL, UPSTREAMS, World, name_of

WORLD = World(tenant_port=1001, stream_port=1002, api_port=1003)


def test_a_name_lives_at_the_upstream_that_its_number_says() -> None:
    homes = WORLD.homes()
    assert homes[name_of("tenant", 17)] == "127.0.2.2:1001"
    assert homes[name_of("stream", 17)] == "127.0.2.2:1002"
    assert all(WORLD.groups()[WORLD.group_of(name)] == home for name, home in homes.items())


def test_there_are_as_many_names_as_are_asked_for() -> None:
    assert len(WORLD.homes(10)) == 10 + NAMES


def test_the_upstreams_listen_wherever_a_name_may_live() -> None:
    listening = {place.partition("=")[0] for kind in ("tenant", "stream") for place in WORLD.listening(kind)}
    assert listening == {*WORLD.groups().values(), *WORLD.pool(POOL)}
    assert len(WORLD.listening("stream")) == UPSTREAMS
