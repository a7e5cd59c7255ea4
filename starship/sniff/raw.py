"""
The sniffer of a door where nothing is read: whoever comes in has said all that is asked.

Part of `sniff`, floor 4, pure. For protocols in which the server speaks first, or that name nobody.
"""

from __future__ import annotations

from typing import Final

from attrs import define
from zope.interface import implementer

from starship.interfaces import ISniffer
from starship.words import Hello, Verdict

SCHEME: Final = "tcp"
_HELLO: Final = Hello(name=None, scheme=SCHEME, consumed=0)


@implementer(ISniffer)
@define(eq=False)
class RawSniffer:
    """Knows at once."""

    def feed(self, data: bytes) -> Verdict:
        """A Hello that names nobody, before the first byte; see ISniffer."""
        return _HELLO
