"""
All groups, one after another: started together, warmed, measured in turns, stopped.

Part of the benchmarks. Knows no table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import nan
from pathlib import Path
from typing import Final

from attrs import define, evolve, field

from benchmarks.wire.contest import Group, Scenario
from benchmarks.wire.figures import Sample
from benchmarks.wire.load import LoadError
from benchmarks.wire.proxies import DOORS, Proxy, ProxyError
from benchmarks.wire.runs import Runner, release
from benchmarks.wire.world import World

LOG_LINE_BYTES: Final = 20
"""No line of any log is shorter."""


@define(eq=False, kw_only=True)
class Campaign:
    """
    `say` is told of progress, `programs` are those that are here. `samples` is what was found: by the scenario's key,
    then by contender, a sample each round; `faults` are in words: what cannot be pinned on one run.
    """

    world: World
    ports: Iterator[int]
    runner: Runner
    folder: Path
    rounds: int
    say: Callable[[str], None]
    programs: Collection[str]
    only: Sequence[str] = ()
    samples: dict[str, dict[str, list[Sample]]] = field(factory=dict)
    faults: list[str] = field(factory=list)

    def play(self, groups: Sequence[Group]) -> None:
        """A group of which one does not start is a fault, and the rest goes on."""
        for group in groups:
            scenarios = [one for one in group.scenarios if not one.seen_in and self._wanted(one)]
            if not scenarios:
                continue
            try:
                with self._running(group) as proxies:
                    for scenario in scenarios:
                        self._measure(scenario, proxies, fresh=group.fresh)
            except (LoadError, ProxyError) as error:
                self.say(f"{group.key}: {error}")
                self.faults.append(f"the group {group.key} broke off: {error}")

    def _wanted(self, scenario: Scenario) -> bool:
        return not self.only or scenario.key in self.only

    @contextmanager
    def _running(self, group: Group) -> Iterator[list[Proxy]]:
        """The group's proxies, with what is held open through them."""
        proxies = [
            self._proxy(group, number)
            for number, contender in enumerate(group.contenders)
            if contender.program in self.programs
        ]
        with ExitStack() as stack:
            for proxy in () if group.fresh else proxies:
                self.say(f"{group.key}: {proxy.contender.name} starts")
                stack.callback(proxy.stop)
                proxy.start()
                if proxy.contender.held:
                    stack.enter_context(self._holding(proxy))
            yield proxies
        for proxy in proxies:
            self.look_at_log(group, proxy)

    def _proxy(self, group: Group, number: int) -> Proxy:
        contender = group.contenders[number]
        folder = self.folder / group.key / str(number)
        doors = {door: next(self.ports) for door in DOORS}
        return Proxy(contender=contender, world=self.world, core=self.runner.proxy_core, folder=folder, doors=doors)

    @contextmanager
    def _holding(self, proxy: Proxy) -> Iterator[None]:
        count = proxy.contender.held
        load = self.runner.hold(proxy, count)
        yield
        standing, why = release([load])
        if standing != count:
            self.faults.append(f"of {count} idle connections {standing} stood to the end: {why}")

    def _measure(self, scenario: Scenario, proxies: Sequence[Proxy], *, fresh: bool) -> None:
        turns = [proxy for proxy in proxies if proxy.contender.name not in scenario.without]
        found: dict[str, list[Sample]] = {proxy.contender.name: [] for proxy in turns}
        self.samples[scenario.key] = found
        if not fresh:
            self._warm(scenario, turns)
        rounds = (self.rounds + 1) // 2 if fresh else self.rounds  # memory varies little, and takes long
        for number in range(rounds):
            self.say(f"{scenario.key}: round {number + 1} of {rounds}")
            first = number % len(turns)
            for proxy in (*turns[first:], *turns[:first]):
                found[proxy.contender.name].append(self._sample(self.runner, scenario, proxy))

    def _warm(self, scenario: Scenario, turns: Sequence[Proxy]) -> None:
        """Once through, unmeasured: caches, arenas, every name. What goes wrong then goes wrong in the rounds too."""
        short = evolve(scenario, seconds=min(1.0, scenario.seconds), flows=0)
        brief = Runner(
            program=self.runner.program,
            proxy_core=self.runner.proxy_core,
            load_core=self.runner.load_core,
            seconds=self.runner.seconds / 3,
            spinners=self.runner.spinners,
        )
        for proxy in turns:
            self._sample(brief, short, proxy)

    def _sample(self, runner: Runner, scenario: Scenario, proxy: Proxy) -> Sample:
        try:
            return runner.run(scenario, proxy)
        except (LoadError, ProxyError) as error:
            return Sample(figure=nan, good=0, wrong=1, why={str(error): 1})

    def look_at_log(self, group: Group, proxy: Proxy) -> None:
        """An access log that was asked for has been written: at least a line for each connection that was good."""
        if not proxy.contender.logs:
            return
        keys = [one.key for one in group.scenarios if one.door != "web" and "echo" not in one.key]
        good = sum(one.good for key in keys for one in self.samples.get(key, {}).get(proxy.contender.name, ()))
        if proxy.log_bytes() < good * LOG_LINE_BYTES:
            self.faults.append(f"{proxy.contender.name} logged {proxy.log_bytes()} bytes for {good:.0f} connections")
