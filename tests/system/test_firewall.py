"""The firewall of the install notes, loaded into a network of our own and tried from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.world import Cluster, http_hello, starship
from tests.system.namespaces import neighbour, network, nft
from tests.system.programs import run

pytestmark = pytest.mark.system

NOTES = (Path(__file__).parents[2] / "docs" / "install.md").read_text()
INI = """
[listener:http]
protocol = http
endpoint = tcp6:80
[admin]
endpoint = tcp:9901
[routes]
a.com = {cluster}
"""


def test_clients_reach_the_doors_and_not_the_admin_port(tmp_path: Path) -> None:
    rules = re.findall(r"^```nft\n(.*?)^```$", NOTES, re.MULTILINE | re.DOTALL)[0]
    with network(), neighbour("10.9.9.1", "10.9.9.2") as outside:
        nft(rules)
        cluster = Cluster(http_hello("cluster a")).start()
        with starship(tmp_path, INI.format(cluster=cluster.address)) as ship:
            client = ("nsenter", "--net", "--target", str(outside), "curl", "-sS", "-H", "Host: a.com")
            assert "cluster a" in run(*client, "http://10.9.9.1/").expect(0).out
            assert "timed out" in run(*client, "--max-time", "1", "http://10.9.9.1:9901/metrics").expect(28).err
            assert ship.get("/readyz")[0] == 200
            assert ship.ending(name="a.com")["client"].startswith("10.9.9.2:")
        cluster.stop()
