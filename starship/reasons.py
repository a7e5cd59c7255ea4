"""
The closed lists of how things end: moods and reasons, and one table of what each reason means.

Floor 1, beside names: knows nothing. The log, the metrics, the pages, the alerts, explain and the docs use these words
and no others; a new way to fail is a new row of `ROWS` and a test, or it already had a name.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from attrs import frozen


class Mood(StrEnum):
    """How it went."""

    CARRIED = "carried"
    MISSED = "missed"
    REFUSED = "refused"
    SILENT = "silent"
    GONE = "gone"
    UNREACHABLE = "unreachable"
    SEVERED = "severed"
    BROKEN = "broken"


class Reason(StrEnum):
    """Why it went so. `row` is its line in the table."""

    OK = "ok"
    UNKNOWN_NAME = "unknown_name"
    UNKNOWN_PATH = "unknown_path"
    NO_NAME = "no_name"
    BAD_NAME = "bad_name"
    BAD_HELLO = "bad_hello"
    BAD_HEAD = "bad_head"
    HELLO_TOO_BIG = "hello_too_big"
    HELLO_TIMEOUT = "hello_timeout"
    BAD_PREFACE = "bad_preface"
    PREFACE_TIMEOUT = "preface_timeout"
    WRONG_DOOR = "wrong_door"
    DENIED = "denied"
    OVER_LIMIT = "over_limit"
    MAINTENANCE = "maintenance"
    REDIRECTED = "redirected"
    BODY_TOO_BIG = "body_too_big"
    BODY_TIMEOUT = "body_timeout"
    LOOKUP_TIMEOUT = "lookup_timeout"
    LOOKUP_REFUSED = "lookup_refused"
    LOOKUP_5XX = "lookup_5xx"
    LOOKUP_INVALID = "lookup_invalid"
    LOOKUP_BUSY = "lookup_busy"
    UPSTREAM_REFUSED = "upstream_refused"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_UNRESOLVED = "upstream_unresolved"
    UPSTREAM_FORBIDDEN = "upstream_forbidden"
    UPSTREAM_RESET = "upstream_reset"
    UPSTREAM_DOWN = "upstream_down"
    UPSTREAM_BAD_RESPONSE = "upstream_bad_response"
    CLIENT_GONE = "client_gone"
    IDLE = "idle"
    LIFETIME = "lifetime"
    DRAINED = "drained"
    CLOSED = "closed"
    INTERNAL = "internal"

    @property
    def row(self) -> Row:
        """The table's line for this reason."""
        return ROWS[self]


@frozen(kw_only=True)
class Row:
    """
    What a reason means on each door and in the log.

    `status` is the HTTP status that a client gets; `alert` the TLS alert, or None for a plain close; `logged` the
    status in the access log when nothing was sent in words (a TLS refusal with an alert is always logged as 495).
    `title` and `text` are for people: page and docs.
    """

    mood: Mood
    status: int
    alert: int | None
    logged: int
    title: str
    text: str


TLS_REFUSED_STATUS: Final = 495
"""What the access log says of a TLS session that ended with our alert. Private to logs: never on the wire."""


def _row(mood: Mood, status: int, alert: int | None, logged: int, title: str, text: str) -> Row:
    return Row(mood=mood, status=status, alert=alert, logged=logged, title=title, text=text)


_UNAVAILABLE = "This site cannot be found right now"

