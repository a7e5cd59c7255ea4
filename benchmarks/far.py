"""
A far endpoint: how long a new client waits for the first byte, with and without spare connections.

    python -m benchmarks.far [--delay MS] [--clients N]

Part of the benchmarks; wants root. Everything runs in a network namespace of its own. A forwarder of ours delays each
packet: it reads them from a tun device, swaps source and destination, and writes them back, so that what connects to
one end of the device reaches a server at the other end of it, and the answers come the same way (the checksums stay
right, since a sum does not mind the order). Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import os
import selectors
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from tests.e2e.clients import client_hello
from tests.e2e.world import Api, Cluster, ini_text, starship

NEAR: Final = "10.99.0.1"
FAR: Final = "10.99.0.2"
TUNSETIFF: Final = 0x400454CA
IFF_TUN_NO_PI: Final = 0x1001
CLONE_NEWNET: Final = 0x40000000
IPV4: Final = 4
WARM_S: Final = 0.3


def main(arguments: Sequence[str]) -> int:
    """Measure; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.far", description="Clients of a far endpoint.")
    parser.add_argument("--delay", type=float, default=20.0, help="of each packet, in ms (20)")
    parser.add_argument("--clients", type=int, default=100)
    options = parser.parse_args(arguments)
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        print("benchmarks.far: a network namespace takes root", file=sys.stderr)
        return 2
    _delay_packets(options.delay / 1000)
    print("| preconnect | first byte, median | p90 |\n|---|---|---|")
    for each in (0, 2):
        waits = _measured(each, options.clients)
        print(f"| {each} | {1000 * median(waits):.1f} ms | {1000 * quantiles(waits, n=10)[-1]:.1f} ms |")
    return 0


def _delay_packets(seconds: float) -> None:
    """Begin to forward."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"far", IFF_TUN_NO_PI))
    for words in ("link set lo up", f"address add {NEAR} peer {FAR} dev far", "link set far up"):
        subprocess.run(["ip", *words.split()], check=True)
    threading.Thread(target=_forward, args=(tun, seconds), daemon=True).start()


def _forward(tun: int, seconds: float) -> None:
    ready = selectors.DefaultSelector()
    ready.register(tun, selectors.EVENT_READ)
    waiting: deque[tuple[float, bytes]] = deque()
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            packet = waiting.popleft()[1]
            if packet[0] >> 4 == IPV4:
                os.write(tun, packet[:12] + packet[16:20] + packet[12:16] + packet[20:])
        if ready.select(max(0.0, waiting[0][0] - now) if waiting else None):
            waiting.append((time.monotonic() + seconds, os.read(tun, 65536)))


def _measured(each: int, clients: int) -> list[float]:
    """The seconds from a client's hello to the first byte of its answer, one client after another."""
    api = Api()
    api.start()
    cluster = Cluster(_answer, host=NEAR).start()
    api.hosts["far.example"] = {"app": "A", "endpoint": f"{FAR}:{cluster.port}"}
    with tempfile.TemporaryDirectory(prefix="starship-far-") as folder:
        text = ini_text(api, upstream=f"preconnect = {each}\nnodelay = yes")
        with starship(Path(folder), text) as ship:
            waits, hello = [], client_hello("far.example")
            for number in range(clients + 1):
                wait = _visit(ship.port("https"), hello)
                time.sleep(WARM_S)
                waits += [wait] if number else []  # the first one's waits for the lookup too
    cluster.stop()
    api.stop()
    return waits


def _answer(connection: socket.socket) -> None:
    while connection.recv(65536):
        connection.sendall(b"an answer")


def _visit(port: int, hello: bytes) -> float:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        began = time.monotonic()
        client.sendall(hello)
        if not client.recv(100):
            raise SystemExit("benchmarks.far: no answer came")
        return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
