"""
The lines of a snapshot file: written from entries, read back as strictly as an answer of the API. Pure but for reading.

Part of `route`: `snapshot.py` says when and where. Knows no cache and no clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import inf
from typing import Any, BinaryIO, Final
from zlib import crc32

from attrs import frozen

from starship.errors import StarshipError
from starship.names import BadName, Hostname, from_text
from starship.route.contract import read_route
from starship.route.fields import JsonObject, Malformed, parse_object
from starship.route.spelling import spell
from starship.route.store import Entry
from starship.words import Route

KIND: Final = "starship routes"
VERSION: Final = 1
LINE_LIMIT_BYTES: Final = 1024 * 1024
"""A route with all the endpoints, networks and path rules that the contract allows is shorter."""


class BadSnapshot(StarshipError):
    """The file is not a snapshot, or not a whole one. str(error) says why, and repeats nothing of it."""


@frozen
class Line:
    """A route that was remembered, and the wall-clock moments (s) when it expires and may no longer be served."""

    name: str
    route: Route
    expires: float
    forgotten: float


def head(wall: float) -> bytes:
    """The first line."""
    return _dump({"kind": KIND, "version": VERSION, "written": wall})


def tail(count: int, checksum: int) -> bytes:
    """The last line: how many routes there are before it, and the CRC-32 of their lines."""
    return _dump({"end": count, "crc32": checksum})


def line_of(entry: Entry, shift: float) -> bytes:
    """A route's line; `shift` (s) makes a wall-clock moment of a monotonic one. What never expires says null."""
    return _dump(
        {
            "name": entry.name,
            "expires": _moment(entry.expires, shift),
            "forgotten": _moment(entry.forgotten, shift),
            "route": spell(entry.answer),
        }
    )


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """
    Read a whole file: first through to its tail, so that of a torn one nothing is used.

    Errors: BadSnapshot; OSError. A line that no release would have written makes the file alien.
    """
    count = _check(file)
    file.seek(0)
    file.readline()
    for _ in range(count):
        yield _line(file.readline())


def _check(file: BinaryIO) -> int:
    """The number of routes in it."""
    first = _object(file.readline(LINE_LIMIT_BYTES))
    if first.get("kind") != KIND:
        raise BadSnapshot("it is not a snapshot of routes")
    if first.get("version") != VERSION:
        raise BadSnapshot("it was written by another version")
    count = checksum = 0
    line = file.readline(LINE_LIMIT_BYTES)
    while line:
        following = file.readline(LINE_LIMIT_BYTES)
        if not following:
            break
        count, checksum = count + 1, crc32(line, checksum)
        line = following
    if line != tail(count, checksum):
        raise BadSnapshot("it is torn: its end is missing, or does not fit")
    return count


def _line(raw: bytes) -> Line:
    fields = _object(raw)
    name, route = fields.get("name"), fields.get("route")
    if not isinstance(name, str) or not isinstance(route, JsonObject) or not _is_name(name):
        raise BadSnapshot("one of its lines is no route")
    try:
        return Line(name, read_route(Hostname(name), route), _when(fields, "expires"), _when(fields, "forgotten"))
    except Malformed as error:
        raise BadSnapshot(f"one of its routes is no answer: {error}") from error


def _is_name(name: str) -> bool:
    bare = name.removeprefix("*.")
    spelled = from_text(bare)
    return not isinstance(spelled, BadName) and spelled == bare


def _object(raw: bytes) -> JsonObject:
    try:
        return parse_object(raw)
    except Malformed as error:
        raise BadSnapshot("it is not a snapshot of routes") from error


def _moment(at: float, shift: float) -> float | None:
    return None if at == inf else round(at + shift, 3)


def _when(fields: JsonObject, key: str) -> float:
    value = fields.get(key)
    if value is None:
        return inf
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadSnapshot("one of its moments is no number")
    return float(value)


def _dump(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"
