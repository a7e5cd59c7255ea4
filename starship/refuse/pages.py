"""
How HTTP says no: one complete response, as a branded page or as JSON.

The walk's `refuse` step behind an HTTP door. Pure but for the wall clock of the Date header. All that is the same
for a reason is written beforehand: a miss fills in host and request id. Knows no transport and no request: what it
needs of that is in `Refusal.manner`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from email.utils import formatdate
from html import escape
from pathlib import Path
from typing import Final, TypeVar

from attrs import define, field, frozen
from zope.interface import implementer

from starship.errors import BadPages
from starship.interfaces import IRefuser
from starship.names import NAME_LIMIT_OCTETS
from starship.reasons import Reason
from starship.refuse.brand import Brand, Logo, support_link
from starship.refuse.colour import Colour
from starship.refuse.stencil import Stencil, Stencils
from starship.refuse.wording import advice, is_error_status, phrase, title
from starship.words import Arrival, Farewell, Refusal

T = TypeVar("T")

PAGE_LIMIT_BYTES: Final = 61440
"""With its head, a page stays within the 64 KiB that an unrouted client may make us buffer."""

RETRY_AFTER_LIMIT_S: Final = 86400
_ALWAYS: Final = ("host", "request_id", "retry_after")
_PER_REASON: Final = ("status", "title", "text", "advice", "reason")
PLACEHOLDERS: Final = (*Brand(name="", colour=Colour(0, 0, 0)).values(), *_PER_REASON, *_ALWAYS)

# A page may use the style that is in it and images that are in it; nothing is fetched, nothing is run.
_PAGE_KIND: Final = (
    "Content-Type: text/html; charset=utf-8\r\nContent-Security-Policy: "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\r\n"
)
_TEXT_KIND: Final = "Content-Type: text/plain; charset=utf-8\r\n"
_JSON_KIND: Final = "Content-Type: application/json\r\n"
_JSON_ESCAPES: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


@frozen(kw_only=True)
class _Sheet:
    """A reason's answer but for what differs from client to client."""

    status: int
    opening: str
    page: Stencil


@implementer(IRefuser)
@define(eq=False, kw_only=True)
class PageRefuser:
    """
    Renders a Refusal as an HTTP/1.1 response, which ends its connection unless another request may follow.

    `stencils` are filled with the brand already; `retry_after` (s) counts where a refusal has none of its own;
    `wall_clock` gives seconds since the epoch, for people to read.
    """

    stencils: Stencils
    retry_after: float
    wall_clock: Callable[[], float]
    _sheets: dict[tuple[Reason, int], _Sheet] = field(factory=dict, init=False)
    _date: tuple[int, str] = field(default=(-1, ""), init=False)

    def farewell(self, refusal: Refusal, arrival: Arrival) -> Farewell:
        """
        Render the whole response; nothing where the reason leaves nobody to talk to (gone, idle, carried already).

        Shape: head and body in one piece, the head alone for HEAD. The status is the refusal's code, if that is
        an HTTP error, else the reason's. The name shown is escaped and at most 253 characters. A redirect has one
        line of text as its body.
        Source: RFC 9112 sections 6.3 and 9.6; RFC 9110 sections 9.3.2, 10.2.3 and 15.
        """
        row = refusal.reason.row
        if refusal.location is not None:
            return self._redirect(refusal, refusal.location, arrival)
        if not is_error_status(row.status) or (row.alert is None and row.logged == 200):
            return Farewell(b"", row.logged)
        code = refusal.code
        sheet = self._sheet(refusal.reason, code if code is not None and is_error_status(code) else row.status)
        retry_after = self._retry_after(refusal) if sheet.status == 503 else ""
        host = _shown(refusal.name or "")
        if refusal.manner.json:
            kind, body = _JSON_KIND, _json(refusal.reason, sheet.status, host, arrival.id)
        else:
            values = {"host": escape(host), "request_id": escape(arrival.id), "retry_after": retry_after}
            kind, body = _PAGE_KIND, sheet.page.render(values)
        data = body.encode("utf-8")
        head = _head(sheet.opening + kind + _persistence(refusal), arrival.id, self._now(), retry_after, len(data))
        return Farewell(head if refusal.manner.bodyless else head + data, sheet.status)

    def _redirect(self, refusal: Refusal, location: str, arrival: Arrival) -> Farewell:
        """Send the client elsewhere. Not to be stored: it holds for as long as the operator says so."""
        status = refusal.reason.row.status
        body = f"{refusal.reason.row.text}\n"
        opening = f"{_opening(status)}Location: {location}\r\n{_TEXT_KIND}{_persistence(refusal)}"
        head = _head(opening, arrival.id, self._now(), "", len(body))
        return Farewell(head if refusal.manner.bodyless else head + body.encode("ascii"), status)

    def _sheet(self, reason: Reason, status: int) -> _Sheet:
        # Bounded by the reasons and the statuses that there are; no client adds a key of its own.
        known = self._sheets.get((reason, status))
        if known is not None:
            return known
        values = {
            "status": str(status),
            "title": escape(title(reason, status)),
            "text": escape(reason.row.text),
            "advice": escape(advice(reason, status)),
            "reason": reason.value,
        }
        sheet = _Sheet(status=status, opening=_opening(status), page=self.stencils.of(status).fill(values))
        self._sheets[reason, status] = sheet
        return sheet

    def _retry_after(self, refusal: Refusal) -> str:
        """Whole seconds, 1 to a day: the wish of an API is foreign data (negative, infinite, not a number)."""
        wish = refusal.retry_after
        seconds = wish if wish is not None and wish >= 0 else self.retry_after
        return str(max(1, math.ceil(min(seconds, RETRY_AFTER_LIMIT_S))))

    def _now(self) -> str:
        second = int(self.wall_clock())
        if second != self._date[0]:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]


