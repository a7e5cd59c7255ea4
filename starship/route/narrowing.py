"""
A route, narrowed to one request: by its path rules, and to https where plain HTTP is only sent there. Pure.

Part of `route`. The Journey asks here once a name has a route that is particular about requests; all other routes pass
it by. Knows what was asked for, and no connection.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from starship.paths import BadPath, canonical, choose, is_torn, rewriting
from starship.reasons import Reason
from starship.words import Door, Hello, Refusal, Request, Route

HTTPS_PORT: Final = 443
CHALLENGES: Final = "/.well-known/acme-challenge/"
"""Where a certificate authority looks over plain HTTP before there is a certificate (RFC 8555 section 8.3)."""


def narrow(route: Route, hello: Hello, door: Door) -> Route | Refusal:
    """
    The route of this request alone, or why there is none.

    Where the path is hidden (TLS) or counts for the first request only (a tunnel), the route's own upstreams serve all.
    """
    request = hello.request
    if request is None:
        return route if _has_home(route) else _unknown("the route has path rules alone, and the path is not known here")
    port = door.redirect or (HTTPS_PORT if route.redirect else 0)
    if port and hello.name is not None and not _is_challenge(request.path):
        return Refusal(reason=Reason.REDIRECTED, location=_location(hello.name, port, request))
    return _by_path(route, request) if route.paths else route


def _is_challenge(path: str) -> bool:
    """Whether every server finds it below CHALLENGES: dot segments and what hides them may lead anywhere."""
    return path.startswith(CHALLENGES) and not isinstance(canonical(path), BadPath)


def _by_path(route: Route, request: Request) -> Route | Refusal:
    if request.path == "*":  # the server as a whole, which no rule is about (RFC 9110 section 9.3.7)
        return route if _has_home(route) else _unknown("no rule of the route is about the server as a whole")
    path = canonical(request.path)
    if isinstance(path, BadPath):
        return Refusal(reason=Reason.BAD_HEAD, detail=f"the path decides here, and {path.why}")
    rule = choose(route.paths, path)
    if is_torn(route.paths, path, rule):
        return Refusal(
            reason=Reason.BAD_HEAD, detail="the path decides here, and without its parameters it is another's"
        )
    if rule is not None:
        return evolve(route, upstreams=rule.upstreams, pool=rule.pool, rewrite=rewriting(rule, request.path), paths=())
    return route if _has_home(route) else _unknown("no rule of the route fits the path")


def _has_home(route: Route) -> bool:
    """Whether the route goes somewhere without its path rules."""
    return bool(route.upstreams) or route.pool is not None


def _unknown(detail: str) -> Refusal:
    return Refusal(reason=Reason.UNKNOWN_PATH, detail=detail)


def _location(name: str, port: int, request: Request) -> str:
    """
    The same place over https: the canonical name, never the Host as it was sent; a target of visible ASCII.

    Shape: the path keeps its spelling and its query; what is no path (`*`) becomes `/`.
    """
    target = request.target.decode("ascii")
    query = target.partition("?")[1:]
    path = request.path if request.path.startswith("/") else "/"
    host = name if port == HTTPS_PORT else f"{name}:{port}"
    return f"https://{host}{path}{''.join(query)}"
