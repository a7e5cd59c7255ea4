"""
What a page of the admin site answers, and what it is told of a request. Pure.

Part of `admin`, floor 6. Knows neither sockets nor pages; `site.py` makes a Visit of a request and sends the Reply.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import isinf
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes

from attrs import frozen
from twisted.internet.defer import Deferred

TEXT: Final = b"text/plain; charset=utf-8"
JSON: Final = b"application/json"
HTML: Final = b"text/html; charset=utf-8"

FIELDS_LIMIT: Final = 16
"""Parameters of a query."""


class Unfit(ValueError):
    """A request that cannot be meant: our words, bounded and printable. It becomes a 400."""


@frozen(kw_only=True)
class Reply:
    """What a page answers. `verdict` (served, refused, unknown) is for programs: a header of its own."""

    status: int
    kind: bytes
    body: bytes
    verdict: str = ""


@frozen(kw_only=True)
class Visit:
    """
    A request as a page sees it. `rest` is what follows the page's own path, as it came; `query` the raw query.

    `accept` and `kind` (Content-Type) are of any bytes, read as latin-1; `body` is bounded by the site.
    """

    rest: bytes = b""
    query: bytes = b""
    accept: str = ""
    kind: str = ""
    body: bytes = b""

    @property
    def wants_json(self) -> bool:
        """Whether the answer is for a program."""
        return "application/json" in self.accept

    def parameters(self, *known: str) -> dict[str, str]:
        """The query's parameters, each said at most once. Errors: Unfit for unknown ones, and what is no UTF-8."""
        try:
            pairs = parse_qsl(
                self.query.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=bool(self.query),
                errors="strict",
                max_num_fields=FIELDS_LIMIT,
            )
        except ValueError as error:
            raise Unfit("the query cannot be read") from error
        for key, _ in pairs:
            if key not in known:
                raise Unfit(f"an unknown parameter; known are {', '.join(known) or 'none'}")
        if len(dict(pairs)) < len(pairs):
            raise Unfit("a parameter is said twice")
        return dict(pairs)

    def last(self) -> str:
        """The rest of the path, decoded. Errors: Unfit for what is no UTF-8."""
        try:
            return unquote_to_bytes(self.rest).decode()
        except UnicodeDecodeError as error:
            raise Unfit("the path is not UTF-8") from error


Page = Callable[[Visit], "Reply | Deferred[Reply]"]


@frozen
class Place:
    """
    What is found at a path: pages by method, HEAD among GET.

    `guarded`: it shows names or changes something, and is for those whom the doorkeeper lets in.
    """

    methods: Mapping[bytes, Page]
    guarded: bool = True


def text_reply(text: str, status: int = 200, verdict: str = "") -> Reply:
    """For people."""
    return Reply(status=status, kind=TEXT, body=text.encode(), verdict=verdict)


def json_reply(fields: Any, status: int = 200, verdict: str = "") -> Reply:
    """For programs, and readable for people: one line where it is short."""
    flat = json.dumps(fields, allow_nan=False)
    body = flat if len(flat) <= 120 else json.dumps(fields, allow_nan=False, indent=2)
    return Reply(status=status, kind=JSON, body=body.encode("ascii") + b"\n", verdict=verdict)


def refusal(status: int, why: str) -> Reply:
    """Why not, in our words."""
    return json_reply({"error": why}, status)


def seconds(value: float | None) -> float | None:
    """A time for JSON, which knows no infinity."""
    return None if value is None or isinf(value) else round(value, 3)


def switch(parameters: Mapping[str, str], key: str) -> bool:
    """A parameter that is yes or no: 1 or 0, no when it is absent. Errors: Unfit."""
    value = parameters.get(key, "0")
    if value not in ("0", "1"):
        raise Unfit(f"{key} is neither 0 nor 1")
    return value == "1"


def read_json(visit: Visit) -> dict[str, Any]:
    """The body, a JSON object. Errors: Unfit."""
    try:
        fields = json.loads(visit.body.decode())
    except (ValueError, RecursionError) as error:
        raise Unfit("the body is not JSON") from error
    if not isinstance(fields, dict):
        raise Unfit("the body is not a JSON object")
    return fields
