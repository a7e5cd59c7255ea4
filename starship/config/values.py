"""
What the text of a key may be: durations, sizes, numbers, networks. Pure.

Part of `config`: `keys` picks a Kind for each key. Knows neither sections nor files (`files` reads those); listening
endpoints and links are Kinds of their own rooms beside this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from starship.addresses import BadAddress, parse_network
from starship.names import BadName, from_text
from starship.words import POLICIES, Network

HTTPS_PORT: Final = 443

IPS_LIMIT: Final = 64

NAME_TEXT_LIMIT: Final = 300
"""Characters of a name that are looked at: 253, and room for U-labels."""


@frozen
class Bad:
    """Why a text is no value: what goes after the word "expected"; no character of the text in it."""

    allowed: str


@frozen(kw_only=True)
class Kind:
    """
    A type of value.

    `name` and `unit` are for the reference; `read(text, base)` returns the value or Bad, and raises nothing (`base` is
    the directory that relative paths start from); `show` spells a value so that `read` takes it back, `none` spells
    None where a text does.
    """

    name: str
    read: Callable[[str, Path], Any]
    unit: str = ""
    show: Callable[[Any], str] = str
    none: str = ""


_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)?")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BARE: Final = " (a bare number is seconds)"
_SIZE = re.compile(r"([0-9]{1,12}) ?(|b|k|kib|m|mib)", re.IGNORECASE)
_BYTES: Final = {"": 1, "b": 1, "k": 1024, "kib": 1024, "m": 1024**2, "mib": 1024**2}
_INTEGER = re.compile(r"[0-9]{1,12}")
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_REDIRECT = re.compile(r"https(?::([0-9]{1,5}))?")
_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BOOLEANS: Final = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def duration(least: float, most: float, zero: str = "") -> Kind:
    """
    Seconds from `least` to `most`, both included; `zero` says what 0 means where it is allowed beside the range.

    A bare number means seconds, and whoever may have meant something else is told.
    """

    def read(text: str, base: Path) -> float | Bad:
        match = _DURATION.fullmatch(text)
        if match is None:
            return Bad(f"a duration such as 500ms, 3s or 2m{_BARE}")
        seconds = round(float(match[1]) * _SECONDS[match[2] or "s"], 6)
        if least <= seconds <= most or (zero and seconds == 0):
            return seconds
        bare = "" if match[2] else _BARE
        return Bad(f"a duration from {show_duration(least)} to {show_duration(most)}{_or_zero(zero)}{bare}")

    return Kind(name="duration", unit="s", read=read, show=show_duration)


def _or_zero(zero: str) -> str:
    return f", or 0 ({zero})" if zero else ""


def show_duration(seconds: float) -> str:
    """`500ms`, `3s`, `2m`: the largest unit that leaves a whole number."""
    if seconds == 0:
        return "0"
    for unit in ("d", "h", "m", "s", "ms"):
        count = seconds / _SECONDS[unit]
        if 1 <= count < 1e6 and abs(count - round(count)) < 1e-9:
            return f"{round(count)}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def size(least: int, most: int) -> Kind:
    """Bytes from `least` to `most`, both included."""

    def read(text: str, base: Path) -> int | Bad:
        match = _SIZE.fullmatch(text)
        if match is None:
            return Bad("a size such as 65536 or 64 KiB")
        count = int(match[1]) * _BYTES[match[2].lower()]
        return count if least <= count <= most else Bad(f"a size from {show_size(least)} to {show_size(most)}")

    return Kind(name="size", unit="bytes", read=read, show=show_size)


def show_size(count: int) -> str:
    """`64 KiB`, or plain bytes where that is not exact."""
    for unit, scale in (("MiB", 1024**2), ("KiB", 1024)):
        if count and count % scale == 0:
            return f"{count // scale} {unit}"
    return str(count)


def integer(least: int, most: int, zero: str = "") -> Kind:
    """A whole number from `least` to `most`; `zero` says what 0 means where it is allowed beside the range."""

    def read(text: str, base: Path) -> int | Bad:
        if _INTEGER.fullmatch(text) and (least <= int(text) <= most or (zero and int(text) == 0)):
            return int(text)
        return Bad(f"a whole number from {least} to {most}{_or_zero(zero)}")

    return Kind(name="number", read=read)


def choice(*words: str) -> Kind:
    """One of these words."""

    def read(text: str, base: Path) -> str | Bad:
        return text if text in words else Bad(f"one of {', '.join(words)}")

    return Kind(name=" \\| ".join(words), read=read)


def words(*known: str) -> Kind:
    """Any of these words, each once, in any case; `none` for none of them."""
    by_lower = {word.lower(): word for word in known}

    def read(text: str, base: Path) -> tuple[str, ...] | Bad:
        if text == "none":
            return ()
        found = [by_lower.get(item.lower()) for item in _items(text)]
        chosen = tuple(word for word in found if word is not None)
        if len(set(chosen)) == len(found):
            return chosen
        return Bad(f"none, or any of {', '.join(known)}, each once, between commas or spaces")

    return Kind(name="words", read=read, show=_join)


def text(most: int) -> Kind:
    """One line of text, 1 to `most` characters."""

    def read(value: str, base: Path) -> str | Bad:
        return value if 1 <= len(value) <= most and "\n" not in value else Bad(f"one line of 1 to {most} characters")

    return Kind(name="text", read=read)


def _read_boolean(text: str, base: Path) -> bool | Bad:
    value = _BOOLEANS.get(text.lower())
    return Bad("yes or no (true, false, on, off)") if value is None else value


def _read_colour(text: str, base: Path) -> str | Bad:
    return text if _COLOUR.fullmatch(text) else Bad("a colour such as #4f46e5 or #46e")


def _read_networks(text: str, base: Path) -> tuple[Network, ...] | Bad:
    found: list[Network] = []
    for item in _items(text):
        network = parse_network(item)
        if isinstance(network, BadAddress):
            return Bad(f"networks such as 10.0.0.0/8 or 2001:db8::/32, between commas or spaces ({network.why})")
        found.append(network)
    return tuple(found)


def _read_ports(text: str, base: Path) -> tuple[range, ...] | Bad:
    found = []
    for item in _items(text):
        match = _PORTS.fullmatch(item)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= 65535:
            return Bad("ports from 1 to 65535 such as 443 or 8000-8999, between commas or spaces")
        found.append(range(first, last + 1))
    return tuple(found)


def _show_ports(ports: Iterable[range]) -> str:
    return _join(str(one.start) if len(one) == 1 else f"{one.start}-{one.stop - 1}" for one in ports)


def _read_suffixes(text: str, base: Path) -> tuple[str, ...] | Bad:
    found: dict[str, None] = {}
    for item in _items(text):
        name = from_text(item.removeprefix("*")[:NAME_TEXT_LIMIT].removeprefix("."))
        if isinstance(name, BadName):
            return Bad("hostnames such as example.com, between commas or spaces; each stands for all below it too")
        found[name] = None
    return tuple(found)


def _items(text: str) -> list[str]:
    return re.split(r"[ \t\n]*[,\n][ \t\n]*|[ \t]+", text)


def _read_redirect(text: str, base: Path) -> int | Bad:
    match = _REDIRECT.fullmatch(text)
    port = int(match[1] or HTTPS_PORT) if match else 0
    if text == "off" or 1 <= port <= 65535:
        return port
    return Bad("https, https:PORT or off")


def _show_redirect(port: int) -> str:
    return ("https" if port == HTTPS_PORT else f"https:{port}") if port else "off"


def _read_token(text: str, base: Path) -> str | Bad:
    return text if _TOKEN.fullmatch(text) else Bad("a word of 1 to 64 letters, digits, - . or _")


def _read_ips(text: str, base: Path) -> tuple[str, ...] | Bad:
    found: dict[str, None] = {}
    for item in _items(text):
        if "%" in item:
            return Bad("IP addresses without a scope")
        try:
            ip = str(ip_address(item))
        except ValueError:
            return Bad("IP addresses of this machine, between commas or spaces")
        if ip in found:
            return Bad("each address once")
        found[ip] = None
    return tuple(found) if len(found) <= IPS_LIMIT else Bad(f"at most {IPS_LIMIT} addresses")


def _join(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values)


BOOLEAN: Final = Kind(name="yes \\| no", read=_read_boolean, show=lambda value: "yes" if value else "no")
COLOUR: Final = Kind(name="colour", read=_read_colour)
NETWORKS: Final = Kind(name="networks", read=_read_networks, show=_join)
POLICY: Final = choice(*POLICIES)
PORTS: Final = Kind(name="ports", read=_read_ports, show=_show_ports)
SUFFIXES: Final = Kind(name="hostnames", read=_read_suffixes, show=_join)
REDIRECT: Final = Kind(name="off \\| https \\| https:PORT", read=_read_redirect, show=_show_redirect)
TOKEN: Final = Kind(name="word", read=_read_token)
IPS: Final = Kind(name="IP addresses", read=_read_ips, show=_join)
