"""
How a command looks in the help of `starship`: in the list of all, and on a page of its own.

Part of cli, floor 8.
"""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction
from typing import Any


def add_command(
    commands: _SubParsersAction[ArgumentParser], name: str, says: str, *, ends: str = "", **more: Any
) -> ArgumentParser:
    """One of `commands`: `says` what it does, without a full stop; `ends` in sentences what its exit status means."""
    return commands.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.", epilog=ends, **more)
