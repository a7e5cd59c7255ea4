"""
The admin site: bounds, headers, who is let in, and which page a request is for.

Part of `admin`, floor 6. What the pages show or do stands in their own modules. Every request is bounded in bytes and
in time; a body is kept only of those whom the doorkeeper lets in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from starship.admin.index import POLICY
from starship.admin.replies import Page, Place, Reply, Unfit, Visit, refusal, text_reply
from starship.admin.token import Doorkeeper, Objection

REQUEST_DEADLINE_S: Final = 20.0
"""From the first byte of a connection, or the last answer on it, to the end of the next request; not restarted."""
BODY_LIMIT_BYTES: Final = 1024 * 1024
STRANGER_BODY_LIMIT_BYTES: Final = 4096
"""Of those who are not let in; it is counted and thrown away."""
HEAD_LIMIT_BYTES: Final = 8192
TYPE: Final = "application/json"

_HEADERS: Final = (
    (b"Server", b"starship"),
    (b"Cache-Control", b"no-store"),
    (b"Content-Security-Policy", POLICY),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-Frame-Options", b"DENY"),
    (b"Referrer-Policy", b"no-referrer"),
)


class AdminRequest(Request):
    """A request whose body is bounded, and kept only where it may be used."""

    objection: Objection | None = None
    _room = 0
    _refused = False

    def gotLength(self, length: int | None) -> None:
        super().gotLength(0)
        site: AdminSite = self.channel.site  # type: ignore[attr-defined]  # Site.buildProtocol puts itself there
        self.objection = site.doorkeeper.objection(self.requestHeaders)
        self.kept = bytearray()
        self._room = BODY_LIMIT_BYTES if self.objection is None else STRANGER_BODY_LIMIT_BYTES
        if length is not None and length > self._room:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            self._refuse()
        elif self.objection is None:
            self.kept += data

    def process(self) -> None:
        if not self._refused:
            super().process()

    def _refuse(self) -> None:
        if not self._refused:
            self._refused = True
            self.kept.clear()
            self.channel.write(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.channel.loseConnection()


class Window(Resource):
    """Every page by its path; the same headers, methods and guard for all of them."""

    isLeaf = True
    log: ClassVar[Logger] = Logger()

    def __init__(self, places: Mapping[bytes, Place]) -> None:
        super().__init__()
        self._places = places

    def render(self, request: AdminRequest) -> Any:
        """Answer at once, or later; who leaves meanwhile gives the question up."""
        reply = self._reply(request)
        if isinstance(reply, Reply):
            return _head(request, reply)
        gone = request.notifyFinish()
        reply.addCallbacks(_later, self._broke, callbackArgs=(request,), errbackArgs=(request,))
        gone.addErrback(lambda _: reply.cancel())
        return NOT_DONE_YET

    def _reply(self, request: AdminRequest) -> Reply | Deferred[Reply]:
        place, rest = self._place(request.path)
        if place is None:
            return text_reply("not found\n", http.NOT_FOUND)
        page = place.methods.get(b"GET" if request.method == b"HEAD" else request.method)
        if page is None:
            return _not_allowed(request, place)
        if place.guarded and request.objection is not None:
            if request.objection.status == http.UNAUTHORIZED:
                request.setHeader(b"WWW-Authenticate", b'Bearer realm="starship"')
            return refusal(request.objection.status, request.objection.why)
        visit = _visit(request, rest)
        # A form of another site cannot send this type without asking first, and nobody here says yes.
        if visit.body and visit.kind.partition(";")[0].strip().lower() != TYPE:
            return refusal(http.UNSUPPORTED_MEDIA_TYPE, f"the body has to be of Content-Type {TYPE}")
        return self._opened(page, visit)

    def _opened(self, page: Page, visit: Visit) -> Reply | Deferred[Reply]:
        try:
            return page(visit)
        except Unfit as error:
            return refusal(http.BAD_REQUEST, str(error))

    def _place(self, path: bytes) -> tuple[Place | None, bytes]:
        """What is at a path; else at the longest path above it that ends in a slash, and what is left of it."""
        place = self._places.get(path)
        if place is not None and not path.endswith(b"/"):
            return place, b""
        above, _, rest = path.rpartition(b"/")
        return (
            (place, b"") if path == b"/" else (self._places.get(above + b"/"), rest) if above and rest else (None, b"")
        )

    def _broke(self, failure: Failure, request: AdminRequest) -> None:
        if failure.check(Unfit):
            _later(refusal(http.BAD_REQUEST, str(failure.value)), request)
        elif not failure.check(CancelledError):
            self.log.failure("a page of the admin site broke", failure=failure)
            _later(refusal(http.INTERNAL_SERVER_ERROR, "this page broke; the log says how"), request)


class AdminChannel(HTTPChannel):
    """HTTP/1.1 only; a request has its deadline whatever dribbles in."""

    totalHeadersSize = HEAD_LIMIT_BYTES
    maxHeaders = 64

    def resetTimeout(self) -> None:
        """Not restarted by a byte: `setTimeout` starts it at the connection and after each answer."""


class AdminSite(Site):
    """Without the access log of twisted.web, and so without its clock that ticks each second."""

    protocol: Any = AdminChannel

    def __init__(self, window: Window, doorkeeper: Doorkeeper, clock: IReactorTime) -> None:
        super().__init__(window, requestFactory=AdminRequest, timeout=REQUEST_DEADLINE_S, reactor=clock)
        self.doorkeeper = doorkeeper

    def startFactory(self) -> None:
        """Nothing to open."""

    def stopFactory(self) -> None:
        """Nothing to close."""


def make_site(places: Mapping[bytes, Place], doorkeeper: Doorkeeper, clock: IReactorTime) -> Site:
    """The admin site, to be listened with on TCP or a unix socket. A path that ends in a slash takes one more step."""
    return AdminSite(Window(places), doorkeeper, clock)


def _visit(request: AdminRequest, rest: bytes) -> Visit:
    visit = Visit(
        rest=rest, query=request.uri.partition(b"?")[2], accept=_header(request, b"accept"), body=bytes(request.kept)
    )
    return evolve(visit, kind=_header(request, b"content-type")) if visit.body else visit


def _header(request: Request, name: bytes) -> str:
    """A header, whatever its bytes (asked for as text, twisted.web fails on what is not UTF-8)."""
    return b",".join(request.requestHeaders.getRawHeaders(name, [])).decode("latin-1")


def _not_allowed(request: AdminRequest, place: Place) -> Reply:
    methods = [method for name in place.methods for method in ((b"GET", b"HEAD") if name == b"GET" else (name,))]
    request.setHeader(b"Allow", b", ".join(methods))
    return text_reply(f"only {b' and '.join(methods).decode()}\n", http.NOT_ALLOWED)


def _later(reply: Reply, request: AdminRequest) -> None:
    request.write(_head(request, reply))
    request.finish()


def _head(request: AdminRequest, reply: Reply) -> bytes:
    """Set the reply's status and headers; its body, empty for HEAD."""
    for name, value in _HEADERS:
        request.setHeader(name, value)
    request.setResponseCode(reply.status)
    request.setHeader(b"Content-Type", reply.kind)
    request.setHeader(b"Content-Length", b"%d" % len(reply.body))
    if reply.verdict:
        request.setHeader(b"Starship-Verdict", reply.verdict.encode())
    return b"" if request.method == b"HEAD" else reply.body
