"""
`starship check | explain | cache | connections | pools | mock-api | demo`: a thin face for people; the work is done in
the rooms below.

Part of cli, floor 8. A subcommand is a parser with `set_defaults(run=...)`, where `run(arguments)` returns the exit
status: 0 well, 1 not as it should be; 2 is argparse's own, for a command line that cannot be meant, and says that the
admin port cannot be asked.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version

from starship.built import built
from starship.cli.cache import add_cache
from starship.cli.check import CHECKED, add_check
from starship.cli.command import add_command
from starship.cli.connections import LISTED, add_connections
from starship.cli.explain import EXPLAINED, add_explain
from starship.cli.play import add_demo, add_mock_api
from starship.cli.pools import add_pools


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand. `arguments` None: those of the process. Returns the exit status."""
    found = commands().parse_args(arguments)
    run: Callable[[Namespace], int] = found.run
    return run(found)


def commands() -> ArgumentParser:
    """The whole command line."""
    parser = ArgumentParser(
        prog="starship",
        description="The front door of a multi-tenant fleet.",
        epilog="The service itself is run by: twistd --nodaemon --pidfile= starship --config FILE",
    )
    parser.add_argument("--version", action="version", version=f"starship {version('starship')} ({built()})")
    all_of_them = parser.add_subparsers(required=True, metavar="COMMAND")
    add = partial(add_command, all_of_them)
    add_check(add("check", "read an ini file and say what is wrong with it", ends=CHECKED))
    add_explain(add("explain", "ask a running Starship why a name goes where it goes", ends=EXPLAINED))
    add_cache(add("cache", "look into the cache of a running Starship, and change it"))
    add_connections(add("connections", "see who is connected to a running Starship, and end it", ends=LISTED))
    add_pools(add("pools", "see how the endpoints of a running Starship stand, and drain one"))
    add_mock_api(add("mock-api", "run a lookup API over a file of hosts, to try the contract"))
    add_demo(add("demo", "run Starship, an API and two little clusters on loopback"))
    return parser
