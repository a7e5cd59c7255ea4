"""Plain HTTP, each request by itself: the real service between clients that keep their connections and real sites."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import connect as websocket
from websockets.sync.server import ServerConnection, serve

from tests.e2e.clients import connect, read_all
from tests.e2e.sites import (
    BLOCK,
    Answer,
    Early,
    Message,
    Site,
    Stream,
    Visitor,
    asks,
    memory_of,
    read_message,
    say,
    trickle,
)
from tests.e2e.trouble import in_threads
from tests.e2e.world import WAIT_S, Api, Cluster, Starship, ini_text, starship, until

BIG_BYTES = 64 * 1024 * 1024
MEMORY_BYTES = 12 * 1024 * 1024
SLOW_BYTES = 16 * 1024 * 1024


def big(stream: Stream, message: Message) -> bool:
    stream.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG_BYTES)
    for _ in range(BIG_BYTES // len(BLOCK)):
        stream.sock.sendall(BLOCK)
    return True


def endless(stream: Stream, message: Message) -> bool:
    """Chunks for ever."""
    stream.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        stream.sock.sendall(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK))


def in_chunks(stream: Stream, message: Message) -> bool:
    stream.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Digest\r\n\r\n")
    stream.sock.sendall(b"5;name=value\r\nhello\r\n")
    stream.sock.sendall(b"6\r\n world\r\n0\r\nDigest: abc\r\nContent-Length: 7\r\n\r\n")
    return True


def until_close(stream: Stream, message: Message) -> bool:
    stream.sock.sendall(b"HTTP/1.0 200 OK\r\n\r\nall there is")
    return False


def mirror(stream: Stream, message: Message) -> bool:
    """What was sent, in chunks, with its trailers."""
    stream.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    stream.sock.sendall(b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(message.body), message.body, message.trailers))
    return True


def hints(stream: Stream, message: Message) -> bool:
    stream.sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
    say(stream, b"after the hints")
    return True


def not_modified(stream: Stream, message: Message) -> bool:
    stream.sock.sendall(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 99\r\n\r\n")
    return True


def no_content(stream: Stream, message: Message) -> bool:
    stream.sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    return True


def dies(stream: Stream, message: Message) -> bool:
    return False


def dies_inside(stream: Stream, message: Message) -> bool:
    stream.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all")
    return False


def dies_inside_chunks(stream: Stream, message: Message) -> bool:
    stream.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnot\r\n")
    return False


def smuggles(stream: Stream, message: Message) -> bool:
    """Two answers for one request, in one piece: nobody could tell the second from the next one's."""
    other = b"another, for whoever comes next"
    stream.sock.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none"
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(other), other)
    )
    return True


def nonsense(stream: Stream, message: Message) -> bool:
    stream.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello")
    return True


def silent(stream: Stream, message: Message) -> bool:
    stream.more()
    return False


def upgrades(stream: Stream, message: Message) -> bool:
    stream.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nwelcome ")
    while data := stream.sock.recv(1 << 16):
        stream.sock.sendall(data)
    return False


def too_large(stream: Stream, head: bytes) -> bool:
    """Refuses a body without reading it."""
    stream.sock.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlong")
    stream.sock.shutdown(socket.SHUT_WR)
    return False


def go_on(stream: Stream, head: bytes) -> bool:
    """Waits for its client to hear that it may go on."""
    assert b"expect: 100-continue" in head.lower()
    stream.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    say(stream, b"got " + stream.take(5))
    return True


def lets_go_after_one(stream: Stream, message: Message) -> bool:
    """Answers as if it kept the connection, and closes it: whoever takes it next finds it dead, or soon."""
    say(stream, b"once")
    return False


