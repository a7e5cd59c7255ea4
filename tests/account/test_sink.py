"""A sink writes whole lines, or says how many it could not."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from starship.account.sink import FILE_BATCH_BYTES, PIPE_BATCH_BYTES, Sink


@contextmanager
def file_size_limit(size_bytes: int) -> Iterator[None]:
    """No file of this process may grow past a size: as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def opened(path: Path | None, fd: int = 1) -> Sink:
    sink = Sink(path, fd)
    sink.open()
    return sink


def test_lines_are_appended_to_what_the_file_held(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("before\n")
    sink = opened(path)
    assert sink.put([b"one\n", b"two\n"]) == 2
    sink.close()
    assert path.read_text() == "before\none\ntwo\n"
    assert not sink.is_open


def test_a_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    opened(path).close()
    assert stat.S_IMODE(path.stat().st_mode) & 0o037 == 0


def test_a_file_takes_large_batches_and_a_pipe_what_it_takes_at_once(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    sinks = opened(tmp_path / "access.log"), opened(None, writer)
    assert [sink.batch_bytes for sink in sinks] == [FILE_BATCH_BYTES, PIPE_BATCH_BYTES]
    for sink in sinks:
        sink.close()
    os.close(reader)
    os.close(writer)


def test_a_descriptor_that_we_were_given_stays_open_and_keeps_its_flags() -> None:
    reader, writer = os.pipe()
    sink = opened(None, writer)
    assert os.get_blocking(writer)
    assert sink.put([b"one\n"]) == 1
    sink.close()
    assert os.read(reader, 100) == b"one\n"
    os.fstat(writer)
    os.close(reader)
    os.close(writer)


def test_f17_a_full_disk_loses_lines_and_says_why(tmp_path: Path) -> None:
    sink = opened(Path("/dev/full"))
    assert sink.put([b"one\n", b"two\n"]) == 0
    assert sink.ill == "it cannot be written: No space left on device"
    sink.close()


def test_f17_after_a_torn_line_the_next_stands_on_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    sink = opened(path)
    with file_size_limit(10):
        assert sink.put([b"whole\n", b"is torn apart\n", b"lost\n"]) == 1
        assert sink.ill == "it cannot be written: File too large"
        assert sink.put([b"lost too\n"]) == 0
    assert sink.put([b"again\n"]) == 1
    assert sink.ill == ""
    assert sink.put([b"and again\n"]) == 1
    sink.close()
    assert path.read_bytes() == b"whole\nis t\nagain\nand again\n"


def test_f17_a_reader_that_left_is_a_failure_and_no_signal() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    sink = opened(None, writer)
    assert sink.put([b"one\n"]) == 0
    assert "Broken pipe" in sink.ill
    sink.close()
    os.close(writer)


def test_f17_a_forsaken_sink_waits_for_no_reader() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"x" * 4096)
        except BlockingIOError:
            break
    sink = opened(None, writer)
    sink.forsaken = True
    assert sink.put([b"one\n"]) == 0
    sink.close()
    os.close(reader)
    os.close(writer)


def test_a_fifo_without_a_reader_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="No such device"):
        opened(tmp_path / "fifo")


def test_reopening_follows_the_name(tmp_path: Path) -> None:
    path, rotated = tmp_path / "access.log", tmp_path / "access.log.1"
    sink = opened(path)
    sink.put([b"old\n"])
    path.rename(rotated)
    sink.put([b"still old\n"])
    sink.reopen()
    sink.put([b"new\n"])
    sink.close()
    assert rotated.read_text() == "old\nstill old\n"
    assert path.read_text() == "new\n"


def test_a_file_that_cannot_be_reopened_goes_on_as_it_was(tmp_path: Path) -> None:
    home = tmp_path / "log"
    home.mkdir()
    sink = opened(home / "access.log")
    home.rename(tmp_path / "gone")
    sink.reopen()
    assert sink.unopened == "it cannot be reopened: No such file or directory"
    assert sink.put([b"one\n"]) == 1
    assert (tmp_path / "gone" / "access.log").read_text() == "one\n"
    home.mkdir()
    sink.reopen()
    assert sink.unopened == ""
    sink.close()
