"""
What keys mean together: mistakes that no key has alone. Pure but for the certificate and key, which are read as a pair.

Part of `config`. A key that is wrong by itself takes no part: each mistake is told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field

from starship.config import keys
from starship.config.endpoints import Place, parse_listen
from starship.config.files import why_no_pair
from starship.config.values import Bad, show_duration
from starship.errors import Mistake


@define(eq=False)
class Found:
    """
    One section as it was read.

    `values` by the name of the settings' field; `lines` of the keys that stand in the file; `bad` keys had a mistake.
    """

    name: str
    line: int
    known: keys.Section
    values: dict[str, Any] = field(factory=dict)
    lines: dict[str, int] = field(factory=dict)
    bad: set[str] = field(factory=set)

    def value(self, key: str) -> Any:
        """The key's value or default; None also where it had a mistake of its own."""
        if key in self.bad:
            return None
        row = self.known.keys[key]
        return self.values.get(row.attribute, row.default)

    def mistake(self, file: str, key: str, allowed: str, found: str | None = None) -> Mistake:
        """A mistake at the key, or at the section where the key is left to its default."""
        line = self.lines.get(key, self.line)
        return Mistake(file=file, line=line, section=self.name, key=key, found=found, allowed=allowed)


def crosscheck(found: dict[str, Found], file: str) -> Iterator[Mistake]:
    """Every mistake of keys together, in no order."""
    yield from _presence(found, file)
    yield from _places(found, file)
    if keys.LOOKUP.title in found:
        yield from _lookup(found[keys.LOOKUP.title], file)
    if keys.CACHE.title in found:
        yield from _not_shorter(found[keys.CACHE.title], file, "max_ttl", "min_ttl")
        yield from _not_shorter(found[keys.CACHE.title], file, "max_error_ttl", "error_ttl")
    if keys.SHADOW.title in found and keys.LOOKUP.title not in found:
        yield found[keys.SHADOW.title].mistake(file, "url", "a section [lookup] that it is compared with")
    if keys.UPSTREAM.title in found:
        yield from _not_shorter(found[keys.UPSTREAM.title], file, "dial_timeout", "connect_timeout")


def _presence(found: dict[str, Found], file: str) -> Iterator[Mistake]:
    if not any(section.known is keys.DOOR for section in found.values()):
        yield Mistake(file=file, line=0, allowed="at least one section [listener:NAME]")
    routes = found.get(keys.ROUTES.title)
    if keys.LOOKUP.title not in found and (routes is None or not routes.lines):
        yield Mistake(file=file, line=0, allowed="a section [lookup] with a url, or [routes] with a host, or both")


def _places(found: dict[str, Found], file: str) -> Iterator[Mistake]:
    """Two that want the same place: the later one is the mistake."""
    taken: list[tuple[Place, str]] = []
    for section, endpoint in _endpoints(found):
        place = parse_listen(endpoint)
        if isinstance(place, Bad):
            continue
        holder = next((holder for other, holder in taken if place.clashes(other)), None)
        if holder is not None:
            yield section.mistake(file, "endpoint", f"a place of its own: {holder} listens there", endpoint)
        taken.append((place, f"line {section.lines['endpoint']}" if section.lines else "[admin]"))


def _endpoints(found: dict[str, Found]) -> Iterator[tuple[Found, str]]:
    """Listening endpoints by their lines in the file; an admin endpoint that nobody wrote comes first."""
    window = found.get(keys.ADMIN.title) or Found(keys.ADMIN.title, 0, keys.ADMIN)
    sections = [section for section in found.values() if section.known is keys.DOOR]
    for section in sorted([window, *sections], key=lambda section: section.lines.get("endpoint", 0)):
        value = section.value("endpoint")
        for endpoint in (value,) if isinstance(value, str) else value or ():
            if endpoint:
                yield section, endpoint


def _lookup(lookup: Found, file: str) -> Iterator[Mistake]:
    yield from _not_shorter(lookup, file, "timeout", "connect_timeout")
    url = lookup.value("url")
    if url is not None and url.lower().startswith("http:"):
        for key in ("ca_file", "client_certificate", "client_key"):
            if key in lookup.lines:
                yield lookup.mistake(file, key, "an https url for this key to be of use")
    for key, other in (("client_key", "client_certificate"), ("client_certificate", "client_key")):
        if key in lookup.lines and other not in lookup.lines:
            yield lookup.mistake(file, key, f"{other} beside it")
    certificate, key_file = lookup.value("client_certificate"), lookup.value("client_key")
    if certificate is not None and key_file is not None:
        why = why_no_pair(certificate, key_file)
        if why:
            yield lookup.mistake(file, "client_key", why)


def _not_shorter(section: Found, file: str, whole: str, part: str) -> Iterator[Mistake]:
    """The time for all of it is at least the time for one part."""
    longest, shortest = section.value(whole), section.value(part)
    if longest is not None and shortest is not None and longest < shortest:
        at = whole if whole in section.lines else part
        allowed = f"{whole} ({show_duration(longest)}) to be at least {part} ({show_duration(shortest)})"
        yield section.mistake(file, at, allowed, show_duration(section.value(at)))
