"""
The admin port of a running Starship, from outside: where it is, with which token, and one question at a time.

Part of cli, floor 8. Speaks HTTP by the standard library, over TCP or a unix socket.
"""

from __future__ import annotations

import json
import socket
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from attrs import field, frozen

from starship.config.endpoints import parse_listen
from starship.config.load import load
from starship.config.settings import Admin
from starship.config.values import Bad
from starship.errors import ConfigError, StarshipError

DEADLINE_S: Final = 30.0
"""For one answer: longer than a live question may take."""

CONFIG: Final = Path("/etc/starship/starship.ini")
UNUSABLE: Final = 2
"""The exit status where the admin port cannot be asked."""

TOKEN_LIMIT_BYTES: Final = 8192
EVERYWHERE: Final = {"inet": "127.0.0.1", "inet6": "::1"}


class WindowError(StarshipError):
    """The admin port cannot be asked, or would not answer. str(error) is for people."""


@frozen(kw_only=True)
class Answer:
    """What came back. `verdict` is explain's, empty elsewhere."""

    status: int
    text: str
    verdict: str

    @property
    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.text)


@frozen
class Window:
    """`place` is `http://HOST:PORT` or `unix:/PATH`."""

    place: str
    token: str | None = field(default=None, repr=False)

    def ask(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: bytes | None = None,
        accept: str = "application/json",
    ) -> Answer:
        """One request. Errors: WindowError where there is no answer, or one that says we may not ask."""
        headers = {"Accept": accept, "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = _connection(self.place)
        try:
            connection.request(method, path + ("?" + urlencode(query) if query else ""), body, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            raise WindowError(f"the admin port at {self.place} cannot be asked: {_why(error)}") from error
        finally:
            connection.close()
        if response.status in (401, 403):
            raise WindowError(f"the admin port at {self.place} refuses: {_error(text)}")
        return Answer(status=response.status, text=text, verdict=response.headers.get("Starship-Verdict", ""))

    def do(self, method: str, path: str, query: dict[str, str] | None = None, body: bytes | None = None) -> Any:
        """One request whose answer is JSON. Errors: WindowError, of a refused request too (4xx, 5xx)."""
        answer = self.ask(method, path, query, body)
        if answer.status >= 400:
            raise WindowError(_error(answer.text))
        return answer.json


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=DEADLINE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def add_window(parser: ArgumentParser) -> None:
    """The arguments that say which admin port is meant."""
    parser.add_argument("--admin", metavar="PLACE", help="http://127.0.0.1:9901 or unix:/run/starship/admin.sock")
    parser.add_argument("--token-file", metavar="FILE", type=Path, help="the token of [admin] token_file")
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help=f"the ini file that says both; without it {CONFIG}, where it is"
    )


def with_window(arguments: Namespace, run: Callable[[Window], int]) -> int:
    """Run something that asks the admin port; where that cannot be, say why and return UNUSABLE."""
    try:
        return run(find_window(arguments))
    except (WindowError, ConfigError) as error:
        print(f"starship: {error}", file=sys.stderr)
        return UNUSABLE


def find_window(arguments: Namespace) -> Window:
    """The admin port that is meant. Errors: WindowError, ConfigError."""
    admin = _configured(arguments)
    token_file = arguments.token_file or (admin.token_file if admin is not None else None)
    place = arguments.admin if arguments.admin is not None else place_of((admin or Admin()).endpoint)
    return Window(_checked(place), None if token_file is None else _token(token_file))


def place_of(endpoint: str) -> str:
    """Where an endpoint of the ini file is asked, on this machine. Errors: WindowError."""
    place = parse_listen(endpoint)
    if isinstance(place, Bad) or place.kind == "systemd" or (place.kind != "unix" and not place.port):
        raise WindowError(f"where {endpoint or 'no endpoint'} listens cannot be told from the ini file: say --admin")
    if place.kind == "unix":
        return f"unix:{place.where}"
    host = place.where or EVERYWHERE[place.kind]
    return f"http://[{host}]:{place.port}" if ":" in host else f"http://{host}:{place.port}"


def _configured(arguments: Namespace) -> Admin | None:
    """The [admin] section; None where nobody named a file and there is none."""
    path: Path | None = arguments.config
    if path is None and (arguments.admin is not None or not CONFIG.exists()):
        return None
    settings = load(path or CONFIG)
    if settings.admin is None and arguments.admin is None:
        raise WindowError("the ini file says that there is no admin port")
    return settings.admin


def _checked(place: str) -> str:
    parts = urlsplit(place)
    if place.startswith("unix:/"):
        return place
    try:
        fits = parts.scheme == "http" and parts.hostname and parts.port and parts.path in ("", "/") and not parts.query
    except ValueError:
        fits = False
    if not fits:
        raise WindowError(f"{place!r} is neither http://HOST:PORT nor unix:/PATH")
    return place.rstrip("/")


def _connection(place: str) -> HTTPConnection:
    if place.startswith("unix:"):
        return _UnixConnection(place.removeprefix("unix:"))
    parts = urlsplit(place)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=DEADLINE_S)


def _token(path: Path) -> str:
    try:
        with path.open("rb") as file:
            token = file.read(TOKEN_LIMIT_BYTES).strip().decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise WindowError(f"{path} cannot be read: {_why(error)}") from error
    if not token or not token.isprintable() or " " in token:
        raise WindowError(f"{path} does not hold a token: printable ASCII on one line")
    return token


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _error(text: str) -> str:
    """The words of a refusal: JSON or a line."""
    try:
        fields = json.loads(text)
    except ValueError:
        return text.strip() or "no words"
    return str(fields.get("error", fields)) if isinstance(fields, dict) else text.strip()
