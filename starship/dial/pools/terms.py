"""
Terms: how a pool's endpoints are chosen, tried, left out and filled up. Values alone.

Part of the dial step; service.py makes them of the ini file.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from starship.dial.health.check import Check
from starship.dial.pools.ejection import Ejection
from starship.words import ProxyOptions

PLAIN: Final = ProxyOptions()
USUAL: Final = Ejection(failures=5, time=10.0, share=0.5)


@frozen(kw_only=True)
class Terms:
    """
    Seconds. `policy` is one of words.POLICIES; `connect_timeout` of one try.

    `max_connections` to one endpoint (0: no limit); beyond it at most `queue` clients wait for `queue_timeout`.
    `retries` (a share, 0 to 1) and `min_retries` (a second) bound the tries of endpoints that failed last.
    `proxy_protocol` (None: none) and its options are for routes that do not say. `check` None: nobody asks how
    endpoints are. `preconnect` is how many spare connections each endpoint shall have.
    """

    policy: str = "random"
    connect_timeout: float = 3.0
    max_connections: int = 0
    queue: int = 256
    queue_timeout: float = 1.0
    ejection: Ejection = USUAL
    slow_start: float = 0.0
    check: Check | None = None
    retries: float = 0.2
    min_retries: int = 10
    proxy_protocol: str | None = None
    proxy_options: ProxyOptions = PLAIN
    preconnect: int = 0
