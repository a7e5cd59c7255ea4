"""
`starship explain HOST`: why a name goes where it goes, as a running Starship sees it.

Part of cli, floor 8. The exit status is 0 where the name would be served, 1 where it is refused, unknown, or not known
before the API is asked, 2 where the admin port cannot be asked.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Final

from starship.cli.window import Window, WindowError, add_window, with_window

SERVED = "served"
EXPLAINED: Final = (
    "The exit status is 0 where the name would be served, 1 where it is refused, or where that is not known before the"
    " API is asked, 2 where the admin port cannot be asked."
)


def add_explain(parser: ArgumentParser) -> None:
    """The arguments of `explain`."""
    parser.add_argument("host", metavar="HOST", help='a hostname; "" for a client that names nobody')
    parser.add_argument("--scheme", choices=("tls", "http"), help="how the client speaks, which chooses the door")
    parser.add_argument("--door", metavar="NAME", help="the listener that it comes to; else the first that fits")
    parser.add_argument("--path", metavar="/PATH", help="what is asked for over plain HTTP, where path rules decide")
    parser.add_argument("--client", metavar="ADDRESS", help="judge limits and allow/deny for this client")
    parser.add_argument("--live", action="store_true", help="ask the API too, beside the cache, and show both")
    parser.add_argument("--json", action="store_true", help="for programs")
    add_window(parser)
    parser.set_defaults(run=run_explain)


def run_explain(arguments: Namespace) -> int:
    """Ask, print, and judge."""
    return with_window(arguments, lambda window: _explain(window, arguments))


def _explain(window: Window, arguments: Namespace) -> int:
    query = {"host": arguments.host, "live": "1" if arguments.live else "0"}
    for key in ("scheme", "door", "path", "client"):
        if getattr(arguments, key) is not None:
            query[key] = getattr(arguments, key)
    answer = window.ask("GET", "/explain", query, accept="application/json" if arguments.json else "text/plain")
    if answer.status != 200:
        raise WindowError(answer.json["error"] if answer.text.startswith("{") else answer.text.strip())
    print(answer.text, end="")
    return 0 if answer.verdict == SERVED else 1
