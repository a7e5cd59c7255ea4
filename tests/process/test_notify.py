"""The service manager is told how far we are; one that is away is no more than a line in the log."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from twisted.logger import capturedLogs

from starship.process.notify import Notifier
from tests.fakes import errors_in


def heard_at(address: str, variable: str) -> bytes:
    """What a manager that listens at `address` is told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(30)
        manager.bind(address)
        Notifier({"NOTIFY_SOCKET": variable}).say("READY=1\nSTATUS=listening")
        return manager.recv(100)


def test_a_manager_with_a_path_is_told(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    assert heard_at(path, path) == b"READY=1\nSTATUS=listening"


def test_a_manager_with_an_abstract_name_is_told() -> None:
    name = f"starship-{secrets.token_hex(8)}"
    assert heard_at(f"\0{name}", f"@{name}") == b"READY=1\nSTATUS=listening"


def test_without_a_manager_nothing_is_said() -> None:
    with capturedLogs() as log:
        Notifier({}).say("READY=1")
        Notifier({"NOTIFY_SOCKET": ""}).say("READY=1")
    assert not log


def test_a_manager_that_is_away_is_one_line_and_no_error(tmp_path: Path) -> None:
    for path in (str(tmp_path / "nobody"), "/" + "long" * 100):
        with capturedLogs() as log:
            Notifier({"NOTIFY_SOCKET": path}).say("READY=1")
        (event,) = log
        assert not errors_in(log)
        assert event["state"] == "READY=1"
        assert event["why"] != "None"


def test_a_manager_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, capturedLogs() as log:
        manager.bind(path)
        for _ in range(2000):
            Notifier({"NOTIFY_SOCKET": path}).say("STATUS=" + "x" * 500)
            if log:
                break
    assert len(log) == 1
