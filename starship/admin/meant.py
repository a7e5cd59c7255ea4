"""
Which open connections a request means, in which order, and where a page begins and ends. Pure.

Part of `admin`, floor 6: `connections.py` asks for them. What cannot be meant raises Unfit, with words that repeat
nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

from starship.addresses import BadAddress, parse_network, parse_upstream
from starship.admin.names import host_or_wildcard
from starship.admin.replies import Unfit
from starship.inside import Order, Rank, Wanted
from starship.words import Network, Upstream

PAGE: Final = 100
PAGE_LIMIT: Final = 1000
TEXT_LIMIT: Final = 256

FILTERS: Final = ("host", "source", "app", "endpoint")
MEANT: Final = ("id", *FILTERS)

_AFTER = re.compile(r"([0-9]{1,20})\.([0-9]{1,20})")


def wanted_of(asked: Mapping[str, str]) -> Wanted:
    """Which connections are meant. Raises Unfit."""
    return Wanted(
        id=_text(asked, "id"),
        name=host_or_wildcard(asked["host"]) if "host" in asked else None,
        source=_network(asked["source"]) if "source" in asked else None,
        app=_text(asked, "app"),
        upstream=_upstream(asked["endpoint"]) if "endpoint" in asked else None,
    )


def _text(asked: Mapping[str, str], key: str) -> str | None:
    text = asked.get(key)
    if text is not None and not 1 <= len(text) <= TEXT_LIMIT:
        raise Unfit(f"{key} is not a text of 1 to {TEXT_LIMIT} characters")
    return text


def _network(text: str) -> Network:
    network = parse_network(text)
    if isinstance(network, BadAddress):
        raise Unfit(f"source is neither an address nor a network: {network.why}")
    return network


def _upstream(text: str) -> Upstream:
    found = parse_upstream(text)
    if isinstance(found, BadAddress):
        raise Unfit(f"endpoint: {found.why}")
    try:
        ip_address(found.host)
    except ValueError as error:
        raise Unfit("endpoint is not an IP address, with or without a port") from error
    return found


def order_of(asked: Mapping[str, str]) -> Order:
    """The parameter `sort`. Raises Unfit."""
    try:
        return Order(asked.get("sort", Order.AGE))
    except ValueError as error:
        raise Unfit("sort is neither age nor bytes") from error


def after_of(asked: Mapping[str, str]) -> Rank | None:
    """The parameter `after`, as `shown_rank` has written it. Raises Unfit."""
    if "after" not in asked:
        return None
    found = _AFTER.fullmatch(asked["after"])
    if found is None:
        raise Unfit("after is not what a page said as next")
    return -int(found[1]), int(found[2])


def shown_rank(rank: Rank) -> str:
    """What to say as `after`."""
    return f"{-rank[0]}.{rank[1]}"


def limit_of(asked: Mapping[str, str]) -> int:
    """The parameter `limit`: rows of a page. Raises Unfit."""
    text = asked.get("limit", str(PAGE))
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= PAGE_LIMIT):
        raise Unfit(f"limit is not a number from 1 to {PAGE_LIMIT}")
    return int(text)
