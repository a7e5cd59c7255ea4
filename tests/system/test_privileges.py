"""Ports below 1024 without staying root: by twistd's own change of user, or by one capability."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clients import page
from tests.e2e.world import Cluster, Starship, http_hello, starship, twistd
from tests.system.namespaces import network, open_to_all
from tests.system.programs import run

pytestmark = pytest.mark.system

NOBODY = 65534
BIND = 1 << 10  # CAP_NET_BIND_SERVICE, capability(7)
INI = """
[listener:http]
protocol = http
endpoint = tcp:80:interface=127.0.0.1
[routes]
a.com = {cluster}
"""


@pytest.fixture
def ini() -> Iterator[str]:
    with network():
        cluster = Cluster(http_hello("cluster a")).start()
        yield INI.format(cluster=cluster.address)
        cluster.stop()


@pytest.fixture
def theirs(place: Path, request: pytest.FixtureRequest) -> Path:
    """A directory that belongs to an ordinary user."""
    directory = place / str(request.node.name)
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    return directory


def status(ship: Starship, field: str) -> list[int]:
    """Numbers of the process's status; capabilities are hexadecimal."""
    text = Path(f"/proc/{ship.process.pid}/status").read_text()
    words = re.findall(rf"^{field}:\s+(.*)$", text, re.MULTILINE)[0].split()
    return [int(word, 16 if field.startswith("Cap") else 10) for word in words]


def test_root_binds_port_80_and_then_serves_as_an_ordinary_user(ini: str, theirs: Path, place: Path) -> None:
    flags = (f"--uid={NOBODY}", f"--gid={NOBODY}")
    with starship(theirs, ini, prefix=open_to_all(place / "view"), flags=flags) as ship:
        assert page(80, "a.com")[0] == 200
        assert status(ship, "Uid") == status(ship, "Gid") == [NOBODY] * 4
        assert status(ship, "Groups") == [NOBODY]
        assert status(ship, "CapEff") == status(ship, "CapPrm") == [0]
        assert ship.ending(name="a.com")["reason"] == "ok"
        assert ship.access_log.stat().st_uid == NOBODY


def test_an_ordinary_user_with_one_capability_binds_port_80(ini: str, theirs: Path, place: Path) -> None:
    user = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs")
    capability = ("--inh-caps=-all,+net_bind_service", "--ambient-caps=-all,+net_bind_service")
    only = ("--bounding-set=-all,+net_bind_service",)
    with starship(theirs, ini, prefix=(*open_to_all(place / "view"), "setpriv", *user, *capability, *only)) as ship:
        assert page(80, "a.com")[0] == 200
        assert status(ship, "Uid") == [NOBODY] * 4
        assert status(ship, "CapEff") == status(ship, "CapBnd") == [BIND]
        assert status(ship, "NoNewPrivs") == [1]


def test_an_ordinary_user_without_it_is_told_in_one_line(ini: str, theirs: Path, place: Path) -> None:
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all")
    config = theirs / "starship.ini"
    config.write_text(ini)
    command = twistd("--nodaemon", "--pidfile=", "starship", "--config", str(config))
    refused = run(*open_to_all(place / "view"), *user, *command, directory=theirs).expect(1)
    assert refused.said.endswith("starship: cannot listen on 127.0.0.1:80: Permission denied\n")
    assert "Traceback" not in refused.said
