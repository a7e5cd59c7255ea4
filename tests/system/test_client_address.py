"""PROXY headers between Starship and the programs that speak them: HAProxy and nginx, in front and behind."""

from __future__ import annotations

import itertools
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from attrs import frozen

from tests.e2e.clients import read_all, request
from tests.e2e.world import WAIT_S, Certificates, Starship, starship, until
from tests.system.namespaces import network
from tests.system.nginx import its_process, its_temporary_files

pytestmark = pytest.mark.system

CLIENT, CLIENT6 = "10.0.0.50", "fd00::50"
SHIP, TLS_SHIP = "10.0.0.1", "10.0.0.2"
BALANCER, BALANCER6 = "10.0.0.9", "fd00::9"
CLUSTERS = {"haproxy": "10.0.0.24", "nginx": "10.0.0.25"}
PORTS = itertools.count(20000)
"""Of clients: none comes twice, so that each line of a log is one client's."""

INI = """
[listener:http]
protocol = http
endpoint = tcp:80:interface={ship}
proxy_protocol = required
proxy_trusted = 10.0.0.9 fd00::9
[listener:https]
protocol = tls
endpoint = tcp:443:interface={ship}
proxy_protocol = required
proxy_trusted = 10.0.0.9 fd00::9
[listener:plain]
protocol = http
endpoint = tcp:8080:interface={ship}
[routes]
haproxy.com = 10.0.0.24:{port}
nginx.com = 10.0.0.25:{port}
[upstream]
proxy_protocol = {version}
proxy_options = authority, alpn, unique_id, crc32c
proxy_relay = unique_id
"""

CLUSTER_HAPROXY = """
defaults
    mode http
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend cluster
    bind 10.0.0.24:80 accept-proxy
    bind 10.0.0.24:443 accept-proxy ssl crt {directory}/haproxy.com.pem alpn http/1.1
    http-request return status 200 content-type text/plain lf-string \
"%[src] %[src_port] %[dst] %[dst_port] %[fc_pp_authority] %[fc_pp_unique_id]"
"""

BALANCER_HAPROXY = """
defaults
    timeout connect 60s
    timeout client 60s
    timeout server 60s
frontend v1
    mode tcp
    bind 10.0.0.9:8001
    bind fd00::9:8001
    default_backend v1
backend v1
    mode tcp
    source 10.0.0.9
    server ship 10.0.0.1:80 send-proxy
frontend v2
    mode tcp
    bind 10.0.0.9:8002
    bind fd00::9:8002
    default_backend v2
backend v2
    mode tcp
    source 10.0.0.9
    server ship 10.0.0.1:80 send-proxy-v2 check inter 100ms fall 1000000
frontend tls
    mode tcp
    bind 10.0.0.9:8003
    default_backend tls
backend tls
    mode tcp
    source 10.0.0.9
    server ship 10.0.0.2:443 send-proxy-v2 proxy-v2-options crc32c
frontend all
    mode http
    unique-id-format balancer-%ci-%cp
    bind 10.0.0.9:8004 ssl crt {directory}/haproxy.com.pem alpn http/1.1
    default_backend all
backend all
    mode http
    source 10.0.0.9
    server ship 10.0.0.1:80 send-proxy-v2 proxy-v2-options \
ssl,cert-cn,ssl-cipher,cert-key,cert-sig,authority,crc32c,unique-id
"""

NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
{process}
stream {{
    server {{ listen 10.0.0.9:8005; proxy_pass 10.0.0.1:80; proxy_protocol on; proxy_bind 10.0.0.9; }}
    server {{ listen 10.0.0.9:8006; proxy_pass 10.0.0.2:443; proxy_protocol on; proxy_bind 10.0.0.9; }}
}}
http {{
    access_log off;
    {temporary}
    server {{
        listen 10.0.0.25:80 proxy_protocol;
        listen 10.0.0.25:443 ssl proxy_protocol;
        ssl_certificate {directory}/nginx.com.pem;
        ssl_certificate_key {directory}/nginx.com.key;
        location / {{
            return 200 "$proxy_protocol_addr $proxy_protocol_port \
$proxy_protocol_server_addr $proxy_protocol_server_port";
        }}
    }}
}}
"""


@contextmanager
def running(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield
        assert process.poll() is None, command
    finally:
        process.terminate()
        process.wait(WAIT_S)


@contextmanager
def listening(directory: Path, text: str, name: str, ports: dict[str, int]) -> Iterator[None]:
    """HAProxy or nginx with this configuration, once it listens."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o777)
    config = directory / f"{name}.cfg"
    parts = {"process": its_process(directory), "temporary": its_temporary_files(directory)}
    config.write_text(text.format(directory=directory, **parts))
    nginx = ("nginx", "-c", str(config), "-p", str(directory))
    with running(*(nginx if name == "nginx" else ("haproxy", "-db", "-f", str(config)))):
        for host, port in ports.items():
            until(partial(_listens, host, port), f"{name} on {host}:{port}")
        yield


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), WAIT_S).close()
    except OSError:
        return False
    return True


@frozen
class Heard:
    """What a cluster saw of a client, and the client's own end."""

    words: list[str]
    client: tuple[str, int]

    @property
    def seen(self) -> tuple[str, int]:
        return self.words[0], int(self.words[1])


def ask(host: str, port: int, name: str, *, source: str = CLIENT, ca: Path | None = None) -> Heard:
    with socket.create_connection((host, port), WAIT_S, (source, next(PORTS))) as plain:
        here = plain.getsockname()[:2]
        connection: socket.socket = plain
        if ca is not None:
            context = ssl.create_default_context(cafile=str(ca))
            connection = context.wrap_socket(plain, server_hostname=name)
        connection.sendall(request(name, "/", "Connection: close"))
        answer = read_all(connection)
        connection.close()
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    body = answer.partition(b"\r\n\r\n")[2]
    return Heard(body.decode().split(" "), here)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("proxies")
    for parent in (directory, *directory.parents):
        if parent != Path("/tmp") and parent.is_relative_to("/tmp"):
            parent.chmod(0o755)
    return directory


@pytest.fixture(scope="module")
def ca(place: Path) -> Path:
    certificates = Certificates(place)
    for name in ("haproxy.com", "nginx.com"):
        certificates.context(name)
    (place / "haproxy.com.pem").write_bytes(
        (place / "haproxy.com.pem").read_bytes() + (place / "haproxy.com.key").read_bytes()
    )
    return certificates.ca_file


@pytest.fixture(scope="module")
def neighbours(place: Path, ca: Path) -> Iterator[None]:
    with (
        network(CLIENT, CLIENT6, SHIP, TLS_SHIP, BALANCER, BALANCER6, *CLUSTERS.values()),
        listening(place, CLUSTER_HAPROXY, "cluster-haproxy", {CLUSTERS["haproxy"]: 443}),
        listening(place, BALANCER_HAPROXY, "balancer-haproxy", {BALANCER: 8004, BALANCER6: 8002}),
        listening(place, NGINX, "nginx", {CLUSTERS["nginx"]: 443, BALANCER: 8006}),
    ):
        yield


@pytest.fixture(scope="module")
def ships(neighbours: None, place: Path) -> Iterator[Starship]:
    """Towards both clusters by HTTP, with headers of version 2."""
    with starship(place / "ship", INI.format(ship=SHIP, port=80, version="v2"), log_keys="proxy_fields = yes") as ship:
        yield ship


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize(
    ("port", "host", "source"),
    [
        pytest.param(8001, BALANCER, CLIENT, id="haproxy-send-proxy"),
        pytest.param(8001, BALANCER6, CLIENT6, id="haproxy-send-proxy-ipv6"),
        pytest.param(8002, BALANCER, CLIENT, id="haproxy-send-proxy-v2"),
        pytest.param(8002, BALANCER6, CLIENT6, id="haproxy-send-proxy-v2-ipv6"),
        pytest.param(8005, BALANCER, CLIENT, id="nginx-proxy-protocol-on"),
    ],
)
def test_the_client_behind_a_balancer_is_the_client_of_log_and_cluster(
    ships: Starship, port: int, host: str, source: str, cluster: str
) -> None:
    heard = ask(host, port, f"{cluster}.com", source=source)
    assert heard.seen == heard.client
    here = f"[{source}]" if ":" in source else source
    ending = ships.ending(client=f"{here}:{heard.client[1]}")
    assert (ending["name"], ending["reason"]) == (f"{cluster}.com", "ok")
    assert ending["via"].startswith(f"{BALANCER}:")
    assert heard.words[2] == host  # where the client connected to, as the balancer said


