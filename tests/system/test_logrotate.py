"""The example for logrotate, run by logrotate itself on a service that is busy."""

from __future__ import annotations

import json
import os
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.clients import page
from tests.e2e.world import Cluster, http_hello, starship, until
from tests.system.namespaces import network
from tests.system.programs import run

pytestmark = pytest.mark.system

EXAMPLE = (Path(__file__).parents[2] / "etc" / "logrotate").read_text()
INI = """
[listener:http]
protocol = http
endpoint = tcp:80:interface=127.0.0.1
[routes]
a.com = {cluster}
"""

SYSTEMCTL = """#!/bin/sh
# Stands in for systemd's: there is one service.
[ "$*" = "kill --signal=USR1 --kill-whom=main starship.service" ] && exec kill -USR1 {pid}
"""


def config(directory: Path, log: Path) -> Path:
    """The example, for this log."""
    text = EXAMPLE.replace("/var/log/starship/access.log", str(log)).replace("su starship starship", "su root root")
    path = directory / "logrotate.conf"
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_logrotate_understands_the_example(tmp_path: Path) -> None:
    checked = run("logrotate", "--debug", str(config(tmp_path, tmp_path / "access.log"))).expect(0)
    assert "error" not in checked.said


def test_a_busy_service_loses_no_line_when_its_log_is_rotated(place: Path) -> None:
    directory = place / "rotated"
    with network():
        cluster = Cluster(http_hello("cluster a")).start()
        with starship(directory, INI.format(cluster=cluster.address)) as ship:
            log = ship.access_log
            rotate = ("logrotate", "--force", f"--state={directory}/state", str(config(directory, log)))
            systemctl = directory / "bin" / "systemctl"
            systemctl.parent.mkdir()
            systemctl.write_text(SYSTEMCTL.format(pid=ship.process.pid))
            systemctl.chmod(0o755)
            environment = {"PATH": f"{systemctl.parent}:{os.environ['PATH']}"}

            visits = Visits()
            visits.start()
            for rotated in (1, 2):
                until(partial(holds_lines, log), "lines in the current file")
                run(*rotate, environment=environment).expect(0)
                until(log.exists, f"the new file after rotation {rotated}")
            until(partial(holds_lines, log), "lines in the current file")
            visits.over.set()
            visits.join()
            kept = until(lambda: (lines := all_lines(log)) and len(lines) >= visits.made and lines, "all lines")
        assert len({json.loads(line)["id"] for line in kept}) == len(kept) == visits.made
        cluster.stop()


class Visits(threading.Thread):
    """Asks for a page again and again; `made` counts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.made = 0

    def run(self) -> None:
        while not self.over.is_set():
            page(80, "a.com")
            self.made += 1


def holds_lines(log: Path) -> bool:
    return log.exists() and log.stat().st_size > 0


def all_lines(log: Path) -> list[str]:
    """Of the log, of its last predecessor and of the one before, which is compressed."""
    whole = log.read_text().rpartition("\n")[0]  # one may be half written
    texts = [whole + "\n" if whole else "", log.with_suffix(".log.1").read_text()]
    return [*run("zcat", str(log.with_suffix(".log.2.gz"))).expect(0).out.splitlines(), *"".join(texts).splitlines()]
