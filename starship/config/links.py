"""
Links: the URL template of the lookup, and where the pages send people. Pure.

Part of `config`. A URL may hold a secret in its query: what is said of a bad one never repeats a character of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starship.addresses import BadAddress, parse_upstream
from starship.config.values import Bad, Kind

LINK_LIMIT: Final = 2048
"""Characters of a link: what every server takes (RFC 9110 section 4.1 asks for 8000, browsers cut at about 2000)."""

_URL_TEXT = re.compile(r"[!-~]+")
_UNWISE: Final = frozenset("\"'<>`\\{|}^")


def _read_url(text: str, base: Path) -> str | Bad:
    why = _why_no_template(text)
    return Bad(f"a URL such as http://127.0.0.1:8000/?host={{host}} ({why})") if why else text


def _read_urls(text: str, base: Path) -> tuple[str, ...] | Bad:
    found: dict[str, None] = {}
    for item in text.split():
        url = _read_url(item, base)
        if isinstance(url, Bad):
            return url
        found[url] = None
    return tuple(found)


def _why_no_template(text: str) -> str:
    """Why a text is no URL template; empty where it is one. No character of the text in it: it may hold a secret."""
    if not _URL_TEXT.fullmatch(text) or len(text) > LINK_LIMIT:
        return f"1 to {LINK_LIMIT} printable ASCII characters, no spaces"
    if text.count("{host}") != 1 or set(text.replace("{host}", "")) & _UNWISE:
        return "{host} stands in it exactly once, and no other braces, quotes or backslashes"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return "the address or the port cannot be read"
    if parts.scheme not in ("http", "https"):
        return "http:// or https://"
    if "@" in parts.netloc:
        return "no user or password in it: use token_file"
    if "#" in text:
        return "no fragment"
    if "{host}" not in parts.path + "?" + parts.query:
        return "{host} stands in the path or the query"
    if not parts.hostname or port == 0:
        return "a host, and a port from 1 to 65535 if any"
    return "" if _is_host(parts.netloc, parts.hostname) else "the host is no name and no address"


def _is_host(netloc: str, hostname: str) -> bool:
    return not isinstance(parse_upstream(f"[{hostname}]" if "[" in netloc else hostname), BadAddress)


def _read_support(text: str, base: Path) -> str | Bad:
    allowed = Bad("a link that starts with https:, http: or mailto:, without spaces or quotes")
    if not _URL_TEXT.fullmatch(text) or len(text) > LINK_LIMIT or set(text) & _UNWISE:
        return allowed
    try:
        parts = urlsplit(text)
    except ValueError:
        return allowed
    if parts.scheme in ("http", "https") and parts.netloc and "@" not in parts.netloc:
        return text
    return text if parts.scheme == "mailto" and "@" in parts.path else allowed


URL: Final = Kind(name="URL", read=_read_url)
URLS: Final = Kind(name="URLs", read=_read_urls, show="\n  ".join)
SUPPORT: Final = Kind(name="link", read=_read_support)
