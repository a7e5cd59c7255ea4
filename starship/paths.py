"""
The path of a request, and the rules that choose by it: one canonical spelling, or a reason why not. Pure.

Floor 2, beside words and addresses: the ini file, the lookup's answers, the walk of a request and explain read paths by
these same functions. The canonical spelling is for matching alone: what is passed on is what the client sent. A path
that two servers could take for two different ones has no canonical spelling, and is refused where it matters.
Source: RFC 3986 sections 2.3, 3.3 and 6.2.2; the `Prefix` and `Exact` of Kubernetes' Ingress for what matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from attrs import frozen

from starship.words import PathRule

EXACT: Final = "exact"
PREFIX: Final = "prefix"
KINDS: Final = (PREFIX, EXACT)

RULE_LIMIT: Final = 1024
"""Characters of a rule's path or rewrite, as it is written and as it is spelled."""

_SAFE: Final = "/-._~!$&'()*+,;=:@"  # RFC 3986: pchar but for the percent sign, and the slash
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9_.~!$&'()*+,;=:@-]*)+/?|/")
_NO_CODE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HIDDEN = re.compile(r"%(?:2F|5C|[01][0-9A-F]|7F)|[\\\x00-\x1f\x7f]", re.IGNORECASE)
_SLASHES = re.compile(rb"/+")
_PARAMETERS = re.compile(r";[^/]*")
_ROWS_OF_SLASHES = re.compile(r"/{2,}")
_RULE_TEXT = re.compile(r"/[^\s?#\\\x00-\x1f\x7f-\x9f]*")


@frozen
class BadPath:
    """Why a text is no path that all servers read alike, in our words (no character of the text in it)."""

    why: str


def canonical(path: str) -> str | BadPath:
    """
    The spelling that equal paths share: percent-encoded only where it must be, one slash between segments.

    Shape: the path of a target in origin-form, without its query; it begins with a slash.
    Returns: ASCII that `canonical` leaves as it is; or why the path is read differently by different servers: an
    encoded slash, a backslash, a control character, a dot segment (encoded or with parameters too), a percent sign that
    encodes nothing.
    Raises: nothing, whatever the text, but for half a surrogate pair (UnicodeEncodeError), which no bytes become.
    """
    if _PLAIN.fullmatch(path):
        return path
    if not path.startswith("/"):
        return BadPath("it does not begin with a slash")
    if _NO_CODE.search(path):
        return BadPath("it has a percent sign that encodes nothing")
    if _HIDDEN.search(path):
        return BadPath("it has a backslash, or an encoded slash or control character")
    decoded = unquote_to_bytes(path)
    if any(segment.partition(b";")[0] in (b".", b"..") for segment in decoded.split(b"/")):
        return BadPath("it has a dot segment")
    return quote_from_bytes(_SLASHES.sub(b"/", decoded), safe=_SAFE)


def rule_path(text: str, kind: str) -> str | BadPath:
    """
    The path of a rule as an operator or an API wrote it; the end of a prefix needs no slash and loses it.

    Raises: nothing, whatever the text.
    """
    if len(text) > RULE_LIMIT:
        return BadPath(f"it is longer than {RULE_LIMIT} characters")
    if not _RULE_TEXT.fullmatch(text):
        return BadPath("it is no path that begins with a slash, without query, fragment, spaces or backslashes")
    try:
        path = canonical(text)
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can spell
        return BadPath("it is no text")
    if isinstance(path, BadPath):
        return path
    if len(path) > RULE_LIMIT:
        return BadPath(f"it is longer than {RULE_LIMIT} characters, percent-encoded as it must be")
    return path if kind == EXACT else path.rstrip("/") or "/"


def ordered(rules: Iterable[PathRule]) -> tuple[PathRule, ...]:
    """In the order of matching: exact ones first, then the longest prefix. Equal sets of rules come out equal."""
    return tuple(sorted(rules, key=lambda rule: (rule.kind != EXACT, -len(rule.path), rule.path)))


def choose(rules: tuple[PathRule, ...], path: str) -> PathRule | None:
    """The first rule, in their order, that a canonical path fits."""
    for rule in rules:
        if rule.path == path or (rule.kind == PREFIX and _is_below(path, rule.path)):
            return rule
    return None


def is_torn(rules: tuple[PathRule, ...], path: str, chosen: PathRule | None) -> bool:
    """
    Whether `;parameters` lead a canonical path elsewhere than a server that reads over them would say.

    Servlet containers take `/admin;x=1/y` for `/admin/y`, others for what it is. A rule that has parameters of its own
    was meant so.
    """
    if ";" not in path or (chosen is not None and ";" in chosen.path):
        return False
    return choose(rules, _ROWS_OF_SLASHES.sub("/", _PARAMETERS.sub("", path))) is not chosen


def rewriting(rule: PathRule, path: str) -> tuple[str, str] | None:
    """
    How a rule that fits changes a path: its beginning as it was sent, and what stands there instead.

    Shape: the path as sent, which has a canonical spelling; it stays as it is behind that beginning.
    """
    if rule.rewrite is None:
        return None
    if rule.kind == EXACT:
        return path, rule.rewrite
    end = _end_of(rule.path.count("/") if rule.path != "/" else 0, path)
    rest = path[end:]
    return path[:end], rule.rewrite.rstrip("/") if rest else rule.rewrite


def _is_below(path: str, prefix: str) -> bool:
    return prefix == "/" or (path.startswith(prefix) and (len(path) == len(prefix) or path[len(prefix)] == "/"))


def _end_of(segments: int, path: str) -> int:
    """Where so many segments of a path end; of the slashes that follow, one is left."""
    end = 0
    for _ in range(segments):
        while path[end : end + 1] == "/":
            end += 1
        slash = path.find("/", end)
        end = len(path) if slash < 0 else slash
    while path[end : end + 2] == "//":
        end += 1
    return end
