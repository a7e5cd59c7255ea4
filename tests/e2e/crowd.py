"""
A crowd in a process of its own: clusters that answer, and clients by the hundred thousand, on one epoll.

`Crowd` is the handle: it starts `python -m tests.e2e.crowd`, sends jobs and reads results, a line of JSON each. A
cluster answers a whole first flight with its label and the flight's SHA-256, so that each client knows that the right
one has answered, and that it got every byte. A name that begins with `bulk` gets BULK.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import os
import resource
import select
import socket
import struct
import subprocess
import sys
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, field

from tests.sniff.making import GROUPS, VERSIONS, hello, records, sni

ROOT = Path(__file__).parents[2]
BULK = Random(7).randbytes(2_000_003)
BULK_SUM = hashlib.sha256(BULK).hexdigest()
PATIENCE_S = 60.0
"""How long a client waits for the end of its answer."""

LAZY_S = 1.0
"""How long a slow reader reads nothing."""

CUT_S = 0.002
"""Between the two parts of a flight: the reader wakes for each."""

LINGER = struct.pack("ii", 1, 0)
Job = dict[str, Any]
Ready = Callable[[int], None]


def flight_of(name: str) -> bytes:
    """A hello of the size that common clients send."""
    return records(hello([GROUPS, VERSIONS, sni(name.encode()), (21, bytes(517 - 130 - len(name)))]))


class Turn:
    """An epoll and timers."""

    def __init__(self) -> None:
        self.poll = select.epoll()
        self.ready: dict[int, Ready] = {}
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def watch(self, sock: socket.socket, ready: Ready, flags: int = select.EPOLLIN) -> None:
        self.ready[sock.fileno()] = ready
        self.poll.register(sock.fileno(), flags)

    def close(self, sock: socket.socket) -> None:
        self.ready.pop(sock.fileno(), None)
        sock.close()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self.timers, (time.monotonic() + seconds, self._count, call))

    def turn(self, wait: float = 0.1) -> None:
        if self.timers:
            wait = max(0.0, min(wait, self.timers[0][0] - time.monotonic()))
        for fd, flags in self.poll.poll(wait):
            if ready := self.ready.get(fd):
                ready(flags)
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            heapq.heappop(self.timers)[2]()


class Answerer:
    """A cluster."""

    def __init__(self, turn: Turn, label: str) -> None:
        self.turn, self.label = turn, label.encode()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.listener.setblocking(False)
        turn.watch(self.listener, self._accept)

    def _accept(self, _: int) -> None:
        for _turn in range(64):
            try:
                sock, _address = self.listener.accept()
            except OSError:
                return
            sock.setblocking(False)
            Answering(self, sock)


class Answering:
    """One connection of a cluster."""

    def __init__(self, cluster: Answerer, sock: socket.socket) -> None:
        self.cluster, self.sock, self.flight, self.left = cluster, sock, b"", b""
        cluster.turn.watch(sock, self.read)
        self.read(0)

    def read(self, _: int) -> None:
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.flight += data
        if not data:
            self.cluster.turn.close(self.sock)
        elif len(self.flight) >= 5 and len(self.flight) >= 5 + int.from_bytes(self.flight[3:5], "big"):
            self.answer()

    def answer(self) -> None:
        if b"bulk" in self.flight:
            self.left = BULK
            self.cluster.turn.poll.modify(self.sock.fileno(), select.EPOLLOUT)
            self.cluster.turn.ready[self.sock.fileno()] = self.pour
        else:
            with suppress(OSError):
                self.sock.send(self.cluster.label + b" " + hashlib.sha256(self.flight).hexdigest().encode())
            self.cluster.turn.close(self.sock)

    def pour(self, _: int) -> None:
        try:
            self.left = self.left[self.sock.send(self.left[:262_144]) :]
        except BlockingIOError:
            return
        except OSError:
            self.left = b""
        if not self.left:
            self.cluster.turn.close(self.sock)


@define(eq=False)
class Visits:
    """
    So many clients of one door, some at once.

    `kinds` are the shares of: known, miss, bad, abort, cut, bulk, lazy, random. `names` maps a known name to its label.
    """

    turn: Turn
    job: Job
    words: Counter[str] = field(factory=Counter)
    times: dict[str, Any] = field(factory=dict)
    wrong: list[str] = field(factory=list)
    started: int = 0
    open: int = 0
    random: Random = field(init=False)
    names: list[str] = field(init=False)
    labels: dict[str, str] = field(init=False)
    flights: dict[str, bytes] = field(init=False)
    sums: dict[str, str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        job = self.job
        self.random = Random(job["seed"])
        self.names, self.labels = list(job["names"]), job["names"]
        self.flights = {name: flight_of(name) for name in (*self.names, *job.get("unknown", ()))}
        self.flights.update({name: bytes.fromhex(data) for name, data in job.get("flights", {}).items()})
        self.sums = {name: hashlib.sha256(data).hexdigest() for name, data in self.flights.items()}

    def run(self) -> Job:
        job, began = self.job, time.monotonic()
        kinds, weights = list(job["kinds"]), list(job["kinds"].values())
        end = began + job.get("seconds", 3600)
        while self.started < job["count"] and (time.monotonic() < end or not self.started):
            while self.open < job["at_once"] and self.started < job["count"]:
                self.start(kinds[0] if len(kinds) == 1 else self.random.choices(kinds, weights)[0])
            self.turn.turn()
        patience = time.monotonic() + PATIENCE_S + LAZY_S
        while self.open and time.monotonic() < patience:
            self.turn.turn()
        if self.open:
            self.words["never ended"] += self.open
        return {
            "words": dict(self.words),
            "wrong": self.wrong[:5],
            "seconds": time.monotonic() - began,
            "times": {word: spread(times) for word, times in self.times.items()},
        }

    def start(self, kind: str) -> None:
        number, self.started, self.open = self.started, self.started + 1, self.open + 1
        Visit(self, kind, number)

    def over(self, word: str, seconds: float, said: str = "") -> None:
        self.open -= 1
        self.words[word] += 1
        self.times.setdefault(word, array("f")).append(seconds)
        if said:
            self.wrong.append(said)


class Visit:
    """One client."""

    def __init__(self, visits: Visits, kind: str, number: int) -> None:
        self.visits, self.kind, self.answer, self.size = visits, kind, b"", 0
        random, job = visits.random, visits.job
        self.name = random.choice(visits.names) if kind != "miss" else random.choice(job["unknown"])
        if kind == "random":
            self.name = f"{random.randbytes(8).hex()}.com"
        if kind in ("bulk", "lazy"):
            self.name = f"bulk.{self.name}"
        flight = visits.flights.get(self.name) or flight_of(self.name)
        self.began = time.monotonic()
        self.sock = socket.socket()
        if job.get("sources"):
            self.sock.bind((f"127.0.1.{1 + number % job['sources']}", 0))
        self.sock.connect(("127.0.0.1", job["port"]))
        at = 0
        if kind == "cut":
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            at = 1 + number % (len(flight) - 1)
        parts = {"abort": flight[: number % len(flight) + 1], "bad": b"\0" + flight[1:], "cut": flight[:at]}
        self.sock.send(parts.get(kind, flight))
        self.sock.setblocking(False)
        if kind == "abort":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            self.end("abort")
        elif kind == "cut":
            visits.turn.later(CUT_S, lambda: self.go_on(flight[at:]))
        elif kind == "lazy":
            visits.turn.later(LAZY_S, self.watch)
        else:
            self.watch()

    def go_on(self, rest: bytes) -> None:
        self.began = time.monotonic()
        try:
            self.sock.send(rest)
        except OSError as error:
            self.end("wrong", f"{self.name}: {error}")
        else:
            self.watch()

    def watch(self) -> None:
        self.visits.turn.watch(self.sock, self.read)

    def read(self, _: int) -> None:
        try:
            data = self.sock.recv(262_144)
        except BlockingIOError:
            return
        except OSError as error:
            self.end("wrong", f"{self.kind} {self.name}: {error}")
            return
        self.answer += data
        if not data:
            self.judge()

    def judge(self) -> None:
        """What the answer shows; anything that is not what this kind must get is `wrong`."""
        answer, visits = self.answer, self.visits
        alert = answer[6] if len(answer) == 7 and answer[:2] == b"\x15\x03" else None
        if self.kind in ("known", "cut"):
            right = answer == f"{visits.labels[self.name]} {visits.sums[self.name]}".encode()
        elif self.kind in ("bulk", "lazy"):
            right = hashlib.sha256(answer).hexdigest() == BULK_SUM
        elif self.kind == "bad":
            right = alert is not None or answer.startswith(b"HTTP/1.1 4")
        else:
            right = alert == 112
        self.end(self.kind if right else "wrong", "" if right else f"{self.kind} {self.name}: {answer[:90]!r}")

    def end(self, word: str, said: str = "") -> None:
        self.visits.turn.close(self.sock)
        self.visits.over(word, time.monotonic() - self.began, said)


def spread(times: Any) -> dict[str, float]:
    """How long they took (s)."""
    ordered = sorted(times)
    return {
        "count": len(ordered),
        **{f"p{part}": ordered[min(len(ordered) - 1, len(ordered) * part // 100)] for part in (50, 90, 99)},
        "max": ordered[-1],
    }


def hold(turn: Turn, job: Job) -> Job:
    """
    Clients who never finish their flight: `silent` of them say nothing, `slow` say a byte every second, until the other
    side ends it. How long each was let be, measured from its connect.
    """
    left: dict[int, tuple[socket.socket, float]] = {}
    lived = array("f")
    flight = flight_of("slow.com")

    def over(fd: int) -> None:
        sock, began = left.pop(fd)
        lived.append(time.monotonic() - began)
        turn.close(sock)

    def trickle(fd: int, at: int) -> None:
        if fd in left:
            with suppress(OSError):
                left[fd][0].send(flight[at : at + 1])
            turn.later(1.0, lambda: trickle(fd, at + 1))

    began = time.monotonic()
    for number in range(job["silent"] + job["slow"]):
        sock = socket.socket()
        sock.connect(("127.0.0.1", job["port"]))
        sock.setblocking(False)
        fd = sock.fileno()
        left[fd] = (sock, time.monotonic())
        turn.watch(sock, lambda _, fd=fd: over(fd))  # type: ignore[misc]  # mypy infers no default of a lambda
        if number >= job["silent"]:
            turn.later(number % 1000 / 1000, lambda fd=fd: trickle(fd, 0))  # type: ignore[misc]
        if not number % 32:
            turn.turn(0)
    connected = time.monotonic() - began
    end = time.monotonic() + job["patience"]
    while left and time.monotonic() < end:
        turn.turn()
    remain = len(left)
    for fd in list(left):
        over(fd)
    return {"connected_s": connected, "lived": spread(lived), "first": min(lived), "remain": remain}


def main() -> None:
    """Serve jobs from standard input."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    turn, orders = Turn(), bytearray()
    clusters = {label: Answerer(turn, label) for label in sys.argv[1:]}
    say({label: cluster.listener.getsockname()[1] for label, cluster in clusters.items()})

    def order(_: int) -> None:
        data = os.read(0, 1 << 20)
        if not data:
            raise SystemExit
        orders.extend(data)

    turn.ready[0] = order
    turn.poll.register(0, select.EPOLLIN)
    while True:
        turn.turn()
        line, end, rest = bytes(orders).partition(b"\n")
        if end:
            orders[:] = rest
            job = json.loads(line)
            say(hold(turn, job) if job["do"] == "hold" else Visits(turn, job).run())


