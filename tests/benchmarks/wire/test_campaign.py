"""The campaign takes turns, goes on after trouble, and looks whether logs were written. Its runner is played."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import cast

import pytest
from attrs import define, field

from benchmarks.wire.campaign import Campaign
from benchmarks.wire.contest import Contender, Figure, Group, Scenario
from benchmarks.wire.figures import Sample
from benchmarks.wire.load import LoadError
from benchmarks.wire.proxies import Proxy
from benchmarks.wire.runs import Runner
from benchmarks.wire.world import World

WORLD = World(tenant_port=1, stream_port=2, api_port=3)
PEERS = (
    *(Contender(name=name, program="nginx") for name in ("a", "b", "c")),
    Contender(name="d", program="sniproxy"),
)
MEMORY = Scenario(key="idle", title="t", unit="u", load=("idle",), figure=Figure.MEMORY, without=("c",))


@define(eq=False)
class PlayedRunner:
    """Notes who ran; `broken` is who fails."""

    broken: str = ""
    ran: list[str] = field(factory=list)
    proxy_core: int = 0

    def run(self, scenario: Scenario, proxy: Proxy) -> Sample:
        self.ran.append(proxy.contender.name)
        if proxy.contender.name == self.broken:
            raise LoadError("ended before it was done")
        return Sample(figure=1.0, good=1)


def played(folder: Path, runner: PlayedRunner, only: Sequence[str] = (), rounds: int = 3) -> Campaign:
    campaign = Campaign(
        world=WORLD,
        ports=count(20_000),
        runner=cast(Runner, runner),
        folder=folder,
        rounds=rounds,
        say=lambda words: None,
        programs=["nginx"],
        only=only,
    )
    campaign.play([Group(key="idle", contenders=PEERS, scenarios=(MEMORY,), fresh=True)])
    return campaign


def test_contenders_take_turns_and_who_cannot_or_is_not_installed_is_left_out(tmp_path: Path) -> None:
    runner = PlayedRunner()
    found = played(tmp_path, runner)
    assert runner.ran == ["a", "b", "b", "a"]
    assert {name: len(rounds) for name, rounds in found.samples["idle"].items()} == {"a": 2, "b": 2}
    assert found.faults == []


def test_a_run_that_breaks_off_is_a_wrong_sample_and_the_others_go_on(tmp_path: Path) -> None:
    found = played(tmp_path, PlayedRunner(broken="b")).samples["idle"]
    assert [one.wrong for one in found["b"]] == [1, 1]
    assert [dict(one.why) for one in found["b"]] == [{"ended before it was done": 1}] * 2
    assert [one.wrong for one in found["a"]] == [0, 0]


def test_only_what_is_wanted_runs(tmp_path: Path) -> None:
    runner = PlayedRunner()
    assert played(tmp_path, runner, only=["tls"]).samples == {}
    assert runner.ran == []


@pytest.mark.parametrize("written", [0, 40])
def test_a_log_that_was_not_written_is_a_fault(tmp_path: Path, written: int) -> None:
    campaign = played(tmp_path, PlayedRunner())
    peer = Contender(name="a", program="nginx", logs=True)
    group = Group(key="logged", contenders=(peer,), scenarios=(MEMORY,))
    doors = {"tls": 1, "http": 2, "web": 3}
    proxy = Proxy(contender=peer, world=WORLD, core=0, folder=tmp_path / "logged", doors=doors)
    (proxy.folder / "access.log").write_bytes(b"." * written)
    campaign.look_at_log(group, proxy)
    assert bool(campaign.faults) is not bool(written)
