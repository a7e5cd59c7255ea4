"""
`starship connections` and `starship connections close`: who is connected to a running Starship, and an end to it.

Part of cli, floor 8. The exit status is 0 where somebody was listed or closed, 1 where nobody was, 2 where the admin
port cannot be asked.
"""

from __future__ import annotations

import json
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from starship.cli.command import add_command
from starship.cli.window import Window, WindowError, add_window, with_window
from starship.errors import shown

PAGE: Final = 200
"""Connections of one request."""

LISTED: Final = (
    "The exit status is 0 where somebody was listed, 1 where nobody was, 2 where the admin port cannot be asked."
)
CLOSED: Final = (
    "The exit status is 0 where somebody was closed, 1 where nobody was, 2 where the admin port cannot be asked."
)

FILTERS: Final = {
    "host": "of this name; *.NAME: of all below it",
    "source": "from this address or network",
    "app": "of this app",
    "endpoint": "joined to this IP address, with or without a port",
}

_COLUMNS: Final = "{:<14} {:<9} {:>10} {:>14} {:>14}  {:<10} {:<21} {:<32} {:<21} {}"


def add_connections(parser: ArgumentParser) -> None:
    """The arguments of `connections`, which lists, and of `close`."""
    _add_list(parser)
    actions = parser.add_subparsers(metavar="ACTION")
    # What is said before the action stays said where the action does not say it again.
    add = partial(add_command, actions, argument_default=SUPPRESS)
    _add_list(add("list", "list who is connected (as without an ACTION)", ends=LISTED))
    close = add("close", "end one connection, or all that are meant", ends=CLOSED)
    close.add_argument("id", metavar="ID", nargs="?", default=None, help="as the list and the access log have it")
    _add_filters(close)
    close.set_defaults(run=lambda arguments: with_window(arguments, lambda window: _close(window, arguments)))


def _add_list(parser: ArgumentParser) -> None:
    _add_filters(parser)
    parser.add_argument("--sort", choices=("age", "bytes"), help="the oldest first (this is usual), or the biggest")
    parser.add_argument("--after", metavar="NEXT", help="go on where a list has ended")
    parser.add_argument("--limit", metavar="N", type=int, help="at most so many")
    parser.set_defaults(run=lambda arguments: with_window(arguments, lambda window: _list(window, arguments)))


def _add_filters(parser: ArgumentParser) -> None:
    for option, meaning in FILTERS.items():
        parser.add_argument(f"--{option}", metavar=option.upper(), help=meaning)
    add_window(parser)


def _list(window: Window, arguments: Namespace) -> int:
    query = _said(arguments, *FILTERS, "sort", "after")
    left = sys.maxsize if arguments.limit is None else arguments.limit
    count = 0
    while left > 0:
        page = window.do("GET", "/connections", {**query, "limit": str(min(left, PAGE))})
        rows = page["connections"]
        if rows and not count:
            print(TITLE)
        for row in rows:
            print(line_of(row))
        count += len(rows)
        left -= len(rows)
        if page["next"] is None:
            break
        query["after"] = page["next"]
    return 0 if count else 1


TITLE: Final = _COLUMNS.format("id", "state", "age s", "in", "out", "door", "source", "host", "endpoint", "app")


def line_of(row: dict[str, Any]) -> str:
    """A connection on one line; no column but the last has a space, and none is empty."""
    source = f"[{row['source']}]" if ":" in row["source"] else row["source"]
    return _COLUMNS.format(
        row["id"],
        row["state"],
        f"{row['age']:.1f}",
        row["in"],
        row["out"],
        row["door"],
        f"{source}:{row['port']}",
        row["host"] or "-",
        row["endpoint"] or "-",
        shown(row["app"]) or "-",
    )


def _close(window: Window, arguments: Namespace) -> int:
    said = _said(arguments, *FILTERS)
    if (arguments.id is None) == (not said):
        raise WindowError("say an ID, or one or more of --host, --source, --app and --endpoint")
    if arguments.id is None:
        count = window.do("POST", "/connections/close", body=json.dumps(said).encode())["closed"]
    else:
        answer = window.ask("DELETE", "/connections/" + quote(arguments.id, safe=""))
        if answer.status not in (200, 404):
            raise WindowError(answer.json["error"])
        count = answer.json["closed"] if answer.status == 200 else 0
    print(f"{count} closed")
    return 0 if count else 1


def _said(arguments: Namespace, *keys: str) -> dict[str, str]:
    return {key: getattr(arguments, key) for key in keys if getattr(arguments, key) is not None}