SPECIAL: dict[bytes, Answer] = {
    b"/big": big,
    b"/endless": endless,
    b"/chunks": in_chunks,
    b"/close": until_close,
    b"/mirror": mirror,
    b"/hints": hints,
    b"/304": not_modified,
    b"/204": no_content,
    b"/dies": dies,
    b"/dies-inside": dies_inside,
    b"/dies-inside-chunks": dies_inside_chunks,
    b"/smuggles": smuggles,
    b"/nonsense": nonsense,
    b"/silent": silent,
    b"/upgrade": upgrades,
    b"/once": lets_go_after_one,
}
EARLY: dict[bytes, Early] = {b"/too-large": too_large, b"/continue": go_on}


@pytest.fixture(scope="module")
def sites() -> dict[str, Site]:
    return {name: Site(name, SPECIAL, EARLY) for name in ("red", "blue")}


@pytest.fixture(scope="module")
def houses(sites: dict[str, Site], api: Api) -> Iterator[dict[str, Cluster]]:
    clusters = {name: Cluster(site).start() for name, site in sites.items()}
    for name, cluster in clusters.items():
        api.hosts[f"{name}.com"] = {"app": name, "host": f"{name}.com", "endpoint": cluster.address}
    yield clusters
    for cluster in clusters.values():
        cluster.stop()


