"""
The keys of `[routes]`, which are not fixed words: a host, or a path of one, and what is particular about it. Pure.

Part of `config`: `load` reads the lines by this, `crosscheck` finds what hosts and their paths mean together.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from starship.config.values import Bad
from starship.names import BadName, Hostname, from_text
from starship.paths import EXACT, PREFIX, BadPath, rule_path

NAME_TEXT_LIMIT: Final = 300
"""Characters of a route's name that are looked at: 253, and room for a wildcard and for U-labels."""

_FORMS: Final = "a line for HOST, HOST redirect, HOST/PATH or HOST/PATH exact, and after a path perhaps -> /OTHER"


@frozen(kw_only=True)
class HostKey:
    """
    What a line of `[routes]` is for. `name` is canonical, or a wildcard; `path` None: the host itself.

    `kind` and `rewrite` are of a path; `redirect` of the host: plain HTTP is sent to https.
    """

    name: str
    path: str | None = None
    kind: str = PREFIX
    rewrite: str | None = None
    redirect: bool = False


def read_key(text: str) -> HostKey | Bad:
    """
    Read `HOST`, `HOST redirect`, `HOST/PATH`, `HOST/PATH exact`, each path perhaps with `-> /PATH` behind it.

    Raises: nothing, whatever the text.
    """
    place, *words = text.split()
    bare, slash, rest = place.partition("/")
    name = _name(bare)
    if isinstance(name, BadName):
        return Bad(f"a hostname such as www.example.com, or *.example.com ({name.why})")
    if not slash:
        if words in ([], ["redirect"]):
            return HostKey(name=name, redirect=bool(words))
        return Bad(_FORMS)
    kind = EXACT if words[:1] == ["exact"] else PREFIX
    path = rule_path(slash + rest, kind)
    if isinstance(path, BadPath):
        return Bad(f"a path such as /api after the host ({path.why})")
    match words[1:] if kind == EXACT else words:
        case []:
            return HostKey(name=name, path=path, kind=kind)
        case ["->", instead]:
            rewrite = rule_path(instead, EXACT)
            if isinstance(rewrite, BadPath):
                return Bad(f"a path such as / after -> ({rewrite.why})")
            return HostKey(name=name, path=path, kind=kind, rewrite=rewrite)
    return Bad(_FORMS)


def _name(text: str) -> str | BadName:
    """The canonical name or wildcard that an operator meant."""
    if len(text) > NAME_TEXT_LIMIT:
        return BadName("the name is too long")
    star, bare = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    name: Hostname | BadName = from_text(bare)
    if isinstance(name, BadName):
        # The words of idna repeat the name; ours do not.
        return name if bare.isascii() else BadName("not an internationalised name")
    return star + name
