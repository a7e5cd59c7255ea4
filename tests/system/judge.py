"""nginx as the judge of what an upstream was asked: it reads each request to its end and writes it into a log."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from attrs import define

from benchmarks.wire.ports import free_ports
from tests.e2e.world import WAIT_S, until
from tests.system.nginx import its_process, its_temporary_files

_CONFIG = """
{process}
http {{
    log_format seen escape=json '{{"host":"$http_host","method":"$request_method","uri":"$request_uri",'
        '"body":"$request_body","status":$status,"line":"$request","framing":"$http_content_length$http_transfer_encoding",'
        '"client":"$http_x_forwarded_for"}}';
    {temporary}
    client_max_body_size 0;
    client_body_buffer_size 256k;
    keepalive_requests 100000;
    large_client_header_buffers 8 32k;
    server {{
        listen 127.0.0.1:{port} default_server backlog=2048;
        client_header_timeout 60s;
        client_body_timeout 60s;
        keepalive_timeout 300s;
        {asked}
    }}
    server {{
        listen 127.0.0.1:{brief_port} default_server backlog=2048;
        client_header_timeout 4s;
        client_body_timeout 4s;
        keepalive_timeout 4s;
        {asked}
    }}
    server {{
        listen unix:{directory}/answers.sock;
        access_log off;
        add_header X-Seen "$request_method $request_uri" always;
        location / {{ return 200 "seen\\n"; }}
    }}
}}
"""
_ASKED = """access_log {directory}/seen.log seen;
        location / {{
            proxy_pass http://unix:{directory}/answers.sock;
            proxy_set_header Host $http_host;
        }}"""


class Seen(NamedTuple):
    """A request as nginx took it; `status` other than 200: it did not like it, or never had all of it."""

    host: str
    method: str
    uri: str
    body: str
    status: int
    line: str


@define(eq=False)
class Judge:
    """A running one. `port` is where it is asked; at `brief_port` it waits a few seconds for what does not come."""

    directory: Path
    port: int
    brief_port: int

    def seen(self) -> list[Seen]:
        """Every request so far, in the order of their ends."""
        log = self.directory / "seen.log"
        lines = log.read_text(errors="replace").split("\n")[:-1] if log.exists() else []  # one may be half written
        entries = [json.loads(line, strict=False) for line in lines]
        return [Seen(*(entry[field] for field in Seen._fields)) for entry in entries]


@contextmanager
def judge(directory: Path) -> Iterator[Judge]:
    directory.mkdir(parents=True)
    directory.chmod(0o777)  # its workers are not root
    port, brief_port = islice(free_ports(), 2)
    config = directory / "nginx.conf"
    asked = _ASKED.format(directory=directory)
    parts = {"process": its_process(directory, 4096), "temporary": its_temporary_files(directory), "asked": asked}
    config.write_text(_CONFIG.format(directory=directory, port=port, brief_port=brief_port, **parts))
    process = subprocess.Popen(["nginx", "-c", str(config), "-p", str(directory)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or _listens(port), "nginx")
        assert process.poll() is None, (directory / "error.log").read_text()
        yield Judge(directory, port, brief_port)
    finally:
        process.terminate()
        process.wait(WAIT_S)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
