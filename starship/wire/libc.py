"""
System calls on raw descriptors that Python offers on socket objects alone.

The ground underfoot. A socket object for a moment would cost a getsockname each time, and one for good would cost
memory for each of thousands of idle connections.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_SHUTDOWN: Final = _LIBC.shutdown
_SETSOCKOPT: Final = _LIBC.setsockopt

_ON: Final = struct.pack("i", 1)
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
_NOTHING: Final = struct.pack("i", 0)


def shut_write(fd: int) -> bool:
    """Send our end of stream. False where the connection is gone already. Source: shutdown(2)."""
    return bool(_SHUTDOWN(fd, socket.SHUT_WR) == 0)


def send_at_once(fd: int) -> bool:
    """Switch Nagle's algorithm off. Source: tcp(7), TCP_NODELAY."""
    return bool(_SETSOCKOPT(fd, socket.IPPROTO_TCP, socket.TCP_NODELAY, _ON, len(_ON)) == 0)


def reset_on_close(fd: int) -> bool:
    """Make closing reset the connection, and drop what was not sent. Source: socket(7), SO_LINGER."""
    return bool(_SETSOCKOPT(fd, socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT, len(_LINGER_NOT)) == 0)


def unacknowledged(fd: int) -> int:
    """Bytes written that the peer's kernel has not confirmed; our end of stream is one. Source: tcp(7), SIOCOUTQ."""
    try:
        return int.from_bytes(ioctl(fd, TIOCOUTQ, _NOTHING), sys.byteorder)
    except (OSError, ValueError):
        return 0
