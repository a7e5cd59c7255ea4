"""
What upstreams are told of clients, from the settings.

Part of service, floor 7.
"""

from __future__ import annotations

from starship.config.settings import Dialling, Pool
from starship.words import ProxyOptions


def header_version(said: Dialling | Pool) -> str | None:
    """The PROXY header that upstreams get whose route does not say; None: none."""
    return None if said.proxy_protocol == "off" else said.proxy_protocol


def header_options(said: Dialling | Pool) -> ProxyOptions:
    """What it holds."""
    wanted = said.proxy_options
    return ProxyOptions(
        authority="authority" in wanted,
        alpn="alpn" in wanted,
        unique_id="unique_id" in wanted,
        crc32c="crc32c" in wanted,
        relay=said.proxy_relay,
    )
