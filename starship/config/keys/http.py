"""
The keys of plain HTTP that is routed request by request.

Part of `config`.
"""

from __future__ import annotations

from typing import Final

from starship.config import settings
from starship.config.keys.table import DAY, MIB, Section
from starship.config.values import BOOLEAN, NETWORKS, TOKEN, duration, integer, size, words

FORWARDED: Final = (
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Real-IP",
    "X-Original-URI",
    "X-Scheme",
    "Forwarded",
)
"""What an upstream can be told of a client."""

HTTP: Final = Section(
    title="http",
    owner=settings.Http,
    doc="Plain HTTP that is routed request by request (`mode = requests`). [http.md](http.md) tells what is done.",
)
HTTP.add(
    "forwarded",
    words(*FORWARDED),
    "X-Forwarded-For, Forwarded",
    f"The fields that tell an upstream of its client, or `none`: {', '.join(f'`{name}`' for name in FORWARDED)}.",
)
HTTP.add(
    "trusted",
    NETWORKS,
    "10.0.0.0/8",
    "Proxies in front of this one: what they say of a client is passed on and appended to. Of all others it is"
    " replaced.",
)
HTTP.add(
    "request_id",
    BOOLEAN,
    "no",
    "Give each request the id of its line in the access log as `X-Request-Id`; one of a trusted proxy is kept.",
)
HTTP.add("via", TOKEN, "starship", "The name to go by in `Via`. Without it: no such field.")
HTTP.add(
    "body_size", size(0, 1 << 40), "1 MiB", "The longest body of a request; beyond it `body_too_big`. 0: no limit."
)
HTTP.add("body_timeout", duration(1, DAY), "30s", "A body that makes no progress for so long is given up.")
HTTP.add(
    "response_timeout",
    duration(0.1, DAY, "no limit"),
    "2m",
    "How long an upstream may take from the end of a request to the head of its response. 0: no limit.",
)
HTTP.add("keepalive_timeout", duration(1, DAY), "15s", "How long a client may be idle between two requests.")
HTTP.add(
    "requests_per_connection",
    integer(1, 1_000_000_000, "no limit"),
    "1000",
    "Then a client connects anew. 0: no limit.",
)
HTTP.add(
    "connection_lifetime",
    duration(1, 365 * DAY, "no limit"),
    "1d",
    "A client's connection that is older is closed after the response under way. 0: no limit.",
)
HTTP.add(
    "upstream_idle",
    integer(0, 10_000),
    "8",
    "Idle connections that are kept for the next request to one endpoint. 0: each request connects.",
)
HTTP.add("upstream_idle_total", integer(0, 1_000_000), "512", "The same for all endpoints together.")
HTTP.add(
    "upstream_idle_timeout",
    duration(0.1, DAY),
    "4s",
    "How long they are kept; best shorter than the upstreams keep theirs.",
)
HTTP.add(
    "retries",
    integer(0, 10),
    "0",
    "How often a request is sent again, on a new connection, when a kept one ends before the first byte of a response."
    " Only idempotent methods.",
)
HTTP.add(
    "replay_size",
    size(0, MIB),
    "0",
    "A body up to this size is kept for that; a request with a longer one is not sent again.",
)