def say(answer: Job) -> None:
    print(json.dumps(answer), flush=True)


@define(eq=False)
class Crowd:
    """The handle. `ports` are those of its clusters, by label."""

    process: subprocess.Popen[bytes]
    ports: dict[str, int]

    def order(self, **job: Any) -> None:
        """Begin a job."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job).encode() + b"\n")
        self.process.stdin.flush()

    def result(self) -> Job:
        """Wait for the end of the job that was begun first."""
        assert self.process.stdout is not None
        result: Job = json.loads(self.process.stdout.readline())
        return result

    def visits(self, port: int, count: int, names: dict[str, str], **more: Any) -> Job:
        """See Visits. No answer may be wrong."""
        self.visit(port, count, names, **more)
        return self.visited()

    def visit(self, port: int, count: int, names: dict[str, str], **more: Any) -> None:
        """Begin visits."""
        job = {"kinds": {"known": 1}, "at_once": 1, "seed": 1, "port": port, "count": count, "names": names, **more}
        self.order(do="visits", **job)

    def visited(self) -> Job:
        """The end of such visits."""
        result = self.result()
        assert not result["words"].get("wrong"), result
        assert not result["words"].get("never ended"), result
        return result


@contextmanager
def crowd(*labels: str) -> Iterator[Crowd]:
    """A crowd with clusters of these labels."""
    command = [sys.executable, "-m", "tests.e2e.crowd", *labels]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Crowd(process, json.loads(process.stdout.readline()))
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(PATIENCE_S)


if __name__ == "__main__":
    main()
