"""Pipes that are lent: how many, how large, and what comes back."""

from __future__ import annotations

import fcntl
import os
import resource
from collections.abc import Iterator

import pytest

from starship.wire.pipes import SPARE, Pipes


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes(limit=SPARE + 8)
    yield made
    assert made.lent == 0
    made.close()


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_a_pipe_says_how_much_it_holds_and_never_blocks(pipes: Pipes) -> None:
    pipe = pipes.borrow()
    assert pipe is not None
    reads, writes, capacity = pipe
    assert fcntl.fcntl(writes, fcntl.F_GETPIPE_SZ) == capacity
    assert os.write(writes, b"x" * capacity) == capacity
    with pytest.raises(BlockingIOError):
        os.write(writes, b"x")
    assert not os.get_inheritable(reads)
    pipes.give_back(pipe, empty=False)
    assert not is_open(reads)
    assert not is_open(writes)


def test_an_empty_pipe_is_lent_again_and_one_that_holds_bytes_is_not(pipes: Pipes) -> None:
    first = pipes.borrow()
    assert first is not None
    pipes.give_back(first, empty=True)
    second = pipes.borrow()
    assert second == first
    os.write(second[1], b"left over")
    pipes.give_back(second, empty=False)
    third = pipes.borrow()
    assert third is not None
    with pytest.raises(BlockingIOError):
        os.read(third[0], 100)
    pipes.give_back(third, empty=True)


def test_no_more_are_lent_than_the_limit_and_few_are_kept(pipes: Pipes) -> None:
    lent = [pipe for _ in range(pipes.limit + 3) if (pipe := pipes.borrow()) is not None]
    assert len(lent) == pipes.lent == pipes.limit
    for pipe in lent:
        pipes.give_back(pipe, empty=True)
    assert sum(is_open(pipe[0]) for pipe in lent) == SPARE
    pipes.close()
    assert not any(is_open(fd) for pipe in lent for fd in pipe[:2])


def test_f12_without_descriptors_there_is_no_pipe_and_nothing_is_raised(pipes: Pipes) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 1, hard))
    try:
        assert pipes.borrow() is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert pipes.lent == 0
