"""
Starship beside nginx, HAProxy and sniproxy: what work costs each of them, on this machine, in turns.

    python -m benchmarks.wire [--quick] [--only KEY ...] [--json FILE]
    python -m benchmarks.wire --render FILE [--into PAGE]

Part of the benchmarks; `make bench` installs what it needs first. Prints Markdown, and its progress beside it. The exit
status is 1 if any unit of work was wrong; slowness is no error.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.wire.api import api
from benchmarks.wire.campaign import Campaign
from benchmarks.wire.document import Results, document, wrong
from benchmarks.wire.load import LoadError, awake, compile_load, upstreams
from benchmarks.wire.machine import about
from benchmarks.wire.ports import free_ports
from benchmarks.wire.proxies import ProxyError, is_here, version_of
from benchmarks.wire.results import NoBlock, load, put_into, save
from benchmarks.wire.runs import Runner
from benchmarks.wire.scenarios import GROUPS, PROGRAMS
from benchmarks.wire.world import World

RESULTS: Final = Path("build/bench/results.json")
DESCRIPTORS: Final = 16384
KEYS: Final = tuple(one.key for group in GROUPS for one in group.scenarios if not one.seen_in)


def main(arguments: Sequence[str]) -> int:
    """Measure, or show what was measured; the exit status."""
    options = _options(arguments)
    try:
        results = load(options.render) if options.render else _measured(options)
        words = document(results)
        if options.into:
            options.into.write_text(put_into(options.into.read_text(), words))
        else:
            print(words, end="")
    except (LoadError, ProxyError, NoBlock, OSError) as error:
        print(f"benchmarks.wire: {error}", file=sys.stderr)
        return 2
    if count := wrong(results):
        print(f"benchmarks.wire: {count} units of work were wrong", file=sys.stderr)
    return 1 if count else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wire", description="Starship beside its peers.")
    parser.add_argument("--quick", action="store_true", help="shorter runs and fewer of them: a look, not a finding")
    parser.add_argument("--only", action="append", default=[], choices=KEYS, metavar="KEY", help=", ".join(KEYS))
    parser.add_argument("--rounds", type=int, help="of each scenario (5; quick: 2)")
    parser.add_argument("--seconds", type=float, help="the usual length of a run (1.0; quick: 0.4)")
    parser.add_argument("--json", type=Path, default=RESULTS, help=f"where all samples go ({RESULTS})")
    parser.add_argument("--render", type=Path, metavar="FILE", help="measure nothing: show what is in this file")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="put the tables between the marks of this page")
    return parser.parse_args(arguments)


def _measured(options: argparse.Namespace) -> Results:
    rounds = options.rounds or (2 if options.quick else 5)
    seconds = options.seconds or (0.4 if options.quick else 1.0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < DESCRIPTORS:  # below: no limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS if hard < 0 else min(DESCRIPTORS, hard), hard))
    load_core, *_, proxy_core = sorted(os.sched_getaffinity(0)) * 2
    ports = free_ports()
    world = World(tenant_port=next(ports), stream_port=next(ports), api_port=next(ports))
    how = f"{rounds} rounds, runs of {seconds:g} s, the proxy on core {proxy_core}, all else on core {load_core}."
    with tempfile.TemporaryDirectory(prefix="starship-bench-") as name:
        program = compile_load(Path(name))
        with (
            _pinned(load_core),
            awake(program, {load_core, proxy_core}) as spinners,
            api(world.api_port),
            upstreams(program, load_core, world) as seen,
        ):
            runner = Runner(
                program=program, proxy_core=proxy_core, load_core=load_core, seconds=seconds, spinners=spinners
            )
            campaign = Campaign(
                world=world,
                ports=ports,
                runner=runner,
                folder=Path(name) / "run",
                rounds=rounds,
                say=_teller(),
                programs=[program for program in PROGRAMS.values() if is_here(program)],
                only=options.only,
            )
            facts = about() | {"how": how}
            campaign.play(GROUPS)
    if seen["malformed"]:
        campaign.faults.append(
            f"{seen['malformed']} of {seen['accepted']} connections brought upstreams what none sent"
        )
    versions = {name: version_of(program) for name, program in PROGRAMS.items()}
    results = Results(about=facts, versions=versions, samples=campaign.samples, faults=campaign.faults)
    save(options.json, results)
    return results


@contextmanager
def _pinned(core: int) -> Iterator[None]:
    """We ourselves stay out of the proxy's way too."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _teller() -> Callable[[str], None]:
    began = time.monotonic()

    def say(words: str) -> None:
        minutes, seconds = divmod(round(time.monotonic() - began), 60)
        print(f"[{minutes:2d}:{seconds:02d}] {words}", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
