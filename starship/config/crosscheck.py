"""
What keys mean together: mistakes that no key has alone. Pure but for the certificate and key, which are read as a pair.

Part of `config`. A key that is wrong by itself takes no part: each mistake is told once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from attrs import define, field

from starship.config import keys
from starship.config.endpoints import Place, parse_listen
from starship.config.files import why_no_pair
from starship.config.values import Bad, show_duration
from starship.errors import Mistake
from starship.words import Endpoints, PoolName


@define(eq=False)
class Found:
    """
    One section as it was read.

    `values` by the name of the settings' field; `lines` and `texts` of the keys that stand in the file, these as
    they are written; `bad` keys had a mistake; `homes` what the lines of `[routes]` lead to, by their names in `lines`.
    """

    name: str
    line: int
    known: keys.Section
    values: dict[str, Any] = field(factory=dict)
    lines: dict[str, int] = field(factory=dict)
    texts: dict[str, str] = field(factory=dict)
    bad: set[str] = field(factory=set)
    homes: dict[str, Endpoints] = field(factory=dict)

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
    for section in found.values():
        if section.known is keys.DOOR:
            yield from _balancers(section, file)
            yield from _raw(section, file)
    yield from _shown_fields(found, file)
    if keys.LOOKUP.title in found:
        yield from _lookup(found[keys.LOOKUP.title], file)
    if keys.CACHE.title in found:
        yield from _not_shorter(found[keys.CACHE.title], file, "max_ttl", "min_ttl")
        yield from _not_shorter(found[keys.CACHE.title], file, "max_error_ttl", "error_ttl")
    if keys.SHADOW.title in found and keys.LOOKUP.title not in found:
        yield found[keys.SHADOW.title].mistake(file, "url", "a section [lookup] that it is compared with")
    if keys.UPSTREAM.title in found:
        yield from _not_shorter(found[keys.UPSTREAM.title], file, "dial_timeout", "connect_timeout")
        yield from _not_shorter(found[keys.UPSTREAM.title], file, "dns_max_ttl", "dns_min_ttl")
        yield from _probes(found[keys.UPSTREAM.title], file)
        yield from _needs(found[keys.UPSTREAM.title], list(found.values()), file)
        yield from _listed(found[keys.UPSTREAM.title], file)
    for section in found.values():
        if section.known is keys.DOOR:
            yield from _plain_http(section, file)
    yield from _pools(found, file)
    if keys.HTTP.title in found:
        yield from _http(found[keys.HTTP.title], file)


def _presence(found: dict[str, Found], file: str) -> Iterator[Mistake]:
    if not any(section.known is keys.DOOR for section in found.values()):
        yield Mistake(file=file, line=0, allowed="at least one section [listener:NAME]")
    routes = found.get(keys.ROUTES.title)
    doors = [section for section in found.values() if section.known is keys.DOOR]
    raw = bool(doors) and all(door.value("protocol") == "tcp" for door in doors)
    if keys.LOOKUP.title not in found and (routes is None or not routes.lines) and not raw:
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


def _balancers(door: Found, file: str) -> Iterator[Mistake]:
    """A header is believed from somewhere, and read where somebody is believed."""
    protocol = door.value("proxy_protocol")
    if protocol == "required" and "proxy_trusted" not in door.lines:
        yield door.mistake(file, "proxy_protocol", "proxy_trusted beside it: the balancers' own addresses")
    if protocol == "off" and "proxy_trusted" in door.lines:
        yield door.mistake(file, "proxy_trusted", "proxy_protocol = required beside it")


def _raw(door: Found, file: str) -> Iterator[Mistake]:
    """Raw bytes go to one place; names have others."""
    protocol = door.value("protocol")
    if protocol == "tcp":
        if "upstream" not in door.lines:
            yield door.mistake(file, "protocol", "upstream beside it, for example upstream = 10.0.0.9:25", protocol)
        for key in ("no_name", "default"):
            if key in door.lines:
                yield door.mistake(file, key, "a protocol that names hosts; all of protocol tcp goes to upstream")
    elif protocol is not None and "upstream" in door.lines:
        yield door.mistake(file, "upstream", "protocol tcp for this key to be of use")


def _shown_fields(found: dict[str, Found], file: str) -> Iterator[Mistake]:
    log = found.get(keys.ACCESS_LOG.title)
    if log is not None and log.value("proxy_fields") and log.value("format") == "text":
        yield log.mistake(file, "proxy_fields", "format = json beside it")


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


def _plain_http(door: Found, file: str) -> Iterator[Mistake]:
    """What is for plain HTTP stands where there is some; a tunnel sends nobody elsewhere."""
    protocol = door.value("protocol")
    if protocol is not None and protocol not in ("http", "auto"):
        for key in ("mode", "redirect"):
            if key in door.lines:
                yield door.mistake(file, key, "protocol http or auto for this key to be of use")
    elif door.value("redirect") and door.value("mode") == "tunnel":
        yield door.mistake(file, "redirect", "mode requests beside it: a tunnel carries what it is given")


def _http(section: Found, file: str) -> Iterator[Mistake]:
    one, together = section.value("upstream_idle"), section.value("upstream_idle_total")
    if one is not None and together is not None and one > together:
        at = "upstream_idle_total" if "upstream_idle_total" in section.lines else "upstream_idle"
        allowed = f"upstream_idle_total ({together}) to be at least upstream_idle ({one})"
        yield section.mistake(file, at, allowed, section.texts.get(at))
    if section.value("replay_size") and "replay_size" in section.lines and section.value("retries") == 0:
        yield section.mistake(file, "replay_size", "retries above 0 for this key to be of use")


def _probes(upstream: Found, file: str) -> Iterator[Mistake]:
    for key in ("keepalive_interval", "keepalive_probes"):
        if key in upstream.lines and upstream.value("keepalive") == 0:
            yield upstream.mistake(file, key, "keepalive above 0 for this key to be of use")


_NEEDS: Final = {
    "preconnect_total": "preconnect",
    "preconnect_idle": "preconnect",
    "preconnect_rate": "preconnect",
    "queue": "max_connections",
    "queue_timeout": "max_connections",
    "eject_time": "eject_failures",
    "max_ejected": "eject_failures",
}
"""What is of no use where another key is 0."""


def _needs(upstream: Found, sections: list[Found], file: str) -> Iterator[Mistake]:
    """What `[upstream]` says for all is of use somewhere."""
    pools = [section for section in sections if section.known is keys.POOL]
    for key, other in _NEEDS.items():
        said = [upstream, *(pool for pool in pools if other in pool.lines)]
        if key in upstream.lines and all(section.value(other) == 0 for section in said):
            yield upstream.mistake(file, key, f"{other} above 0, here or in a pool, for this key to be of use")


def _listed(upstream: Found, file: str) -> Iterator[Mistake]:
    if upstream.value("check_listed") and upstream.value("check") == "off":
        yield upstream.mistake(file, "check_listed", "a check for this key to be of use")


def _pool(pool: Found, upstream: Found | None, file: str) -> Iterator[Mistake]:
    upstream = upstream or Found(keys.UPSTREAM.title, 0, keys.UPSTREAM)
    whole, part = upstream.value("dial_timeout"), pool.value("connect_timeout")
    if "connect_timeout" in pool.lines and whole is not None and part is not None and whole < part:
        allowed = f"at most the dial_timeout of [{upstream.name}] ({show_duration(whole)})"
        yield pool.mistake(file, "connect_timeout", allowed, pool.texts["connect_timeout"])
    for key, other in _NEEDS.items():
        if key in pool.lines and (pool if other in pool.lines else upstream).value(other) == 0:
            yield pool.mistake(file, key, f"{other} above 0 for this key to be of use")
    yield from _check(pool, upstream, file)
    members = pool.value("endpoints")
    if members is not None and all(member.backup for member in members if member.weight):
        yield pool.mistake(file, "endpoints", "a member that is no backup and has a weight above 0")


def _check(pool: Found, upstream: Found, file: str) -> Iterator[Mistake]:
    """What is said of a check is of use to it."""
    check = (pool if "check" in pool.lines else upstream).value("check")
    if check is None:
        return
    for key in ("check_path", "check_statuses"):
        if key in pool.lines and check != "http":
            yield pool.mistake(file, key, f"check = http for this key to be of use, not {check}")
    if "check_host" in pool.lines and check not in ("http", "tls"):
        yield pool.mistake(file, "check_host", f"check = http or tls for this key to be of use, not {check}")
    for key in ("check_interval", "check_timeout", "check_rise", "check_fall", "check_port", "on_down"):
        if key in pool.lines and check == "off":
            yield pool.mistake(file, key, "a check for this key to be of use")


def _pools(found: dict[str, Found], file: str) -> Iterator[Mistake]:
    """Each by itself; and one that is named somewhere has its section."""
    for section in found.values():
        if section.known is keys.POOL:
            yield from _pool(section, found.get(keys.UPSTREAM.title), file)
    known = {title for title, section in found.items() if section.known is keys.POOL}
    for section in found.values():
        for key, value in _homes(section):
            if isinstance(value, PoolName) and f"{keys.POOLS}{value}" not in known:
                allowed = f"a pool that there is: there is no section [{keys.POOLS}{value}]"
                yield section.mistake(file, key, allowed, f"{keys.POOLS}{value}")


def _homes(section: Found) -> Iterator[tuple[str, Any]]:
    """The keys of a section that may name a pool, with their values."""
    if section.known is keys.DOOR:
        for key in ("no_name", "default", "upstream"):
            yield key, section.value(key)
    elif section.known is keys.ROUTES:
        yield from section.homes.items()


def _not_shorter(section: Found, file: str, whole: str, part: str) -> Iterator[Mistake]:
    """The time for all of it is at least the time for one part."""
    longest, shortest = section.value(whole), section.value(part)
    if longest is not None and shortest is not None and longest < shortest:
        at = whole if whole in section.lines else part
        allowed = f"{whole} ({show_duration(longest)}) to be at least {part} ({show_duration(shortest)})"
        yield section.mistake(file, at, allowed, section.texts.get(at))
