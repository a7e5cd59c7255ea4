"""A network of our own, two nginx clusters in it, and Starship between them on ports 443 and 80."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from attrs import frozen

from tests.e2e.world import Api, Certificates, Starship, starship
from tests.system.namespaces import CLUSTER_A, CLUSTER_B, SHIP, network
from tests.system.nginx import nginx

INI = """
[listener:https]
protocol = tls
endpoint = tcp:443:interface={ship}
[listener:http]
protocol = http
endpoint = tcp:80:interface={ship}
[listener:members]
protocol = tls
endpoint = tcp:8443:interface={ship}
deny = 0.0.0.0/0
[lookup]
url = http://127.0.0.1:{api}/?host={{host}}
timeout = 20
[routes]
refusing.com = 10.0.0.24:9
[upstream]
connect_timeout = 20s
dial_timeout = 30s
[limits]
hello_timeout = 60s
"""


@frozen(kw_only=True)
class Fleet:
    """All of it. `files_a` lies behind `/files/` of cluster A."""

    ship: Starship
    api: Api
    certificates: Certificates
    files_a: Path

    @property
    def ca(self) -> str:
        return str(self.certificates.ca_file)


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A directory that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="starship-system-") as directory:
        path = Path(directory)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def our_network() -> Iterator[None]:
    with network(SHIP, CLUSTER_A, CLUSTER_B):
        yield


@pytest.fixture(scope="session")
def certificates(place: Path) -> Certificates:
    directory = place / "certificates"
    directory.mkdir()
    return Certificates(directory)


@pytest.fixture(scope="session")
def api(our_network: None) -> Iterator[Api]:
    """Knows a.com and b.com by their clusters' addresses alone; fails for down.com."""
    api = Api()
    for name, address in {"a.com": CLUSTER_A, "www.a.com": CLUSTER_A, "b.com": CLUSTER_B}.items():
        api.hosts[name] = {"app": f"The app of {name}", "host": name, "endpoint": address}
    api.hosts["down.com"] = _fail
    api.start()
    yield api
    api.stop()


@pytest.fixture(scope="session")
def fleet(our_network: None, place: Path, certificates: Certificates, api: Api) -> Iterator[Fleet]:
    with (
        nginx(place / "a", CLUSTER_A, certificates, "Cluster A", "a.com", "www.a.com") as files_a,
        nginx(place / "b", CLUSTER_B, certificates, "Cluster B", "b.com"),
        starship(place / "ship", INI.format(ship=SHIP, api=api.port)) as ship,
    ):
        yield Fleet(ship=ship, api=api, certificates=certificates, files_a=files_a)


def _fail(handler: BaseHTTPRequestHandler) -> None:
    handler.send_error(500)
