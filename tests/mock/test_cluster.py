"""A little cluster says who it is over HTTP and TLS, and moves bytes both ways."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from starship.mock.certificates import Authority
from starship.mock.cluster import Cluster
from starship.mock.streams import BLOCK
from tests.fakes import turning

NOW = datetime.now(UTC)
AUTHORITY = Authority.made("Test authority", NOW)
LOOP: Any = reactor


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(
        name="north", reactor=LOOP, clock=LOOP, echo_port=0, credentials=AUTHORITY.leaf(("a.com", "*.shop.com"), NOW)
    )
    cluster.start()
    yield cluster
    pytest_twisted.blockon(cluster.stop())


async def talk(port: int, sent: bytes, name: str | None = None) -> bytes:
    """Send all, end the stream where it is no HTTP, read to the end; TLS where a name is given."""

    def conversation() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as plain:
            if name is None:
                plain.sendall(sent)
                if b"HTTP/1" not in sent:
                    plain.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: plain.recv(65536), b""))
            context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
            with context.wrap_socket(plain, server_hostname=name) as secure:
                secure.sendall(sent)
                return b"".join(iter(lambda: secure.recv(65536), b""))

    return await deferToThread(conversation)


def get(path: str, host: str = "a.com", *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]).encode()


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


@turning
async def test_over_http_it_names_itself_the_host_the_path_and_the_client(cluster: Cluster) -> None:
    answer = body_of(await talk(cluster.http_port, get("/some/where?x=1")))
    for line in (
        b"Cluster north",
        b"door    http",
        b"host    a.com",
        b"path    /some/where?x=1",
        b"client  127.0.0.1:",
    ):
        assert line in answer
    assert cluster.site.visits == {"a.com": 1}


@turning
async def test_over_tls_its_own_certificate_is_seen(cluster: Cluster) -> None:
    """S1 rests on this."""
    assert b"door    tls" in (await talk(cluster.tls_port, get("/", "x.shop.com"), "x.shop.com"))
    with pytest.raises(ssl.SSLCertVerificationError):
        await talk(cluster.tls_port, get("/"), "b.com")


@turning
async def test_a_browser_gets_a_page_with_nothing_unescaped(cluster: Cluster) -> None:
    answer = await talk(cluster.http_port, get("/%3c<b>", "<i>.com", "Accept: text/html"))
    assert b"text/html" in answer
    assert b"&lt;i&gt;.com" in answer
    assert b"<b>" not in answer


@pytest.mark.parametrize("length", [0, 1, 65536, 1_000_000])
@turning
async def test_bytes_are_as_many_as_asked(cluster: Cluster, length: int) -> None:
    assert body_of(await talk(cluster.http_port, get(f"/bytes/{length}"))) == (BLOCK * 16)[:length]


@pytest.mark.parametrize("wanted", ["", "x", "-1", "99999999999", "9" * 5000])
@turning
async def test_bytes_that_are_no_number_or_too_many_are_400(cluster: Cluster, wanted: str) -> None:
    assert b" 400 " in (await talk(cluster.http_port, get(f"/bytes/{wanted}"))).partition(b"\r\n")[0]


@pytest.mark.parametrize("length", [0, 10, 300_000])
@turning
async def test_echo_gives_the_body_back(cluster: Cluster, length: int) -> None:
    head = f"POST /echo HTTP/1.1\r\nHost: a.com\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n".encode()
    sent = (BLOCK * 5)[:length]
    assert body_of(await talk(cluster.tls_port, head + sent, "a.com")) == sent


@turning
async def test_the_raw_echo_gives_every_byte_back_after_the_client_said_all(cluster: Cluster) -> None:
    assert cluster.echo_port
    assert await talk(cluster.echo_port, BLOCK) == BLOCK


@turning
async def test_a_cluster_without_credentials_has_no_tls_port() -> None:
    plain = Cluster(name="plain", reactor=LOOP, clock=LOOP)
    plain.start()
    assert (plain.tls_port, plain.echo_port) == (0, None)
    assert plain.http_port
    await plain.stop()
