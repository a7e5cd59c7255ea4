"""
The routes that Starship knows at its start: a snapshot, as its last run would have left it.

Part of the benchmarks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from zlib import crc32

from starship.names import Hostname
from starship.route.contract import read_route
from starship.route.fields import parse_object
from starship.route.lines import head, line_of, tail
from starship.route.store import Entry


def write_routes(path: Path, homes: Mapping[str, Sequence[str]]) -> None:
    """Write a snapshot: the endpoints (ip:port) of each name, for ever."""
    checksum = 0
    with path.open("wb") as file:
        file.write(head(time.time()))
        for name, endpoints in homes.items():
            line = line_of(_entry(name, endpoints), shift=0.0)
            checksum = crc32(line, checksum)
            file.write(line)
        file.write(tail(len(homes), checksum))


def _entry(name: str, endpoints: Sequence[str]) -> Entry:
    answer = json.dumps({"endpoints": [{"address": endpoint} for endpoint in endpoints]})
    route = read_route(Hostname(name), parse_object(answer.encode()))
    return Entry(name=name, answer=route, born=0.0, refresh=inf, expires=inf, forgotten=inf, size=0)
