"""
`starship pools`: the pools of a running Starship and their endpoints; one is drained, undrained, or weighed by hand.

Part of cli, floor 8. The exit status is 0 where it was shown or done, 1 where there is no such pool or endpoint, 2
where the admin port cannot be asked or the line cannot be meant.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from typing import Any, Final
from urllib.parse import quote

from starship.cli.window import Answer, Window, WindowError, add_window, with_window
from starship.errors import shown

NOT_FOUND: Final = 404

USAGE: Final = """%(prog)s [NAME]
       %(prog)s drain POOL ENDPOINT
       %(prog)s undrain POOL ENDPOINT
       %(prog)s weight POOL ENDPOINT N
"""
HELP: Final = """\
  %(prog)s                         all pools in short
  %(prog)s NAME                    one pool, with each endpoint
  %(prog)s drain POOL ENDPOINT     no new connections to it; live ones stay
  %(prog)s undrain POOL ENDPOINT   new ones again
  %(prog)s weight POOL ENDPOINT N  another weight; N "written": as the ini file has it

ENDPOINT is written as in the ini file (a name: all its addresses), or is one address as the list shows it. What is
said counts until the next start; what is said of one address of a name, until the name has it no more.

The exit status is 0 where it was shown or done, 1 where there is no such pool or endpoint, 2 where the admin port
cannot be asked or the line cannot be meant.
"""


def add_pools(parser: ArgumentParser) -> None:
    """The arguments of `pools`: a name, or an action and what it is done to."""
    parser.usage, parser.epilog = USAGE, HELP
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.add_argument("words", metavar="WORD", nargs="*", help="see below")
    parser.add_argument("--json", action="store_true", help="for programs")
    add_window(parser)
    parser.set_defaults(run=lambda arguments: with_window(arguments, lambda window: _run(window, arguments)))


def _run(window: Window, arguments: Namespace) -> int:
    match arguments.words:
        case []:
            return _show(window, "/pools", arguments.json)
        case [name]:
            return _show(window, _path(name), arguments.json)
        case ["drain", pool, endpoint]:
            return _change(window, pool, {"endpoint": endpoint, "draining": True}, arguments.json)
        case ["undrain", pool, endpoint]:
            return _change(window, pool, {"endpoint": endpoint, "draining": False}, arguments.json)
        case ["weight", pool, endpoint, number]:
            return _change(window, pool, {"endpoint": endpoint, "weight": _weight(number)}, arguments.json)
        case _:
            raise WindowError("say nothing, a NAME, drain or undrain POOL ENDPOINT, or weight POOL ENDPOINT N")


def _show(window: Window, path: str, as_json: bool) -> int:
    answer = window.ask("GET", path, accept="application/json" if as_json else "text/plain")
    if answer.status != 200:
        return _not_done(answer)
    print(answer.text, end="")
    return 0


def _change(window: Window, pool: str, body: dict[str, Any], as_json: bool) -> int:
    answer = window.ask("POST", _path(pool), body=json.dumps(body).encode())
    if answer.status != 200:
        return _not_done(answer)
    if as_json:
        print(answer.text, end="")
        return 0
    said = answer.json
    for member in said["members"]:
        print(line_of(member))
    if not said["members"]:
        print(f"{shown(body['endpoint'])}: it has no address yet; what was said will count for those to come")
    if "warning" in said:
        print(f"starship: {said['warning']}", file=sys.stderr)
    return 0


def line_of(member: dict[str, Any]) -> str:
    """How an address stands after a change."""
    state = "draining" if member["draining"] else member["state"]
    return f"{member['address']}: {state}, weight {member['weight']}, {member['share']:.0%} of new connections, " + (
        f"{member['live']} live"
    )


def _not_done(answer: Answer) -> int:
    if answer.status != NOT_FOUND:
        raise WindowError(answer.json["error"])
    print(f"starship: {answer.json['error'] if answer.text.startswith('{') else answer.text.strip()}", file=sys.stderr)
    return 1


def _weight(text: str) -> int | None:
    if text == "written":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise WindowError('N is neither a number from 0 to 65535 nor "written"')
    return int(text)


def _path(pool: str) -> str:
    return "/pools/" + quote(pool, safe="")
