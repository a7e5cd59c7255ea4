"""The closed lists are complete and speak the protocols' codes."""

from __future__ import annotations

import pytest

from starship.reasons import ROWS, Mood, Reason

ALERTS = {40, 47, 49, 50, 80, 109, 112}  # RFC 8446 section 6
STATUSES = {200, 308, 400, 403, 404, 408, 413, 431, 499, 500, 502, 503, 504}


def test_each_reason_has_a_row_and_each_mood_a_reason() -> None:
    assert set(ROWS) == set(Reason)
    assert {row.mood for row in ROWS.values()} == set(Mood)


@pytest.mark.parametrize("reason", Reason)
def test_a_row_speaks_known_codes_and_has_words_for_people(reason: Reason) -> None:
    row = reason.row
    assert row.status in STATUSES
    assert row.alert is None or row.alert in ALERTS
    assert row.title
    assert row.text.endswith(".")


def test_s10_a_tls_miss_is_alert_112_and_logged_as_495() -> None:
    assert (Reason.UNKNOWN_NAME.row.alert, Reason.UNKNOWN_NAME.row.logged) == (112, 495)
