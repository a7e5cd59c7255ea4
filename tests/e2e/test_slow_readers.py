"""Clients that read slowly, that read no more, and that left: who takes its time gets all, and nobody else stays."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from tests.e2e.clients import read_all
from tests.e2e.sites import BLOCK, Answer, Message, Site, Stream, asks
from tests.e2e.world import WAIT_S, Api, Cluster, Starship, in_mode, ini_text, starship, until

SIZE = 4 << 20
RATE_BYTES_S = 600_000
"""So that the last bytes are read many seconds after they were written, and well after each deadline here."""

KEEPALIVE_S = 1.0
PATIENCE_S = 3.0
PIPELINED = 2000

HEADS = {
    b"/measured": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE,
    b"/until-close": b"HTTP/1.1 200 OK\r\n\r\n",
    b"/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
}


def four_megabytes(head: bytes, stream: Stream, message: Message) -> bool:
    stream.sock.sendall(head)
    in_chunks = b"chunked" in head
    for _ in range(SIZE // len(BLOCK)):
        stream.sock.sendall(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK) if in_chunks else BLOCK)
    if in_chunks:
        stream.sock.sendall(b"0\r\n\r\n")
    return b"Length" in head or in_chunks


def huge(stream: Stream, message: Message) -> bool:
    """More than any kernel keeps."""
    stream.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (16 * SIZE))
    for _ in range(16 * SIZE // len(BLOCK)):
        stream.sock.sendall(BLOCK)
    return True


def some(stream: Stream, message: Message) -> bool:
    """As much as many requests for little come to a lot."""
    stream.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BLOCK) + BLOCK)
    return True


def says_it_all(connection: socket.socket) -> None:
    """Behind a tunnel: hears a line, and says all it has, and no more."""
    connection.recv(1 << 16)
    for _ in range(SIZE // len(BLOCK)):
        connection.sendall(BLOCK)


SPECIAL: dict[bytes, Answer] = {path: partial(four_megabytes, head) for path, head in HEADS.items()}
SPECIAL |= {b"/huge": huge, b"/some": some}


@pytest.fixture(scope="module")
def site() -> Site:
    return Site("slow", SPECIAL)


@pytest.fixture(scope="module")
def house(api: Api, site: Site) -> Iterator[Cluster]:
    cluster, tunnelled = Cluster(site).start(), Cluster(says_it_all).start()
    api.hosts["slow.com"] = {"endpoint": cluster.address}
    api.hosts["tunnelled.com"] = {"endpoint": tunnelled.address}
    yield cluster
    cluster.stop()
    tunnelled.stop()


@pytest.fixture(scope="module")
def ferry(api: Api, house: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    http = f"keepalive_timeout = {KEEPALIVE_S}\nbody_timeout = {PATIENCE_S}\nupstream_idle_timeout = 1s\n"
    with starship(tmp_path_factory.mktemp("ferry"), ini_text(api, extra=f"[http]\n{http}")) as ferry:
        yield ferry


@pytest.fixture(scope="module")
def tunnel(api: Api, house: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starship]:
    ini = ini_text(api, upstream=f"half_close_timeout = {PATIENCE_S}\n")
    with starship(tmp_path_factory.mktemp("tunnel"), in_mode("tunnel", ini)) as tunnel:
        yield tunnel


def small(port: int) -> socket.socket:
    """A connection whose own kernel keeps little: what is not read waits on the other side."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
    sock.settimeout(WAIT_S)
    sock.connect(("127.0.0.1", port))
    return sock


def read_slowly(port: int, said: bytes, *, half: bool = False) -> int:
    """At a steady rate to the end of the stream; how much came. ConnectionResetError where it is cut."""
    with small(port) as sock:
        sock.sendall(said)
        if half:
            sock.shutdown(socket.SHUT_WR)
        began, got = time.monotonic(), 0
        while data := sock.recv(1 << 14):
            got += len(data)
            time.sleep(max(0.0, began + got / RATE_BYTES_S - time.monotonic()))
    return got


def lines_of(ferry: Starship, sock: socket.socket, count: int = 1) -> list[dict[str, Any]]:
    """What the access log says of a client, once there are so many lines."""
    host, port = sock.getsockname()

    def there() -> list[dict[str, Any]] | None:
        lines = [line for line in ferry.endings() if line["client"] == f"{host}:{port}"]
        return lines if len(lines) >= count else None

    found: list[dict[str, Any]] = until(there, f"{count} lines")
    return found


