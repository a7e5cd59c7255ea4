"""The demo as a newcomer runs it: a program of its own that plays its lines, or stays until Ctrl-C."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from signal import SIGINT

import pytest

from starship.mock.demo import Plan, based
from starship.mock.world import PlaceTaken, check_places

LINES = 8
LONG_S = 180.0


@pytest.fixture
def base() -> int:
    """
    The first of four ports that are free on every address of the demo.

    Not of those that the kernel gives: of four of these in a row one is hardly ever free where thousands were in use.
    Drawn anew each time, so that two runs beside each other do not begin at the same place.
    """
    for port in Random().sample(range(10_000, 32_000, 4), 50):
        try:
            check_places(based(Plan(directory=Path()), port))
        except PlaceTaken:
            continue
        return port
    raise AssertionError("no four free ports in a row")


def command(base: int, *options: str) -> list[str]:
    return [sys.executable, "-m", "starship.cli", "demo", "--port-base", str(base), *options]


def test_the_demo_plays_its_lines_as_promised(base: int) -> None:
    """S1, S2, S3, S4, S9, S10, S12, S15."""
    played = subprocess.run(command(base, "--once"), capture_output=True, text=True, timeout=LONG_S, check=False)
    assert played.stdout.count("✓ as promised") == LINES, played.stdout + played.stderr
    assert f"{LINES} of {LINES} lines as promised" in played.stdout
    assert (played.returncode, played.stderr) == (0, "")


def test_a_host_is_looked_up_once_for_both_doors(base: int) -> None:
    """S5: b.com is visited over TLS and HTTP, and the API is asked once."""
    played = subprocess.run(command(base, "--once"), capture_output=True, text=True, timeout=LONG_S, check=False)
    assert played.stdout.count("api: asked for b.com: 200") == 1


def test_without_curl_the_demo_plays_its_lines_all_the_same(base: int) -> None:
    played = subprocess.run(
        command(base, "--once"),
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
        env={**os.environ, "PATH": ""},
    )
    assert f"{LINES} of {LINES} lines as promised" in played.stdout, played.stdout + played.stderr
    assert "$ curl" not in played.stdout
    assert played.returncode == 0


@pytest.fixture
def staying(base: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command(base), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_demo_stays_shows_its_access_log_and_ends_cleanly(staying: subprocess.Popen[str], base: int) -> None:
    assert staying.stdout
    for line in staying.stdout:
        if "Ctrl-C ends" in line:
            break
    connection = HTTPConnection("127.0.0.1", base + 1, timeout=LONG_S)
    connection.request("GET", "/", headers={"Host": "a.com"})
    assert b"Cluster north" in connection.getresponse().read()
    connection.close()
    shown = []
    for line in staying.stdout:
        shown.append(line)
        if "a.com" in line and "carried" in line:
            break
    assert "carried" in shown[-1]
    staying.send_signal(SIGINT)
    rest = staying.communicate(timeout=LONG_S)[0]
    assert "Traceback" not in "".join(shown) + rest
    assert staying.returncode == 0
