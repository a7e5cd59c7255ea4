"""
The admin site: a window, not a door. Metrics, health, readiness, and a page that links them.

Part of `admin`, floor 6. Reads what others count and changes nothing. Only GET and HEAD; every request is bounded in
bytes and in time; no byte of a request comes back in an answer.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from attrs import frozen
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, generate_latest
from twisted.internet.interfaces import IReactorTime
from twisted.web import http
from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from starship.admin.readiness import Readiness

REQUEST_DEADLINE_S: Final = 20.0
"""From the first byte of a connection, or the last answer on it, to the end of the next request; not restarted."""
BODY_LIMIT_BYTES: Final = 4096
HEAD_LIMIT_BYTES: Final = 8192

TEXT: Final = b"text/plain; charset=utf-8"
JSON: Final = b"application/json"
HTML: Final = b"text/html; charset=utf-8"
PROMETHEUS: Final = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text"

_STYLE = """
:root{color-scheme:light dark;--ink:#1e1b4b;--soft:#6b7280;--line:#e5e7eb;--paper:#fff;--back:#f5f5fb;--accent:#4f46e5}
@media(prefers-color-scheme:dark){:root{--ink:#eef2ff;--soft:#9ca3af;--line:#2e2e48;--paper:#1a1a2e;--back:#10101c;
--accent:#a5b4fc}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--back);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
main{width:min(30rem,calc(100vw - 3rem));background:var(--paper);border:1px solid var(--line);border-radius:14px;
padding:2rem;box-sizing:border-box}
h1{margin:0 0 .25rem;font-size:1.5rem}p{margin:0 0 1.25rem;color:var(--soft)}
ul{list-style:none;margin:0;padding:0}li{border-top:1px solid var(--line)}
a{display:flex;justify-content:space-between;gap:1rem;padding:.75rem 0;color:var(--accent);text-decoration:none;
font-weight:600}a:hover,a:focus{text-decoration:underline}a span{color:var(--soft);font-weight:400;text-align:right}
"""

_INDEX = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Starship admin</title><style>{_STYLE}</style></head>
<body><main><h1>Starship</h1><p>The front door of the fleet, seen from the inside.</p><ul>
<li><a href="/metrics">/metrics<span>for Prometheus</span></a></li>
<li><a href="/healthz">/healthz<span>is the process running?</span></a></li>
<li><a href="/readyz">/readyz<span>may clients be sent here?</span></a></li>
</ul></main></body></html>
""".encode()

_POLICY = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'".encode()

_HEADERS: Final = (
    (b"Server", b"starship"),
    (b"Cache-Control", b"no-store"),
    (b"Content-Security-Policy", _POLICY),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-Frame-Options", b"DENY"),
    (b"Referrer-Policy", b"no-referrer"),
)


@frozen
class Reply:
    """What a page answers."""

    status: int
    kind: bytes
    body: bytes


View = Callable[[str], Reply]
"""From the request's Accept header, which is all a page may look at, to its reply."""


class Window(Resource):
    """Every page by its exact path; the same headers and methods for all of them."""

    isLeaf = True

    def __init__(self, pages: dict[bytes, View]) -> None:
        super().__init__()
        self._pages = pages

    def render(self, request: Request) -> bytes:
        for name, value in _HEADERS:
            request.setHeader(name, value)
        if request.method in (b"GET", b"HEAD"):
            reply = self._pages.get(request.path, _missing)(_accepts(request))
        else:
            request.setHeader(b"Allow", b"GET, HEAD")
            reply = Reply(http.NOT_ALLOWED, TEXT, b"only GET and HEAD\n")
        request.setResponseCode(reply.status)
        request.setHeader(b"Content-Type", reply.kind)
        request.setHeader(b"Content-Length", b"%d" % len(reply.body))
        return b"" if request.method == b"HEAD" else reply.body


class AdminRequest(Request):
    """A request whose body is counted and thrown away: nothing here reads one."""

    _body = 0
    _refused = False

    def gotLength(self, length: int | None) -> None:
        super().gotLength(0)
        if length is not None and length > BODY_LIMIT_BYTES:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self._body += len(data)
        if self._body > BODY_LIMIT_BYTES:
            self._refuse()

    def process(self) -> None:
        if not self._refused:
            super().process()

    def _refuse(self) -> None:
        if not self._refused:
            self._refused = True
            self.channel.write(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.channel.loseConnection()


class AdminChannel(HTTPChannel):
    """HTTP/1.1 only; a request has its deadline whatever dribbles in."""

    totalHeadersSize = HEAD_LIMIT_BYTES
    maxHeaders = 64

    def resetTimeout(self) -> None:
        """Not restarted by a byte: `setTimeout` starts it at the connection and after each answer."""


class AdminSite(Site):
    """Without the access log of twisted.web, and so without its clock that ticks each second."""

    protocol: Any = AdminChannel

    def __init__(self, window: Window, clock: IReactorTime) -> None:
        super().__init__(window, requestFactory=AdminRequest, timeout=REQUEST_DEADLINE_S, reactor=clock)

    def startFactory(self) -> None:
        """Nothing to open."""

    def stopFactory(self) -> None:
        """Nothing to close."""


def make_site(registry: CollectorRegistry, readiness: Readiness, clock: IReactorTime) -> Site:
    """The admin site, to be listened with on TCP or a unix socket."""
    pages: dict[bytes, View] = {
        b"/": lambda accept: Reply(http.OK, HTML, _INDEX),
        b"/metrics": lambda accept: _metrics(registry, accept),
        b"/healthz": lambda accept: Reply(http.OK, TEXT, b"ok\n"),
        b"/readyz": lambda accept: _ready(readiness, accept),
    }
    return AdminSite(Window(pages), clock)


def _accepts(request: Request) -> str:
    """The Accept header, whatever its bytes (asked for as text, twisted.web fails on what is not UTF-8)."""
    return b",".join(request.requestHeaders.getRawHeaders(b"accept", [])).decode("latin-1")


def _missing(accept: str) -> Reply:
    return Reply(http.NOT_FOUND, TEXT, b"not found\n")


def _metrics(registry: CollectorRegistry, accept: str) -> Reply:
    if OPENMETRICS in accept:
        encode, kind = choose_encoder(f"{OPENMETRICS}; version=1.0.0")
        return Reply(http.OK, kind.encode("ascii"), encode(registry))
    return Reply(http.OK, PROMETHEUS, generate_latest(registry))


def _ready(readiness: Readiness, accept: str) -> Reply:
    standing = readiness.standing()
    status = http.OK if standing.ready else http.SERVICE_UNAVAILABLE
    if "application/json" in accept:
        body = json.dumps({"ready": standing.ready, "state": standing.state, "reasons": standing.reasons})
        return Reply(status, JSON, body.encode("ascii") + b"\n")
    return Reply(status, TEXT, "".join(f"{line}\n" for line in (standing.state, *standing.reasons)).encode())