def in_parallel(calls: list[Callable[[], int]]) -> list[int]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_k8_a_slow_reader_gets_the_last_byte_of_the_last_answer_of_its_connection(ferry: Starship) -> None:
    """Two seconds after its last byte had gone to the kernel, the connection was reset; the log said all was well."""
    port = ferry.port("http")
    old = b"GET /measured HTTP/1.0\r\nHost: slow.com\r\n\r\n"
    said = [
        asks("slow.com", "/measured", "Connection: close"),
        old,
        asks("slow.com", "/until-close"),
        asks("slow.com", "/chunks", "Connection: close"),
        asks("slow.com", "/measured"),  # kept, for as long as keepalive_timeout
        asks("slow.com", "/measured", "Connection: close") + asks("slow.com", "/never") * 50,
    ]
    before = ferry.settled()
    got = in_parallel([partial(read_slowly, port, each) for each in said])
    assert all(SIZE < size < SIZE + 4096 for size in got), got
    until(lambda: len(ferry.endings()) == before + len(said), "a line for each")
    lines = ferry.endings()[before:]
    assert {(line["name"], line["reason"], line["status"]) for line in lines} == {("slow.com", "ok", 200)}
    until(lambda: ferry.metric("starship_connections_active") == 0, "everybody is gone")


def test_who_reads_no_more_is_ended_by_the_deadline_of_a_body_and_the_log_says_why(ferry: Starship) -> None:
    with small(ferry.port("http")) as sock:
        sock.sendall(asks("slow.com", "/huge"))
        assert sock.recv(1 << 14)
        (line,) = lines_of(ferry, sock)
        detail = f"the client took nothing of the answer for {PATIENCE_S:g} s"
        assert (line["name"], line["reason"], line["detail"]) == ("slow.com", "idle", detail)
        until(lambda: ferry.metric("starship_connections_active") == 0, "it is gone")
        with pytest.raises(ConnectionResetError):
            read_all(sock)


def test_who_reads_no_more_of_a_last_answer_that_the_kernel_keeps_is_ended_too(ferry: Starship) -> None:
    with small(ferry.port("http")) as sock:
        sock.sendall(asks("slow.com", "/some", "Connection: close"))
        assert sock.recv(1)
        (line,) = lines_of(ferry, sock)
        assert line["reason"] in ("ok", "idle")  # where the kernel here does not keep all of it, we do
        until(lambda: ferry.metric("starship_connections_active") == 0, "it is gone")


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_of_what_a_client_pipelined_and_left_nothing_more_is_asked(
    ferry: Starship, house: Cluster, site: Site, how: str
) -> None:
    """Each of them was asked of the tenant, one after the other, and answered to nobody."""
    before = site.requests
    with small(ferry.port("http")) as sock:
        sock.sendall(asks("slow.com", "/some") * 100)
        until(lambda: site.requests > before, "the first is asked")
        sock.setblocking(False)
        try:
            for _ in range(PIPELINED // 100):
                sock.send(asks("slow.com", "/some") * 100)
        except BlockingIOError:
            pass
        if how == "resets":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: ferry.metric("starship_connections_active") == 0, "it is missed")
    until(lambda: house.open == 0, "nobody is left who could ask")
    assert site.requests - before < PIPELINED // 2


def test_of_a_body_that_a_client_asked_for_and_left_the_rest_is_not_fetched(ferry: Starship) -> None:
    """Behind more than a leg holds, its end was not seen, and all of the answer was read for nobody."""
    with small(ferry.port("http")) as sock:
        sock.sendall(asks("slow.com", "/huge") + b"x" * 60_000)
        assert sock.recv(1)
        client = "{}:{}".format(*sock.getsockname())
    line = ferry.ending(client=client)
    assert (line["reason"], line["status"], line["out"] < 16 * SIZE) == ("client_gone", 499, True)


@pytest.mark.parametrize("half", [True, False])
def test_a_slow_reader_behind_a_tunnel_gets_the_last_byte(tunnel: Starship, half: bool) -> None:
    """What the kernel kept for it did not count, and half_close_timeout reset it in the middle."""
    said = b"GET / HTTP/1.1\r\nHost: tunnelled.com\r\n\r\n"
    assert read_slowly(tunnel.port("http"), said, half=half) == SIZE
