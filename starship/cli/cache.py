"""
`starship cache list | peek | set | delete | purge | warm`: the cache of a running Starship, by hand.

Part of cli, floor 8. The exit status is 0 where it was done, 1 where there was nothing to be done (or names of a list
failed), 2 where the admin port cannot be asked.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from starship.cli.command import add_command
from starship.cli.warm import add_warm
from starship.cli.window import Window, WindowError, add_window, with_window

PAGE = 200
"""Entries of one request: a page is made while clients wait, a few tens of milliseconds for 100,000 names."""

FILTERS: Final = {
    "prefix": "names that begin so",
    "suffix": "this name and all below it",
    "app": "names of this app",
    "after": "go on behind this name, where a list has ended",
}
NAME: Final = "a hostname, or *. before one"
DONE: Final = (
    "The exit status is 0 where it was done, 1 where there was nothing (or names of a list failed), 2 where the admin"
    " port cannot be asked or refuses the request."
)


def add_cache(parser: ArgumentParser) -> None:
    """The arguments of `cache` and its own subcommands."""
    add = partial(add_command, parser.add_subparsers(required=True, metavar="ACTION"), ends=DONE)
    listing = add("list", "list the names that are remembered")
    listing.add_argument("--store", choices=("routes", "misses"), default="routes", help="routes, unless told")
    for option, meaning in FILTERS.items():
        listing.add_argument(f"--{option}", metavar=option.upper(), help=meaning)
    listing.add_argument("--limit", metavar="N", type=int, help="at most so many")
    listing.set_defaults(run=lambda arguments: with_window(arguments, lambda window: _list(window, arguments)))
    peek = add("peek", "show what is remembered of a name, without using it")
    peek.add_argument("name", metavar="NAME", help=NAME)
    peek.set_defaults(run=lambda arguments: with_window(arguments, lambda window: _peek(window, arguments)))
    setting = add("set", "remember an answer for a name")
    setting.add_argument("name", metavar="NAME", help=NAME)
    setting.add_argument("answer", metavar="ANSWER", help="JSON in the words of the lookup contract; - reads it")
    setting.set_defaults(run=lambda arguments: with_window(arguments, lambda window: _set(window, arguments)))
    delete = add("delete", "forget a name, an app, or all below a suffix")
    delete.add_argument("name", metavar="NAME", nargs="?", help=NAME)
    for option in ("app", "suffix"):
        delete.add_argument(f"--{option}", metavar=option.upper(), help=FILTERS[option])
    delete.set_defaults(run=lambda arguments: with_window(arguments, lambda window: _delete(window, arguments)))
    purge = add("purge", "forget everything, or what has expired")
    purge.add_argument("what", choices=("all", "expired"))
    purge.set_defaults(run=lambda arguments: with_window(arguments, lambda window: _purge(window, arguments)))
    warm = add("warm", "look a list of names up ahead")
    add_warm(warm)
    for action in (listing, peek, setting, delete, purge, warm):
        add_window(action)


def _list(window: Window, arguments: Namespace) -> int:
    query = {"store": arguments.store}
    for key in FILTERS:
        if getattr(arguments, key) is not None:
            query[key] = getattr(arguments, key)
    left = sys.maxsize if arguments.limit is None else arguments.limit
    shown = 0
    while left > 0:
        page = window.do("GET", "/cache", {**query, "limit": str(min(left, PAGE))})
        for entry in page["entries"]:
            print(line_of(entry))
        shown += len(page["entries"])
        left -= len(page["entries"])
        if page["next"] is None:
            break
        query["after"] = page["next"]
    return 0 if shown else 1


def line_of(entry: dict[str, Any]) -> str:
    """An entry on one line: name, time left, hits, and what it is."""
    answer = entry["answer"]
    left = "for ever" if entry["left"] is None else f"{entry['left']:.0f} s"
    if entry["store"] == "misses":
        what = "miss"
    else:
        homes = answer.get("endpoint") or ", ".join(home["address"] for home in answer["endpoints"])
        what = f"{answer.get('app', '-')}  {homes}"
    return f"{entry['kept_as']:<40} {left:>9} {entry['hits']:>7} hits  {what}"


def _peek(window: Window, arguments: Namespace) -> int:
    answer = window.ask("GET", _path(arguments.name))
    if answer.status == 404:
        print(answer.json["error"], file=sys.stderr)
        return 1
    if answer.status != 200:
        raise WindowError(answer.json["error"])
    print(answer.text, end="")
    return 0


def _set(window: Window, arguments: Namespace) -> int:
    text = sys.stdin.read() if arguments.answer == "-" else arguments.answer
    window.do("PUT", _path(arguments.name), body=text.encode())
    print(f"{arguments.name} is set")
    return 0


def _delete(window: Window, arguments: Namespace) -> int:
    query = {key: getattr(arguments, key) for key in ("app", "suffix") if getattr(arguments, key) is not None}
    if (arguments.name is None) == (not query):
        raise WindowError("say a NAME, or --app or --suffix or both")
    answer = window.ask("DELETE", "/cache" if arguments.name is None else _path(arguments.name), query)
    if answer.status not in (200, 404):
        raise WindowError(answer.json["error"])
    count = answer.json["deleted"] if answer.status == 200 else 0
    print(f"{count} deleted")
    return 0 if count else 1


def _purge(window: Window, arguments: Namespace) -> int:
    done = window.do("POST", "/cache/purge", body=b'{"what": "%s"}' % arguments.what.encode())
    print(f"{done['deleted']} deleted")
    return 0


def _path(name: str) -> str:
    return "/cache/" + quote(name, safe="*")
