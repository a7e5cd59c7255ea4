"""Who the client was: in from a balancer's PROXY header, out to the clusters, and in everything between."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from starship.sniff.proxy import PrefaceReader
from starship.tlv import ALPN, AUTHORITY, AWS, SIGNATURE, UNIQUE_ID
from starship.words import Address, Preface, Tlv
from tests.e2e.clients import (
    alert_of,
    bytes_of,
    client_hello,
    connect,
    flight,
    read_all,
    read_so_many,
    read_until,
    request,
)
from tests.e2e.trouble import GRACE_S, closed_port, in_threads
from tests.e2e.world import Api, Cluster, Starship, echo, http_hello, ini_text, patient, starship, until

Clusters = dict[str, Cluster]

CLIENT = Address("198.51.100.7", 4711)
LOCAL = Address("203.0.113.1", 443)
LINE = b"PROXY TCP4 198.51.100.7 203.0.113.1 4711 443\r\n"
CHECK = SIGNATURE + b"\x20\x00\x00\x00"
WAITS_S = 1.0

BEHIND = """
[listener:{name}]
protocol = {protocol}
endpoint = tcp:0:interface=127.0.0.1
proxy_protocol = required
proxy_trusted = 127.0.0.1
{more}
"""


# The section where nothing else is said of endpoints.
UPSTREAM = patient("[upstream]", "dial_timeout", "60s")


def one_of_many(host: str) -> bytes:
    """A request that another one follows on its connection."""
    return request(host, "/", "Connection: keep-alive")


def v2(*tlvs: Tlv, client: Address = CLIENT) -> bytes:
    body = socket.inet_aton(client.host) + socket.inet_aton(LOCAL.host)
    body += client.port.to_bytes(2, "big") + LOCAL.port.to_bytes(2, "big")
    for kind, value in tlvs:
        body += bytes((kind,)) + len(value).to_bytes(2, "big") + value
    return SIGNATURE + b"\x21\x11" + len(body).to_bytes(2, "big") + body


def preface_of(connection: socket.socket) -> tuple[Preface, bytes]:
    """The same of a connection, once its header is whole."""
    data = b""
    while True:
        more = connection.recv(65536)
        assert more, data
        data += more
        if isinstance(PrefaceReader().feed(data), Preface):
            return told(data)


def told(data: bytes) -> tuple[Preface, bytes]:
    """What a cluster was told before the client's first byte, and that byte and those behind it."""
    found = PrefaceReader().feed(data)
    assert isinstance(found, Preface), found
    return found, data[found.consumed :]


