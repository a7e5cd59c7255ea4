"""
The plan of the demo, as data: what runs where, the ini file that Starship gets, and the lines to paste.

Part of `mock`, which knows only the ground. Pure: starts nothing, listens to nothing (`world.py` does), plays nothing
(`play.py` does). All of it is on loopback, and needs neither root nor a network.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final

from attrs import frozen

from starship.words import Address

DOORS_HOST: Final = "127.0.0.1"
HANDSHAKE_FAILED: Final = 35
"""curl's exit status when the TLS handshake fails."""


@frozen
class Tenancy:
    """A little cluster of the demo: its name, its address, and the host that lives there."""

    cluster: str
    address: str
    host: str
    app: str


TENANCIES: Final = (
    Tenancy("north", "127.0.0.2", "a.com", "A Simple App"),
    Tenancy("south", "127.0.0.3", "b.com", "Another App"),
)
STRANGER: Final = "nobody.com"
BOTH: Final = "both.com"
"""Lives in every cluster: a pool of the ini file."""


@frozen(kw_only=True)
class Line:
    """One line to paste, and what it promises: its exit status, and what its output contains (case aside)."""

    says: str
    argv: tuple[str, ...]
    code: int = 0
    shows: tuple[str, ...] = ()

    def __str__(self) -> str:
        return shlex.join(self.argv)


@frozen(kw_only=True)
class Plan:
    """Where everything is. The clusters listen on the doors' ports, each on its own address: the port is implied."""

    directory: Path
    tls: int = 8443
    http: int = 8080
    admin: int = 9901
    api: int = 8500
    visitor: tuple[str, ...] = ("curl",)

    @property
    def authority(self) -> Path:
        """The certificate that signed those of the clusters."""
        return self.directory / "ca.pem"

    @property
    def hosts(self) -> Path:
        """The hosts file of the API."""
        return self.directory / "hosts.json"

    @property
    def places(self) -> tuple[Address, ...]:
        """Every address that something will listen on."""
        doors = [Address(DOORS_HOST, port) for port in (self.tls, self.http, self.admin, self.api)]
        clusters = [Address(home.address, port) for home in TENANCIES for port in (self.tls, self.http)]
        return (*doors, *clusters)


def based(plan: Plan, base: int) -> Plan:
    """The same plan with its ports from `base` to `base + 3`."""
    return Plan(directory=plan.directory, visitor=plan.visitor, tls=base, http=base + 1, admin=base + 2, api=base + 3)


def hosts_file(plan: Plan) -> str:
    """What the API knows: addresses without a port."""
    return json.dumps({home.host: {"app": home.app, "endpoint": home.address} for home in TENANCIES}, indent=2) + "\n"


def ini(plan: Plan) -> str:
    """The ini file that Starship is run with."""
    return f"""\
[starship]
drain_timeout = 1s

[listener:https]
protocol = tls
endpoint = tcp:{plan.tls}:interface={DOORS_HOST}

[listener:http]
protocol = http
endpoint = tcp:{plan.http}:interface={DOORS_HOST}

[lookup]
url = http://{DOORS_HOST}:{plan.api}/?host={{host}}

[cache]
ttl = 20s
neg_ttl = 5s

[limits]
connections = 200

[upstream]
# A lookup may not send anyone to loopback unless this says so.
allow = 127.0.0.0/8

[pool:both]
endpoints = {", ".join(home.address for home in TENANCIES)}

[routes]
{BOTH} = pool:both

[admin]
endpoint = tcp:{plan.admin}:interface={DOORS_HOST}
"""


def lines(plan: Plan) -> tuple[Line, ...]:
    """The lines to paste, in order."""
    return (*_routed(plan), *_refused(plan), *_shared(plan), *_counted(plan))


