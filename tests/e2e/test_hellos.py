"""First bytes through the wire: real flights, every cut, hostile ones, slow ones."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.data.capture import CLIENTS, Client
from tests.e2e.clients import alert_of, ask, bytes_of, client_hello, connect, flight, hello_for, request
from tests.e2e.trouble import GRACE_S, in_threads
from tests.e2e.world import Api, Cluster, Starship, in_mode, ini_text, starship, until
from tests.sniff.making import ORDINARY, alpn, hello, records, server_names, sized, sni

Clusters = dict[str, Cluster]

NAME = "shop.example.com"
HELLO_S = 2.0
DOORS = {"tls": "https", "http": "http"}
NAMED = [client for client in CLIENTS if client.served and client.name is not None]
HEAD = request(NAME, "/cart?a=1", "User-Agent: test", "Cookie: a=b")


@pytest.fixture(scope="module")
def mode() -> str:
    """First flights are looked at, which an echo sends back."""
    return "tunnel"


@pytest.fixture(scope="module")
def hasty(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    """One that waits two seconds for the first flight."""
    ini = in_mode("tunnel", ini_text(api, extra=f"[limits]\nhello_timeout = {HELLO_S}\n"))
    with starship(tmp_path_factory.mktemp("hasty"), ini) as hasty:
        yield hasty


@pytest.fixture(autouse=True)
def _shop(api: Api, clusters: Clusters) -> None:
    """An upstream that sends back what it gets."""
    for name in (NAME, "localhost"):
        api.hosts[name] = {"app": name, "endpoint": clusters["echo"].address}


def echoed(port: int, pieces: Iterator[bytes] | list[bytes], size: int) -> bytes:
    """What comes back when a client sends these pieces and then the end of its stream."""
    with connect(port) as client:
        for piece in pieces:
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        back = b""
        while len(back) < size and (data := client.recv(65536)):
            back += data
        return back


@pytest.mark.parametrize("client", NAMED, ids=lambda client: client.file)
def test_s3_l1_the_first_flight_of_a_real_client_reaches_its_name_whole_and_byte_by_byte(
    ship: Starship, client: Client
) -> None:
    data = client.flight()
    for door in (DOORS[client.scheme], "any"):
        assert echoed(ship.port(door), [data], len(data)) == data
        assert echoed(ship.port(door), list(bytes_of(data)), len(data)) == data


def test_each_real_client_is_accounted_for_under_its_name(ship: Starship) -> None:
    for client in NAMED:
        assert echoed(ship.port("any"), [client.flight()], len(client.flight()))
    ship.settled()
    for client in NAMED:
        size = len(client.flight())
        ending = ship.ending(name=client.name, door="any", scheme=client.scheme, **{"in": size, "out": size})
        assert (ending["reason"], ending["mood"], ending["status"]) == ("ok", "carried", 200)
        assert [offer.decode() for offer in client.alpn] in [
            one["alpn"] for one in ship.endings() if one["in"] == size and one["door"] == "any"
        ]


@pytest.mark.parametrize(
    "client", [client for client in CLIENTS if client not in NAMED], ids=lambda client: client.file
)
def test_a_real_client_that_is_not_served_is_told_why(ship: Starship, client: Client) -> None:
    answer = ask(ship.port(DOORS[client.scheme]), [client.flight()])
    if client.scheme == "tls":
        assert alert_of(answer) == 109
        assert ship.ending(reason="no_name", door="https")["status"] == 495
    else:
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert "HTTP/2" in ship.ending(reason="bad_head", door="http")["detail"]


@pytest.mark.parametrize("door", ["https", "any"])
def test_l1_a_hello_in_records_of_one_byte_in_segments_of_one_byte_finds_its_name(ship: Starship, door: str) -> None:
    message = client_hello(NAME)[5:]
    raw = records(message, range(1, len(message)))
    assert echoed(ship.port(door), list(bytes_of(raw)), len(raw)) == raw
    assert ship.ending(name=NAME, door=door, **{"in": len(raw)})["reason"] == "ok"


@pytest.mark.parametrize("door", ["http", "any"])
def test_s13_a_body_behind_the_head_in_the_same_segment_is_carried_and_never_read(ship: Starship, door: str) -> None:
    other = b"GET / HTTP/1.1\r\nHost: other.example.com\r\n\r\n"
    data = HEAD + other + bytes(range(256)) * 100
    assert echoed(ship.port(door), [data], len(data)) == data
    assert echoed(ship.port(door), [*bytes_of(HEAD), other], len(HEAD + other)) == HEAD + other
    assert ship.ending(name=NAME, door=door, **{"in": len(data)})["scheme"] == "http"


def test_l12_a_body_asks_nobody(ship: Starship, api: Api) -> None:
    data = request(NAME, "/", "Content-Length: 46") + request("smuggled.example.com")
    assert echoed(ship.port("http"), [data], len(data)) == data
    assert api.asked["smuggled.example.com"] == 0


def test_wrong_door_each_way_the_client_is_told_in_its_own_language(ship: Starship) -> None:
    before = ship.metric("starship_endings_total", reason="wrong_door")
    assert ask(ship.port("https"), [HEAD]).startswith(b"HTTP/1.1 400 ")
    assert ship.ending(reason="wrong_door", door="https")["status"] == 400
    assert alert_of(ask(ship.port("http"), [client_hello(NAME)])) == 40
    assert ship.ending(reason="wrong_door", door="http")["status"] == 495
    assert ship.metric("starship_endings_total", reason="wrong_door") == before + 2


LYING = {
    "the length of the name": records(hello([(0, sized(2, b"\0" + b"\x00\xff" + b"shop.example.com"))])),
    "the length of the list": records(hello([(0, b"\x00\xff" + b"\0" + sized(2, b"shop.example.com"))])),
    "the length of an extension": records(hello(None, after=sized(2, b"\0\0\x00\xff" + b"\0" * 20))),
    "the length of the extensions": records(hello(None, after=b"\x0f\xff" + b"\0" * 20)),
}


@pytest.mark.parametrize("what", LYING)
def test_l5_a_length_beyond_its_container_is_refused_at_once(ship: Starship, api: Api, what: str) -> None:
    asked = api.asked.total()
    assert alert_of(ask(ship.port("https"), [LYING[what]])) == 50
    assert ship.ending(door="https", reason="bad_hello")["status"] == 495
    assert api.asked.total() == asked


BAD_NAMES = [
    b"shop.example.com\0.evil.com",
    b"shop.example.com\n",
    b"sh\xc3\xb6p.com",
    b"shop.example.com/x",
    b"a@shop.example.com",
    b"%41.com",
    b"1.2.3.4",
    b"a..b",
    b"x" * 64 + b".com",
    b".".join([b"x" * 60] * 5),
    b"shop.example.com:443",
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: ascii(name)[2:20])
def test_l6_what_is_no_hostname_gets_no_route_no_lookup_and_one_line(ship: Starship, api: Api, name: bytes) -> None:
    asked, lines = api.asked.total(), ship.settled()
    assert alert_of(ask(ship.port("https"), [records(hello([sni(name)]))])) == 112
    host = name if not name.endswith(b":443") else name + b":443"
    assert ask(ship.port("http"), [b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"]).startswith(b"HTTP/1.1 400 ")
    assert ship.settled() == lines + 2
    http, tls = sorted(ship.endings()[-2:], key=lambda ending: str(ending["door"]))
    assert (tls["reason"], tls["status"]) == ("bad_name", 495)
    assert (http["reason"] in ("bad_name", "bad_head"), http["status"]) == (True, 400)
    assert api.asked.total() == asked


@pytest.mark.parametrize("first", [NAME, "other.example.com"])
def test_l7_two_names_are_refused_whichever_comes_first(ship: Starship, api: Api, first: str) -> None:
    asked = api.asked.total()
    names = [first.encode(), b"third.example.com"]
    for extensions in ([server_names(*((0, name) for name in names))], [sni(name) for name in names]):
        assert alert_of(ask(ship.port("https"), [records(hello(extensions))])) == 47
        assert ship.ending(door="https", reason="bad_hello")["name"] is None
    assert api.asked.total() == asked


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: shop.example.com\r\nHost: shop.example.com\r\n\r\n",
        b"GET http://shop.example.com/ HTTP/1.1\r\nHost: other.example.com\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.example.com/x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: shop.example.com#x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: user@shop.example.com\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : shop.example.com\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["two hosts", "absolute", "path", "fragment", "user", "none", "space", "framing"],
)
def test_l12_l15_an_authority_that_two_could_read_in_two_ways_is_400(ship: Starship, api: Api, head: bytes) -> None:
    asked, lines = api.asked.total(), ship.settled()
    assert ask(ship.port("http"), [head]).startswith(b"HTTP/1.1 400 ")
    assert ship.settled() == lines + 1
    assert ship.endings()[-1]["status"] == 400
    assert api.asked.total() == asked


def test_l15_the_authority_of_an_absolute_form_routes(ship: Starship) -> None:
    data = f"GET http://{NAME}/ HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
    assert echoed(ship.port("http"), [data], len(data)) == data


def test_l14_no_byte_of_a_client_is_unescaped_in_a_page(ship: Starship) -> None:
    answer = ask(
        ship.port("http"), [b"GET /<script>alert(1)</script> HTTP/1.1\r\nHost: <script>alert(2)</script>\r\n\r\n"]
    )
    assert b"<script" not in answer
    assert b"X-Content-Type-Options: nosniff\r\n" in answer
    assert b"Content-Type: text/html; charset=utf-8\r\n" in answer


def test_a_head_and_a_hello_beyond_the_limit_are_told_so(ship: Starship) -> None:
    padding = "X-Padding: " + "x" * 40_000
    assert ask(ship.port("http"), [request(NAME, "/", padding)]).startswith(b"HTTP/1.1 431 ")
    assert ship.ending(reason="hello_too_big", door="http")["status"] == 431
    big = records(hello([*ORDINARY, (21, bytes(60_000))]))
    assert echoed(ship.port("https"), [big], len(big)) == big  # L2: legal, and within 64 KiB
    beyond = records(hello([*ORDINARY, (21, bytes(65_400))]))
    assert len(beyond) > 65_536
    assert flight(ship.port("https"), beyond)[6:] == bytes([47])
    assert ship.ending(reason="hello_too_big", door="https")["status"] == 495


def trickle(port: int, data: bytes, every: float) -> tuple[float, bytes]:
    """Send a byte now and then until the other side ends it; after how many seconds that was, and what it said."""
    begun = time.monotonic()
    with connect(port) as client:
        for byte in bytes_of(data):
            try:
                client.sendall(byte)
                if select.select([client], [], [], every)[0]:
                    return time.monotonic() - begun, client.recv(65536)
            except (BrokenPipeError, ConnectionResetError):  # a byte was under way to whoever had closed
                return time.monotonic() - begun, b""
    raise AssertionError("it went on for ever")


def test_l16_a_trickle_is_ended_in_time_at_each_door(hasty: Starship) -> None:
    hello = client_hello(NAME)
    doors = {"https": (hello, b""), "http": (HEAD, b"HTTP/1.1 408 "), "any": (hello, b"")}
    before = hasty.metric("starship_endings_total", reason="hello_timeout", mood="silent")
    ends = in_threads(*(partial(trickle, hasty.port(door), data, 0.1) for door, (data, _) in doors.items()))
    for (door, (data, answer)), (seconds, said) in zip(doors.items(), ends, strict=True):
        assert HELLO_S - 0.1 <= seconds < HELLO_S + GRACE_S
        assert said[: len(answer)] == answer
        assert bool(said) is bool(answer)
        ending = hasty.ending(door=door, reason="hello_timeout")
        assert (ending["mood"], ending["status"]) == ("silent", 408)
        assert ending["in"] < len(data)
    assert hasty.metric("starship_endings_total", reason="hello_timeout", mood="silent") == before + 3


def test_l16_who_says_nothing_is_closed_without_a_word_and_a_routed_tunnel_lives_on(hasty: Starship) -> None:
    with connect(hasty.port("http")) as tunnel:
        tunnel.sendall(HEAD)
        assert tunnel.recv(8192) == HEAD
        silent = [connect(hasty.port(door)) for door in ("https", "http", "any")]
        for client in silent:
            assert client.recv(1) == b""  # so much time has gone by, in which the tunnel was idle
            client.close()
        tunnel.sendall(b"still here")
        assert tunnel.recv(8192) == b"still here"
        until(lambda: len([one for one in hasty.endings() if one["in"] == 0]) == 3, "three silent endings")
        until(lambda: hasty.metric("starship_connections_active") == 1, "they are gone")
    assert hasty.ending(name=NAME, door="http")["t"] > HELLO_S


def test_l18_the_log_has_no_raw_control_byte_and_one_line_for_each_connection(ship: Starship) -> None:
    lines = ship.settled()
    hostile = bytes(range(32)) + b"\x7f\xff\"'\\"
    ask(ship.port("https"), [records(hello([sni(hostile)]))])
    ask(ship.port("http"), [b"GET / HTTP/1.1\r\nHost: \x1b[2J\r\n\r\n"])
    ask(ship.port("http"), [b"GET /\x1b[2J HTTP/1.1\r\nHost: a\r\n\r\n"])
    with connect(ship.port("https")) as client:
        client.sendall(records(hello([sni(NAME.encode()), alpn(hostile)])))
        assert client.recv(8192)
    assert ship.settled() == lines + 4
    raw = ship.access_log.read_bytes()
    assert all(32 <= byte < 127 or byte == 10 for byte in raw)
    assert all(json.loads(line)["reason"] for line in raw.splitlines())


def test_hello_for_spells_a_name_as_it_is_given() -> None:
    assert b"Shop.Example.COM" in hello_for("Shop.Example.COM")
