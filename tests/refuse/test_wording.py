"""People read a title that fits the status, and what to do."""

from __future__ import annotations

import pytest

from starship.reasons import Reason
from starship.refuse.wording import advice, is_error_status, phrase, title

BRANDED = [400, 403, 404, 408, 413, 414, 421, 431, 500, 502, 503, 504]


@pytest.mark.parametrize("status", BRANDED)
def test_every_branded_status_has_a_phrase_and_a_title(status: int) -> None:
    assert is_error_status(status)
    assert phrase(status)
    assert title(Reason.BAD_HEAD, status)


@pytest.mark.parametrize("code", [0, 112, 200, 302, 495, 496, 497, 499, 600, -1])
def test_statuses_private_to_logs_and_alerts_are_no_errors_of_http(code: int) -> None:
    assert not is_error_status(code)


def test_the_reasons_own_title_stands_at_its_own_status() -> None:
    assert title(Reason.UNKNOWN_NAME, 404) == "App not found"
    assert title(Reason.MAINTENANCE, 503) == "Down for maintenance"


def test_a_more_exact_status_brings_its_own_title() -> None:
    assert title(Reason.BAD_HEAD, 414) == "Address too long"
    assert title(Reason.BAD_HEAD, 505) == "HTTP Version Not Supported"


def test_advice_fits_the_reason_before_the_status() -> None:
    assert advice(Reason.MAINTENANCE, 503) == "It will be back soon."
    assert "try again" in advice(Reason.LOOKUP_TIMEOUT, 503)
    assert advice(Reason.BAD_HEAD, 505) == ""