def banner(plan: Plan, bold: Callable[[str], str]) -> str:
    """What runs where, and the lines to paste."""
    rule = bold("─" * 78)
    parts = [
        (f"https://{DOORS_HOST}:{plan.tls}", "Starship, TLS by SNI (never decrypted)"),
        (f"http://{DOORS_HOST}:{plan.http}", "Starship, HTTP by Host"),
        (f"http://{DOORS_HOST}:{plan.admin}/metrics", "its metrics; /healthz and /readyz too"),
        (f"http://{DOORS_HOST}:{plan.api}/?host=a.com", "the API that it asks"),
        *(
            (f"{home.address}, ports {plan.tls} and {plan.http}", f"cluster {home.cluster}, home of {home.host}")
            for home in TENANCIES
        ),
    ]
    shown = [rule, bold("  Starship demo") + ": one address, two clusters, no configuration per host", rule, ""]
    shown += [f"  {where:<38} {what}" for where, what in parts]
    shown += ["", bold("  Paste into another terminal:"), ""]
    for line in lines(plan):
        shown += [f"  # {line.says}", f"  {line}", ""]
    shown += [
        f"  Move a host: edit {plan.hosts}; within 20 s it lives elsewhere, without a reload.",
        "  The access log follows as it comes. Ctrl-C ends.",
        rule,
    ]
    return "\n".join(shown)


def _routed(plan: Plan) -> tuple[Line, ...]:
    """Each host by its own name, in either protocol."""
    north, south = TENANCIES
    return (
        Line(
            says=f"{north.host} over TLS: cluster {north.cluster} answers, with its own certificate",
            argv=_visit(plan, "https", north.host),
            shows=(f"Cluster {north.cluster}", "door    tls", f"host    {north.host}"),
        ),
        Line(
            says=f"{south.host}, same address and port: cluster {south.cluster}",
            argv=_visit(plan, "https", south.host),
            shows=(f"Cluster {south.cluster}", "door    tls", f"host    {south.host}"),
        ),
        Line(
            says=f"{south.host} over plain HTTP, by its Host header",
            argv=_visit(plan, "http", south.host),
            shows=(f"Cluster {south.cluster}", "door    http", f"host    {south.host}"),
        ),
    )


def _refused(plan: Plan) -> tuple[Line, ...]:
    """A host that nobody knows."""
    return (
        Line(
            says="a host that nobody knows, over HTTP: a page",
            argv=_visit(plan, "http", STRANGER, "-i"),
            shows=("HTTP/1.1 404", "App not found"),
        ),
        Line(
            says="the same over HTTPS: no page is possible, but an alert that names the reason (curl exits with 35)",
            argv=_visit(plan, "https", STRANGER),
            code=HANDSHAKE_FAILED,
            shows=("unrecognized name",),
        ),
    )


def _shared(plan: Plan) -> tuple[Line, ...]:
    """A host of two clusters."""
    return (
        Line(
            says=f"{BOTH} lives in both: a pool, in turns",
            argv=_visit(plan, "http", BOTH),
            shows=("Cluster ", "door    http", f"host    {BOTH}"),
        ),
        Line(
            says="how the endpoints of that pool stand, and whom they served",
            argv=(*plan.visitor, "-sS", f"http://{DOORS_HOST}:{plan.admin}/pools/both"),
            shows=("both: round_robin, 2 endpoints (2 up), 2 used", *(home.address for home in TENANCIES)),
        ),
    )


def _counted(plan: Plan) -> tuple[Line, ...]:
    """What an operator sees of it."""
    return (
        Line(
            says="what was counted meanwhile",
            argv=(*plan.visitor, "-sS", f"http://{DOORS_HOST}:{plan.admin}/metrics"),
            shows=("starship_build_info{", 'reason="ok"', 'reason="unknown_name"'),
        ),
    )


def _visit(plan: Plan, scheme: str, host: str, *options: str) -> tuple[str, ...]:
    port = plan.tls if scheme == "https" else plan.http
    trust = ("--cacert", str(plan.authority)) if scheme == "https" else ()
    resolve = ("--resolve", f"{host}:{port}:{DOORS_HOST}")
    return (*plan.visitor, "-sS", *options, *resolve, *trust, f"{scheme}://{host}:{port}/")