@pytest.fixture(scope="module")
def ferry(api: Api, houses: dict[str, Cluster], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    """A Starship that routes each request, with deadlines that no busy machine meets and no limit to a body."""
    extra = "[cache]\nttl = 600\nneg_ttl = 600\n[limits]\nhello_timeout = 60s\n"
    with starship(tmp_path_factory.mktemp("ferry"), ini_text(api, extra=extra)) as ferry:
        yield ferry


@pytest.fixture(scope="module")
def hasty(api: Api, houses: dict[str, Cluster], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    """The same, with short deadlines."""
    extra = "[limits]\nhello_timeout = 3s\n[http]\nresponse_timeout = 2s\nkeepalive_timeout = 4s\n"
    with starship(tmp_path_factory.mktemp("hasty"), ini_text(api, extra=extra)) as hasty:
        yield hasty


@pytest.fixture
def visitor(ferry: Starship) -> Iterator[Visitor]:
    with Visitor(ferry.port("http")) as visitor:
        yield visitor


def text_of(site: str, target: str = "/", method: str = "GET", body: bytes = b"") -> bytes:
    return f"{site} {method} {target} {sha256(body).hexdigest()}".encode()


def lines_of(ferry: Starship, visitor: Visitor, count: int) -> list[dict[str, Any]]:
    """The lines of the access log about a visitor's connection, once there are so many."""

    def there() -> list[dict[str, Any]] | None:
        lines = [line for line in ferry.endings() if line["client"] == visitor.name]
        return lines if len(lines) >= count else None

    found: list[dict[str, Any]] = until(there, f"{count} lines")
    return found


def test_k2_a_thousand_requests_on_one_connection_that_alternate_two_tenants_each_reach_the_right_one(
    ferry: Starship, visitor: Visitor, houses: dict[str, Cluster]
) -> None:
    before = {name: cluster.visits for name, cluster in houses.items()}
    for number in range(1000):
        name = ("red", "blue")[number % 2]
        assert visitor.ask(f"{name}.com", f"/n{number}").body == text_of(name, f"/n{number}")
    assert all(cluster.visits - before[name] <= 1 for name, cluster in houses.items())
    ours = lines_of(ferry, visitor, 1000)
    assert [line["name"] for line in ours] == ["red.com", "blue.com"] * 500
    assert len({line["id"] for line in ours}) == 1000
    assert {line["reason"] for line in ours} == {"ok"}
    assert ferry.metric("starship_http_requests_total", door="http", reason="ok") >= 1000
    assert ferry.metric("starship_upstream_reused_total") >= 998


def test_k2_a_session_of_requests_alternates_two_tenants_on_one_connection(ferry: Starship) -> None:
    before = ferry.metric("starship_connections_total", door="http")
    with requests.Session() as session:
        session.trust_env = False
        url = f"http://127.0.0.1:{ferry.port('http')}/s"
        for number in range(50):
            name = ("red", "blue")[number % 2]
            answer = session.put(url, data=b"%d" % number, headers={"Host": f"{name}.com"}, timeout=WAIT_S)
            assert answer.content == text_of(name, "/s", "PUT", b"%d" % number)
    assert ferry.metric("starship_connections_total", door="http") == before + 1


def test_pipelined_requests_of_two_tenants_are_answered_in_order(visitor: Visitor) -> None:
    names = ["red", "blue", "blue", "red"] * 5
    visitor.send(b"".join(asks(f"{name}.com", f"/{number}") for number, name in enumerate(names)))
    assert [visitor.read().body for _ in names] == [text_of(name, f"/{number}") for number, name in enumerate(names)]


def test_a_body_is_never_taken_for_a_request_and_a_request_behind_it_is_one(visitor: Visitor, api: Api) -> None:
    body = asks("evil.com", "/smuggled")
    visitor.send(asks("red.com", "/a", method="POST", body=body) + asks("blue.com", "/b"))
    assert [visitor.read().body, visitor.read().body] == [text_of("red", "/a", "POST", body), text_of("blue", "/b")]
    assert api.asked["evil.com"] == 0


def test_a_head_that_trickles_is_answered_and_so_are_the_bytes_of_a_body_one_by_one(visitor: Visitor) -> None:
    for data in (asks("red.com", "/x"), asks("blue.com", "/y", method="PUT", body=b"body")):
        trickle(visitor.stream.sock, data)
    assert visitor.read().body == text_of("red", "/x")
    assert visitor.read().body == text_of("blue", "/y", "PUT", b"body")


def test_bodies_in_chunks_pass_both_ways_with_their_trailers(visitor: Visitor) -> None:
    answer = visitor.ask("red.com", "/chunks")
    assert (answer.body, answer.trailers) == (b"hello world", b"Digest: abc\r\n")
    visitor.send(asks("red.com", "/mirror", "Transfer-Encoding: chunked", method="POST"))
    visitor.send(b"4\r\nwiki\r\n5;a=b\r\npedia\r\n0\r\nChecksum: 1\r\n\r\n")
    answer = visitor.read()
    assert (answer.body, answer.trailers) == (b"wikipedia", b"Checksum: 1\r\n")
    assert visitor.ask("blue.com").body == text_of("blue")


def test_answers_without_a_body_leave_the_connection_where_the_next_begins(visitor: Visitor) -> None:
    assert visitor.ask("red.com", "/", method="HEAD").get(b"Content-Length") is not None
    assert visitor.ask("red.com", "/304").status == 304
    assert visitor.ask("red.com", "/204").status == 204
    assert visitor.ask("blue.com").body == text_of("blue")


def test_interim_answers_are_passed_on_and_the_last_one_counts(visitor: Visitor) -> None:
    visitor.send(asks("red.com", "/hints"))
    found = [visitor.read() for _ in range(3)]
    assert [message.status for message in found] == [103, 102, 200]
    assert found[0].get(b"Link") == b"</a.css>"
    assert found[2].body == b"after the hints"


def test_who_waits_to_be_told_to_go_on_is_told_by_the_site(visitor: Visitor) -> None:
    visitor.send(asks("red.com", "/continue", "Expect: 100-continue", "Content-Length: 5", method="PUT"))
    assert visitor.read().status == 100
    visitor.send(b"bytes")
    assert visitor.read().body == b"got bytes"
    assert visitor.ask("red.com").status == 200


def test_an_answer_until_close_ends_the_clients_connection_too(visitor: Visitor) -> None:
    answer = visitor.ask("red.com", "/close")
    assert (answer.body, answer.get(b"Connection")) == (b"all there is", b"close")


def test_a_client_of_http_1_0_gets_no_chunks_and_keeps_its_connection_if_it_asks(ferry: Starship) -> None:
    with Visitor(ferry.port("http")) as old:
        old.send(b"GET /kept HTTP/1.0\r\nHost: red.com\r\nConnection: keep-alive\r\n\r\n")
        answer = old.read()
        assert (answer.body, answer.get(b"Connection")) == (text_of("red", "/kept"), b"keep-alive")
        old.send(b"GET /chunks HTTP/1.0\r\nHost: red.com\r\n\r\n")
        answer = old.read()
        assert (answer.body, answer.get(b"Transfer-Encoding")) == (b"hello world", None)


def test_an_unknown_name_gets_its_page_and_the_connection_goes_on(visitor: Visitor) -> None:
    assert visitor.ask("nobody.com").status == 404
    assert visitor.ask("red.com").body == text_of("red")
    answer = visitor.ask("nobody.com", "/", method="POST", body=asks("red.com"))
    assert (answer.status, answer.get(b"Connection")) == (404, None)
    assert visitor.ask("red.com").body == text_of("red")
    visitor.send(asks("nobody.com", "/", "Content-Length: 5", method="POST") + b"half")
    answer = visitor.read()
    assert (answer.status, answer.get(b"Connection")) == (404, b"close")
    assert visitor.is_closed()


def test_three_hundred_pipelined_requests_for_an_unknown_name_go_no_deeper(visitor: Visitor) -> None:
    visitor.send(asks("nobody.com") * 300)
    assert {visitor.read().status for _ in range(300)} == {404}


@pytest.mark.parametrize(
    "bad",
    [
        b"GET / HTTP/1.1\r\nHost: red.com\r\nHost: blue.com\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: red.com\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET http://blue.com/ HTTP/1.1\r\nHost: red.com\r\n\r\n",
        b"CONNECT red.com:80 HTTP/1.1\r\nHost: red.com\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\nHost: red.com\n\n",
    ],
)
def test_l12_an_ambiguous_request_in_the_middle_of_a_conversation_is_refused_and_ends_it(
    visitor: Visitor, sites: dict[str, Site], bad: bytes
) -> None:
    assert visitor.ask("red.com").status == 200
    seen = sites["red"].requests, sites["blue"].requests
    visitor.send(bad + asks("blue.com"))
    answer = visitor.read()
    assert (answer.status, answer.get(b"Connection")) == (400, b"close")
    assert visitor.is_closed()
    assert (sites["red"].requests, sites["blue"].requests) == seen


def test_l12_bad_chunks_are_refused_and_nothing_behind_them_is_a_request(visitor: Visitor, api: Api) -> None:
    visitor.send(asks("red.com", "/x", "Transfer-Encoding: chunked", method="POST"))
    visitor.send(b"0x5\r\nhello\r\n0\r\n\r\n" + asks("evil.com"))
    assert visitor.read().status == 400
    assert visitor.is_closed()
    assert api.asked["evil.com"] == 0


def test_l12_an_answer_that_can_be_read_in_two_ways_is_a_502(visitor: Visitor, ferry: Starship) -> None:
    answer = visitor.ask("red.com", "/nonsense")
    assert answer.status == 502
    assert visitor.ask("red.com", "/plain").body == text_of("red", "/plain")
    assert ferry.ending(reason="upstream_bad_response")["status"] == 502


def test_l12_an_answer_that_nobody_asked_for_reaches_nobody(visitor: Visitor) -> None:
    for _ in range(10):
        assert visitor.ask("red.com", "/smuggles").body == b"one"
        assert visitor.ask("red.com", "/plain").body == text_of("red", "/plain")


METHODS = (("GET", b""), ("POST", b"x"), ("HEAD", b""))


def test_k8_who_dies_is_a_502(visitor: Visitor) -> None:
    for method, body in METHODS:
        assert visitor.ask("red.com", "/dies", method=method, body=body).status == 502
    assert visitor.ask("red.com", "/plain").body == text_of("red", "/plain")


def test_k8_who_stays_silent_is_a_504(hasty: Starship) -> None:
    def asked(method: str, body: bytes) -> tuple[int, bytes]:
        with Visitor(hasty.port("http")) as visitor:
            status = visitor.ask("red.com", "/silent", method=method, body=body).status
            return status, visitor.ask("red.com", "/plain").body

    answers = in_threads(*(partial(asked, method, body) for method, body in METHODS))
    assert answers == [(504, text_of("red", "/plain"))] * len(METHODS)


def test_an_answer_that_is_cut_short_is_cut_short_for_the_client_too(ferry: Starship) -> None:
    for path in ("/dies-inside", "/dies-inside-chunks"):
        with Visitor(ferry.port("http")) as visitor:
            visitor.send(asks("red.com", path))
            with pytest.raises(EOFError):
                visitor.read()
            (line,) = lines_of(ferry, visitor, 1)
        assert (line["reason"], line["status"], line["mood"]) == ("upstream_reset", 200, "severed")


def test_an_answer_without_a_length_that_is_cut_short_is_reset_so_that_nobody_takes_it_for_whole(
    ferry: Starship,
) -> None:
    """To an HTTP/1.0 client chunks go bare, until close: an end in order would be the end of the body."""
    with connect(ferry.port("http")) as old:
        old.sendall(b"GET /dies-inside-chunks HTTP/1.0\r\nHost: red.com\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            read_all(old)


def test_an_early_refusal_of_a_body_reaches_the_client_and_ends_its_connection(ferry: Starship) -> None:
    with Visitor(ferry.port("http")) as visitor:
        visitor.send(asks("red.com", "/too-large", "Content-Length: 100000000", method="POST") + b"x" * 5000)
        answer = visitor.read()
        assert (answer.status, answer.body, answer.get(b"Connection")) == (413, b"long", b"close")
        assert visitor.is_closed()


def test_a_dead_kept_connection_is_replaced_and_the_request_sent_again_where_that_is_safe(
    ferry: Starship, visitor: Visitor
) -> None:
    before = ferry.metric("starship_http_requests_total", reason="upstream_reset")
    for number in range(200):
        assert visitor.ask("red.com", "/once").body == b"once"
        assert visitor.ask("red.com", f"/{number}", method="PUT", body=b"again").body == text_of(
            "red", f"/{number}", "PUT", b"again"
        )
    assert ferry.metric("starship_http_requests_total", reason="upstream_reset") == before


def test_a_client_that_leaves_inside_its_body_takes_its_request_with_it(ferry: Starship) -> None:
    with Visitor(ferry.port("http")) as visitor:
        visitor.send(asks("red.com", "/left", "Content-Length: 1000", method="POST") + b"only this")
    (line,) = lines_of(ferry, visitor, 1)
    assert (line["reason"], line["status"], line["name"]) == ("client_gone", 499, "red.com")


def test_a_client_that_ends_its_stream_after_its_request_still_gets_the_answer(ferry: Starship) -> None:
    with Visitor(ferry.port("http")) as visitor:
        visitor.send(asks("red.com", "/half"))
        visitor.stream.sock.shutdown(socket.SHUT_WR)
        assert visitor.read().body == text_of("red", "/half")
        assert visitor.is_closed()


def test_big_bodies_and_slow_readers_take_bounded_memory(ferry: Starship) -> None:
    visitors = [Visitor(ferry.port("http")) for _ in range(4)]
    before = memory_of(ferry.process.pid)
    for visitor, path in zip(visitors, ("/big", "/big", "/endless", "/endless"), strict=True):
        visitor.send(asks("red.com", path))
        visitor.stream.take(1000)
    fast, slow = visitors[0], visitors[1:]
    digest = sha256()
    fast.stream.buffer.clear()
    got = 0
    while got < SLOW_BYTES:
        piece = fast.stream.sock.recv(1 << 16)
        assert piece
        digest.update(piece)
        got += len(piece)
    assert memory_of(ferry.process.pid) - before < MEMORY_BYTES
    for visitor in (fast, *slow):
        visitor.stream.sock.close()


def test_a_big_body_arrives_whole_both_ways_and_is_counted(ferry: Starship, visitor: Visitor) -> None:
    visitor.send(asks("red.com", "/big"))
    assert visitor.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert visitor.stream.take(BIG_BYTES) == BLOCK * (BIG_BYTES // len(BLOCK))
    body = BLOCK * 200
    answer: list[Message] = []
    reading = threading.Thread(target=lambda: answer.append(visitor.read()))
    reading.start()
    visitor.send(asks("blue.com", "/up", method="POST", body=body))
    reading.join(4 * WAIT_S)
    assert answer[0].body == text_of("blue", "/up", "POST", body)
    lines = until(lambda: [line for line in ferry.endings() if line["in"] > len(body)], "its line")
    assert lines[-1]["in"] < len(body) + 1000


def test_k7_a_change_of_protocol_becomes_a_tunnel(visitor: Visitor, ferry: Starship) -> None:
    visitor.send(asks("red.com", "/upgrade", "Connection: Upgrade", "Upgrade: echo") + b"early ")
    answer = read_message(visitor.stream)
    assert (answer.status, answer.get(b"Upgrade")) == (101, b"echo")
    visitor.send(b"and late")
    assert visitor.stream.take(len(b"welcome early and late")) == b"welcome early and late"
    visitor.stream.sock.shutdown(socket.SHUT_WR)
    assert visitor.stream.rest() == b""
    assert ferry.ending(status=101)["reason"] == "ok"


def test_k7_websockets_echo_through_an_upgrade_small_and_large(ferry: Starship, api: Api) -> None:
    def talk(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(talk, "127.0.0.1", 0, max_size=None) as server:
        port = server.socket.getsockname()[1]
        api.hosts["ws.com"] = {"app": "ws", "endpoint": f"127.0.0.1:{port}"}
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        with websocket("ws://ws.com/", sock=connect(ferry.port("http")), max_size=None, proxy=None) as ws:
            for message in ("hello", b"x" * 3_000_000, "bye"):
                ws.send(message)
                assert ws.recv() == message
        server.shutdown()
        serving.join()
    assert ferry.ending(name="ws.com")["status"] == 101


def test_a_head_that_is_begun_and_not_ended_is_refused_in_time_and_an_idle_connection_just_ends(
    hasty: Starship,
) -> None:
    with Visitor(hasty.port("http")) as visitor, Visitor(hasty.port("http")) as idle:
        assert idle.ask("red.com").status == 200
        visitor.send(asks("red.com") + b"GET /never HTTP/1.1\r\nHo")
        assert [visitor.read().status, visitor.read().status] == [200, 408]
        assert visitor.is_closed()
        assert idle.is_closed()
    assert hasty.ending(reason="hello_timeout")["status"] == 408


def test_a_client_that_leaves_between_two_requests_owes_no_line(ferry: Starship) -> None:
    with Visitor(ferry.port("http")) as visitor:
        assert visitor.ask("red.com").status == 200
    until(lambda: ferry.metric("starship_connections_active", door="http") == 0, "its end")
    assert len(lines_of(ferry, visitor, 1)) == 1


def test_of_all_lines_together_every_byte_of_a_connection_is_counted_once(ferry: Starship) -> None:
    with Visitor(ferry.port("http")) as visitor:
        said = b"".join(asks(f"{name}.com", "/count", method="POST", body=b"b" * 3000) for name in ("red", "blue") * 4)
        said += asks("nobody.com")
        visitor.send(said)
        for _ in range(9):
            visitor.read()
        visitor.send(b"GET / HT")
        lines_of(ferry, visitor, 9)
    ours = lines_of(ferry, visitor, 10)
    assert sum(line["in"] for line in ours) == len(said) + 8
    assert [line["reason"] for line in ours] == ["ok"] * 8 + ["unknown_name", "client_gone"]


def test_k8_a_body_that_is_too_long_is_refused_before_it_is_sent_on_and_one_in_chunks_as_it_grows(
    api: Api, houses: dict[str, Cluster], tmp_path: Path
) -> None:
    with starship(tmp_path, ini_text(api, extra="[http]\nbody_size = 1MiB\n")) as strict:
        with Visitor(strict.port("http")) as visitor:
            visitor.send(asks("red.com", "/x", f"Content-Length: {1 << 21}", method="POST") + b"x" * 70_000)
            assert visitor.read().status == 413
            assert visitor.is_closed()
        with Visitor(strict.port("http")) as visitor:
            visitor.send(asks("red.com", "/x", "Transfer-Encoding: chunked", method="POST"))
            visitor.send(b"80001\r\n" + b"x" * 0x80001 + b"\r\n80001\r\n" + b"x" * 0x80001)
            assert visitor.read().status == 413
            assert visitor.is_closed()
            assert lines_of(strict, visitor, 1)[0]["reason"] == "body_too_big"


def carried(ship: Starship) -> list[dict[str, Any]]:
    """Those whose request has been heard and is on its way."""
    return [row for row in ship.connections() if row["state"] == "carrying"]


def test_a_drain_lets_the_request_under_way_end_and_closes_those_who_wait(
    api: Api, houses: dict[str, Cluster], tmp_path: Path
) -> None:
    with starship(tmp_path, ini_text(api, extra="[starship]\ndrain_timeout = 20s\n")) as leaving:
        port = leaving.port("http")
        idle, busy = Visitor(port), Visitor(port)
        assert idle.ask("red.com").status == 200
        busy.send(asks("red.com", "/x", "Content-Length: 10", method="POST") + b"half ")
        until(lambda: carried(leaving), "it is heard")
        leaving.process.terminate()
        assert idle.is_closed()
        busy.send(b"of it")
        answer = busy.read()
        assert (answer.body, answer.get(b"Connection")) == (text_of("red", "/x", "POST", b"half of it"), b"close")
        assert busy.is_closed()
        assert leaving.process.wait(WAIT_S) == -signal.SIGTERM  # as twistd does it
        for visitor in (idle, busy):
            visitor.stream.sock.close()


def test_in_the_lame_duck_answers_announce_the_end_and_kept_connections_may_still_ask(
    api: Api, houses: dict[str, Cluster], tmp_path: Path
) -> None:
    lives = "[starship]\nlame_duck = 8s\ndrain_timeout = 20s\n"
    with starship(tmp_path, ini_text(api, extra=lives)) as leaving:
        port = leaving.port("http")
        with Visitor(port) as kept, Visitor(port) as idle, Visitor(port) as busy:
            for visitor in (kept, idle):
                assert visitor.ask("red.com").get(b"Connection") is None
            busy.send(asks("red.com", "/x", "Content-Length: 10", method="POST") + b"half ")
            until(lambda: carried(leaving), "it is heard")
            leaving.process.terminate()
            until(lambda: leaving.get("/readyz")[0] == 503, "the balancer is told")
            busy.send(b"of it")
            assert (busy.read().get(b"Connection"), busy.is_closed()) == (b"close", True)
            assert (kept.ask("red.com").get(b"Connection"), kept.is_closed()) == (b"close", True)
            with Visitor(port) as young:
                assert (young.ask("red.com").get(b"Connection"), young.is_closed()) == (b"close", True)
            assert idle.is_closed()  # when the doors close
            assert leaving.process.wait(WAIT_S) == -signal.SIGTERM


def test_mode_tunnel_goes_as_the_first_request_went(api: Api, houses: dict[str, Cluster], tmp_path: Path) -> None:
    with starship(tmp_path, ini_text(api).replace("protocol = http\n", "protocol = http\nmode = tunnel\n")) as raw:
        with Visitor(raw.port("http")) as visitor:
            assert visitor.ask("red.com").body == text_of("red")
            assert visitor.ask("blue.com").body == text_of("red")
        with connect(raw.port("http")) as sock:
            sock.sendall(asks("blue.com"))
            assert read_message(Stream(sock)).body == text_of("blue")
