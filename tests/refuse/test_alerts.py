"""The TLS door says no in one alert record, or closes."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from starship.interfaces import IRefuser
from starship.reasons import Reason
from starship.refuse.alerts import AlertRefuser
from starship.words import Manner, Refusal
from tests.fakes import arrival

ALERTS = {
    Reason.UNKNOWN_NAME: 112,
    Reason.UNKNOWN_PATH: 112,
    Reason.NO_NAME: 109,
    Reason.BAD_NAME: 112,
    Reason.BAD_HELLO: 50,
    Reason.BAD_HEAD: 50,
    Reason.HELLO_TOO_BIG: 47,
    Reason.WRONG_DOOR: 40,
    Reason.DENIED: 49,
    Reason.OVER_LIMIT: 80,
    Reason.MAINTENANCE: 80,
    Reason.LOOKUP_TIMEOUT: 80,
    Reason.LOOKUP_REFUSED: 80,
    Reason.LOOKUP_5XX: 80,
    Reason.LOOKUP_INVALID: 80,
    Reason.LOOKUP_BUSY: 80,
    Reason.UPSTREAM_REFUSED: 80,
    Reason.UPSTREAM_TIMEOUT: 80,
    Reason.UPSTREAM_UNRESOLVED: 80,
    Reason.UPSTREAM_FORBIDDEN: 80,
    Reason.UPSTREAM_RESET: 80,
    Reason.DRAINED: 80,
    Reason.CLOSED: 80,
    Reason.INTERNAL: 80,
}


def test_it_is_a_refuser() -> None:
    assert verifyObject(IRefuser, AlertRefuser())


@pytest.mark.parametrize("reason", ALERTS)
def test_s10_a_reason_with_an_alert_is_one_fatal_record_logged_as_495(reason: Reason) -> None:
    farewell = AlertRefuser().farewell(Refusal(reason=reason), arrival())
    assert farewell.data == b"\x15\x03\x03\x00\x02\x02" + bytes([ALERTS[reason]])
    assert farewell.status == 495


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in ALERTS])
def test_a_reason_without_an_alert_is_a_plain_close_with_its_own_status(reason: Reason) -> None:
    farewell = AlertRefuser().farewell(Refusal(reason=reason), arrival())
    assert (farewell.data, farewell.status) == (b"", reason.row.logged)


def test_the_code_of_a_refusal_is_more_exact_than_its_reason() -> None:
    farewell = AlertRefuser().farewell(Refusal(reason=Reason.BAD_HELLO, code=22), arrival())
    assert farewell.data[-1] == 22


def test_a_code_makes_an_alert_of_a_reason_that_has_none() -> None:
    farewell = AlertRefuser().farewell(Refusal(reason=Reason.HELLO_TIMEOUT, code=40), arrival())
    assert (farewell.data[-1], farewell.status) == (40, 495)


def test_an_http_status_is_no_alert() -> None:
    farewell = AlertRefuser().farewell(Refusal(reason=Reason.BAD_HEAD, code=431), arrival())
    assert farewell.data[-1] == 50


@pytest.mark.parametrize(
    ("asked", "answered"),
    [(0x0300, 0x0301), (0x0301, 0x0301), (0x0302, 0x0302), (0x0303, 0x0303), (0x0304, 0x0303), (0xFFFF, 0x0303)],
)
def test_l4_the_record_version_is_the_clients_within_what_a_first_record_may_have(asked: int, answered: int) -> None:
    refusal = Refusal(reason=Reason.UNKNOWN_NAME, manner=Manner(tls_version=asked))
    assert AlertRefuser().farewell(refusal, arrival()).data[1:3] == answered.to_bytes(2, "big")
