"""
What a person reads on a page, where the table of reasons is not enough.

Part of `refuse`, pure: titles for statuses that are more exact than the reason's own, and what to do next.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starship.reasons import Reason

_TITLES: Final[dict[int, str]] = {
    404: "App not found",
    414: "Address too long",
    421: "Wrong connection",
    431: "Request header too large",
}

_ADVICE: Final[dict[int, str]] = {
    403: "If you think you should have access, ask the owner of this site.",
    404: "Check the address for a typo. If this is your site, make sure that its domain is connected.",
    408: "Reloading the page usually helps.",
    414: "Try a shorter address.",
    421: "Reloading the page usually helps.",
    431: "Clearing the cookies of this site usually helps.",
    500: "It is not your fault, and we are sorry. Please try again in a moment.",
    502: "It is not your fault. Please try again in a moment.",
    503: "Please try again in a moment.",
    504: "It is not your fault. Please try again in a moment.",
}

_ADVICE_BY_REASON: Final[dict[Reason, str]] = {
    Reason.WRONG_DOOR: "",  # the reason's own text says what to try
    Reason.MAINTENANCE: "It will be back soon.",
    Reason.UNKNOWN_PATH: "Check the address for a typo.",
}

_STATUSES: Final = frozenset(status.value for status in HTTPStatus if status.value >= 400)


def is_error_status(code: int) -> bool:
    """Whether this is an error that HTTP knows: never 495 to 499, which are private to logs."""
    return code in _STATUSES


def phrase(status: int) -> str:
    """The reason phrase of a status that HTTP knows. Source: RFC 9110 section 15."""
    return HTTPStatus(status).phrase


def title(reason: Reason, status: int) -> str:
    """The headline: the reason's own, unless the status is a more exact one than the reason's."""
    if status == reason.row.status:
        return reason.row.title
    return _TITLES.get(status, phrase(status))


def advice(reason: Reason, status: int) -> str:
    """What a visitor can do: one or two sentences, or nothing."""
    return _ADVICE_BY_REASON.get(reason, _ADVICE.get(status, ""))
