"""The closed lists are complete and speak the protocols' codes."""

from __future__ import annotations

import pytest

from starship.words import ROWS, Address, Door, Ending, Mood, Reason, Seconds, Upstream
from tests.fakes import arrival

ALERTS = {40, 47, 49, 50, 80, 109, 112}  # RFC 8446 section 6
STATUSES = {200, 400, 403, 404, 408, 431, 499, 500, 502, 503, 504}


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


def test_an_ending_has_the_mood_of_its_reason() -> None:
    ending = Ending(arrival=arrival(), reason=Reason.IDLE, status=200, seconds=Seconds(total=1.0))
    assert ending.mood is Mood.SEVERED


def test_an_address_with_colons_is_shown_in_brackets() -> None:
    assert str(Address("::1", 443)) == "[::1]:443"
    assert str(Address("192.0.2.1", 443)) == "192.0.2.1:443"
    assert str(Upstream(host="::1")) == "[::1]"
    assert str(Upstream(host="a.internal", port=8443)) == "a.internal:8443"


def test_a_door_is_its_name_and_the_port_that_an_endpoint_means() -> None:
    assert Door("https", 443).port == 443
