"""`starship mock-api` as an integrator runs it: a program of its own, over a file that changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGINT

import pytest

from tests.e2e.world import WAIT_S


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.json"
    path.write_text('{"a.com": "10.0.0.24"}')
    return path


@pytest.fixture
def running(hosts: Path) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable,
        "-m",
        "starship.cli",
        "mock-api",
        "--hosts",
        str(hosts),
        "--listen",
        "tcp:0:interface=127.0.0.1",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(port: int, host: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        connection.request("GET", f"/?host={host}")
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_hosts_are_answered_printed_and_reread_until_ctrl_c(running: subprocess.Popen[str], hosts: Path) -> None:
    """S4, S14, S15."""
    assert running.stdout
    begun = re.match(
        r"1 host of .*, asked at http://127\.0\.0\.1:([0-9]+)/\?host=; Ctrl-C ends", running.stdout.readline()
    )
    assert begun
    port = int(begun[1])
    assert ask(port, "a.com")[0] == 200
    assert running.stdout.readline() == "asked for a.com: 200\n"

    hosts.write_text('{"a.com": "10.0.0.25", "b.com": "10.0.0.26"}')
    os.utime(hosts, (1, 1))
    assert "10.0.0.25" in ask(port, "a.com")[1]
    assert running.stdout.readline() == f"{hosts}: reread, 2 hosts\n"
    running.stdout.readline()

    hosts.write_text('{"a.com": "10.0.0.25",\n "b.com" "10.0.0.26"}')
    os.utime(hosts, (2, 2))
    assert ask(port, "b.com")[0] == 200
    assert running.stdout.readline().startswith(
        f"{hosts}: line 2, column 10: Expecting ':' delimiter; the last good hosts"
    )

    running.send_signal(SIGINT)
    assert running.wait(timeout=WAIT_S) == 0
