"""
The keys of how a load is shared, which `[upstream]` has for all pools and each pool for itself.

Part of `config`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starship.config.keys.table import Section
from starship.config.relaying import FIELDS
from starship.config.values import Kind, choice, duration, integer, words

Add = Callable[[str, Kind, str, str], None]
"""`Section.add` of the section that is filled."""


def add_balancing(section: Section, *, inherits: str = "") -> None:
    """What a pool may say for itself, and `[upstream]` for all of them and for what a lookup answers."""
    add = partial(section.add, inherits=inherits)
    _add_room(add)
    _add_ejection(add)
    _add_retries(add)
    _add_introduction(add)
    _add_spares(add)


def _add_room(add: Add) -> None:
    add("connect_timeout", duration(0.001, 300), "250ms", "One try to connect to one endpoint.")
    add(
        "max_connections",
        integer(1, 10_000_000, "no limit"),
        "1000",
        "Connections open to one endpoint. Beyond it others are taken; when all are full, clients wait. 0: no limit.",
    )
    add("queue", integer(0, 1_000_000), "32", "Clients that may wait for room. Beyond it: `over_limit`.")
    add("queue_timeout", duration(0.001, 60), "250ms", "How long they wait. Beyond it: `over_limit`.")


def _add_ejection(add: Add) -> None:
    add(
        "eject_failures",
        integer(1, 1000, "never"),
        "3",
        "Failures in a row (refused, not connected in time, reset before the first byte) after which an endpoint is"
        " left out for a time. 0: never.",
    )
    add(
        "eject_time",
        duration(0.1, 3600),
        "30s",
        "How long the first time; one more of it each time that the endpoint fails again as soon as it is back.",
    )
    add(
        "max_ejected",
        integer(0, 100),
        "30",
        "The most per cent of a pool that are left out so, rounded up, and never all of it.",
    )
    add(
        "slow_start",
        duration(0, 3600),
        "30s",
        "How long until an endpoint that is back, or new beside others, has its whole share. 0: at once.",
    )


def _add_retries(add: Add) -> None:
    add(
        "retries",
        integer(0, 100),
        "50",
        "Second chances, and tries of an endpoint that failed last beyond the first try of a connection, in per cent "
        "of the connections.",
    )
    add("min_retries", integer(0, 100_000), "100", "So many of them a second are made in any case.")


def _add_introduction(add: Add) -> None:
    add(
        "proxy_protocol",
        choice("off", "v1", "v2"),
        "v2",
        "Tell upstreams the client's address with a PROXY header ([client-address.md](client-address.md)), where their"
        " route does not say itself.",
    )
    add(
        "proxy_options",
        words("authority", "alpn", "unique_id", "crc32c"),
        "authority, unique_id, crc32c",
        "What a header of v2 holds besides: the name that was asked for, its protocol, the request id, a checksum.",
    )
    add(
        "proxy_relay",
        FIELDS,
        "unique_id, aws",
        "Fields that are passed on from the header that came in: `all`, `none`, words (`unique_id`, `ssl`, `netns`,"
        " `aws`, `azure`, `google_psc`) or types such as `0xe4`.",
    )


def _add_spares(add: Add) -> None:
    add(
        "preconnect",
        integer(1, 64, "none"),
        "2",
        "Spare connections to an endpoint, made while it has clients, so that the next one need not wait for the way"
        " there and back ([pools.md](pools.md#spare-connections)). 0: none.",
    )
