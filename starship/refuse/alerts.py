"""
How TLS says no: one fatal alert in clear text, or nothing at all.

The walk's `refuse` step behind a TLS door. Knows the record format; knows no transport: closing in order, so that
unread bytes of the client do not destroy the alert, is the business of `accept`.
"""

from __future__ import annotations

from typing import Final

from attrs import define
from zope.interface import implementer

from starship.interfaces import IRefuser
from starship.reasons import TLS_REFUSED_STATUS
from starship.words import Arrival, Farewell, Refusal

_ALERT_RECORD: Final = 21
_FATAL: Final = 2
_ALERT_MAX: Final = 255
_OLDEST, _NEWEST = 0x0301, 0x0303


@implementer(IRefuser)
@define(eq=False)
class AlertRefuser:
    """Renders a Refusal as a TLS alert record."""

    def farewell(self, refusal: Refusal, arrival: Arrival) -> Farewell:
        """
        Render the alert of the refusal's code or of its reason; where there is none, a plain close.

        Shape: 0 or 7 bytes; the record version is the client's, kept within TLS 1.0 and 1.2 as a first record's is.
        Returns: status 495 with an alert, the reason's `logged` with a plain close. A `code` that is no alert
        (an HTTP status) is not for this door: the reason's alert counts.
        Source: RFC 8446 sections 5.1 and 6; RFC 5246 section 7.2.
        """
        row = refusal.reason.row
        code = refusal.code
        alert = code if code is not None and 0 <= code <= _ALERT_MAX else row.alert
        if alert is None:
            return Farewell(b"", row.logged)
        version = min(max(refusal.manner.tls_version, _OLDEST), _NEWEST)
        return Farewell(bytes((_ALERT_RECORD, *version.to_bytes(2, "big"), 0, 2, _FATAL, alert)), TLS_REFUSED_STATUS)
