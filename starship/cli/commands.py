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
from importlib.metadata import version

from starship.built import built
from starship.cli.cache import add_cache
from starship.cli.check import add_check
from starship.cli.connections import add_connections
from starship.cli.explain import add_explain
from starship.cli.play import add_demo, add_mock_api
from starship.cli.pools import add_pools


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand. `arguments` None: those of the process. Returns the exit status."""
    found = commands().parse_args(arguments)
    run: Callable[[Namespace], int] = found.run
    return run(found)


def commands() -> ArgumentParser:
    """The whole command line."""
    parser = ArgumentParser(prog="starship", description="The front door of a multi-tenant fleet.")
    parser.add_argument("--version", action="version", version=f"starship {version('starship')} ({built()})")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    add_check(subparsers.add_parser("check", help="read an ini file and say what is wrong with it"))
    add_explain(subparsers.add_parser("explain", help="ask a running Starship why a name goes where it goes"))
    add_cache(subparsers.add_parser("cache", help="look into the cache of a running Starship, and change it"))
    add_connections(subparsers.add_parser("connections", help="see who is connected to a running Starship, and end it"))
    add_pools(subparsers.add_parser("pools", help="see how the endpoints of a running Starship stand, and drain one"))
    add_mock_api(subparsers.add_parser("mock-api", help="run a lookup API over a file of hosts, to try the contract"))
    add_demo(subparsers.add_parser("demo", help="run Starship, an API and two little clusters on loopback"))
    return parser
