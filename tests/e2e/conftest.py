"""One world for a module of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.world import (
    Api,
    Certificates,
    Cluster,
    Starship,
    echo,
    http_hello,
    in_mode,
    ini_text,
    starship,
    tls_hello,
)


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    api = Api()
    api.start()
    yield api
    api.stop()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def clusters(certificates: Certificates) -> Iterator[dict[str, Cluster]]:
    """Two clusters with a site each by HTTP (`a`, `b`) and by TLS (`a-tls`, `b-tls`), and an echo."""
    made = {
        "a": Cluster(http_hello("cluster a")).start(),
        "b": Cluster(http_hello("cluster b")).start(),
        "a-tls": Cluster(tls_hello(certificates.context("a.com", "www.a.com"), "cluster a by tls")).start(),
        "b-tls": Cluster(tls_hello(certificates.context("b.com"), "cluster b by tls")).start(),
        "echo": Cluster(echo).start(),
    }
    yield made
    for cluster in made.values():
        cluster.stop()


@pytest.fixture
def tenants(api: Api, clusters: dict[str, Cluster]) -> None:
    """The API knows a page, a.com, and an echo, echo.com."""
    api.hosts["a.com"] = {"endpoint": clusters["a"].address}
    api.hosts["echo.com"] = {"endpoint": clusters["echo"].address}


@pytest.fixture(scope="module")
def mode() -> str:
    """How plain HTTP is carried by this module's Starship; a module about connections as a whole says `tunnel`."""
    return "requests"


@pytest.fixture(scope="module")
def ship(api: Api, mode: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    """A Starship on this module's API, with deadlines that no busy machine meets."""
    ini = ini_text(
        api,
        lookup="timeout = 30\nconnect_timeout = 30\nwait = 60\nqueue_timeout = 30",
        upstream="connect_timeout = 30s\ndial_timeout = 60s",
        extra="[cache]\nttl = 600\nneg_ttl = 600\n[limits]\nhello_timeout = 60s\n",
    )
    with starship(tmp_path_factory.mktemp("ship"), in_mode(mode, ini)) as ship:
        yield ship
