"""
The keys of how endpoints of pools are checked.

Part of `config`.
"""

from __future__ import annotations

from starship.config.checking import HOST, PATH, STATUSES
from starship.config.keys.table import Section
from starship.config.values import Kind, choice, duration, integer


def add_checks(section: Section, *, inherits: str = "") -> None:
    """What a pool may say for itself, and `[upstream]` for all pools."""

    def add(name: str, kind: Kind, example: str, doc: str) -> None:
        section.add(name, kind, example, doc, inherits=inherits)

    add(
        "check",
        choice("off", "tcp", "http", "tls"),
        "http",
        "Ask the endpoints of a pool whether they are well, before a client has to find out: they take a connection"
        " (`tcp`), answer a request (`http`), or finish a handshake, whatever their certificate (`tls`).",
    )
    add("check_interval", duration(0.1, 3600), "2s", "How often, a tenth more or less at random.")
    add("check_timeout", duration(0.01, 60), "500ms", "How long a check may take in all.")
    add("check_rise", integer(1, 100), "3", "Checks in a row that an endpoint passes until it is up again.")
    add(
        "check_fall",
        integer(1, 100),
        "2",
        "Checks in a row that it fails until it is down. The very first one decides by itself.",
    )
    add("check_port", integer(1, 65_535, "the endpoint's own"), "8080", "The port that is asked.")
    add(
        "check_host",
        HOST,
        "health.example.com",
        "The Host of the request, and the name that the TLS hello asks for. Without it: the endpoint's own name; an"
        " address is its own Host, and in TLS no name.",
    )
    add("check_path", PATH, "/healthz", "The path of the request.")
    add("check_statuses", STATUSES, "200, 204", "The answers of an endpoint that is well.")
    add(
        "on_down",
        choice("keep", "close"),
        "close",
        "What becomes of a pool's live connections to an endpoint that its checks found down.",
    )