ROWS: Final[dict[Reason, Row]] = {
    Reason.OK: _row(Mood.CARRIED, 200, None, 200, "OK", "The bytes were carried until both sides had finished."),
    Reason.UNKNOWN_NAME: _row(Mood.MISSED, 404, 112, 495, "App not found", "No app answers to this name."),
    Reason.UNKNOWN_PATH: _row(Mood.MISSED, 404, 112, 495, "Page not found", "No app answers to this path of the site."),
    Reason.NO_NAME: _row(Mood.REFUSED, 404, 109, 495, "App not found", "The request did not say which host it wants."),
    Reason.BAD_NAME: _row(Mood.REFUSED, 400, 112, 495, "Bad request", "The name that was asked for is not a hostname."),
    Reason.BAD_HELLO: _row(Mood.REFUSED, 400, 50, 495, "Bad request", "The TLS hello could not be understood."),
    Reason.BAD_HEAD: _row(Mood.REFUSED, 400, 50, 400, "Bad request", "The request could not be understood."),
    Reason.HELLO_TOO_BIG: _row(
        Mood.REFUSED, 431, 47, 495, "Request header too large", "The first bytes are longer than is allowed here."
    ),
    Reason.HELLO_TIMEOUT: _row(
        Mood.SILENT, 408, None, 408, "Request timeout", "The client did not say what it wants in time."
    ),
    # Between a balancer and us: 499 is never sent, so that nothing is said on any door.
    Reason.BAD_PREFACE: _row(
        Mood.REFUSED, 499, None, 400, "Bad request", "The balancer's PROXY header could not be understood."
    ),
    Reason.PREFACE_TIMEOUT: _row(
        Mood.SILENT, 499, None, 408, "Request timeout", "The balancer's PROXY header did not come in time."
    ),
    Reason.WRONG_DOOR: _row(
        Mood.REFUSED, 400, 40, 495, "Wrong port", "This port speaks another protocol: try http:// or https:// instead."
    ),
    Reason.DENIED: _row(Mood.REFUSED, 403, 49, 403, "Forbidden", "Your address is not allowed here."),
    Reason.OVER_LIMIT: _row(
        Mood.REFUSED, 503, 80, 503, "Too many connections", "More was asked at once than is allowed here."
    ),
    Reason.MAINTENANCE: _row(Mood.REFUSED, 503, 80, 495, "Down for maintenance", "The owner is working on this site."),
    Reason.REDIRECTED: _row(Mood.REFUSED, 308, None, 308, "Moved to https", "This site is served over https."),
    Reason.BODY_TOO_BIG: _row(
        Mood.REFUSED, 413, None, 413, "Request too large", "More was sent with the request than is allowed here."
    ),
    Reason.BODY_TIMEOUT: _row(
        Mood.SILENT, 408, None, 408, "Request timeout", "The rest of the request did not come in time."
    ),
    Reason.LOOKUP_TIMEOUT: _row(
        Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The directory of sites did not answer in time."
    ),
    Reason.LOOKUP_REFUSED: _row(
        Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The directory of sites could not be asked."
    ),
    Reason.LOOKUP_5XX: _row(Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The directory of sites is failing."),
    Reason.LOOKUP_INVALID: _row(
        Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The directory of sites gave an answer that makes no sense."
    ),
    Reason.LOOKUP_BUSY: _row(Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The directory of sites is overloaded."),
    Reason.UPSTREAM_REFUSED: _row(Mood.UNREACHABLE, 502, 80, 495, "Bad gateway", "The site refused the connection."),
    Reason.UPSTREAM_TIMEOUT: _row(
        Mood.UNREACHABLE, 504, 80, 495, "Gateway timeout", "The site did not answer in time."
    ),
    Reason.UPSTREAM_UNRESOLVED: _row(
        Mood.UNREACHABLE, 502, 80, 495, "Bad gateway", "The address of the site could not be resolved."
    ),
    Reason.UPSTREAM_FORBIDDEN: _row(
        Mood.UNREACHABLE, 503, 80, 495, _UNAVAILABLE, "The site is said to live where this service may not connect."
    ),
    Reason.UPSTREAM_RESET: _row(Mood.SEVERED, 502, 80, 502, "Bad gateway", "The site broke the connection."),
    Reason.UPSTREAM_DOWN: _row(
        Mood.SEVERED, 502, None, 502, "Bad gateway", "The site was found to be down, and its connections were closed."
    ),
    Reason.UPSTREAM_BAD_RESPONSE: _row(
        Mood.SEVERED, 502, None, 502, "Bad gateway", "The site gave an answer that cannot be passed on."
    ),
    Reason.CLIENT_GONE: _row(Mood.GONE, 499, None, 499, "Client gone", "The client left before the end."),
    Reason.IDLE: _row(Mood.SEVERED, 408, None, 200, "Idle", "Nothing was carried for the idle time."),
    Reason.LIFETIME: _row(Mood.SEVERED, 408, None, 200, "Lifetime over", "The connection was as old as allowed."),
    Reason.DRAINED: _row(Mood.SEVERED, 503, 80, 200, "Restarting", "This server is stopping; another one serves you."),
    Reason.CLOSED: _row(Mood.SEVERED, 503, 80, 200, "Connection closed", "An operator closed the connection."),
    Reason.INTERNAL: _row(Mood.BROKEN, 500, 80, 500, "Internal error", "Something failed on our side."),
}
