"""The routes that Starship starts with are a snapshot as it would write one."""

from __future__ import annotations

from math import inf
from pathlib import Path

from benchmarks.wire.routes import write_routes
from starship.route.lines import read_lines


def test_each_name_is_known_for_ever_with_all_its_endpoints(tmp_path: Path) -> None:
    path = tmp_path / "routes"
    write_routes(path, {"a.test": ["127.0.2.1:80"], "b.test": ["127.0.2.2:80", "127.0.2.3:80"]})
    with path.open("rb") as file:
        lines = list(read_lines(file))
    assert {line.name: [str(one) for one in line.route.upstreams] for line in lines} == {
        "a.test": ["127.0.2.1:80"],
        "b.test": ["127.0.2.2:80", "127.0.2.3:80"],
    }
    assert all(line.expires == line.forgotten == inf for line in lines)
