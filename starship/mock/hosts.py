"""
The hosts file of the mock API: which name lives where, reread whenever it changes.

Part of `mock`, which knows only the ground. Knows files and JSON, not HTTP.

    {"a.com": "10.0.0.24",
     "b.com": {"app": "B", "endpoint": "10.0.0.25:8443", "ttl": 30},
     "*.shop.com": {"endpoint": "10.0.0.26", "headers": {"Cache-Control": "max-age=5"}},
     "broken.com": {"endpoint": "10.0.0.27", "fault": "status:503"}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen
from twisted.logger import Logger

from starship.errors import StarshipError
from starship.mock.faults import Fault, fault
from starship.names import BadName, Hostname, covers, from_text

RESERVED: Final = ("fault", "headers")
"""Fields of an entry that tell the mock how to answer; all others are part of the answer."""


class BadHosts(StarshipError):
    """The hosts file cannot be understood. str(error) says where and why."""


@frozen(kw_only=True)
class Entry:
    """What is answered for a name: JSON fields as written, response headers, and a fault if it is to fail."""

    fields: Mapping[str, Any]
    headers: Mapping[str, str] = field(factory=dict)
    fault: Fault | None = None


Hosts = Mapping[str, Entry]
"""Entries by canonical name or `*.` wildcard."""


def find(hosts: Hosts, name: Hostname) -> Entry | None:
    """The entry of a name: its own, or that of the longest wildcard which covers it."""
    if exact := hosts.get(name):
        return exact
    wildcards = [pattern for pattern in hosts if pattern.startswith("*.") and covers(pattern, name)]
    return hosts[max(wildcards, key=len)] if wildcards else None


def parse(text: str) -> Hosts:
    """
    Read a hosts file.

    Raises: BadHosts, with line and column where it is not JSON, and the name of the entry where it is not an entry.
    """
    try:
        written = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise BadHosts(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise BadHosts("it is nested too deeply") from error
    if not isinstance(written, dict):
        raise BadHosts('it must be one object: {"name": {"endpoint": "address"}, ...}')
    return {_pattern(name): _entry(name, value) for name, value in written.items()}


def entries(written: Mapping[str, object]) -> Hosts:
    """The same from values: `{"a.com": "10.0.0.24"}`. Raises: BadHosts."""
    return parse(json.dumps(written))


@define(eq=False)
class HostsFile:
    """
    A hosts file, reread when it changes; a broken one is reported once and the last good one kept.

    Raises: BadHosts when the first reading fails.
    """

    path: Path
    _hosts: Hosts = field(init=False)
    _seen: tuple[int, ...] = field(init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._seen = self._signature()
        self._hosts = self._read()

    def __call__(self) -> Hosts:
        """The hosts as the file has them now."""
        seen = self._signature()
        if seen != self._seen:
            self._seen = seen
            try:
                self._hosts = self._read()
            except BadHosts as error:
                self._log.warn("{why}; the last good hosts stay in use", why=str(error))
            else:
                self._log.info("{path}: reread, {count} hosts", path=str(self.path), count=len(self._hosts))
        return self._hosts

    def _signature(self) -> tuple[int, ...]:
        try:
            found = self.path.stat()
        except OSError:
            return ()
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _read(self) -> Hosts:
        try:
            return parse(self.path.read_text(encoding="utf-8"))
        except BadHosts as error:
            raise BadHosts(f"{self.path}: {error}") from error
        except OSError as error:
            raise BadHosts(f"{self.path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise BadHosts(f"{self.path}: it is not UTF-8 text") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise BadHosts(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _pattern(text: str) -> str:
    wild, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    spelled = from_text(name)
    if isinstance(spelled, BadName):
        raise BadHosts(f"{text!r}: {spelled.why}")
    return wild + spelled


def _entry(name: str, value: object) -> Entry:
    match value:
        case str():
            return Entry(fields={"app": name, "endpoint": value})
        case dict():
            fields = {"app": name, **{key: what for key, what in value.items() if key not in RESERVED}}
            return Entry(fields=fields, headers=_headers(name, value), fault=_fault(name, value))
        case _:
            raise BadHosts(f"{name!r}: wants an address or an object, not {json.dumps(value)[:40]}")


def _headers(name: str, value: Mapping[str, object]) -> Mapping[str, str]:
    headers = value.get("headers", {})
    if isinstance(headers, dict) and all(isinstance(text, str) and text.isprintable() for text in headers.values()):
        return headers
    raise BadHosts(f'{name!r}: headers wants an object of texts: {{"Cache-Control": "max-age=5"}}')


def _fault(name: str, value: Mapping[str, object]) -> Fault | None:
    if "fault" not in value:
        return None
    try:
        return fault(str(value["fault"]))
    except ValueError as error:
        raise BadHosts(f"{name!r}: {error}") from error
