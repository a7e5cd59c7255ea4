"""
How a door without a language says no: it closes.

The walk's `refuse` step for protocols in which nothing can be said to a stranger (raw ones, or none known yet). Knows
nothing but the table of reasons.
"""

from __future__ import annotations

from attrs import define
from zope.interface import implementer

from starship.interfaces import IRefuser
from starship.reasons import TLS_REFUSED_STATUS
from starship.words import Arrival, Farewell, Refusal


@implementer(IRefuser)
@define(eq=False)
class SilentRefuser:
    """Says nothing, whatever the reason."""

    def farewell(self, refusal: Refusal, arrival: Arrival) -> Farewell:
        """
        No bytes, and the status that the reason has in the log when nothing was sent in words.

        Where that is the one of a TLS alert, which nobody got, it is what an HTTP client would have been told.
        """
        row = refusal.reason.row
        return Farewell(b"", row.status if row.logged == TLS_REFUSED_STATUS else row.logged)
