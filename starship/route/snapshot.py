"""
Snapshot: the cache's routes on disk, so that a start finds them even while the API is down.

Part of `route`. The file is JSON lines: a head that says what it is, one route a line in the words of the lookup
contract with the wall-clock moments of its expiry, and a tail with their number and checksum. Misses are not kept.

Why not SQLite: what is written is always everything, and a file that is written anew and put in its place is atomic by
itself; the lines can be read, and are checked like an answer of the API, since a disk is no better a friend.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container
from pathlib import Path
from typing import BinaryIO, ClassVar, Final, TypeVar
from zlib import crc32

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from starship.route.lines import BadSnapshot, head, line_of, read_lines, tail
from starship.route.memory import MemoryCache
from starship.route.store import Entry
from starship.words import Route

T = TypeVar("T")

SLICE: Final = 200
"""Routes written by one visit to the thread: the interpreter is shared, and the reactor gets its turn in between."""


@define(eq=False, kw_only=True)
class Snapshot:
    """
    `wall` is the wall clock (s), which alone means something to a later process; `in_thread` runs a function where it
    may wait for the disk. `written` counts the routes of the last file, `failures` those files that could not be
    written since the start. A route is restored only where the pool that it names, if it does, is one of `pools`.
    """

    log: ClassVar[Logger] = Logger()

    _path: Path
    _cache: MemoryCache
    _clock: IReactorTime
    _wall: Callable[[], float]
    _in_thread: Callable[[Callable[[], T]], Deferred[T]]
    _interval: float
    _pools: Container[str] = frozenset()
    written: int = field(default=0, init=False)
    failures: int = field(default=0, init=False)
    _well: bool = field(default=True, init=False)
    _saving: Deferred[None] | None = field(default=None, init=False)
    _round: LoopingCall = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._round = LoopingCall(self.save)
        self._round.clock = self._clock

    def load(self) -> int:
        """
        Put what the file holds into the cache; the number of routes. Waits for the disk: for before the start.

        A file that is torn or alien is refused as a whole with a warning; none at all is a first start.
        """
        try:
            count = self._restore()
        except FileNotFoundError:
            return 0
        except (BadSnapshot, OSError) as error:
            self.log.warn("the snapshot {path} is not used: {why}", path=str(self._path), why=str(error))
            return 0
        self.log.info("{count} routes are known from the snapshot {path}", count=count, path=str(self._path))
        return count

    def start(self) -> None:
        """Begin to write at each interval."""
        self._round.start(self._interval, now=False)

    async def stop(self) -> None:
        """Write a last time."""
        if self._round.running:
            self._round.stop()
        if self._saving is not None:
            await self._saving
        await self.save()

    def save(self) -> Deferred[None]:
        """Write the routes of now. Never fails: a disk that is full is told of once, and the old file stays."""
        self._saving = Deferred.fromCoroutine(self._save()).addBoth(self._saved)
        return self._saving

    def _restore(self) -> int:
        wall, count = self._wall(), 0
        with self._path.open("rb") as file:
            for line in read_lines(file):
                if not self._has_pools(line.route):
                    continue
                self._cache.restore(line.name, line.route, line.expires - wall, line.forgotten - wall)
                count += 1
        return count

    def _has_pools(self, route: Route) -> bool:
        if route.pool is not None and route.pool not in self._pools:
            return False
        return all(rule.pool is None or rule.pool in self._pools for rule in route.paths)

    async def _save(self) -> int:
        entries = self._cache.entries()
        shift = self._wall() - self._clock.seconds()
        draft = self._path.with_name(self._path.name + ".new")
        writer = await self._in_thread(lambda: Writer(draft, self._wall()))
        try:
            for start in range(0, len(entries), SLICE):
                part = entries[start : start + SLICE]
                await self._in_thread(lambda part=part: writer.write(part, shift))  # type: ignore[misc]  # mypy: lambda
            await self._in_thread(lambda: writer.publish(self._path))
        finally:
            writer.close()
        return len(entries)

    def _saved(self, result: int | Failure) -> None:
        self._saving = None
        if not isinstance(result, Failure):
            self.written, self._well = result, True
            return
        self.failures += 1
        if not result.check(OSError):
            self.log.failure("the snapshot broke", failure=result)
        elif self._well:
            why = result.value
            self.log.warn("the snapshot {path} cannot be written: {why}", path=str(self._path), why=str(why))
        self._well = False


class Writer:
    """One new file, for its owner alone. Used by one thread after another."""

    def __init__(self, draft: Path, wall: float) -> None:
        self._draft = draft
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        self._count = self._sum = 0
        self._file.write(head(wall))

    def write(self, entries: list[Entry], shift: float) -> None:
        """Some more routes; `shift` (s) makes a wall-clock moment of a monotonic one."""
        lines = b"".join(line_of(entry, shift) for entry in entries)
        self._count += len(entries)
        self._sum = crc32(lines, self._sum)
        self._file.write(lines)

    def publish(self, path: Path) -> None:
        """Put the file in its place, whole and on the disk."""
        self._file.write(tail(self._count, self._sum))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.replace(path)

    def close(self) -> None:
        """Close what is open; an unfinished draft is written anew next time."""
        self._file.close()
