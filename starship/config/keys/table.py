"""
What a key is, and a section of keys. The defaults are those of `settings`.

Part of `config`: the modules beside this one fill the table. Knows no file and no line.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from attrs import field, frozen

from starship.config.values import Kind

HOUR: Final = 3600.0
DAY: Final = 86400.0
YEAR: Final = 365 * DAY
MIB: Final = 1024 * 1024


@frozen(kw_only=True)
class Key:
    """
    One key. `attribute` is its field in the settings; `default` is attrs.NOTHING where the key is required.

    `hidden`: a mistake does not repeat the value, which may be or contain a secret. `inherits`: the section whose key
    of the same name counts where this one is left out, if any.
    """

    name: str
    kind: Kind
    doc: str
    example: str
    attribute: str
    default: Any
    hidden: bool = False
    inherits: str = ""


@frozen(kw_only=True)
class Section:
    """One kind of section: `title` as the docs write it, the class of its settings, its keys by name."""

    title: str
    owner: type[Any]
    doc: str
    keys: dict[str, Key] = field(factory=dict)

    def add(
        self,
        name: str,
        kind: Kind,
        example: str,
        doc: str,
        *,
        attribute: str = "",
        hidden: bool = False,
        inherits: str = "",
    ) -> None:
        """Put a key into the table; its default is read from the settings."""
        attribute = attribute or name
        default = attrs.fields_dict(self.owner)[attribute].default
        self.keys[name] = Key(
            name=name,
            kind=kind,
            doc=doc,
            example=example,
            attribute=attribute,
            default=default,
            hidden=hidden,
            inherits=inherits,
        )
