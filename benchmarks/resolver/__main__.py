"""
The resolver in figures: an hour of visits, an hour with an outage, a minute of scanning, and what it all costs.

    python -m benchmarks.resolver [--scale 0.001] [--plot FILE.png]

Part of the benchmarks; prints Markdown, and its progress beside it. Why an hour: the outage of ten minutes is then ten
times the ttl, so that every route in memory expires in it, there are as many visits as it takes for a cache to settle
before it, and enough after it to see the return.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.resolver.footprint import footprint
from benchmarks.resolver.hits import hit_costs
from benchmarks.resolver.simulation import Run, Scale, Scenario
from benchmarks.resolver.stalls import stalls
from benchmarks.resolver.tables import costs, hour, scanned
from benchmarks.resolver.world import Mode, Outage

OUTAGE: Final = (1500.0, 2100.0)
CALM: Final = Scenario(title="no outage")
REFUSES: Final = Scenario(title="API refuses for 10 min", outage=Outage(Mode.REFUSES, *OUTAGE))
HANGS: Final = Scenario(title="API hangs for 10 min", outage=Outage(Mode.HANGS, *OUTAGE))
SCAN: Final = Scenario(title="scanner", scan=(1800.0, 60.0))


def main(arguments: Sequence[str]) -> None:
    """Measure all of it and say so."""
    options = _options(arguments)
    whole = Scale()
    scale = Scale(
        names=round(whole.names * options.scale),
        draws=round(whole.draws * options.scale),
        scanned=whole.scanned * options.scale,
        seed=options.seed,
    )
    print(_circumstances(scale))
    calm, refuses, hangs, scan = (_played(scale, scenario) for scenario in (CALM, REFUSES, HANGS, SCAN))
    print(hour([calm, refuses, hangs]), scanned(calm, scan), sep="\n\n", end="\n\n", flush=True)
    if options.plot is not None:
        from benchmarks.resolver.plot import draw  # matplotlib is an extra: `pip install .[bench]`

        draw(calm, hangs, options.plot)
        _say(f"drawn: {options.plot}\n")
    _say("the cost of a hit, the weight of a name, the pauses of a snapshot …\n")
    print(costs(hit_costs(scale.names, scale.names, scale.seed), footprint(scale.names), stalls(scale.names)))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resolver", description="The resolver in figures.")
    parser.add_argument("--scale", type=float, default=1.0, help="of 100,000 names and 1,000,000 visits (1)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (1)")
    parser.add_argument("--plot", type=Path, help="draw the outage into this PNG")
    return parser.parse_args(arguments)


def _played(scale: Scale, scenario: Scenario) -> Run:
    run = Run(scale=scale, scenario=scenario)
    began = time.monotonic()
    run.play(_progress(scenario.title))
    _say(f"\r{scenario.title}: {time.monotonic() - began:.0f} s{' ' * 20}\n")
    return run


def _progress(title: str) -> Callable[[float], None]:
    """On a terminal a line that changes, else a line each tenth."""
    tenths = iter(range(1, 10))
    following = [next(tenths)]

    def heard(share: float) -> None:
        if sys.stderr.isatty():
            _say(f"\r{title}: {share:4.0%}")
        elif following[0] and share * 10 >= following[0]:
            following[0] = next(tenths, 0)
            _say(f"{title}: {share:4.0%}\n")

    return heard


def _say(words: str) -> None:
    print(words, end="", file=sys.stderr, flush=True)


def _circumstances(scale: Scale) -> str:
    """What the figures depend on."""
    cpu = next((line.partition(": ")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    libraries = ", ".join(f"{name} {version(name)}" for name in ("starship", "Twisted", "attrs"))
    return (
        f"{time.strftime('%Y-%m-%d')}; {platform.python_implementation()} {platform.python_version()}, {libraries}; "
        f"{platform.system()} {platform.release()} {platform.machine()}, {cpu}\n"
        f"{scale.names:,} names, {scale.draws:,} visits in {scale.seconds:g} s, seed {scale.seed}\n"
    )


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []


if __name__ == "__main__":
    main(sys.argv[1:])
