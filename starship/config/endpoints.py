r"""
Where we listen: Twisted's endpoint strings, checked to the last option without listening. Pure.

Part of `config`. The string itself goes on to the service; this room only says whether it can be meant, and whether
two of them want the same place. Source of the spelling: twisted.internet.endpoints.serverFromString; `:` and `\` in
an option stand after a `\`, so that an IPv6 interface is `tcp6:443:interface=2001\:db8\:\:1`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from attrs import frozen

from starship.config.values import Bad, Kind

UNIX_PATH_LIMIT_OCTETS: Final = 107
"""sun_path of Linux, without its final NUL: unix(7)."""

TCP_EXAMPLES: Final = "tcp:443, tcp6:443, tcp:443:interface=127.0.0.1 or systemd:domain=INET6:index=0"
ALL_EXAMPLES: Final = f"{TCP_EXAMPLES}, or unix:/run/starship/admin.sock:mode=660"

_PORT = re.compile(r"[0-9]{1,5}")
_INDEX = re.compile(r"[0-9]{1,4}")
_FD_NAME = re.compile(r"[!-9;-~]{1,255}")
_MODE = re.compile(r"0?[0-7]{3}")


@frozen
class Place:
    """What an endpoint takes for itself: a port of an address (empty: all of the family), a path, a descriptor."""

    kind: str  # inet | inet6 | unix | systemd
    where: str
    port: int = 0

    def clashes(self, other: Place) -> bool:
        """
        Say whether both cannot listen at once. Port 0 asks for any free port, and clashes with nothing.

        `::` takes IPv4 as well, as every door on it does (IPV6_V6ONLY is off): ipv6(7).
        """
        if "inet" not in self.kind or "inet" not in other.kind:
            return self.kind == other.kind and self.where == other.where
        if self.port != other.port or self.port == 0:
            return False
        if self.kind == other.kind:
            return self.where == other.where or "" in (self.where, other.where)
        return any(place.kind == "inet6" and place.where == "" for place in (self, other))


def parse_listen(text: str) -> Place | Bad:
    """Read one endpoint string. Raises nothing, whatever the text."""
    words = _split(text)
    if words is None:
        return Bad("a \\ to stand before another character")
    kind, arguments, options = words
    reader = _READERS.get(kind)
    if reader is None:
        return Bad("tcp:, tcp6:, unix: or systemd: at the start")
    return reader(arguments, options)


def _split(text: str) -> tuple[str, list[str], dict[str, str]] | None:
    """Kind, positional arguments and options, by Twisted's rules. None for a final backslash."""
    parts: list[list[str]] = [[""]]
    characters = iter(text)
    for character in characters:
        if character == "\\":
            escaped = next(characters, None)
            if escaped is None:
                return None
            parts[-1][-1] += escaped
        elif character == ":":
            parts.append([""])
        elif character == "=" and len(parts[-1]) == 1:
            parts[-1].append("")
        else:
            parts[-1][-1] += character
    arguments = [part[0] for part in parts if len(part) == 1]
    options = [part for part in parts if len(part) == 2]
    if len(parts[0]) == 2 or len({part[0] for part in options}) < len(options):
        return "", [], {}
    return arguments[0], arguments[1:], {part[0]: part[1] for part in options}


def _tcp(arguments: list[str], options: dict[str, str], kind: str = "tcp") -> Place | Bad:
    allowed = Bad(f"{kind}:PORT or {kind}:PORT:interface=ADDRESS, with a port from 0 to 65535 and no other option")
    interface = options.get("interface", "")
    if len(arguments) != 1 or not set(options) <= {"interface"} or not _PORT.fullmatch(arguments[0]):
        return allowed
    if int(arguments[0]) > 65535:
        return allowed
    if not interface:
        return Place("inet6" if kind == "tcp6" else "inet", "", int(arguments[0]))
    try:
        address = ip_address(interface)
    except ValueError:
        return Bad("interface= to be an IP address, the colons of IPv6 each after a \\")
    if kind == "tcp6" and address.version == 4:
        return Bad("interface= of tcp6: to be an IPv6 address")
    where = "" if address.is_unspecified else str(address)
    return Place("inet6" if address.version == 6 else "inet", where, int(arguments[0]))


def _tcp6(arguments: list[str], options: dict[str, str]) -> Place | Bad:
    return _tcp(arguments, options, "tcp6")


def _unix(arguments: list[str], options: dict[str, str]) -> Place | Bad:
    if (
        len(arguments) != 1
        or not set(options) <= {"mode", "lockfile"}
        or not _MODE.fullmatch(options.get("mode", "666"))
        or options.get("lockfile", "1") not in ("0", "1")
    ):
        return Bad("unix:/PATH or unix:/PATH:mode=660, with options mode (octal) and lockfile (0 or 1) alone")
    path = arguments[0]
    if not path.startswith("/") or len(path.encode("utf-8", "replace")) > UNIX_PATH_LIMIT_OCTETS:
        return Bad(f"an absolute path of at most {UNIX_PATH_LIMIT_OCTETS} bytes after unix:")
    return Place("unix", path)


def _systemd(arguments: list[str], options: dict[str, str]) -> Place | Bad:
    allowed = Bad("systemd:domain=INET:index=0 or systemd:domain=INET6:name=NAME (INET, INET6 or UNIX; index or name)")
    if arguments or not set(options) <= {"domain", "index", "name"} or ("index" in options) == ("name" in options):
        return allowed
    if options.get("domain") not in ("INET", "INET6", "UNIX"):
        return allowed
    if "index" in options:
        fits = _INDEX.fullmatch(options["index"])
        return Place("systemd", str(int(options["index"]))) if fits else allowed
    return Place("systemd", f"name={options['name']}") if _FD_NAME.fullmatch(options["name"]) else allowed


_READERS: Final[dict[str, Callable[[list[str], dict[str, str]], Place | Bad]]] = {
    "tcp": _tcp,
    "tcp6": _tcp6,
    "unix": _unix,
    "systemd": _systemd,
}


def _read_door(text: str) -> str | Bad:
    place = parse_listen(text)
    if isinstance(place, Bad):
        return Bad(f"an endpoint such as {TCP_EXAMPLES} ({place.allowed})")
    if place.kind == "unix" or (place.kind == "systemd" and "domain=UNIX" in text.split(":")):
        return Bad(f"an endpoint that clients have an address on, such as {TCP_EXAMPLES}")
    return text


def _read_doors(text: str, base: Path) -> tuple[str, ...] | Bad:
    lines = text.split("\n")
    for line in lines:
        door = _read_door(line)
        if isinstance(door, Bad):
            return door
    return tuple(lines)


def _read_window(text: str, base: Path) -> str | Bad:
    if not text:
        return ""
    place = parse_listen(text)
    return Bad(f"nothing, or an endpoint such as {ALL_EXAMPLES} ({place.allowed})") if isinstance(place, Bad) else text


DOORS: Final = Kind(name="listening endpoints", read=_read_doors, show="\n".join)
WINDOW: Final = Kind(name="listening endpoint", read=_read_window)