def load_pages(
    *,
    brand: str,
    colour: str,
    logo: Path | None,
    support: str | None,
    templates: Path | None,
    retry_after: float,
    wall_clock: Callable[[], float],
) -> PageRefuser:
    """
    Read what `[pages]` names, once. Raises: BadPages with every mistake found.

    Shape: `colour` as `#rgb` or `#rrggbb`; `logo` an image file of at most 32 KiB; `support` a link; `templates`
    a directory (see Stencils.load) with the placeholders of PLACEHOLDERS.
    """
    mistakes: list[str] = []

    def read(what: Callable[[], T]) -> T | None:
        try:
            return what()
        except BadPages as error:
            mistakes.extend(error.mistakes)
            return None

    parsed = read(lambda: Colour.parse(colour))
    image = read(lambda: None if logo is None else Logo.load(logo))
    link = read(lambda: None if support is None else support_link(support))
    stencils = read(lambda: Stencils.load(templates, PLACEHOLDERS))
    if mistakes or parsed is None or stencils is None:
        raise BadPages(mistakes)
    branded = stencils.fill(Brand(name=brand, colour=parsed, logo=image, support=link).values())
    if branded.largest > PAGE_LIMIT_BYTES:
        raise BadPages([f"templates: a page with its logo is larger than {PAGE_LIMIT_BYTES} bytes"])
    return PageRefuser(stencils=branded, retry_after=retry_after, wall_clock=wall_clock)


def _opening(status: int) -> str:
    return f"HTTP/1.1 {status} {phrase(status)}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"


def _persistence(refusal: Refusal) -> str:
    return "" if refusal.manner.keep else "Connection: close\r\n"


def _head(opening: str, request_id: str, date: str, retry_after: str, length: int) -> bytes:
    retry = f"Retry-After: {retry_after}\r\n" if retry_after else ""
    rest = f"Date: {date}\r\nX-Request-Id: {request_id}\r\n{retry}Content-Length: {length}\r\n\r\n"
    return (opening + rest).encode("ascii")


def _shown(name: str) -> str:
    """A name for people: visible ASCII, bounded. A-labels stay A-labels: a look-alike is seen for what it is."""
    return "".join(c if "!" <= c <= "~" else "\N{REPLACEMENT CHARACTER}" for c in name[:NAME_LIMIT_OCTETS])


def _json(reason: Reason, status: int, host: str, request_id: str) -> str:
    answer = {
        "error": reason.value,
        "status": status,
        "title": title(reason, status),
        "detail": reason.row.text,
        "host": host or None,
        "request_id": request_id,
    }
    return json.dumps(answer).translate(_JSON_ESCAPES) + "\n"
