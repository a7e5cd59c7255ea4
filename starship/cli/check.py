"""
`starship check`: reads an ini file, and says what it means or what is wrong with it.

Part of cli, floor 8. Nothing listens, nobody is asked.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starship.config.load import load
from starship.config.settings import Settings
from starship.errors import ConfigError, StarshipError
from starship.service import verify

CHECKED: Final = "Nothing listens, and nobody is asked. The exit status is 0 for a file that can be used, else 1."


def add_check(parser: ArgumentParser) -> None:
    """The arguments of `check`."""
    parser.add_argument("file", metavar="FILE", type=Path, help="such as /etc/starship/starship.ini")
    parser.set_defaults(run=run_check)


def run_check(arguments: Namespace) -> int:
    """Say OK and what the file means, with what a start would warn of, or every mistake. Nothing listens."""
    try:
        settings = load(arguments.file)
        warnings = verify(settings)
    except ConfigError as error:
        count = len(error.mistakes)
        print(error, file=sys.stderr)
        print(f"{count} mistake{'' if count == 1 else 's'}", file=sys.stderr)
        return 1
    except StarshipError as error:  # in a file that the settings name: a template, a key
        print(error, file=sys.stderr)
        return 1
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
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
