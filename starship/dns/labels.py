"""
Names as they stand in DNS messages, with their pointers. Pure.

The innermost part of `dns`. Whatever the octets, a name is within 255 of them and takes few steps: pointers lead
backwards only, are counted, and what they lead to is read once.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field

from starship.names import BadName, Hostname, canonical

NAME_OCTETS: Final = 255
POINTERS_LIMIT: Final = 32
POINTER: Final = 0xC0


class Garbled(ValueError):
    """It is not as messages are; never leaves the modules that read them."""


@define(eq=False)
class Labels:
    """The names of one message."""

    data: bytes
    _known: dict[int, bytes] = field(init=False, factory=dict)

    def name(self, at: int) -> tuple[Hostname | None, int]:
        """
        The name at a place, and where it ends; None where it is no Hostname (the root is none).

        Raises: Garbled past the end, over 255 octets, or for pointers that do not lead backwards.
        Source: RFC 1035 sections 3.1 and 4.1.4.
        """
        labels: list[bytes] = []
        here, rest, size = self._run(at, labels, 0)
        end = here
        limit = at
        for _ in range(POINTERS_LIMIT):
            if rest is None:
                break
            if rest >= limit:
                raise Garbled
            known = self._known.get(rest)
            if known is not None:
                labels.append(known)
                size += len(known)
                rest = None
                break
            limit = rest
            _, rest, size = self._run(rest, labels, size)
        if rest is not None or size > NAME_OCTETS:
            raise Garbled
        raw = self._known[at] = b".".join(label for label in labels if label)
        spelled = canonical(raw)
        return (None if isinstance(spelled, BadName) else spelled), end

    def _run(self, at: int, labels: list[bytes], size: int) -> tuple[int, int | None, int]:
        """Labels up to the root (None) or a pointer (where it leads); where they end, and how long all are now."""
        data = self.data
        while at < len(data) and size <= NAME_OCTETS:
            length = data[at]
            if length >= POINTER and at + 1 < len(data):
                return at + 2, (length & ~POINTER) << 8 | data[at + 1], size
            if length & POINTER:
                break
            if length == 0:
                return at + 1, None, size + 1
            # A dot within a label would make two of it: `canonical` takes no backslash.
            labels.append(data[at + 1 : at + 1 + length].replace(b".", b"\\"))
            size += length + 1
            at += length + 1
        raise Garbled
