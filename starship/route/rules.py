"""
The path rules of an answer of the API: `paths`, read as strictly as all else. Pure.

Part of `route`, for the contract. A rule that is not understood makes the whole answer invalid: what was to go to one
place never goes to another by default.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from starship.paths import EXACT, KINDS, PREFIX, BadPath, ordered, rule_path
from starship.route.endpoints import ENDPOINTS_LIMIT, read_endpoints
from starship.route.fields import JsonObject, Malformed
from starship.words import PathRule, PoolName

PATHS_LIMIT: Final = 256


def read_rules(answer: JsonObject, pools: Container[str] | None) -> tuple[PathRule, ...]:
    """
    `paths: [{path, type, endpoint or endpoints, rewrite}]`, in the order of matching; empty where it is not said.

    Shape: at most PATHS_LIMIT rules, with ENDPOINTS_LIMIT endpoints in all of them together.
    Errors: Malformed.
    """
    entries = answer.items_of("paths", JsonObject, "an object", PATHS_LIMIT)
    if not entries:
        return ()
    try:
        rules = [_rule(entry, pools) for entry in entries]
    except Malformed as error:
        raise Malformed(f"in paths: {error}") from error
    if len({(rule.path, rule.kind) for rule in rules}) < len(rules):
        raise Malformed("paths has a path twice")
    if sum(len(rule.upstreams) for rule in rules) > ENDPOINTS_LIMIT:
        raise Malformed(f"paths has more than {ENDPOINTS_LIMIT} endpoints")
    return ordered(rules)


def _rule(entry: JsonObject, pools: Container[str] | None) -> PathRule:
    kind = entry.take("type", str, "a string") or PREFIX
    if kind not in KINDS:
        raise Malformed("type is neither prefix nor exact")
    path = _path(entry, "path", kind)
    if path is None:
        raise Malformed("a rule has no path")
    home = read_endpoints(entry, pools)
    if home is None:
        raise Malformed("a rule has neither endpoint nor endpoints")
    return PathRule(
        path=path,
        kind=kind,
        upstreams=() if isinstance(home, PoolName) else home,
        pool=home if isinstance(home, PoolName) else None,
        rewrite=_path(entry, "rewrite", EXACT),
    )


def _path(entry: JsonObject, key: str, kind: str) -> str | None:
    text = entry.take(key, str, "a string")
    if text is None:
        return None
    path = rule_path(text, kind)
    if isinstance(path, BadPath):
        raise Malformed(f"{key} is not usable: {path.why}")
    return path
