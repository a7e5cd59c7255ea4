"""
A small stand-in for curl, for machines that have none: the few options that the demo's lines use, the same exit codes.

Part of `mock`, which knows only the ground. A program of its own: `python -m starship.mock.visit -sS URL`. Blocks.
"""

from __future__ import annotations

import socket
import ssl
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Final
from urllib.parse import urlsplit

BODY_LIMIT_BYTES: Final = 2**20
REFUSED: Final = 7
TIMEOUT: Final = 28
TLS_FAILED: Final = 35
NO_REPLY: Final = 52
NOT_TRUSTED: Final = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch one URL and write it to the standard output; returns what curl's exit status would be."""
    wanted = _options().parse_args(arguments)
    try:
        sys.stdout.write(fetch(wanted))
    except ssl.SSLCertVerificationError as error:
        return _failed(NOT_TRUSTED, error)
    except ssl.SSLError as error:
        return _failed(TLS_FAILED, error)
    except TimeoutError as error:
        return _failed(TIMEOUT, error)
    except HTTPException as error:
        return _failed(NO_REPLY, error)
    except OSError as error:
        return _failed(REFUSED, error)
    return 0


def fetch(wanted: Namespace) -> str:
    """
    The answer as text, with its head where `--include` is given.

    Raises: OSError, of which TLS errors are a kind, and HTTPException.
    """
    url = urlsplit(wanted.url)
    host, secure = url.hostname or "", url.scheme == "https"
    port = url.port or (443 if secure else 80)
    overrides = {f"{name}:{at}": address for name, at, address in (text.split(":", 2) for text in wanted.resolve)}
    plain = socket.create_connection((overrides.get(f"{host}:{port}", host), port), timeout=wanted.max_time)
    connection = HTTPConnection(host, port)
    connection.sock = plain
    try:
        if secure:
            connection.default_port = 443
            connection.sock = ssl.create_default_context(cafile=wanted.cacert).wrap_socket(plain, server_hostname=host)
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("GET", target, headers={"Accept": "*/*", "User-Agent": "starship-visit"})
        response = connection.getresponse()
        body = response.read(BODY_LIMIT_BYTES).decode("utf-8", "replace")
        return (_head(response) if wanted.include else "") + body
    finally:
        connection.close()


def _head(response: HTTPResponse) -> str:
    lines = [f"HTTP/1.1 {response.status} {response.reason}", *(f"{key}: {it}" for key, it in response.getheaders())]
    return "\n".join([*lines, "", ""])


def _failed(code: int, error: Exception) -> int:
    sys.stderr.write(f"visit: ({code}) {error}\n")
    return code


def _options() -> ArgumentParser:
    parser = ArgumentParser(prog="visit", description="What curl would do, for the demo.")
    parser.add_argument("url")
    parser.add_argument("--resolve", action="append", default=[], metavar="HOST:PORT:ADDRESS")
    parser.add_argument("--cacert", metavar="FILE")
    parser.add_argument("--max-time", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("-i", "--include", action="store_true", help="show the head of the answer")
    parser.add_argument("-s", "-S", dest="quiet", action="store_true", help="no difference")
    return parser


if __name__ == "__main__":
    sys.exit(main())
