"""
The lookup contract: an answer of the API becomes a Route or a Miss, or a reason why it is neither. Pure.

Part of `route`, floor 4. Knows nothing of connections, clocks or caches; `remote.py` brings the bytes. A field that
restricts access is understood or the whole answer is invalid: it never fails open.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final

from attrs import frozen

from starship.addresses import BadAddress, parse_network
from starship.errors import LookupFailed, LookupInvalid, LookupRefused, LookupServerError
from starship.names import BadName, Hostname, covers, from_text
from starship.route.endpoints import read_endpoints
from starship.route.fields import JsonObject, Malformed, parse_object
from starship.route.freshness import Freshness, freshness, retry_after
from starship.route.rules import read_rules
from starship.words import Answer, Miss, Network, Origin, PoolName, Route

APP_LIMIT: Final = 256
HOST_LIMIT: Final = 256
NETWORKS_LIMIT: Final = 1024
CONNECTIONS_LIMIT: Final = 2**31 - 1
PROXY_PROTOCOLS: Final = ("v1", "v2", "off")

_POLICY = re.compile(r"[a-z0-9_-]{1,64}")


@frozen(kw_only=True)
class Head:
    """The part of an answer before its body, as far as the contract reads it; headers that were not sent are empty."""

    status: int
    cache_control: str = ""
    age: str = ""
    content_encoding: str = ""
    retry_after: str = ""
    date: str = ""


def refusal_of(head: Head) -> LookupFailed | None:
    """
    What the head alone decides: a status that is no answer, or a coded body, which is never decoded.

    Returns: None when the body has to be read (200, and 404 for its neg_ttl).
    """
    status = head.status
    if status >= 500:
        return LookupServerError(f"the API answered {status}", retry_after(head.retry_after, head.date))
    if status not in (200, 404):
        if 300 <= status < 500:
            what = "a redirect, which is not followed" if status < 400 else "no answer"
            return LookupRefused(f"the API answered {status}: {what}", retry_after(head.retry_after, head.date))
        return LookupInvalid(f"the API answered {status}, which means nothing here")
    if head.content_encoding.strip(" \t").lower() not in ("", "identity"):
        return LookupInvalid("the answer has a Content-Encoding, although none was accepted")
    return None


def read_answer(name: Hostname, head: Head, body: bytes, pools: Container[str] | None = None) -> Answer:
    """
    Read an answer about a name.

    Shape: the whole body, within the limit that the caller has set; `pools` are those that it may name (None: any).
    Returns: a Route or a Miss of origin fresh.
    Errors: LookupFailed of the kind that fits; its text is ours, bounded and printable.
    """
    refusal = refusal_of(head)
    if refusal is not None:
        raise refusal
    kept = freshness(head.cache_control, head.age)
    try:
        if head.status == 404:
            return _not_found(name, kept, body)
        answer = parse_object(body)
        return _miss(name, kept, answer) if "miss" in answer else _route(name, kept, answer, pools)
    except Malformed as error:
        raise LookupInvalid(str(error)) from error


def read_route(name: Hostname, answer: JsonObject) -> Route:
    """
    Read a route that was spelled out and kept; `name` may be its wildcard, and its pool may be gone. Errors: Malformed.
    """
    return _route(name, Freshness(), answer, None)


def _not_found(name: Hostname, kept: Freshness, body: bytes) -> Miss:
    """A 404 is a miss whatever its body; only a JSON object can say for how long, and for which names."""
    try:
        answer = parse_object(body)
    except Malformed:
        return Miss(origin=Origin.FRESH, ttl=kept.ttl)
    return _miss(name, kept, answer)


def _miss(name: Hostname, kept: Freshness, answer: JsonObject) -> Miss:
    wildcard = None
    if answer.get("miss") is not True:  # true: the name that was asked for
        wildcard = _covering("miss", name, answer.text("miss", HOST_LIMIT))
    if "miss" in answer and ("endpoint" in answer or "endpoints" in answer or "paths" in answer):
        raise Malformed("the answer has both a miss and an endpoint")
    return Miss(origin=Origin.FRESH, ttl=_said(answer.seconds("neg_ttl"), kept.ttl), wildcard=wildcard)


def _route(name: Hostname, kept: Freshness, answer: JsonObject, pools: Container[str] | None) -> Route:
    wildcard = _covering("host", name, answer.text("host", HOST_LIMIT))
    answer.seconds("neg_ttl")  # of no use here, and yet not to be of a wrong type
    allow = answer.items_of("allow", str, "a string", NETWORKS_LIMIT)
    home, rules = read_endpoints(answer, pools), read_rules(answer, pools)
    if home is None and not rules:
        raise Malformed("the answer has neither endpoint nor endpoints")
    return Route(
        app=answer.text("app", APP_LIMIT) or "",
        upstreams=() if home is None or isinstance(home, PoolName) else home,
        pool=home if isinstance(home, PoolName) else None,
        origin=Origin.FRESH,
        ttl=_said(answer.seconds("ttl"), kept.ttl),
        stale_ttl=_said(answer.seconds("stale_ttl"), kept.stale_ttl),
        policy=_policy(answer),
        proxy_protocol=_proxy_protocol(answer),
        maintenance=answer.take("maintenance", bool, "true or false") or False,
        allow=None if allow is None else _networks("allow", allow),
        deny=_networks("deny", answer.items_of("deny", str, "a string", NETWORKS_LIMIT) or []),
        max_connections=answer.integer("max_connections", 1, CONNECTIONS_LIMIT),
        wildcard=wildcard,
        paths=rules,
        redirect=_redirect(answer),
    )


def _said(body: float | None, headers: float | None) -> float | None:
    return headers if body is None else body


def _covering(key: str, name: Hostname, host: str | None) -> str | None:
    """The wildcard that a field names, None for the name itself or none; checked to be one of the two."""
    if host is None:
        return None
    star, below = ("*.", host[2:]) if host.startswith("*.") else ("", host)
    spelled = from_text(below)
    if isinstance(spelled, BadName):
        raise Malformed(f"{key} is neither a hostname nor a wildcard")
    if not covers(star + spelled, name):
        raise Malformed(f"{key} is not the name that was asked for")
    return star + spelled if star else None


def _networks(key: str, texts: list[str]) -> tuple[Network, ...]:
    networks = []
    for text in texts:
        network = parse_network(text)
        if isinstance(network, BadAddress):
            raise Malformed(f"{key} is not usable: {network.why}")
        networks.append(network)
    return tuple(networks)


def _redirect(answer: JsonObject) -> bool:
    scheme = answer.take("redirect", str, "a string")
    if scheme not in (None, "https"):
        raise Malformed("redirect is not https")
    return scheme is not None


def _policy(answer: JsonObject) -> str | None:
    policy = answer.take("policy", str, "a string")
    if policy is not None and not _POLICY.fullmatch(policy):
        raise Malformed("policy is not a word")
    return policy


def _proxy_protocol(answer: JsonObject) -> str | None:
    version = answer.take("proxy_protocol", str, "a string")
    if version is not None and version not in PROXY_PROTOCOLS:
        raise Malformed("proxy_protocol is none of v1, v2 and off")
    return version
