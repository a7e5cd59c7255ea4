"""A real DNS server: NSD, authoritative for one zone, on a loopback address. What is in the zone, a test changes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.names import dns

from benchmarks.wire.ports import free_ports
from tests.e2e.world import WAIT_S, until

ZONE = "zone.test"

_CONFIG = """
server:
    ip-address: {host}@{port}
    server-count: 1
    username: ""
    chroot: ""
    database: ""
    pidfile: "{directory}/nsd.pid"
    xfrdfile: "{directory}/xfrd.state"
    zonelistfile: "{directory}/zone.list"
    zonesdir: "{directory}"
    logfile: "{directory}/nsd.log"
    xfrdir: "{directory}"
    verbosity: 1
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: {zone}
    zonefile: {zone}
zone:
    name: broken.test
    zonefile: there-is-no-such-file
"""

_HEAD = """$ORIGIN {zone}.
$TTL {ttl}
@ IN SOA ns root {serial} 3600 600 86400 1
@ IN NS ns
ns IN A {host}
"""


@define(eq=False)
class Nsd:
    """
    The server. `broken.test` is a zone that it cannot load: SERVFAIL. What no zone has is REFUSED.

    `lines` are the records of the zone, as in a zone file; `ttl` is theirs.
    """

    directory: Path
    host: str = "127.0.0.53"
    port: int = 0
    ttl: int = 1
    serial: int = 0
    lines: list[str] = field(factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def has(self, *lines: str) -> None:
        """Serve these records and no others from now on."""
        self.lines = list(lines)
        self.serial += 1
        head = _HEAD.format(zone=ZONE, ttl=self.ttl, serial=self.serial, host=self.host)
        zone = self.directory / ZONE
        zone.write_text(head + "".join(f"{line}\n" for line in lines))
        os.utime(zone, (self.serial, self.serial))  # it reads only what is newer, and clocks of files are coarse
        if self.process is not None:
            self.process.send_signal(signal.SIGHUP)
            until(lambda: self._serves() == self.serial, "the new zone")

    def start(self) -> None:
        if not self.port:
            self.port = next(free_ports())
        config = self.directory / "nsd.conf"
        config.write_text(_CONFIG.format(host=self.host, port=self.port, directory=self.directory, zone=ZONE))
        self.process = subprocess.Popen(["nsd", "-d", "-c", str(config)], stderr=subprocess.DEVNULL)
        until(lambda: self._serves() == self.serial, "nsd")

    def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.terminate()
            process.wait(WAIT_S)

    def _serves(self) -> int | None:
        """The serial number of the zone that it answers with."""
        question, reply = dns.Message(7), dns.Message()
        question.queries = [dns.Query(ZONE.encode(), dns.SOA, dns.IN)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
            sock.settimeout(0.5)
            sock.connect((self.host, self.port))
            sock.send(question.toStr())
            reply.fromStr(sock.recv(4096))
        found: list[Any] = [record.payload for record in reply.answers if record.type == dns.SOA]
        return int(found[0].serial) if found else None


@contextmanager
def nsd(directory: Path) -> Iterator[Nsd]:
    """Serve an empty zone."""
    server = Nsd(directory)
    server.has()
    try:
        server.start()
        yield server
    finally:
        server.stop()
