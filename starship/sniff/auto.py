"""
One door for both languages: the first byte says which sniffer reads the rest.

Part of `sniff`, floor 4, pure. It reads nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, evolve, field
from zope.interface import implementer

from starship.interfaces import ISniffer
from starship.words import NEED_MORE, Refusal, Verdict


@implementer(ISniffer)
@define(eq=False)
class AutoSniffer:
    """
    Picks `http` for a first byte that is ASCII text or a line end, `tls` for any other.

    A Refusal always says in `scheme` which language to answer in.
    """

    _tls: Callable[[], ISniffer]
    _http: Callable[[], ISniffer]
    _picked: ISniffer | None = field(default=None, init=False)
    _scheme: str = field(default="", init=False)

    def feed(self, data: bytes) -> Verdict:
        """Take the next bytes; see ISniffer."""
        if not self._picked:
            if not data:
                return NEED_MORE
            self._picked, self._scheme = self._pick(data[0])
        verdict = self._picked.feed(data)
        if isinstance(verdict, Refusal) and verdict.scheme is None:
            return evolve(verdict, scheme=self._scheme)
        return verdict

    def _pick(self, first: int) -> tuple[ISniffer, str]:
        if 0x20 <= first <= 0x7E or first in b"\t\r\n":
            return self._http(), "http"
        return self._tls(), "tls"
