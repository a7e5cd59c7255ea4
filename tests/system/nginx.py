"""A cluster as tenants have it: nginx with its own certificate, on ports 80 and 443 of an address of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.clients import connect
from tests.e2e.world import WAIT_S, Certificates, until

_CONFIG = """
{process}
http {{
    access_log off;
    {temporary}
    client_max_body_size 0;
    sendfile on;
    default_type text/html;
    server {{
        listen {address}:80 default_server;
        listen {address}:443 ssl default_server;
        ssl_certificate {directory}/{first}.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate_key {directory}/{first}.key;
        location / {{ return 200 '<!doctype html><title>{title}</title><h1>{title}</h1><p>$host by $scheme\\n'; }}
        location /files/ {{ alias {directory}/files/; dav_methods PUT; }}
    }}
}}
"""


def its_process(directory: Path, connections: int = 1024) -> str:
    """What a configuration begins with: one process that stays in front, with its files in a directory."""
    files = f"pid {directory}/nginx.pid; error_log {directory}/error.log;"
    return f"daemon off; worker_processes 1; {files} events {{ worker_connections {connections}; }}"


def its_temporary_files(directory: Path) -> str:
    """What its `http` begins with: bodies that it keeps on disk are kept in the directory."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {directory}/{kind};" for kind in kinds)


@contextmanager
def nginx(directory: Path, address: str, certificates: Certificates, title: str, *names: str) -> Iterator[Path]:
    """Serve these names; gives the directory behind `/files/`, from which it reads and into which it puts."""
    files = directory / "files"
    files.mkdir(parents=True)
    certificates.context(*names)
    for suffix in ("pem", "key"):
        made = certificates.directory / f"{names[0]}.{suffix}"
        (directory / made.name).write_bytes(made.read_bytes())
    config = directory / "nginx.conf"
    parts = {"process": its_process(directory), "temporary": its_temporary_files(directory)}
    config.write_text(_CONFIG.format(directory=directory, address=address, first=names[0], title=title, **parts))
    for path in (directory, files):
        path.chmod(0o777)  # its workers are not root
    for parent in directory.parents:
        if parent != Path("/tmp") and parent.is_relative_to("/tmp"):
            parent.chmod(0o755)
    process = subprocess.Popen(["nginx", "-c", str(config), "-p", str(directory)], stderr=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or _listens(address), "nginx")
        assert process.poll() is None, (directory / "error.log").read_text()
        yield files
    finally:
        process.terminate()
        process.wait(WAIT_S)


def _listens(address: str) -> bool:
    try:
        connect(443, address).close()
    except ConnectionRefusedError:
        return False
    return True
