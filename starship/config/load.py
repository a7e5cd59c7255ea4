"""
An ini file -> frozen Settings, or every mistake in it at once.

The door of `config`: the rest of the house calls `load` and catches ConfigError. `ini` knows the grammar, `keys` each
key, `crosscheck` what keys mean together.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import define, field

from starship.addresses import POOL_NAMES, is_pool_name
from starship.config import keys, settings
from starship.config.crosscheck import Found, crosscheck
from starship.config.files import read_bounded
from starship.config.homes import read_endpoints
from starship.config.hosts import HostKey, read_key
from starship.config.ini import Section, read
from starship.config.values import Bad
from starship.errors import ConfigError, Mistake
from starship.paths import ordered
from starship.words import Endpoints, PathRule, PoolName

FILE_LIMIT_BYTES: Final = 16 * 1024 * 1024

_LISTENER_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def load(path: Path) -> settings.Settings:
    """Read the file. Raises ConfigError with all mistakes, and nothing else; listens to nothing, asks nobody."""
    raw = read_bounded(path, FILE_LIMIT_BYTES)
    if isinstance(raw, Bad):
        raise ConfigError((Mistake(file=str(path), line=0, allowed=raw.allowed),))
    return parse(raw, str(path), path.parent)


def parse(raw: bytes, file: str, base: Path) -> settings.Settings:
    """Read what stands in a file: `file` its name in mistakes, `base` where relative paths start. Raises as `load`."""
    sections, mistakes = read(raw, file)
    reader = _Reader(file, base, list(mistakes))
    for section in sections:
        reader.section(section)
    reader.mistakes.extend(crosscheck(reader.found, file))
    if reader.mistakes:
        raise ConfigError(tuple(sorted(reader.mistakes, key=lambda mistake: mistake.line)))
    return _settings(reader.found)


@define(eq=False)
class _Reader:
    """Reads sections one by one, and keeps what was found and what was wrong."""

    file: str
    base: Path
    mistakes: list[Mistake]
    found: dict[str, Found] = field(factory=dict)

    def section(self, section: Section) -> None:
        known = keys.SECTIONS.get(section.name)
        if section.name.startswith(keys.POOLS):
            known = keys.POOL
            if not is_pool_name(section.name.removeprefix(keys.POOLS)):
                self._wrong(section, 0, "", None, f"{POOL_NAMES} after {keys.POOLS}")
        if section.name.startswith(keys.LISTENER):
            known = keys.DOOR
            name = section.name.removeprefix(keys.LISTENER)
            if not _LISTENER_NAME.fullmatch(name):
                self._wrong(section, 0, "", None, "a name of 1 to 64 letters, digits, _ . or - after listener:")
        if known is None:
            self._wrong(section, 0, "", None, f"a known section{_suggest(section.name, keys.SECTIONS)}")
            return
        found = self.found[section.name] = Found(section.name, section.line, known)
        if known is keys.ROUTES:
            self._routes(section, found)
        else:
            self._keys(section, known, found)

    def _keys(self, section: Section, known: keys.Section, found: Found) -> None:
        for entry in section.entries:
            key = known.keys.get(entry.key)
            if key is None:
                allowed = f"a key of this section{_suggest(entry.key, known.keys)}"
                self._wrong(section, entry.line, entry.key, None, allowed)
                continue
            found.lines[key.name] = entry.line
            found.texts[key.name] = entry.value
            value = key.kind.read(entry.value, self.base)
            if isinstance(value, Bad):
                shown = None if key.hidden else entry.value
                self._wrong(section, entry.line, entry.key, shown, value.allowed)
                found.bad.add(key.name)
            else:
                found.values[key.attribute] = value
        for key in known.keys.values():
            if key.default is attrs.NOTHING and key.name not in found.lines:
                self._wrong(section, 0, key.name, None, f"this key, for example {key.name} = {key.example}")
                found.bad.add(key.name)

    def _routes(self, section: Section, found: Found) -> None:
        table = _Table()
        for entry in section.entries:
            key = read_key(entry.key)
            value = read_endpoints(entry.value, self.base)
            if isinstance(value, Bad):
                self._wrong(section, entry.line, entry.key, entry.value, value.allowed)
            if isinstance(key, Bad):
                self._wrong(section, entry.line, entry.key, None, key.allowed)
                continue
            place = key.name if key.path is None else f"{key.name}{key.path} ({key.kind})"
            if place in found.lines:
                what = "host" if key.path is None else "path"
                allowed = f"each {what} once; {place} is on line {found.lines[place]}"
                self._wrong(section, entry.line, entry.key, None, allowed)
            else:
                found.lines[place] = entry.line
                if not isinstance(value, Bad):
                    found.homes[place] = value
                    table.add(key, value)
        found.values.update(table.values())

    def _wrong(self, section: Section, line: int, key: str, shown: str | None, allowed: str) -> None:
        self.mistakes.append(
            Mistake(
                file=self.file,
                line=line or section.line,
                section=section.name,
                key=key,
                found=shown,
                allowed=allowed,
            )
        )


@define(eq=False)
class _Table:
    """The hosts of `[routes]`, as the lines for them and for their paths come."""

    routes: dict[str, Endpoints] = field(factory=dict)
    paths: dict[str, list[PathRule]] = field(factory=dict)
    redirected: set[str] = field(factory=set)

    def add(self, key: HostKey, home: Endpoints) -> None:
        if key.path is None:
            self.routes[key.name] = home
            if key.redirect:
                self.redirected.add(key.name)
            return
        self.routes.setdefault(key.name, ())
        pool = home if isinstance(home, PoolName) else None
        upstreams = () if isinstance(home, PoolName) else home
        rule = PathRule(path=key.path, kind=key.kind, upstreams=upstreams, pool=pool, rewrite=key.rewrite)
        self.paths.setdefault(key.name, []).append(rule)

    def values(self) -> dict[str, Any]:
        """By the fields of the settings."""
        return {
            "routes": self.routes,
            "paths": {name: ordered(rules) for name, rules in self.paths.items()},
            "redirected": frozenset(self.redirected),
        }


def _suggest(word: str, known: Iterable[str]) -> str:
    """`; did you mean timeout?`, or all of what is known where nothing is near."""
    names = list(known)
    near = difflib.get_close_matches(word[:64].lower(), names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f": {', '.join(names)}"


def _settings(found: dict[str, Found]) -> settings.Settings:
    """Sections without a mistake -> Settings."""

    def values(section: keys.Section) -> dict[str, Any]:
        return found[section.title].values if section.title in found else {}

    admin = settings.Admin(**values(keys.ADMIN))
    return settings.Settings(
        listeners=tuple(
            settings.Listener(name=name.removeprefix(keys.LISTENER), **section.values)
            for name, section in found.items()
            if section.known is keys.DOOR
        ),
        lookup=settings.Lookup(**values(keys.LOOKUP)) if keys.LOOKUP.title in found else None,
        **values(keys.ROUTES),
        cache=settings.Cache(**values(keys.CACHE)),
        names=settings.Names(**values(keys.NAMES)),
        shadow=settings.Shadow(**values(keys.SHADOW)) if keys.SHADOW.title in found else None,
        upstream=settings.Dialling(**values(keys.UPSTREAM)),
        pools=_pools(found, values(keys.UPSTREAM)),
        limits=settings.Limits(**values(keys.LIMITS)),
        http=settings.Http(**values(keys.HTTP)),
        pages=settings.Pages(**values(keys.PAGES)),
        access_log=settings.AccessLog(**values(keys.ACCESS_LOG)),
        admin=admin if admin.endpoint else None,
        **values(keys.STARSHIP),
    )


def _pools(found: dict[str, Found], upstream: dict[str, Any]) -> dict[str, settings.Pool]:
    """By their names; what one leaves out is as the section of all has it."""
    shared = {key.attribute for key in keys.POOL.keys.values() if key.inherits}
    inherited = {attribute: value for attribute, value in upstream.items() if attribute in shared}
    pools: dict[str, settings.Pool] = {}
    for title, section in found.items():
        if section.known is keys.POOL:
            name = title.removeprefix(keys.POOLS)
            pools[name] = settings.Pool(**{**inherited, **section.values, "name": name})
    return pools
