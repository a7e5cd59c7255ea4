"""
How a noun is made that there is one of for each connection or request.

Floor 0: knows nothing. Keywords to a class cost a dict and five times as long, so the few places that every request
passes through make theirs by position, one field a line, and everybody else by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attrs import frozen as noun
else:
    from attrs import define

    def noun(*, kw_only):
        """`frozen` for the type checker, and cheap to make at run time: in about half the time."""
        return define(kw_only=kw_only, unsafe_hash=True)


__all__ = ["noun"]
