"""
Tells systemd how far we are.

Part of process. Source: sd_notify(3): a datagram of KEY=VALUE lines to the socket that NOTIFY_SOCKET names.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from attrs import define
from twisted.logger import Logger


@define(eq=False)
class Notifier:
    """Sends nothing where no service manager listens (NOTIFY_SOCKET is not set)."""

    _log = Logger()

    environment: Mapping[str, str]

    def say(self, state: str) -> None:
        """Send `READY=1`, `STOPPING=1`, `STATUS=...`. A manager that is away is a line in the log, no more."""
        path = self.environment.get("NOTIFY_SOCKET")
        if not path:
            return
        name = "\0" + path[1:] if path.startswith("@") else path  # an abstract socket
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.setblocking(False)
                channel.sendto(state.encode(), name)
        except OSError as error:
            self._log.warn("the service manager was not told {state}: {why}", state=state, why=str(error))