@pytest.fixture(scope="module")
def behind(api: Api, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    """A ship whose doors are behind balancers at 127.0.0.1, beside the plain ones."""
    doors = "".join(
        BEHIND.format(name=f"{protocol}-behind", protocol=protocol, more="") for protocol in ("tls", "http", "auto")
    )
    raw = f"upstream = {clusters['echo'].address}\n"
    extra = doors + BEHIND.format(name="tcp-behind", protocol="tcp", more=raw)
    extra += BEHIND.format(name="picky", protocol="http", more="deny = 198.51.100.66")
    extra += "[limits]\nproxy_timeout = 60s\nhello_timeout = 60s\nconnections_per_source = 50\n"
    upstream = "proxy_options = authority, alpn, unique_id, crc32c\nproxy_relay = unique_id, aws\n"
    with starship(tmp_path_factory.mktemp("behind"), ini_text(api, upstream=upstream, extra=extra)) as ship:
        yield ship


@pytest.mark.parametrize("header", [LINE, v2(Tlv(UNIQUE_ID, b"id-1"))])
@pytest.mark.parametrize("trickles", [False, True])
@pytest.mark.parametrize("door", ["http-behind", "auto-behind"])
def test_l11_header_and_request_in_one_piece_or_byte_by_byte(
    behind: Starship, api: Api, clusters: Clusters, door: str, trickles: bool, header: bytes
) -> None:
    api.hosts["a.com"] = {"app": "A", "endpoint": clusters["a"].address}
    data = header + request("a.com")
    with connect(behind.port(door)) as client:
        for piece in bytes_of(data) if trickles else (data,):
            client.sendall(piece)
        assert b"cluster a" in read_all(client)
    ending = behind.ending(door=door, reason="ok")
    assert (ending["client"], ending["name"]) == (str(CLIENT), "a.com")
    assert ending["via"].startswith("127.0.0.1:")
    assert ending["in"] == len(data) - len(header)


def test_each_request_of_a_connection_behind_a_balancer_is_of_the_same_client(
    behind: Starship, api: Api, clusters: Clusters
) -> None:
    for name in ("first", "second"):
        api.hosts[f"{name}.com"] = {"app": name, "endpoint": clusters["a"].address}
    first, second = one_of_many("first.com"), request("second.com")
    with connect(behind.port("http-behind")) as client:
        client.sendall(v2() + first + second)
        assert read_all(client).count(b"cluster a") == 2
    for name, asked in (("first.com", first), ("second.com", second)):
        ending = behind.ending(door="http-behind", name=name)
        assert (ending["client"], ending["in"]) == (str(CLIENT), len(asked))
        assert ending["via"].startswith("127.0.0.1:")


def test_l11_behind_a_balancer_tls_is_routed_by_its_name_and_its_bytes_are_untouched(
    behind: Starship, api: Api, clusters: Clusters
) -> None:
    api.hosts["echo.com"] = {"app": "E", "endpoint": clusters["echo"].address}
    hello = client_hello("echo.com")
    for door in ("tls-behind", "auto-behind"):
        with connect(behind.port(door)) as client:
            client.sendall(v2(Tlv(AWS, b"\x01vpce-1")) + hello)
            assert read_so_many(client, len(hello)) == hello
        assert behind.ending(door=door, reason="ok")["client"] == str(CLIENT)


def test_what_the_cluster_is_told_is_the_client_and_what_is_asked_for_besides(
    behind: Starship, api: Api, clusters: Clusters
) -> None:
    for version in ("v1", "v2"):
        name = f"{version}.com"
        api.hosts[name] = {"app": version, "endpoint": clusters["echo"].address, "proxy_protocol": version}
        hello = client_hello(name, alpn=("h2",))
        incoming = v2(Tlv(AUTHORITY, b"other.example"), Tlv(UNIQUE_ID, b"balancer-1"), Tlv(AWS, b"\x01vpce-1"))
        with connect(behind.port("tls-behind")) as client:
            client.sendall(incoming + hello)
            back = read_until(client, hello)
        preface, rest = told(back)
        assert (preface.client, preface.local, rest) == (CLIENT, LOCAL, hello)
        said = [(ALPN, b"h2"), (AUTHORITY, b"v2.com"), (UNIQUE_ID, b"balancer-1"), (AWS, b"\x01vpce-1")]
        assert sorted(preface.tlvs) == ([] if version == "v1" else sorted(said))


def test_without_a_balancer_the_cluster_is_told_who_connected(ship: Starship, api: Api, clusters: Clusters) -> None:
    api.hosts["v2.com"] = {"app": "v2", "endpoint": clusters["echo"].address, "proxy_protocol": "v2"}
    hello = client_hello("v2.com")
    with connect(ship.port("https")) as client:
        client.sendall(hello)
        back = read_until(client, hello)
        here = Address(*client.getsockname())
    preface, rest = told(back)
    assert (preface.client, rest) == (here, hello)
    assert dict(preface.tlvs)[UNIQUE_ID].decode() == ship.ending(name="v2.com")["id"]
    assert ship.ending(name="v2.com")["via"] is None


def test_a_pool_has_a_header_of_its_own_and_a_route_has_the_last_word(
    api: Api, clusters: Clusters, tmp_path: Path
) -> None:
    home = clusters["echo"].address
    pool = f"[pool:told]\nendpoints = {home}\nproxy_protocol = v1\n[routes]\npooled.com = pool:told\n"
    api.hosts["said.com"] = {"app": "a", "endpoint": home, "proxy_protocol": "v1"}
    api.hosts["off.com"] = {"app": "b", "endpoint": home, "proxy_protocol": "off"}
    api.hosts["silent.com"] = {"app": "c", "endpoint": home}
    upstream = "proxy_protocol = v2\nproxy_options = none\n"
    starts = {
        "pooled.com": b"PROXY TCP4 ",
        "said.com": b"PROXY TCP4 ",
        "off.com": b"\x16\x03\x01",
        "silent.com": SIGNATURE,
    }
    with starship(tmp_path, ini_text(api, upstream=upstream, extra=pool)) as ship:
        for name, start in starts.items():
            hello = client_hello(name)
            with connect(ship.port("https")) as client:
                client.sendall(hello)
                back = read_until(client, hello)
            assert back.startswith(start), name
            if start == SIGNATURE:
                assert told(back)[0].tlvs == ()


def telling(connection: socket.socket) -> None:
    """Answers each request of a connection with the client that its header named."""
    preface, data = preface_of(connection)
    while True:
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        data = data.partition(b"\r\n\r\n")[2]
        body = str(preface.client).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def test_over_plain_http_a_cluster_is_never_told_of_one_client_and_asked_by_another(tmp_path: Path) -> None:
    cluster = Cluster(telling).start()
    door = "[listener:http]\nprotocol = http\nendpoint = tcp:0:interface=127.0.0.1\n"
    ini = f"{door}[routes]\na.com = {cluster.address}\n{UPSTREAM}\nproxy_protocol = v2\n"
    with starship(tmp_path, ini) as ship:
        for _ in range(4):
            with connect(ship.port("http")) as client:
                client.sendall(one_of_many("a.com") + request("a.com"))
                here = str(Address(*client.getsockname())).encode()
                assert read_all(client).count(b"\r\n\r\n" + here) == 2
    cluster.stop()


def test_l10_a_balancer_that_looks_whether_we_live_leaves_without_a_refusal(behind: Starship) -> None:
    with connect(behind.port("tls-behind")) as client:
        client.sendall(CHECK)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""
    ending = behind.ending(door="tls-behind", reason="client_gone")
    assert ending["client"].startswith("127.0.0.1:")
    assert (ending["via"], ending["in"]) == (None, 0)


@pytest.mark.parametrize("door", ["tls-behind", "http-behind", "auto-behind", "tcp-behind"])
def test_l10_what_is_no_header_is_closed_without_a_word(behind: Starship, door: str) -> None:
    assert flight(behind.port(door), request("a.com")) == b""
    assert behind.ending(door=door, reason="bad_preface")["status"] == 400


def test_l10_who_is_no_trusted_balancer_does_not_come_in(behind: Starship) -> None:
    answer = flight(behind.port("http-behind"), LINE + request("a.com"), source="127.0.0.2")
    assert answer[:13] in (b"HTTP/1.1 403 ", b"")
    assert behind.ending(door="http-behind", reason="denied")["client"].startswith("127.0.0.2:")
    alert = flight(behind.port("tls-behind"), b"", source="127.0.0.2")
    assert alert_of(alert) == 49


def test_the_header_of_a_plain_door_is_the_clients_own_bytes(behind: Starship) -> None:
    assert flight(behind.port("http"), LINE + request("a.com")).startswith(b"HTTP/1.1 400 ")
    assert behind.ending(door="http", reason="bad_head")["client"].startswith("127.0.0.1:")


def test_a_header_that_does_not_come_has_its_own_deadline(api: Api, tmp_path: Path) -> None:
    door = BEHIND.format(name="behind", protocol="tls", more="")
    limits = f"[limits]\nproxy_timeout = {WAITS_S}s\nhello_timeout = 60s\n"
    with starship(tmp_path, ini_text(api, extra=door + limits)) as ship:
        began = time.monotonic()
        with connect(ship.port("behind")) as client:
            client.sendall(LINE[:20])
            assert read_all(client) == b""
        assert WAITS_S * 0.9 < time.monotonic() - began < WAITS_S + GRACE_S
        ending = ship.ending(door="behind", reason="preface_timeout")
        assert (ending["status"], ending["mood"]) == (408, "silent")


def test_the_list_of_a_door_and_of_a_tenant_are_of_clients_and_not_of_balancers(
    behind: Starship, api: Api, clusters: Clusters
) -> None:
    api.hosts["club.com"] = {"app": "club", "endpoint": clusters["a"].address, "deny": ["198.51.100.7"]}
    api.hosts["a.com"] = {"app": "A", "endpoint": clusters["a"].address}
    assert flight(behind.port("http-behind"), LINE + request("club.com")).startswith(b"HTTP/1.1 403 ")
    assert flight(behind.port("http-behind"), LINE.replace(b"100.7", b"100.8") + request("club.com")).startswith(
        b"HTTP/1.1 200 "
    )
    banned = LINE.replace(b"100.7", b"100.66")
    assert flight(behind.port("picky"), banned + request("a.com")).startswith(b"HTTP/1.1 403 ")


def test_the_limit_of_a_source_counts_the_clients(behind: Starship, api: Api, clusters: Clusters) -> None:
    api.hosts["echo.com"] = {"app": "E", "endpoint": clusters["echo"].address}
    hello = client_hello("echo.com")
    held = []
    try:
        for number in range(60):  # more than one source may have
            client = connect(behind.port("tls-behind"))
            held.append(client)
            client.sendall(LINE.replace(b"100.7", b"100.%d" % number) + hello)
            assert read_so_many(client, len(hello)) == hello
        for _ in range(49):
            client = connect(behind.port("tls-behind"))
            held.append(client)
            client.sendall(LINE.replace(b"100.7", b"100.1") + hello)
            assert read_so_many(client, len(hello)) == hello
        assert alert_of(flight(behind.port("tls-behind"), LINE.replace(b"100.7", b"100.1") + hello)) == 80
        assert "198.51.100.1" in behind.ending(door="tls-behind", reason="over_limit")["detail"]
    finally:
        for client in held:
            client.close()
    until(lambda: behind.metric("starship_gate_connections") == 0, "all have left")


# What else the header said, in the log


def test_what_a_balancer_says_is_in_the_log_where_it_is_asked_for(api: Api, clusters: Clusters, tmp_path: Path) -> None:
    api.hosts["a.com"] = {"app": "A", "endpoint": clusters["a"].address}
    door = BEHIND.format(name="behind", protocol="http", more="")
    with starship(tmp_path, ini_text(api, extra=door), log_keys="proxy_fields = yes") as ship:
        header = v2(Tlv(UNIQUE_ID, b"id-1"), Tlv(AWS, b"\x01vpce-1"))
        answer = flight(ship.port("behind"), header + request("a.com"))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert ship.ending(door="behind")["proxy"] == {"unique_id": "id-1", "aws": "vpce-1"}
        assert flight(ship.port("http"), request("a.com")).startswith(b"HTTP/1.1 200 ")
        assert ship.ending(door="http")["proxy"] is None


# New connections a second


def test_a_source_has_its_burst_of_new_connections_and_then_its_rate(
    api: Api, clusters: Clusters, tmp_path: Path
) -> None:
    api.hosts["a.com"] = {"app": "A", "endpoint": clusters["a"].address}
    limits = "[limits]\nnew_per_source = 2\nburst_per_source = 10\n"
    asked = request("a.com")
    with starship(tmp_path, ini_text(api, extra=limits)) as ship:
        port = ship.port("http")
        assert [flight(port, asked)[:13] for _ in range(10)] == [b"HTTP/1.1 200 "] * 10
        many = [lambda: flight(port, asked)[:13]] * 10  # at once: faster than tokens come, however busy the machine is
        until(lambda: b"HTTP/1.1 503 " in in_threads(*many), "it has had all")
        assert "too many new connections came from 127.0.0.1" in ship.ending(reason="over_limit")["detail"]
        assert flight(port, asked, source="127.0.0.2").startswith(b"HTTP/1.1 200 ")
        until(lambda: flight(port, asked).startswith(b"HTTP/1.1 200 "), "there is a token again")


# Raw listeners


def greeting(connection: socket.socket) -> None:
    """A server that speaks first, as SMTP does."""
    connection.sendall(b"220 mail.example ESMTP\r\n")
    while line := connection.recv(4096):
        connection.sendall(b"250 " + line)
        if line.startswith(b"QUIT"):
            return


def raw_ini(upstream: str, more: str = "") -> str:
    return f"[listener:mail]\nprotocol = tcp\nendpoint = tcp:0:interface=127.0.0.1\nupstream = {upstream}\n{more}\n"


def converse(port: int) -> bytes:
    with connect(port) as client:
        assert read_until(client, b"\n") == b"220 mail.example ESMTP\r\n"  # before the client has said a word
        client.sendall(b"EHLO a.example\r\n")
        assert read_until(client, b"\n") == b"250 EHLO a.example\r\n"
        client.sendall(b"QUIT\r\n")
        return read_all(client)


def say(client: socket.socket, data: bytes) -> None:
    """All of it, and the end: whoever sends back may do so before."""
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("pooled", [False, True])
def test_k1_a_raw_listener_carries_a_protocol_in_which_the_server_speaks_first(tmp_path: Path, pooled: bool) -> None:
    server = Cluster(greeting).start()
    ini = raw_ini(server.address)
    if pooled:
        ini = raw_ini("pool:mail") + f"[pool:mail]\nendpoints = {server.address}\n"
    with starship(tmp_path, ini + UPSTREAM) as ship:
        assert converse(ship.port("mail")) == b"250 QUIT\r\n"
        ending = ship.ending(door="mail", reason="ok")
        assert (ending["name"], ending["scheme"], ending["answer"]) == (None, "tcp", "static")
        assert (ending["up"], ending["in"], ending["out"]) == (server.address, 22, 24 + 20 + 10)
    server.stop()


def test_k1_all_traffic_on_the_port_is_forwarded_unfiltered(tmp_path: Path) -> None:
    server, site = Cluster(echo).start(), Cluster(http_hello("any host")).start()
    anything = [b"\0", b"\x16\x03\x01\x00\x05hello", bytes(range(256)) * 600, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    second = raw_ini(site.address).replace("listener:mail", "listener:site")
    with starship(tmp_path, raw_ini(server.address) + second + UPSTREAM) as ship:
        for data in anything:
            with connect(ship.port("mail")) as client:
                assert in_threads(partial(say, client, data), partial(read_all, client))[1] == data
        assert b"any host" in flight(ship.port("site"), request("whatever.example"))
        with connect(ship.port("mail")) as client:  # who leaves without a word
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b""
        until(lambda: len(ship.endings()) == len(anything) + 2, "a line for each connection")
        assert {ending["reason"] for ending in ship.endings()} == {"ok"}
    server.stop()
    site.stop()


def test_k1_a_refusal_at_a_raw_listener_is_a_plain_close(tmp_path: Path) -> None:
    with closed_port() as port:
        gone = raw_ini(f"127.0.0.1:{port}")
        shut = raw_ini(f"127.0.0.1:{port}", "deny = 127.0.0.0/8").replace("listener:mail", "listener:shut")
        with starship(tmp_path, gone + shut + UPSTREAM) as ship:
            for door, reason, status in (("mail", "upstream_refused", 502), ("shut", "denied", 403)):
                assert flight(ship.port(door), b"") == b""
                ending = ship.ending(door=door)
                assert (ending["reason"], ending["status"], ending["out"]) == (reason, status, 0)


def test_k1_a_raw_listener_behind_a_balancer_tells_its_server_who_the_client_is(
    behind: Starship, tmp_path: Path
) -> None:
    with connect(behind.port("tcp-behind")) as client:
        client.sendall(v2())
        client.sendall(b"hello")
        assert read_so_many(client, 5) == b"hello"
    assert behind.ending(door="tcp-behind", reason="ok")["client"] == str(CLIENT)
    server = Cluster(echo).start()
    ini = BEHIND.format(name="mail", protocol="tcp", more=f"upstream = {server.address}")
    with starship(tmp_path, f"{ini}{UPSTREAM}\nproxy_protocol = v2\n") as ship, connect(ship.port("mail")) as client:
        client.sendall(v2())
        preface, rest = preface_of(client)
        assert (preface.client, preface.local, rest) == (CLIENT, LOCAL, b"")
    server.stop()
