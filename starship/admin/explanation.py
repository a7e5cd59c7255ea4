"""
An explanation, and how it looks as JSON. Pure.

Part of `admin`, floor 6: `explain.py` puts one together, `telling.py` makes text of it. It repeats names and what the
API said; no secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from starship.admin.poolrooms import Choosing
from starship.admin.pooltelling import member_fields
from starship.admin.reasoning import Endpoint, Finding, Outcome, Question
from starship.admin.replies import seconds
from starship.admin.requests import Turn
from starship.admin.rooms import Raw, Standing
from starship.errors import LookupFailed
from starship.reasons import TLS_REFUSED_STATUS, Reason
from starship.words import Look, Route

ALERTS: Final = {
    40: "handshake_failure",
    47: "illegal_parameter",
    49: "access_denied",
    50: "decode_error",
    80: "internal_error",
    109: "missing_extension",
    112: "unrecognized_name",
}
"""The alerts of words.py by their names. Source: RFC 8446 section 6."""


@frozen(kw_only=True)
class Live:
    """What the API said just now, or how it failed, and where that differs from what is known."""

    answer: Mapping[str, Any] | None
    error: LookupFailed | None
    outcome: Outcome
    endpoints: tuple[Endpoint, ...]
    differs: tuple[str, ...]


@frozen(kw_only=True)
class Explanation:
    """All that is known of a question. `known` is the answer that counts, spelled out; `raw_age` in seconds."""

    question: Question
    finding: Finding
    outcome: Outcome
    endpoints: tuple[Endpoint, ...]
    route: Route | None
    known: Mapping[str, Any] | None
    turn: Turn | None = None
    choosing: Choosing | None = None
    look: Look | None = None
    raw: Raw | None = None
    raw_age: float = 0.0
    failure: LookupFailed | None = None
    asking: bool = False
    over: str | None = None
    apis: tuple[Standing, ...] = ()
    live: Live | None = None

    @property
    def verdict(self) -> str:
        """What is known says; where nothing is, what the API says just now."""
        known = self.outcome.verdict
        return known if known != "unknown" or self.live is None else self.live.outcome.verdict


def as_json(told: Explanation) -> dict[str, Any]:
    """For programs."""
    question, finding = told.question, told.finding
    return {
        "asked": question.asked,
        "name": question.name,
        "why_not": question.why_not,
        "door": {"name": question.door.name, "protocol": question.door.protocol, "port": question.door.port},
        "client": question.client,
        "provider": finding.provider,
        "how": finding.how,
        "cache": None if told.look is None else look_fields(told.look),
        "answer": told.known,
        "raw": None if told.raw is None else _raw(told.raw, told.raw_age),
        "failure": _failure(told.failure),
        "asking": told.asking,
        "over_budget": told.over,
        "apis": [api_fields(api) for api in told.apis],
        "endpoints": [_endpoint(endpoint) for endpoint in told.endpoints],
        "pool": None if told.choosing is None else _choosing(told.choosing),
        "path": None if told.turn is None else _turn(told.turn),
        "restrictions": restrictions(told.route),
        "verdict": told.verdict,
        **_outcome(told.outcome),
        "live": None if told.live is None else _live(told.live),
    }


def look_fields(look: Look) -> dict[str, Any]:
    """What a cache holds of a name, without the answer. Seconds; null: for ever."""
    return {
        "kept_as": look.name,
        "store": look.store,
        "fresh": look.left > 0,
        "age": round(look.age, 3),
        "left": seconds(look.left),
        "stale_left": seconds(look.stale_left),
        "hits": look.hits,
        "bytes": look.size,
    }


def api_fields(api: Standing) -> dict[str, Any]:
    """What an API is like."""
    return {
        "api": api.index,
        "url": api.url,
        "breaker": str(api.state),
        "breaker_age": seconds(api.state_age),
        "retry_in": round(api.retry_in, 3),
        "well": api.well,
        "answers": api.answers,
        "failures": api.failures,
        "last_error": api.error or None,
        "last_error_age": seconds(api.error_age),
    }


def with_port(endpoint: Endpoint) -> str:
    """Where it would be dialled."""
    host = endpoint.upstream.host
    if endpoint.upstream.srv:
        return str(endpoint.upstream)
    return f"[{host}]:{endpoint.port}" if ":" in host else f"{host}:{endpoint.port}"


def meeting(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """What each kind of client gets."""
    reason = outcome.told
    if reason is None or reason is Reason.OK:
        served = {"gets": "the tenant" if reason else "not known before the API is asked"}
        return {kind: dict(served) for kind in outcome.kinds}
    row = reason.row
    gets = "a redirect" if reason is Reason.REDIRECTED else "a page"
    alert = None if row.alert is None else {"alert": row.alert, "name": ALERTS.get(row.alert, "")}
    clients = {
        "http": {"gets": gets, "status": row.status, "title": row.title, "logged": row.status},
        "tls": {"gets": "a close", "logged": row.logged}
        if alert is None
        else {"gets": "an alert", **alert, "logged": TLS_REFUSED_STATUS},
    }
    return {kind: clients[kind] for kind in outcome.kinds}


def _turn(turn: Turn) -> dict[str, Any]:
    rule = turn.rule
    return {
        "asked": turn.target,
        "rule": None if rule is None else {"path": rule.path, "type": rule.kind, "rewrite": rule.rewrite},
        "passed_on": turn.passed_on or None,
    }


def _choosing(found: Choosing) -> dict[str, Any]:
    standing, forecast = found.standing, found.forecast
    return {
        "name": standing.name or None,
        "policy": standing.policy,
        "panic": standing.panic,
        "next": forecast.address,
        "why": forecast.why,
        "members": [member_fields(member) for member in standing.members],
    }


def _live(live: Live) -> dict[str, Any]:
    return {
        "answer": live.answer,
        "failure": _failure(live.error),
        "differs": list(live.differs),
        "endpoints": [_endpoint(endpoint) for endpoint in live.endpoints],
        "verdict": live.outcome.verdict,
        **_outcome(live.outcome),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    reason = outcome.reason
    return {
        "reason": reason,
        "mood": None if reason is None else reason.row.mood,
        "detail": outcome.detail,
        "clients": meeting(outcome),
    }


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "address": with_port(endpoint),
        "share": round(endpoint.share, 4),
        "backup": endpoint.upstream.backup,
        "drained": endpoint.drained,
        "resolved": None if endpoint.addresses is None else list(endpoint.addresses),
        "objections": list(endpoint.objections),
    }


def restrictions(route: Route | None) -> dict[str, Any]:
    """What the route asks for beside its endpoints; only what is set."""
    if route is None:
        return {}
    fields = {
        "maintenance": route.maintenance or None,
        "allow": None if route.allow is None else [str(network) for network in route.allow],
        "deny": [str(network) for network in route.deny] or None,
        "max_connections": route.max_connections,
        "redirect": "https" if route.redirect else None,
        "pool": route.pool,
        "policy": route.policy,
        "proxy_protocol": route.proxy_protocol,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _raw(raw: Raw, age: float) -> dict[str, Any]:
    return {
        "api": raw.api,
        "age": round(age, 3),
        "status": raw.status,
        "cache_control": raw.cache_control,
        "body": raw.body.decode("utf-8", "replace"),
    }


def _failure(error: LookupFailed | None) -> dict[str, Any] | None:
    return None if error is None else {"reason": error.word, "detail": str(error), "retry_after": error.retry_after}
