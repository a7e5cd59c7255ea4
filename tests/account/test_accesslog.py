"""The access log writes what it can, counts what it cannot, and is never in anybody's way."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread

import pytest
from twisted.logger import LogEvent, LogLevel, capturedLogs

from starship.account.accesslog import AccessLog
from starship.account.lines import text_line
from starship.account.sink import Sink
from tests.account.endings import WALL, carried

DEADLINE_S = 30.0


def access_log(sink: Sink, limit_bytes: int = 1 << 20) -> AccessLog:
    return AccessLog(sink, text_line, lambda: WALL, limit_bytes=limit_bytes)


def warnings(events: Sequence[LogEvent]) -> list[str]:
    return [event["why"] for event in events if event["log_level"] is LogLevel.warn]


def number(line: str) -> str:
    return line.split(" id=test-")[1].split(" ")[0]


@pytest.fixture(autouse=True)
def no_thread_and_no_file_is_left_over(tmp_path: Path) -> Iterator[None]:
    yield
    writers = [thread for thread in threading.enumerate() if thread.name == "access log"]
    for writer in writers:  # whom a close does not wait for may take its time
        writer.join(DEADLINE_S)
    assert not any(writer.is_alive() for writer in writers)
    links = [entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    assert not [link for link in links if link.is_relative_to(tmp_path)]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(writer)
    os.close(reader)


def test_each_ending_is_a_line_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = access_log(Sink(path))
    log.start()
    for count in range(1, 1001):
        log.write(carried(count))
    log.close(DEADLINE_S)
    lines = path.read_text().splitlines()
    assert [number(line) for line in lines] == [f"{count:x}" for count in range(1, 1001)]
    assert (log.lines, log.dropped, log.pending_bytes) == (1000, 0, 0)


def test_a_flush_brings_out_what_was_written_before_it(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = access_log(Sink(path))
    log.start()
    log.write(carried())
    assert log.flush(DEADLINE_S)
    assert path.read_text() == text_line(carried(), WALL) + "\n"
    log.close(DEADLINE_S)


def test_lines_of_before_the_start_are_kept_for_it(tmp_path: Path) -> None:
    log = access_log(Sink(tmp_path / "access.log"))
    log.write(carried())
    log.start()
    log.close(DEADLINE_S)
    assert log.lines == 1


def test_a_file_that_cannot_be_opened_fails_the_start_and_starts_no_thread(tmp_path: Path) -> None:
    log = access_log(Sink(tmp_path / "missing" / "access.log"))
    with pytest.raises(FileNotFoundError):
        log.start()
    log.close(DEADLINE_S)


def test_reopening_after_a_rename_parts_the_lines_exactly(tmp_path: Path) -> None:
    path, rotated = tmp_path / "access.log", tmp_path / "access.log.1"
    log = access_log(Sink(path))
    log.start()
    for count in range(1, 501):
        log.write(carried(count))
    path.rename(rotated)
    log.reopen()
    for count in range(501, 1001):
        log.write(carried(count))
    log.close(DEADLINE_S)
    assert [len(file.read_text().splitlines()) for file in (rotated, path)] == [500, 500]
    assert number(path.read_text().splitlines()[0]) == f"{501:x}"


def test_a_descriptor_has_nothing_to_reopen(pipe: tuple[int, int]) -> None:
    log = access_log(Sink(None, pipe[1]))
    log.start()
    log.reopen()
    log.write(carried())
    log.close(DEADLINE_S)
    assert os.read(pipe[0], 65536).decode() == text_line(carried(), WALL) + "\n"


def test_f17_a_blocked_pipe_costs_lines_beyond_the_bound_and_never_waits() -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    log = access_log(Sink(None, writer), limit_bytes=16384)
    log.start()
    with capturedLogs() as events:
        for count in range(1, 2001):
            log.write(carried(count))
            assert log.pending_bytes <= 16384
        assert log.dropped > 1000
        assert warnings(events) == ["the queue is full"]
        seen: list[bytes] = []
        drain = Thread(target=lambda: seen.extend(iter(lambda: os.read(reader, 65536), b"")))
        drain.start()
        for count in range(2001, 2101):
            assert log.flush(DEADLINE_S)
            log.write(carried(count))
        log.close(DEADLINE_S)
        os.close(writer)
        drain.join(DEADLINE_S)
        os.close(reader)
    told = [event["log_level"] for event in events]
    assert told == [LogLevel.warn, LogLevel.info]
    lines = b"".join(seen).decode().splitlines()
    assert len(lines) == log.lines == 2100 - log.dropped
    assert all(line == text_line(carried(int(number(line), 16)), WALL) for line in lines)


def test_f17_a_pipe_that_stays_blocked_does_not_hold_up_the_stop(pipe: tuple[int, int]) -> None:
    log = access_log(Sink(None, pipe[1]))
    log.start()
    for count in range(1, 1001):
        log.write(carried(count))
    writer = log._thread
    assert writer is not None
    log.close(0.1)
    writer.join(DEADLINE_S)
    assert not log.sink.is_open
    assert log.dropped == 1000 - log.lines > 0
    assert log.pending_bytes == 0


def test_f17_a_full_disk_costs_lines_which_are_counted_and_told_once() -> None:
    log = access_log(Sink(Path("/dev/full")))
    log.start()
    with capturedLogs() as events:
        for count in range(1, 101):
            log.write(carried(count))
            assert log.flush(DEADLINE_S)
        log.close(DEADLINE_S)
    assert (log.lines, log.dropped) == (0, 100)
    assert warnings(events) == ["it cannot be written: No space left on device"]


def test_f17_a_disk_with_room_again_is_told_once_too(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.symlink_to("/dev/full")
    log = access_log(Sink(path))
    log.start()
    with capturedLogs() as events:
        log.write(carried(1))
        assert log.flush(DEADLINE_S)
        path.unlink()
        log.reopen()
        for count in (2, 3, 4):
            log.write(carried(count))
            assert log.flush(DEADLINE_S)
        log.close(DEADLINE_S)
    assert [event["log_level"] for event in events] == [LogLevel.warn, LogLevel.info]
    assert [number(line) for line in path.read_text().splitlines()] == ["2", "3", "4"]


def test_a_file_that_cannot_be_reopened_is_told_and_goes_on(tmp_path: Path) -> None:
    home = tmp_path / "log"
    home.mkdir()
    log = access_log(Sink(home / "access.log"))
    log.start()
    home.rename(tmp_path / "gone")
    log.reopen()
    assert log.flush(DEADLINE_S)
    with capturedLogs() as events:
        log.write(carried())
        log.close(DEADLINE_S)
    assert warnings(events) == ["it cannot be reopened: No such file or directory"]
    assert len((tmp_path / "gone" / "access.log").read_text().splitlines()) == 1


def test_what_comes_after_the_close_is_counted_as_dropped(tmp_path: Path) -> None:
    log = access_log(Sink(tmp_path / "access.log"))
    log.start()
    log.close(DEADLINE_S)
    log.write(carried())
    log.close(DEADLINE_S)
    assert (log.lines, log.dropped) == (0, 1)
