"""Much, and for long: a gibibyte each way, and websockets that live for a minute."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from websockets.sync.client import connect as connect_websocket
from websockets.sync.server import ServerConnection, serve

from tests.e2e.clients import connect
from tests.e2e.world import WAIT_S, Starship, until
from tests.system.conftest import Fleet
from tests.system.namespaces import CLUSTER_A, SHIP
from tests.system.programs import run

pytestmark = pytest.mark.system

GIB = 1 << 30
BLOCK = 1 << 20
GROWTH_LIMIT = 16 * BLOCK
DOORS = ("https", "http")


@contextmanager
def watched(ship: Starship) -> Iterator[list[int]]:
    """Resident memory of the process in bytes, ten times a second, the first value from before."""
    samples = [ship.resident()]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            samples.append(ship.resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield samples
    finally:
        over.set()
        watcher.join()


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture(scope="module")
def gibibyte(place: Path) -> Iterator[Path]:
    """A file of 1 GiB that no compression and no repetition makes easy."""
    path, random = place / "gibibyte", Random(1)
    with path.open("wb") as file:
        for _ in range(GIB // BLOCK):
            file.write(random.randbytes(BLOCK))
    path.chmod(0o644)
    yield path
    path.unlink()


def curl(fleet: Fleet, url: str, *options: str) -> tuple[str, ...]:
    resolve = [word for port in (80, 443) for word in ("--resolve", f"a.com:{port}:{SHIP}")]
    return ("curl", "-sS", "--fail", "--noproxy", "*", "--cacert", fleet.ca, *resolve, *options, url)


@pytest.mark.parametrize("scheme", DOORS)
def test_s13_a_gibibyte_arrives_as_it_was_each_way_in_flat_memory(
    fleet: Fleet, gibibyte: Path, scheme: str, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = digest(gibibyte)
    served, put = fleet.files_a / f"served-{scheme}", fleet.files_a / f"put-{scheme}"
    served.hardlink_to(gibibyte)
    url = f"{scheme}://a.com/files"
    run(*curl(fleet, f"{scheme}://a.com/")).expect(0)  # what a first connection allocates is no growth
    with watched(fleet.ship) as samples:
        began = time.monotonic()
        down = subprocess.Popen(curl(fleet, f"{url}/{served.name}"), stdout=subprocess.PIPE)
        assert down.stdout is not None
        got = hashlib.file_digest(down.stdout, "sha256").hexdigest()  # type: ignore[arg-type]  # it has readinto
        down.stdout.close()
        assert down.wait(300) == 0
        turned = time.monotonic()
        run(*curl(fleet, f"{url}/{put.name}", "--upload-file", str(gibibyte)), seconds=900).expect(0)
        ended = time.monotonic()
    assert got == expected
    assert digest(put) == expected
    growth = max(samples) - samples[0]
    with capsys.disabled():
        print(f"\n1 GiB by {scheme}: {GIB / (turned - began) / 1e6:.0f} MB/s to the client, ", end="")
        print(f"{GIB / (ended - turned) / 1e6:.0f} MB/s from it; resident {samples[0] >> 10} KiB, ", end="")
        print(f"at most {growth >> 10} KiB more in {len(samples)} samples")
    assert growth < GROWTH_LIMIT
    until(lambda: any(one["in"] > GIB and one["door"] == scheme for one in fleet.ship.endings()), "its line")
    put.unlink()
    served.unlink()


MINUTE_S = 60.0
PAUSE_S = 0.5


@contextmanager
def websocket_echo(port: int, context: ssl.SSLContext | None) -> Iterator[None]:
    """A websocket server of its own beside the cluster's nginx."""

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(echo, CLUSTER_A, port, ssl=context, open_timeout=WAIT_S) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield
        server.shutdown()
        serving.join()


def talk(port: int, url: str, context: ssl.SSLContext | None) -> int:
    """Send and hear back for a minute; the number of messages."""
    plain = connect(port, SHIP)
    messages, random = 0, Random(port)
    with connect_websocket(url, sock=plain, ssl=context, open_timeout=WAIT_S) as websocket:
        end = time.monotonic() + MINUTE_S
        while time.monotonic() < end:
            message = random.randbytes(messages * 100 % 70000)
            websocket.send(message)
            assert websocket.recv(WAIT_S) == message
            messages += 1
            time.sleep(PAUSE_S)
    return messages


def test_s13_websockets_through_both_doors_live_for_a_minute(fleet: Fleet) -> None:
    fleet.api.hosts["ws.com"] = {"app": "W", "host": "ws.com", "endpoint": f"{CLUSTER_A}:9443"}
    fleet.api.hosts["plain-ws.com"] = {"app": "W", "host": "plain-ws.com", "endpoint": f"{CLUSTER_A}:9080"}
    trusting = ssl.create_default_context(cafile=fleet.ca)
    messages: dict[str, int] = {}

    def keep(door: str, conversation: Callable[[], int]) -> threading.Thread:
        thread = threading.Thread(target=lambda: messages.update({door: conversation()}))
        thread.start()
        return thread

    with websocket_echo(9443, fleet.certificates.context("ws.com")), websocket_echo(9080, None):
        for conversation in (
            keep("https", lambda: talk(443, "wss://ws.com/", trusting)),
            keep("http", lambda: talk(80, "ws://plain-ws.com/", None)),
        ):
            conversation.join()
    for door, name in {"https": "ws.com", "http": "plain-ws.com"}.items():
        assert messages[door] > MINUTE_S / PAUSE_S / 4  # of a busy machine, too
        ending = fleet.ship.ending(name=name, door=door)
        assert ending["reason"] == "ok"
        assert ending["t"] > MINUTE_S
