"""
The access log: one line per Ending, to a file or to stdout, and never in anybody's way.

Part of `account`, floor 4; a Writer of the Ledger. The reactor's thread appends a line to a bounded queue and goes
on; one thread of our own writes in batches. A full disk or a blocked pipe costs lines, which are counted, never
traffic. It does not know what a line says (`lines.py` does), how it is written (`sink.py` does), nor Prometheus.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Event, Thread
from typing import ClassVar, Final

from attrs import define, field
from twisted.logger import Logger

from starship.account.lines import Form
from starship.account.sink import Sink
from starship.words import Ending

QUEUE_LIMIT_BYTES: Final = 4 * 1024 * 1024
LINGER_S: Final = 0.1
"""How long the first line of a batch waits for company: at most ten wake-ups a second, none when nothing happens."""
LAST_WAIT_S: Final = 1.0

_FULL = "the queue is full"


@define(eq=False)
class AccessLog:
    """
    Spells each Ending by `form` with the time of `wall` (s since 1970), and writes it to `sink`.

    Each counter is changed by one thread alone, so that no lock stands on the data path: `_queued` and `_refused` by
    the reactor's, the others by ours. Lines and calls go through one queue: a call (reopen, flush) is made after all
    lines that came before it.
    """

    sink: Sink
    form: Form
    wall: Callable[[], float]
    limit_bytes: int = QUEUE_LIMIT_BYTES
    linger_s: float = LINGER_S
    lines: int = field(default=0, init=False)
    _queue: deque[bytes | Callable[[], None]] = field(factory=deque, init=False)
    _queued: int = field(default=0, init=False)
    _refused: int = field(default=0, init=False)
    _drained: int = field(default=0, init=False)
    _lost: int = field(default=0, init=False)
    _full: bool = field(default=False, init=False)
    _well_at: int = field(default=0, init=False)  # a reader just too slow would be news with every batch otherwise
    _told: str = field(default="", init=False)
    _closing: bool = field(default=False, init=False)
    _wake: Event = field(factory=Event, init=False)
    _hurry: Event = field(factory=Event, init=False)
    _thread: Thread | None = field(default=None, init=False)

    log: ClassVar[Logger] = Logger()

    @property
    def dropped(self) -> int:
        """Lines that never came out whole: the queue was full, or writing failed."""
        return self._refused + self._lost

    @property
    def pending_bytes(self) -> int:
        """What waits in the queue."""
        return self._queued - self._drained

    def start(self) -> None:
        """
        Open the file and start the thread; after any fork, since a thread does not survive one.

        Raises: OSError when the file cannot be opened.
        """
        self.sink.open()
        self._thread = Thread(target=self._work, name="access log", daemon=True)
        self._thread.start()

    def write(self, ending: Ending) -> None:
        """Queue a line, or count it as dropped. Never waits, raises nothing."""
        line = self.form(ending, self.wall()).encode("ascii") + b"\n"
        if self._closing or self._queued - self._drained + len(line) > self.limit_bytes:
            self._refused += 1
            self._full, self._well_at = True, self._queued + self.limit_bytes // 2
        else:
            self._queued += len(line)
            self._queue.append(line)
            if not self._wake.is_set():
                self._wake.set()
            if self._full and self._queued > self._well_at:
                self._full = False
        self._tell()

    def reopen(self) -> None:
        """Start the file anew (it was renamed); lines written before this call still go to the old one."""
        if self.sink.path is not None and not self._closing:
            self._call(self.sink.reopen)

    def flush(self, deadline_s: float) -> bool:
        """Wait until all lines of before this call are out or lost; False when the deadline (s) passed."""
        done = Event()
        self._call(done.set)
        return done.wait(deadline_s)

    def close(self, deadline_s: float) -> None:
        """Write what waits, for at most `deadline_s`, then count the rest as lost and end the thread. Waits."""
        if self._closing:
            return
        self._closing = True
        if (thread := self._thread) is None:
            return
        self._call(self.sink.close)
        thread.join(deadline_s)
        self.sink.forsaken = True
        thread.join(LAST_WAIT_S)
        self._tell()

    def _call(self, call: Callable[[], None]) -> None:
        self._queue.append(call)
        self._hurry.set()
        self._wake.set()

    def _tell(self) -> None:
        """Say once that lines are lost, and once that they no longer are; always in the reactor's thread."""
        sink = self.sink
        trouble = sink.ill or sink.unopened or (_FULL if self._full and not self._closing else "")
        if trouble == self._told:
            return
        if trouble:
            self.log.warn("access log: {why} ({dropped} lines lost so far)", why=trouble, dropped=self.dropped)
        else:
            self.log.info("access log is well again ({dropped} lines were lost)", dropped=self.dropped)
        self._told = trouble

    def _work(self) -> None:
        """The life of our own thread."""
        while self.sink.is_open:
            self._wake.wait()
            self._hurry.wait(self.linger_s)
            self._hurry.clear()
            self._wake.clear()  # before the queue is read: whoever appends after this sets it again
            self._drain()

    def _drain(self) -> None:
        batch: list[bytes] = []
        size = 0
        while self._queue:
            item = self._queue.popleft()
            if not isinstance(item, bytes):
                self._put(batch, size)
                batch, size = [], 0
                item()
                continue
            batch.append(item)
            size += len(item)
            if size >= self.sink.batch_bytes:
                self._put(batch, size)
                batch, size = [], 0
        self._put(batch, size)

    def _put(self, batch: list[bytes], size: int) -> None:
        if batch:
            out = self.sink.put(batch)
            self.lines += out
            self._lost += len(batch) - out
            self._drained += size