def test_every_field_that_haproxy_can_send_is_read_and_its_id_is_passed_on(ships: Starship, ca: Path) -> None:
    heard = ask(BALANCER, 8004, "haproxy.com", ca=ca)
    assert heard.seen == heard.client
    unique = f"balancer-{CLIENT}-{heard.client[1]}"
    assert heard.words[4:] == ["haproxy.com", unique]
    said = ships.ending(client=f"{CLIENT}:{heard.client[1]}")["proxy"]
    assert said["unique_id"] == unique
    assert said["authority"] == "haproxy.com"
    assert said["ssl"].startswith("01")  # PP2_CLIENT_SSL


def test_what_haproxy_is_told_without_a_balancer_is_name_and_id(ships: Starship) -> None:
    heard = ask(SHIP, 8080, "haproxy.com")
    ending = ships.ending(client=f"{CLIENT}:{heard.client[1]}")
    assert heard.seen == heard.client
    assert heard.words[2:] == [SHIP, "8080", "haproxy.com", ending["id"]]


def test_l10_the_checks_of_a_balancer_are_quiet(ships: Starship) -> None:
    def checks() -> int:
        return sum(1 for ending in ships.endings() if ending["client"].startswith(f"{BALANCER}:") and not ending["via"])

    before = checks()
    until(lambda: checks() > before + 3, "some checks")
    kinds = {ending["reason"] for ending in ships.endings() if ending["via"] is None and ending["door"] == "http"}
    assert kinds == {"client_gone"}


def test_who_comes_by_no_balancer_is_refused(ships: Starship) -> None:
    with socket.create_connection((SHIP, 443), WAIT_S, (CLIENT, next(PORTS))) as client:
        assert client.recv(100)[:1] == b"\x15"
        here = "{}:{}".format(*client.getsockname())
    assert ships.ending(client=here)["reason"] == "denied"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_tls_passes_untouched_behind_a_header_of_either_version(
    neighbours: None, place: Path, ca: Path, version: str
) -> None:
    with starship(place / f"tls-{version}", INI.format(ship=TLS_SHIP, port=443, version=version)) as ship:
        for port in (8003, 8006):
            for cluster in CLUSTERS:
                heard = ask(BALANCER, port, f"{cluster}.com", ca=ca)
                assert heard.seen == heard.client
                ending = ship.ending(client=f"{CLIENT}:{heard.client[1]}")
                assert (ending["name"], ending["reason"], ending["scheme"]) == (f"{cluster}.com", "ok", "tls")
                if cluster == "haproxy" and version == "v2":
                    assert heard.words[4:] == ["haproxy.com", ending["id"]]


def test_a_header_that_haproxy_cannot_read_would_have_shown(neighbours: None) -> None:
    """HAProxy checks what it is sent: a wrong checksum is no connection at all."""
    wrong = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x13" + bytes(12) + b"\x03\x00\x04" + bytes(4)
    began = time.monotonic()
    with socket.create_connection((CLUSTERS["haproxy"], 80), WAIT_S) as client:
        client.sendall(wrong + request("haproxy.com"))
        with suppress(ConnectionResetError):
            assert client.recv(100) == b""
    assert time.monotonic() - began < WAIT_S  # HAProxy would wait for twice as long
