"""
The APIs that are asked: one client for all, one resolver and one breaker each, and their order.

Part of service, floor 7; `lookups.py` stands around them.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

from attrs import define, frozen

from starship.config.settings import Lookup, Settings
from starship.names import Hostname
from starship.route.breaker import Breaker, State
from starship.route.client import ApiClient, api_client
from starship.route.contract import Head
from starship.route.credentials import https_policy, read_token
from starship.route.failover import Api, Failover, without_secrets
from starship.route.raw import TEXT_LIMIT_BYTES, Raw, RawAnswers
from starship.route.remote import RemoteResolver
from starship.route.rereading import Rereading, RereadPolicy


@frozen(kw_only=True)
class Apis:
    """Who is asked, what they said last, who is asked beside them, and the client that all of them share."""

    failover: Failover
    raw: RawAnswers
    shadow: RemoteResolver | None
    client: ApiClient


@define(eq=False, kw_only=True)
class _Maker:
    """What all resolvers have in common."""

    lookup: Lookup
    reactor: Any
    client: ApiClient
    token: Callable[[], str | None]
    raw: RawAnswers
    pools: Container[str]

    def resolver(self, url: str, index: int | None) -> RemoteResolver:
        """One that asks this URL; its answers are kept under its index, those of the shadow are not."""

        def heard(name: Hostname, head: Head, body: bytes) -> None:
            if index is not None:
                now = self.reactor.seconds()
                self.raw.note(name, Raw(index, head.status, head.cache_control, body[:TEXT_LIMIT_BYTES], now))

        return RemoteResolver(
            client=self.client.http,
            clock=self.reactor,
            url=url,
            deadline=self.lookup.timeout,
            answer_limit=self.lookup.answer_limit,
            concurrency=self.lookup.concurrency,
            token=self.token,
            shown=f"{'shadow' if index is None else 'lookup'} API {without_secrets(url)}",
            heard=heard,
            pools=self.pools,
        )

    def api(self, index: int, url: str, jitter: Callable[[], float]) -> Api:
        """One with its breaker, which tells it of its turns."""
        turned: list[Callable[[State], None]] = []
        breaker = Breaker(
            clock=self.reactor,
            failures=self.lookup.breaker_failures,
            interval=self.lookup.breaker_interval,
            patience=self.lookup.retry_after_limit,
            jitter=jitter,
            told=lambda state: turned[0](state),
        )
        api = Api(index=index, url=without_secrets(url), resolver=self.resolver(url, index), breaker=breaker)
        turned.append(api.turned)
        return api


def make_apis(settings: Settings, reactor: Any, jitter: Callable[[], float], client: ApiClient | None = None) -> Apis:
    """Build them as `[lookup]` and `[shadow]` say; `client` None: theirs too. Raises CredentialsUnusable."""
    lookup = settings.lookup
    if lookup is None:
        raise ValueError("there is no API")
    raw = RawAnswers()
    maker = _Maker(
        lookup=lookup,
        reactor=reactor,
        client=client or _client(lookup, reactor),
        token=_token(lookup, reactor),
        raw=raw,
        pools=settings.pools,
    )
    urls = (lookup.url, *lookup.fallback_urls)
    failover = Failover(tuple(maker.api(index, url, jitter) for index, url in enumerate(urls)), reactor)
    shadow = None if settings.shadow is None else maker.resolver(settings.shadow.url, None)
    return Apis(failover=failover, raw=raw, shadow=shadow, client=maker.client)


def _client(lookup: Lookup, reactor: Any) -> ApiClient:
    files = {
        "ca_file": lookup.ca_file,
        "client_certificate": lookup.client_certificate,
        "client_key": lookup.client_key,
    }
    paths: tuple[Path, ...] = tuple(path for path in files.values() if path is not None)
    return api_client(
        reactor,
        policy=RereadPolicy(Rereading(paths, lambda: https_policy(**files), reactor)),
        connect_timeout=lookup.connect_timeout,
        answer_limit=lookup.answer_limit,
        connections=lookup.concurrency,
    )


def _token(lookup: Lookup, reactor: Any) -> Callable[[], str | None]:
    path = lookup.token_file
    return (lambda: None) if path is None else Rereading((path,), lambda: read_token(path), reactor)
