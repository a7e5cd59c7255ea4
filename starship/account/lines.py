"""
Lines of the access log: an Ending and the wall time, spelled as text or as JSON.

Part of `account`, floor 4, and pure: knows no file, no clock, no thread. What a peer chose (a name, ALPN offers) and
what an API chose (an app) is escaped and bounded here, so that one Ending is one line of printable ASCII.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from starship.account.proxyfields import shown
from starship.words import Ending

Form = Callable[[Ending, float], str]
"""Ending and wall time (s since 1970) of its end, to a line without its newline."""

FIELDS: Final = (
    *("time", "door", "client", "name", "scheme", "status", "reason", "mood", "answer"),
    *("in", "out", "t", "hello", "route", "dial", "up", "via", "id", "alpn", "ech", "app", "detail"),
)
"""Every field, in the order of the text line; JSON uses the same names."""

PROXY: Final = "proxy"
"""The one field that only JSON has, and only where it is asked for."""

NAME_LIMIT: Final = 256
APP_LIMIT: Final = 128
DETAIL_LIMIT: Final = 512
OFFER_LIMIT: Final = 32
OFFERS_LIMIT: Final = 8
CUT: Final = "..."
"""Stands at the end of what was longer than its limit."""

_WORD = re.compile(r"[!#-\[\]-~]+")
_PHRASE = re.compile(r"[ !#-\[\]-~]*")
_NOBODY = "-"

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


def text_line(ending: Ending, wall: float) -> str:
    """
    One line for people and grep: nine columns, then `key=value` always in the same order, quoted ones last.

    `-` stands for what is not known. Returns: printable ASCII without a line end.
    """
    arrival, seconds, hello = ending.arrival, ending.seconds, ending.hello
    name = _NOBODY if ending.name is None else _word(ending.name, NAME_LIMIT)
    scheme = _NOBODY if hello is None else hello.scheme
    alpn = ",".join(_word(offer, OFFER_LIMIT).replace(",", "\\x2c") for offer in _offers(ending)) or _NOBODY
    return (
        f"{_stamp(wall)} {_word(arrival.door.name, NAME_LIMIT)} {arrival.client} {name} {scheme} {ending.status} "
        f"{ending.reason} {ending.mood} {ending.origin} in={ending.received} out={ending.sent} "
        f"t={seconds.total:.6f} hello={_span(seconds.hello)} route={_span(seconds.route)} dial={_span(seconds.dial)} "
        f"up={ending.upstream or _NOBODY} via={arrival.via or _NOBODY} id={_word(arrival.id, NAME_LIMIT)} alpn={alpn} "
        f"ech={int(hello is not None and hello.ech)} "
        f'app="{_phrase(ending.app, APP_LIMIT)}" detail="{_phrase(ending.detail, DETAIL_LIMIT)}"'
    )


def json_line(ending: Ending, wall: float) -> str:
    """
    One JSON object: the fields of the text line with their own types, null for what is not known.

    Returns: printable ASCII without a line end; no more than the limits of each field.
    """
    return _spelled(_fields(ending, wall))


def json_line_and_more(ending: Ending, wall: float) -> str:
    """The same, and `proxy`: what else the balancer's PROXY header said; null where none came."""
    arrival = ending.arrival
    return _spelled({**_fields(ending, wall), PROXY: shown(arrival.tlvs) if arrival.via or arrival.tlvs else None})


FORMS: Final[dict[str, Form]] = {"text": text_line, "json": json_line, "json and more": json_line_and_more}
"""The ini file's word for each form; the last is the second with `proxy_fields`."""


def _fields(ending: Ending, wall: float) -> dict[str, Any]:
    arrival, seconds, hello = ending.arrival, ending.seconds, ending.hello
    return {
        "time": _stamp(wall),
        "door": _cut(arrival.door.name, NAME_LIMIT),
        "client": str(arrival.client),
        "name": None if ending.name is None else _cut(ending.name, NAME_LIMIT),
        "scheme": None if hello is None else hello.scheme,
        "status": ending.status,
        "reason": ending.reason,
        "mood": ending.mood,
        "answer": ending.origin,
        "in": ending.received,
        "out": ending.sent,
        "t": round(seconds.total, 6),
        "hello": _rounded(seconds.hello),
        "route": _rounded(seconds.route),
        "dial": _rounded(seconds.dial),
        "up": None if ending.upstream is None else str(ending.upstream),
        "via": None if arrival.via is None else str(arrival.via),
        "id": _cut(arrival.id, NAME_LIMIT),
        "alpn": [_cut(offer, OFFER_LIMIT) for offer in _offers(ending)],
        "ech": hello is not None and hello.ech,
        "app": _cut(ending.app, APP_LIMIT),
        "detail": _cut(ending.detail, DETAIL_LIMIT),
    }


def _spelled(fields: dict[str, Any]) -> str:
    line = _encode(fields)
    return line.replace("\x7f", "\\u007f")  # the one control character that ensure_ascii lets through


def _stamp(wall: float) -> str:
    whole, thousandths = divmod(int(wall * 1000), 1000)
    return f"{_second(whole)}.{thousandths:03d}Z"


@lru_cache(maxsize=2)
def _second(whole: int) -> str:
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _offers(ending: Ending) -> list[str]:
    if ending.hello is None:
        return []
    return [offer[: OFFER_LIMIT + 1].decode("latin-1") for offer in ending.hello.alpn[:OFFERS_LIMIT]]


def _word(text: str, limit: int) -> str:
    """Escape for a column: no space, never empty."""
    if len(text) <= limit and _WORD.fullmatch(text):
        return text
    return _escaped(text, limit).replace(" ", "\\x20") or '""'


def _phrase(text: str, limit: int) -> str:
    """Escape for between quotes."""
    if len(text) <= limit and _PHRASE.fullmatch(text):
        return text
    return _escaped(text, limit)


def _escaped(text: str, limit: int) -> str:
    """Escape as Python does (`\\n`, `\\x00`, `\\u20ac`), quotes too; cut between two characters, not inside one."""
    shown, size = [], 0
    for character in text[:limit]:
        spelled = character.encode("unicode_escape").decode("ascii").replace('"', '\\"')
        if (size := size + len(spelled)) > limit:
            break
        shown.append(spelled)
    return "".join(shown) + (CUT if len(shown) < len(text) else "")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + CUT


def _span(seconds: float | None) -> str:
    return _NOBODY if seconds is None else f"{seconds:.6f}"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
