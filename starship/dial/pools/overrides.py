"""
Overrides: what operators have said of a pool's endpoints since the start. Pure.

Part of the dial step. An endpoint is called as the ini file has it, which means all its addresses, or by one of them;
whatever was said last counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import define, field


@define(eq=False)
class Overrides:
    """`written` are the endpoints as the ini file has them; what is said of an address goes when the address goes."""

    written: Collection[str] = ()
    _draining: dict[str, bool] = field(init=False, factory=dict)
    _weights: dict[str, int | None] = field(init=False, factory=dict)

    def drain(self, word: str, addresses: Iterable[str], *, on: bool) -> None:
        """Let an endpoint have no new connections, or have them again; `addresses` are those that it has."""
        self._forget(self._draining, word, addresses)
        self._draining[word] = on

    def weigh(self, word: str, addresses: Iterable[str], weight: int | None) -> None:
        """Give it a weight; None: the one that is written."""
        self._forget(self._weights, word, addresses)
        self._weights[word] = weight

    def draining(self, endpoint: str, address: str) -> bool:
        """Whether an address of an endpoint is to have no new connections."""
        said = self._draining
        return bool(said) and said.get(address, said.get(endpoint, False))

    def weight(self, endpoint: str, address: str, written: int) -> int:
        """What it weighs."""
        said = self._weights
        weight = said.get(address, said.get(endpoint)) if said else None
        return written if weight is None else weight

    def gone(self, address: str) -> None:
        """No name has this address any more: whoever has it next is somebody else."""
        if address not in self.written:
            self._draining.pop(address, None)
            self._weights.pop(address, None)

    @staticmethod
    def _forget(said: dict[str, bool] | dict[str, int | None], word: str, addresses: Iterable[str]) -> None:
        for address in addresses:
            if address != word:
                said.pop(address, None)
