"""Real clients, a real service, real clusters: the walk from accept to account."""

from __future__ import annotations

from tests.e2e.clients import tls_page
from tests.e2e.world import Api, Certificates, Cluster, Starship


def test_s1_the_certificate_that_a_client_sees_is_the_clusters(
    ship: Starship, api: Api, clusters: dict[str, Cluster], certificates: Certificates
) -> None:
    api.hosts["a.com"] = {"app": "A", "host": "a.com", "endpoint": clusters["a-tls"].address}
    body, certificate = tls_page(ship.port("https"), "a.com", certificates.ca_file)
    assert body.startswith(b"cluster a by tls\n")
    assert ("DNS", "a.com") in certificate["subjectAltName"]  # type: ignore[operator]  # the ssl module's own shape
    ending = ship.ending(name="a.com", door="https")
    assert (ending["reason"], ending["mood"], ending["status"], ending["answer"]) == ("ok", "carried", 200, "fresh")
    assert ending["app"] == "A"
