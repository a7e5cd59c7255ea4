"""
An answer in the words of the lookup contract: what the API could have sent to mean the same. Pure.

Part of `route`: the snapshot, the shadow's log and explain write answers with it; `contract.py` reads them back.
"""

from __future__ import annotations

from typing import Any

from starship.addresses import POOL
from starship.words import Answer, Miss, PathRule, Route, Upstream


def spell(answer: Answer) -> dict[str, Any]:
    """A JSON object. What the answer leaves to its default is left out."""
    match answer:
        case Miss():
            fields = {"miss": answer.wildcard or True, "neg_ttl": answer.ttl}
            return _said(fields)
        case Route():
            return _said(_route(answer))


def _route(route: Route) -> dict[str, Any]:
    return {
        "app": route.app or None,
        "host": route.wildcard,
        **_home(route.upstreams, route.pool),
        "ttl": route.ttl,
        "stale_ttl": route.stale_ttl,
        "policy": route.policy,
        "proxy_protocol": route.proxy_protocol,
        "maintenance": route.maintenance or None,
        "allow": None if route.allow is None else [str(network) for network in route.allow],
        "deny": [str(network) for network in route.deny] or None,
        "max_connections": route.max_connections,
        "paths": [_rule(rule) for rule in route.paths] or None,
        "redirect": "https" if route.redirect else None,
    }


def _rule(rule: PathRule) -> dict[str, Any]:
    where = _home(rule.upstreams, rule.pool)
    return _said({"path": rule.path, "type": rule.kind, **where, "rewrite": rule.rewrite})


def _home(upstreams: tuple[Upstream, ...], pool: str | None) -> dict[str, Any]:
    if pool is not None:
        return {"endpoint": f"{POOL}{pool}"}
    if not upstreams:  # paths alone
        return {}
    first = upstreams[0]
    if len(upstreams) == 1 and first.weight == 1 and not first.backup:
        return {"endpoint": str(first)}
    return {"endpoints": [_endpoint(upstream) for upstream in upstreams]}


def _endpoint(upstream: Upstream) -> dict[str, Any]:
    return _said({"address": str(upstream), "weight": upstream.weight, "backup": upstream.backup or None})


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
