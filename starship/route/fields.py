"""
Strict reading of a JSON object, field by field. Pure.

Part of `route`: the contract says which fields there are, this module what a field of a type may look like. Knows
neither routes nor HTTP. What is wrong raises Malformed, with words that repeat nothing of the text.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn, TypeVar

T = TypeVar("T")

TIME_LIMIT_S: Final = 2.0**31
"""The longest time that an answer may name: where RFC 9111 section 1.2.2 lets a cache's arithmetic end."""


class Malformed(ValueError):
    """Why a text is not what was agreed: our words, bounded and printable."""


class JsonObject(dict[str, Any]):
    """A JSON object that remembers which of its keys were said twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.twice = _twice(pairs) if len(self) < len(pairs) else frozenset()

    def take(self, key: str, kind: type[T], what: str) -> T | None:
        """
        The value of a field, None where it is absent.

        A bool is no number, and null is no value: a field that says nothing is left out.
        Errors: Malformed when it is of another type, or was said twice.
        """
        if key not in self:
            return None
        if key in self.twice:
            raise Malformed(f"{key} is said twice")
        value = self[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Malformed(f"{key} is not {what}")
        return value

    def text(self, key: str, limit: int) -> str | None:
        """A printable text of at most `limit` characters."""
        value = self.take(key, str, "a string")
        if value is not None and (len(value) > limit or not value.isprintable()):
            raise Malformed(f"{key} is not a printable string of at most {limit} characters")
        return value

    def integer(self, key: str, low: int, high: int) -> int | None:
        """A whole number within bounds."""
        value = self.take(key, int, "a whole number")
        if value is not None and not low <= value <= high:
            raise Malformed(f"{key} is not between {low} and {high}")
        return value

    def seconds(self, key: str) -> float | None:
        """A time from 0 to TIME_LIMIT_S, fractions too."""
        kind = float if isinstance(self.get(key), float) else int
        value = self.take(key, kind, "a number of seconds")
        if value is None:
            return None
        if not 0 <= value <= TIME_LIMIT_S:  # false for NaN and infinities too
            raise Malformed(f"{key} is not a time between 0 and {TIME_LIMIT_S:.0f} s")
        return float(value)

    def items_of(self, key: str, kind: type[T], what: str, limit: int) -> list[T] | None:
        """A list of at most `limit` items of one type."""
        values = self.take(key, list, "a list")
        if values is None:
            return None
        if len(values) > limit:
            raise Malformed(f"{key} has more than {limit} items")
        if not all(isinstance(value, kind) for value in values):
            raise Malformed(f"{key} holds something that is not {what}")
        return values


def parse_object(body: bytes) -> JsonObject:
    """
    Read one JSON object.

    Errors: Malformed for what is not UTF-8, not JSON (RFC 8259: no NaN, no byte order mark), nested too deeply, or
    not an object.
    """
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=JsonObject, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise Malformed("the answer is not UTF-8") from error
    except RecursionError as error:
        raise Malformed("the answer is nested too deeply") from error
    except ValueError as error:  # JSONDecodeError, and an integer with more digits than Python converts
        raise Malformed("the answer is not JSON") from error
    if not isinstance(parsed, JsonObject):
        raise Malformed("the answer is not a JSON object")
    return parsed


def _no_constant(_: str) -> NoReturn:
    raise Malformed("the answer is not JSON")


def _twice(pairs: list[tuple[str, Any]]) -> frozenset[str]:
    seen: set[str] = set()
    twice: set[str] = set()
    for key, _ in pairs:
        (twice if key in seen else seen).add(key)
    return frozenset(twice)
