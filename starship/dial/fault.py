"""
Whose fault it is that a connect failed, and in which words. Pure.

Part of the dial step: an endpoint is not blamed for what we lack.
"""

from __future__ import annotations

import errno
from typing import Final

from starship.errors import DialBroken, DialFailed, DialRefused, DialShort, DialTimeout
from starship.words import Address

FULL: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What the kernel says where descriptors or memory are used up: others that are closed make room."""

OUR_MEANS: Final = FULL | {errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.EAGAIN}
"""What the kernel says for want of our own means."""

NO_SOURCE: Final = "EADDRNOTAVAIL (bind_address is not this machine's, or no port of ours is left)"


def explained(address: Address, why: OSError) -> DialFailed:
    """A connect's error as one of ours."""
    said = errno.errorcode.get(why.errno or 0, str(why))
    if why.errno == errno.EADDRNOTAVAIL:
        said = NO_SOURCE
    if why.errno in FULL:
        return DialShort(f"cannot connect to {address}: {said}")
    if why.errno in OUR_MEANS:
        return DialBroken(f"cannot connect to {address}: {said}")
    if isinstance(why, TimeoutError):
        return DialTimeout(f"{address} did not answer in time")
    return DialRefused(f"{address}: {said}")
