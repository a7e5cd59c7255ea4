"""Programs that people use reach their tenant through Starship, and say in their own words when they do not."""

from __future__ import annotations

import json
import os
import ssl
from pathlib import Path

import pytest

from tests.e2e.clients import connect, read_all, request
from tests.system.conftest import Fleet
from tests.system.namespaces import CLUSTER_A, SHIP
from tests.system.programs import Run, run

pytestmark = pytest.mark.system

TITLES = {"a.com": "Cluster A", "b.com": "Cluster B"}
VERSIONS = {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}
COMMON_NAME = {"a.com": "CN = a.com", "b.com": "CN = b.com"}


def curl(fleet: Fleet, url: str, *options: str) -> Run:
    ports = (f"*:{port}:{SHIP}" for port in (80, 443, 8443))
    resolve = [word for port in ports for word in ("--resolve", port)]
    return run("curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", fleet.ca, *resolve, *options, url)


def s_client(fleet: Fleet, *options: str, address: str = f"{SHIP}:443") -> Run:
    return run("openssl", "s_client", "-connect", address, "-CAfile", fleet.ca, "-verify_return_error", *options)


@pytest.mark.parametrize("name", TITLES)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_s3_curl_gets_each_name_from_its_own_cluster(fleet: Fleet, name: str, scheme: str) -> None:
    page = curl(fleet, f"{scheme}://{name}/").expect(0).out
    assert f"<h1>{TITLES[name]}</h1><p>{name} by {scheme}" in page
    assert fleet.ship.ending(name=name, door=scheme, reason="ok", status=200)["app"] == f"The app of {name}"


def test_s12_an_endpoint_without_a_port_means_the_port_that_the_client_came_to(fleet: Fleet) -> None:
    curl(fleet, "https://a.com/").expect(0)
    assert fleet.ship.ending(name="a.com", door="https")["up"] == f"{CLUSTER_A}:443"
    curl(fleet, "http://a.com/").expect(0)
    assert fleet.ship.ending(name="a.com", door="http")["up"] == f"{CLUSTER_A}:80"


def test_s14_curl_speaks_http2_to_a_cluster_that_does_not_and_falls_back_with_it(fleet: Fleet) -> None:
    assert "Cluster A" in curl(fleet, "https://a.com/", "--http2").expect(0).out
    assert fleet.ship.ending(name="a.com", door="https")["alpn"] == ["h2", "http/1.1"]


@pytest.mark.parametrize(
    ("url", "words", "reason"),
    [
        ("https://unknown.example/", "unrecognized name", "unknown_name"),
        (f"https://{SHIP}/", "missing extension", "no_name"),
        ("https://down.com/", "internal error", "lookup_5xx"),
        ("https://refusing.com/", "internal error", "upstream_refused"),
        ("https://a.com:8443/", "access denied", "denied"),
    ],
)
def test_s10_curl_says_why_tls_was_refused(fleet: Fleet, url: str, words: str, reason: str) -> None:
    refused = curl(fleet, url)
    assert refused.status == 35, refused.said
    assert words in refused.err
    assert fleet.ship.ending(reason=reason, status=495)["out"] == 7


def test_curl_at_the_wrong_door_is_told_so_in_its_own_protocol(fleet: Fleet) -> None:
    wrong = run("curl", "-sS", "--resolve", f"a.com:80:{SHIP}", "https://a.com:80/")
    assert wrong.status == 35
    assert "alert handshake failure" in wrong.err
    page = curl(fleet, "http://a.com:443/", "--write-out", "%{http_code}").expect(0).out
    assert "Wrong port" in page
    assert page.endswith("400")


@pytest.mark.parametrize(
    ("name", "status", "title", "reason"),
    [
        ("unknown.example", 404, "App not found", "unknown_name"),
        ("down.com", 503, "This site cannot be found right now", "lookup_5xx"),
        ("refusing.com", 502, "Bad gateway", "upstream_refused"),
    ],
)
def test_s9_curl_gets_a_page_that_says_what_is_wrong(
    fleet: Fleet, name: str, status: int, title: str, reason: str
) -> None:
    page = curl(fleet, f"http://{name}/", "--include").expect(0).out
    assert page.startswith(f"HTTP/1.1 {status} ")
    assert f"<h1>{title}</h1>" in page
    assert f"<code>{reason}</code>" in page
    assert ("Retry-After: " in page) == (status == 503)


def test_a_head_gets_the_head_of_the_page_alone(fleet: Fleet) -> None:
    head = curl(fleet, "http://unknown.example/", "--head").expect(0).out
    assert head.startswith("HTTP/1.1 404 Not Found")
    assert head.endswith(("\r\n\r\n", "\n\n"))
    assert "<html" not in head


def test_who_asks_for_json_gets_json(fleet: Fleet) -> None:
    answer = curl(fleet, "http://unknown.example/", "--header", "Accept: application/json").expect(0).out
    said = json.loads(answer)
    assert (said["error"], said["status"], said["host"]) == ("unknown_name", 404, "unknown.example")
    assert fleet.ship.ending(id=said["request_id"])["name"] == "unknown.example"


