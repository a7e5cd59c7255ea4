"""The access log cannot be written (F17): traffic goes on, what is lost is counted, and the operator is told once."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.e2e.clients import alert_of, flight, page
from tests.e2e.trouble import GRACE_S, in_threads
from tests.e2e.world import WAIT_S, Api, Cluster, ini_text, starship, twistd, until
from tests.sniff.making import alpn, hello, records, sni

LONG_NAME = b".".join([b"x" * 49] * 5)
LONG_LINE = records(hello([sni(LONG_NAME), alpn(*[b"\x01" * 30] * 8)]))
"""A flight whose line in the access log is as long as a client can make it."""

QUEUE_BYTES = 4 << 20
"""What waits for a slow reader before lines are dropped."""


@pytest.fixture
def tenant(api: Api, clusters: dict[str, Cluster]) -> str:
    api.hosts["a.com"] = {"endpoint": clusters["a"].address}
    return "a.com"


def test_a_full_disk_loses_lines_and_nothing_else(api: Api, tenant: str, tmp_path: Path) -> None:
    """F17."""
    with starship(tmp_path, ini_text(api), access_log=Path("/dev/full")) as ship:
        statuses = in_threads(*[lambda: page(ship.port("http"), tenant)[0]] * 50)
        assert set(statuses) == {200}
        until(lambda: ship.metric("starship_access_log_dropped_total") == 50, "all are counted")
        until(lambda: ship.metric("starship_access_log_pending_bytes") == 0, "none waits")
        assert ship.metric("starship_access_log_lines_total") == 0
        assert page(ship.port("http"), tenant)[0] == 200
        until(lambda: "No space left on device" in ship.log.read_text(), "the operator is told")
        assert ship.log.read_text().count("No space left on device") == 1


def readable(reader: int) -> bool:
    return bool(select.select([reader], [], [], 0)[0])


@contextmanager
def unread_pipe(path: Path) -> Iterator[int]:
    """A FIFO that is open for reading, and not read."""
    os.mkfifo(path)
    with again(path) as reader:
        yield reader


@contextmanager
def again(path: Path) -> Iterator[int]:
    """A FIFO opened for reading."""
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield reader
    finally:
        os.close(reader)


def drain(reader: int, into: bytearray, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            into += os.read(reader, 1 << 20)
        except BlockingIOError:
            stop.wait(0.005)
        except OSError:
            return  # closed


def test_a_blocked_pipe_holds_up_no_client_and_its_losses_are_counted(api: Api, tenant: str, tmp_path: Path) -> None:
    """F17: bounded in memory; once the reader is back, each line of it is whole."""
    read, stop = bytearray(), threading.Event()
    with (
        unread_pipe(tmp_path / "pipe") as reader,
        starship(tmp_path, ini_text(api), access_log=tmp_path / "pipe") as ship,
    ):

        def fill() -> None:
            while not ship_has_dropped.is_set():
                assert alert_of(flight(ship.port("https"), LONG_LINE)) == 112

        def watch() -> None:
            try:
                until(lambda: ship.metric("starship_access_log_dropped_total") > 20, "lines are dropped", 150)
            finally:
                ship_has_dropped.set()

        ship_has_dropped = threading.Event()
        in_threads(fill, fill, watch)
        assert ship.metric("starship_access_log_pending_bytes") <= QUEUE_BYTES
        began = time.monotonic()
        assert page(ship.port("http"), tenant)[0] == 200
        assert time.monotonic() - began < GRACE_S

        reading = threading.Thread(target=drain, args=(reader, read, stop), daemon=True)
        reading.start()
        until(lambda: ship.metric("starship_access_log_pending_bytes") == 0, "what waited is written", 60)
        assert page(ship.port("http"), tenant)[0] == 200
        until(lambda: b'"name":"a.com"' in read[-2000:], "a new line")
        assert ship.log.read_text().count("the queue is full") == 1
        until(lambda: ship.metric("starship_connections_active") == 0, "all have left")

        def kept() -> float:
            return ship.metric("starship_endings_total") - ship.metric("starship_access_log_dropped_total")

        until(lambda: read.count(b"\n") == kept(), "each that was not dropped is there")
        stop.set()
        reading.join()
    lines = [json.loads(line) for line in bytes(read).splitlines()]
    assert {line["name"] for line in lines} == {LONG_NAME.decode(), tenant}


def test_a_pipe_whose_reader_is_gone_loses_lines_and_kills_nobody(api: Api, tenant: str, tmp_path: Path) -> None:
    """F17: EPIPE is no signal and no traceback; SIGUSR1 after the reader is back brings the log back."""
    with ExitStack() as running:
        with unread_pipe(tmp_path / "pipe"):
            ship = running.enter_context(starship(tmp_path, ini_text(api), access_log=tmp_path / "pipe"))
        for _ in range(5):
            assert page(ship.port("http"), tenant)[0] == 200
        until(lambda: ship.metric("starship_access_log_dropped_total") == 5, "they are counted")
        with again(tmp_path / "pipe") as reader:
            ship.signal(signal.SIGUSR1)
            until(lambda: page(ship.port("http"), tenant)[0] == 200 and readable(reader), "the log is back")


def test_where_the_log_cannot_be_opened_the_service_says_so_and_does_not_start(api: Api, tmp_path: Path) -> None:
    """A FIFO that nobody reads: there is nothing to wait for, and a start that hangs helps nobody."""
    os.mkfifo(tmp_path / "pipe")
    config = tmp_path / "starship.ini"
    config.write_text(f"{ini_text(api)}\n[access_log]\npath = {tmp_path / 'pipe'}\n")
    command = twistd("--nodaemon", "--pidfile=", "starship", "--config", str(config))
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ended.returncode == 1
    assert "starship: the access log cannot be opened: " in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
