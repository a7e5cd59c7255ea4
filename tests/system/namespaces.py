"""
Networks of our own: namespaces in which any port, any address and any fault is ours to have.

Nothing in them reaches the machine's network. Source: network_namespaces(7), setns(2), unshare(2).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.e2e.world import until
from tests.system.programs import run

_NEWNET = 0x40000000
_KERNEL = ctypes.CDLL(None, use_errno=True)

SHIP = "10.0.0.1"
CLUSTER_A = "10.0.0.24"
CLUSTER_B = "10.0.0.25"


def _must(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def network(*addresses: str) -> Iterator[None]:
    """
    Move the calling thread, and all that it starts, to a new network with a loopback device and these addresses.

    Afterwards the thread is back where it was. Needs root.
    """
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _must(_KERNEL.unshare(_NEWNET))
        ip("link", "set", "lo", "up")
        for address in addresses:
            ip("address", "add", f"{address}/{128 if ':' in address else 32}", "dev", "lo")
        for address in addresses:
            if ":" in address:
                until(partial(_leads_to, address), f"the route to {address}")
        yield
    finally:
        _must(_KERNEL.setns(before, _NEWNET))
        os.close(before)


def _leads_to(address: str) -> bool:
    """An address of IPv6 is tentative until the kernel finds the time to look at it, and then has its route."""
    return f"local {address} " in run("ip", "-6", "route", "show", "table", "local").expect(0).out


def ip(*arguments: str) -> None:
    """iproute2."""
    run("ip", *arguments).expect(0)


def nft(rules: str) -> None:
    """Load rules into the network of the calling thread."""
    run("nft", "-f", "-", stdin=rules.encode()).expect(0)


@contextmanager
def neighbour(near: str, far: str) -> Iterator[int]:
    """
    Another network, joined to this one by a cable with the address `near` at our end and `far` at the other.

    Gives the id of the process that holds it: `nsenter --net --target ID COMMAND` runs something there.
    """
    command = ["unshare", "--net", "sh", "-c", "echo ready; exec cat"]  # until we are gone
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(holder.pid))
        ip("address", "add", f"{near}/24", "dev", "near")
        ip("link", "set", "near", "up")
        there = ("nsenter", "--net", "--target", str(holder.pid))
        run(*there, "ip", "address", "add", f"{far}/24", "dev", "far").expect(0)
        run(*there, "ip", "link", "set", "far", "up").expect(0)
        run(*there, "ip", "link", "set", "lo", "up").expect(0)
        for where in ((), there):
            until(partial(_carries, *where, "ip", "link", "show", "up", "type", "veth"), "the cable")
        yield holder.pid
    finally:
        holder.kill()
        holder.communicate()


def _carries(*command: str) -> bool:
    return " state UP " in run(*command).expect(0).out


def open_to_all(view: Path) -> tuple[str, ...]:
    """
    A command prefix under which every user may read this Python and this checkout.

    They may lie below a directory that root keeps to itself (/root); the prefix makes a mount namespace in which such
    a directory is open and holds nothing but the way to them. `view` is where the way is laid, a new directory.
    """
    wanted = {Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[2]}
    ways = [(closed, path.relative_to(closed).parts[0]) for path in wanted for closed in _closed_above(path)]
    lines = []
    for closed in sorted({closed for closed, _ in ways}):
        shown = f"{view}/{str(closed).strip('/').replace('/', '-')}"
        for name in sorted({name for place, name in ways if place == closed}):
            lines += [f"mkdir -p '{shown}/{name}'", f"mount --rbind '{closed}/{name}' '{shown}/{name}'"]
        lines.append(f"mount --rbind '{shown}' '{closed}'")
    return ("unshare", "--mount", "sh", "-ec", "\n".join([*lines, 'exec "$@"']), "sh")


def _closed_above(path: Path) -> list[Path]:
    return [parent for parent in path.parents if not parent.stat().st_mode & 0o001]