def test_a_refused_upload_still_gets_its_page(fleet: Fleet, tmp_path: Path) -> None:
    """RFC 9112 section 9.6: unread bytes of the client do not turn the answer into a reset."""
    body = tmp_path / "body"
    body.write_bytes(bytes(1 << 20))
    options = ("--data-binary", f"@{body}", "--header", "Expect:")
    assert "App not found" in curl(fleet, "http://unknown.example/", *options).expect(0).out


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", TITLES)
def test_s1_openssl_sees_the_certificate_of_the_cluster(fleet: Fleet, name: str, version: str) -> None:
    through = s_client(fleet, "-brief", "-servername", name, "-verify_hostname", name, version).expect(0).err
    assert f"Protocol version: {VERSIONS[version]}" in through
    assert f"Peer certificate: {COMMON_NAME[name]}" in through
    assert "Verification: OK" in through


def test_openssl_gets_the_very_certificate_that_the_cluster_itself_shows(fleet: Fleet) -> None:
    direct = s_client(fleet, "-servername", "a.com", address=f"{CLUSTER_A}:443").expect(0).out
    through = s_client(fleet, "-servername", "a.com").expect(0).out
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    assert through.partition(begin)[2].partition(end)[0] == direct.partition(begin)[2].partition(end)[0] != ""


def test_alpn_is_agreed_between_client_and_cluster(fleet: Fleet) -> None:
    through = s_client(fleet, "-servername", "a.com", "-alpn", "h2,http/1.1").expect(0).out
    assert "ALPN protocol: http/1.1" in through


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("options", "words", "alert"),
    [
        (("-servername", "unknown.example"), "tlsv1 unrecognized name", 112),
        (("-noservername",), "alert missing extension", 109),
        (("-servername", "down.com"), "tlsv1 alert internal error", 80),
    ],
)
def test_openssl_names_the_alert(fleet: Fleet, version: str, options: tuple[str, ...], words: str, alert: int) -> None:
    refused = s_client(fleet, *options, version).expect(1)
    assert words in refused.err
    assert f"SSL alert number {alert}\n" in refused.err


def gnutls(fleet: Fleet, name: str) -> Run:
    """At the end of its input it would not wait for an answer."""
    named = ("--sni-hostname", name, "--verify-hostname", name)
    reading, writing = os.pipe()
    try:
        os.write(writing, request("a.com", "/", "Connection: close"))
        return run("gnutls-cli", "--x509cafile", fleet.ca, *named, SHIP, stdin=reading)
    finally:
        os.close(reading)
        os.close(writing)


def test_gnutls_reaches_its_tenant_and_names_the_alert_where_there_is_none(fleet: Fleet) -> None:
    through = gnutls(fleet, "a.com").said
    assert "The certificate is trusted" in through
    assert "<h1>Cluster A</h1>" in through
    assert "Received alert [112]: The server name sent was not recognized" in gnutls(fleet, "unknown.example").said


def wget(fleet: Fleet, place: Path, url: str) -> Run:
    """Wget knows names from a file of hosts alone, so it gets one of its own."""
    hosts = place / "hosts"
    hosts.write_text("".join(f"{SHIP} {name}\n" for name in ("a.com", "b.com", "unknown.example")))
    own_hosts = ("unshare", "--mount", "sh", "-ec", 'mount --bind "$0" /etc/hosts; exec "$@"', str(hosts))
    options = ("--no-proxy", "--no-hsts", "--tries=1", f"--ca-certificate={fleet.ca}", "--output-document=-")
    return run(*own_hosts, "wget", *options, url)


def test_wget_reaches_its_tenant_and_says_what_is_wrong_where_there_is_none(fleet: Fleet, place: Path) -> None:
    assert "<h1>Cluster A</h1>" in wget(fleet, place, "https://a.com/").expect(0).out
    assert "<h1>Cluster B</h1>" in wget(fleet, place, "http://b.com/").expect(0).out
    assert "404 Not Found" in wget(fleet, place, "http://unknown.example/").expect(8).err
    assert "alert [112]" in wget(fleet, place, "https://unknown.example/").expect(4).err


def python_tls(fleet: Fleet, name: str) -> bytes:
    context = ssl.create_default_context(cafile=fleet.ca)
    with connect(443, SHIP) as plain, context.wrap_socket(plain, server_hostname=name) as secure:
        secure.sendall(request(name, "/", "Connection: close"))
        return read_all(secure)


def test_python_reaches_its_tenant_and_says_why_not(fleet: Fleet) -> None:
    assert b"<h1>Cluster B</h1>" in python_tls(fleet, "b.com")
    with pytest.raises(ssl.SSLError, match="TLSV1_UNRECOGNIZED_NAME") as unknown:
        python_tls(fleet, "unknown.example")
    assert unknown.value.reason == "TLSV1_UNRECOGNIZED_NAME"
    with pytest.raises(ssl.SSLError, match="TLSV1_ALERT_INTERNAL_ERROR"):
        python_tls(fleet, "down.com")
