"""
`GET /lookups`: how the APIs are, what is asked of them, and what is kept back.

Part of `admin`, floor 6. The metrics say the same in numbers; here it can be read. URLs come without their secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import frozen

from starship.admin.explanation import api_fields
from starship.admin.replies import Place, Reply, Visit, json_reply, text_reply
from starship.admin.rooms import Standing
from starship.admin.telling import api_line


class Spending(Protocol):
    """The budget of unknown names: sources that have one open, and names that were not asked about, by whose limit."""

    @property
    def sources(self) -> int: ...
    @property
    def over_source(self) -> int: ...
    @property
    def over_overall(self) -> int: ...


@frozen(kw_only=True)
class LookupState:
    """
    What it is like now. `failing` counts names whose last lookup failed; `shadow` comparisons by kind, None where there
    is no shadow.
    """

    apis: tuple[Standing, ...]
    in_flight: int
    in_flight_limit: int
    waiting: int
    waiting_limit: int
    failing: int
    budget: Spending
    shadow: Mapping[str, int] | None


@frozen
class LookupsPage:
    """`state` tells it as it is now; None where there is no API."""

    state: Callable[[], LookupState] | None

    def places(self) -> dict[bytes, Place]:
        """By path."""
        return {b"/lookups": Place({b"GET": self.show})}

    def show(self, visit: Visit) -> Reply:
        """The page. Raises Unfit."""
        visit.parameters()
        if self.state is None:
            return json_reply({"apis": []}) if visit.wants_json else text_reply("there is no API: [routes] knows all\n")
        state = self.state()
        return json_reply(_fields(state)) if visit.wants_json else text_reply(_text(state))


def _fields(state: LookupState) -> dict[str, Any]:
    return {
        "apis": [api_fields(api) for api in state.apis],
        "in_flight": {"now": state.in_flight, "limit": state.in_flight_limit},
        "waiting": {"now": state.waiting, "limit": state.waiting_limit},
        "failing_names": state.failing,
        "budget": {
            "sources": state.budget.sources,
            "over_source": state.budget.over_source,
            "over_overall": state.budget.over_overall,
        },
        "shadow": None if state.shadow is None else dict(state.shadow),
    }


def _text(state: LookupState) -> str:
    budget = state.budget
    lines = [f"API {api_line(api)}; {api.answers} answers, {api.failures} failures" for api in state.apis]
    lines += [
        f"questions: {state.in_flight} of {state.in_flight_limit} in flight, {state.waiting} of"
        f" {state.waiting_limit} waiting",
        f"names whose last lookup failed: {state.failing}",
        f"budget of unknown names: {budget.sources} sources counted; not asked about: {budget.over_source} for their"
        f" source's limit, {budget.over_overall} for everybody's",
    ]
    if state.shadow is not None:
        counts = ", ".join(f"{kind} {count}" for kind, count in sorted(state.shadow.items()))
        lines.append(f"shadow: {counts or 'nothing compared yet'}")
    return "".join(f"{line}\n" for line in lines)
