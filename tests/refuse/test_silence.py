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
    assert refuser.farewell(Refusal(reason=reason), arrival()) == Farewell(b"", reason.row.logged)
