"""
An explanation for people: aligned lines of text. Pure.

Part of `admin`, floor 6. What came from outside is escaped, so that nothing of it moves a terminal's cursor.
"""

from __future__ import annotations

import json
from math import isinf
from typing import Final

from starship.admin.explanation import Explanation, Live, meeting, restrictions, with_port
from starship.admin.poolrooms import Choosing
from starship.admin.pooltelling import not_well
from starship.admin.reasoning import Endpoint, Finding, Outcome, Question
from starship.admin.rooms import Standing
from starship.errors import shown
from starship.words import Look

FOREVER: Final = "for ever"

MEMBERS_SHOWN: Final = 20
"""Members of a pool that are not simply up."""

ADDRESSES_SHOWN: Final = 8
"""Of one name."""

_Line = str | tuple[str, str]


def as_text(told: Explanation) -> str:
    """For people."""
    lines: list[_Line] = [
        _title(told.question),
        "",
        ("name", told.question.name or "none"),
        ("provider", _provider(told.finding)),
    ]
    if told.look is not None:
        lines.append(("cache", _look_line(told.look)))
    if told.known is not None:
        lines.append(("answer", json.dumps(told.known)))
    if told.raw is not None:
        said = f"API {told.raw.api}, {told.raw_age:.1f} s ago: {told.raw.status} {_text(told.raw.body.strip())}"
        lines.append(
            (
                "raw",
                said
                + (f" (Cache-Control: {_text(told.raw.cache_control.encode())})" if told.raw.cache_control else ""),
            )
        )
    if told.failure is not None:
        lines.append(("failure", f"{told.failure.word}: {told.failure}"))
    if told.over is not None:
        lines.append(("budget", told.over))
    lines += [("api", api_line(api)) for api in told.apis]
    if told.turn is not None:
        lines.append(("path", _text(told.turn.words.encode())))
    if told.choosing is not None:
        lines += _choosing_lines(told.choosing)
    lines += _endpoint_lines(told.endpoints)
    lines += [(key, str(value)) for key, value in restrictions(told.route).items()]
    lines += _outcome_lines(told.outcome)
    if told.live is not None:
        lines += ["", "asked just now, beside the cache:", *_live_lines(told.live)]
    return "".join(f"{line}\n" if isinstance(line, str) else f"  {line[0]:<16}{line[1]}\n" for line in lines)


def _title(question: Question) -> str:
    by = "" if question.client is None else f", for {question.client}"
    return f"{shown(question.asked) or 'no name'} at the door {question.door.name} ({question.door.protocol}){by}"


def _provider(finding: Finding) -> str:
    return f"{finding.provider}: {finding.how}"


def _look_line(look: Look) -> str:
    left = FOREVER if isinf(look.left) else f"{look.left:.1f} s left"
    fresh = "fresh" if look.left > 0 else "stale"
    stale = "" if look.store != "routes" or isinf(look.stale_left) else f", usable for {look.stale_left:.1f} s"
    return f"{look.store}, {fresh}, put {look.age:.1f} s ago, {left}{stale}, {look.hits} hits, {look.size} bytes"


def _endpoint_lines(found: tuple[Endpoint, ...]) -> list[_Line]:
    lines: list[_Line] = []
    for endpoint in found:
        when = f"first for {endpoint.share:.0%}" if endpoint.share else "only when all others fail"
        when = "drained: never" if endpoint.drained else when
        where = _where(endpoint)
        guard = f"; FORBIDDEN: {'; '.join(dict.fromkeys(endpoint.objections))}" if endpoint.objections else ""
        lines.append(("endpoint", f"{with_port(endpoint)} ({when}){where}{guard}"))
    return lines


def _where(endpoint: Endpoint) -> str:
    """What is known of a name's addresses; nothing of an endpoint that is one."""
    addresses = endpoint.addresses
    if addresses is None:
        return ", whose addresses are looked up at the first dial"
    if addresses == (endpoint.upstream.host,):
        return ""
    more = f" and {len(addresses) - ADDRESSES_SHOWN} more" if len(addresses) > ADDRESSES_SHOWN else ""
    return f": {', '.join(addresses[:ADDRESSES_SHOWN])}{more}" if addresses else ", which has no address"


def _choosing_lines(found: Choosing) -> list[_Line]:
    standing, forecast = found.standing, found.forecast
    used = sum(1 for member in standing.members if member.share)
    panic = "; PANIC: none is well, so all are tried" if standing.panic else ""
    name = f"{standing.name}: " if standing.name else ""
    lines: list[_Line] = [("balancing", f"{name}{standing.policy}, {used} of {len(standing.members)} used{panic}")]
    lines.append(("next", f"{forecast.address} ({forecast.why})" if forecast.address else forecast.why))
    notable = [(member.address, why) for member in standing.members if (why := not_well(member))]
    lines += [("member", f"{address} {why}") for address, why in notable[:MEMBERS_SHOWN]]
    if len(notable) > MEMBERS_SHOWN:
        lines.append(("member", f"and {len(notable) - MEMBERS_SHOWN} more that are not simply up"))
    return lines


def _outcome_lines(outcome: Outcome) -> list[_Line]:
    if outcome.reason is None:
        return [("verdict", "unknown before the API is asked")]
    detail = f" ({outcome.detail})" if outcome.detail else ""
    lines: list[_Line] = [("verdict", f"{outcome.verdict}: {outcome.reason}{detail}")]
    for kind, gets in meeting(outcome).items():
        words = [str(gets[key]) for key in ("gets", "status", "alert", "title", "name") if gets.get(key)]
        logged = f", logged as {gets['logged']}" if "logged" in gets else ""
        lines.append((kind, " ".join(words) + logged))
    return lines


def _live_lines(live: Live) -> list[_Line]:
    lines: list[_Line] = []
    if live.error is not None:
        lines.append(("failed", f"{live.error.word}: {live.error}"))
    if live.answer is not None:
        lines.append(("answer", json.dumps(live.answer)))
        lines.append(("differs", ", ".join(live.differs) or "in nothing"))
    return [*lines, *_endpoint_lines(live.endpoints), *_outcome_lines(live.outcome)]


def api_line(api: Standing) -> str:
    """What an API is like, on one line."""
    since = "" if api.state_age is None else f" for {api.state_age:.1f} s"
    retry = f", tried again in {api.retry_in:.1f} s" if api.retry_in else ""
    error = "" if api.error_age is None else f"; failed {api.error_age:.1f} s ago: {api.error}"
    health = "well" if api.well else "failing"
    return f"{api.index} {shown(api.url)}: {health}, breaker {api.state}{since}{retry}{error}"


def _text(body: bytes) -> str:
    """What came, on one line; what cannot be printed is escaped."""
    text = body.decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
