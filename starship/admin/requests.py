"""
What a route does with one request that is particular about requests: its path rules, and its redirect. Pure.

Part of `admin`, floor 6, for `reasoning.py`. Asks the same function as a Journey does.
"""

from __future__ import annotations

from attrs import frozen

from starship.admin.rooms import Doorway, Rooms
from starship.names import Hostname
from starship.paths import canonical, choose
from starship.words import Door, Hello, PathRule, Refusal, Request, Route

HTTP = "http"
TLS = "tls"


@frozen(kw_only=True)
class Turn:
    """
    Where a request goes, or why it does not. `target` as it was asked for; None: hidden by TLS, or by a tunnel.

    `rule` is the one that fits; `passed_on` the target that the upstream gets. `found` is the route of this request.
    """

    target: str | None
    rule: PathRule | None
    passed_on: str
    found: Route | Refusal

    @property
    def kind(self) -> str:
        """Of the clients that meet it so."""
        return TLS if self.target is None else HTTP

    @property
    def words(self) -> str:
        """For people."""
        if self.target is None:
            return "hidden from us: path rules and redirects do not count"
        if isinstance(self.found, Refusal):
            return f"{self.target}: {self.found.location or self.found.detail}"
        if self.rule is None:
            return f"{self.target}: no rule fits"
        rewritten = "" if self.rule.rewrite is None else f", passed on as {self.passed_on}"
        return f"{self.target}: fits the {self.rule.kind} {self.rule.path}{rewritten}"


def turn_of(rooms: Rooms, door: Doorway, name: Hostname | None, target: str | None, route: Route) -> Turn | None:
    """
    What the route makes of a request for a target (path and query; None: hidden).

    Returns: None where neither the route nor the door is particular about requests.
    """
    if not (route.paths or route.redirect or door.redirect):
        return None
    path = None if target is None else target.partition("?")[0]
    request = None
    if target is not None and path is not None:
        request = Request(method=b"GET", target=target.encode(), path=path, minor=1)
    hello = Hello(name=name, scheme=TLS if request is None else HTTP, consumed=0, request=request)
    found = rooms.narrow(route, hello, Door(door.name, door.port, door.redirect))
    return Turn(target=target, rule=_rule(route, path, found), passed_on=_passed_on(target, found), found=found)


def _rule(route: Route, path: str | None, found: Route | Refusal) -> PathRule | None:
    spelled = None if path is None else canonical(path)
    return choose(route.paths, spelled) if isinstance(spelled, str) and isinstance(found, Route) else None


def _passed_on(target: str | None, found: Route | Refusal) -> str:
    if target is None or isinstance(found, Refusal):
        return ""
    gone, instead = found.rewrite or ("", "")
    return instead + target[len(gone) :]
