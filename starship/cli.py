"""
`starship check FILE`: a thin face for people; the work is done in the rooms below.

Floor 8. A subcommand is a parser with `set_defaults(run=...)`, where `run(arguments)` returns the exit status: 0 well,
1 not as it should be; 2 is argparse's own, for a command line that cannot be meant.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from starship.config.load import load
from starship.config.settings import Settings
from starship.errors import ConfigError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand. `arguments` None: those of the process. Returns the exit status."""
    found = commands().parse_args(arguments)
    run: Callable[[Namespace], int] = found.run
    return run(found)


def commands() -> ArgumentParser:
    """The whole command line."""
    parser = ArgumentParser(prog="starship", description="The front door of a multi-tenant fleet.")
    parser.add_argument("--version", action="version", version=f"starship {version('starship')}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    check = subparsers.add_parser("check", help="read an ini file and say what is wrong with it")
    check.add_argument("file", metavar="FILE", type=Path)
    check.set_defaults(run=run_check)
    return parser


def run_check(arguments: Namespace) -> int:
    """Say OK and what the file means, or every mistake in it. Nothing listens, nobody is asked."""
    try:
        settings = load(arguments.file)
    except ConfigError as error:
        count = len(error.mistakes)
        print(error, file=sys.stderr)
        print(f"{count} mistake{'' if count == 1 else 's'}", file=sys.stderr)
        return 1
    print(f"OK: {summary(settings)}")
    return 0


def summary(settings: Settings) -> str:
    """One line: what would run. Nothing of it is secret."""
    doors = len(settings.listeners)
    names = ", ".join(f"{door.name} ({door.protocol} on {' '.join(door.endpoints)})" for door in settings.listeners)
    api = f"lookup at {urlsplit(settings.lookup.url).netloc}" if settings.lookup else "no lookup"
    admin = f"admin on {settings.admin.endpoint}" if settings.admin else "no admin site"
    return (
        f"{doors} listener{'' if doors == 1 else 's'}: {names}; {api}; static routes: {len(settings.routes)}; {admin}"
    )


if __name__ == "__main__":
    sys.exit(main())
