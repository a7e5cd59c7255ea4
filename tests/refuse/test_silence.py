"""A door without a language closes, and the log still says why."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from starship.interfaces import IRefuser
from starship.reasons import Reason
from starship.refuse.silence import SilentRefuser
from starship.words import Farewell, Refusal
from tests.fakes import arrival


@pytest.mark.parametrize("reason", Reason)
def test_nothing_is_said_whatever_the_reason(reason: Reason) -> None:
    refuser = SilentRefuser()
    assert verifyObject(IRefuser, refuser)
    farewell = refuser.farewell(Refusal(reason=reason), arrival())
    assert farewell == Farewell(b"", reason.row.status if reason.row.logged == 495 else reason.row.logged)


def test_a_status_that_stands_for_an_alert_is_not_logged_where_no_alert_was_sent() -> None:
    assert {SilentRefuser().farewell(Refusal(reason=reason), arrival()).status for reason in Reason} & {495} == set()
