"""
A little cluster: the site that a tenant would run, over HTTP, over TLS with its own certificate, and as a raw echo.

Part of `mock`, which knows only the ground. Says who was asked for what by whom, and moves as many bytes as wished.
"""

from __future__ import annotations

import html
from collections import Counter
from typing import Any, Final, cast

from attrs import define, field
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from OpenSSL import SSL
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IListeningPort,
    IOpenSSLServerConnectionCreator,
    IReactorTCP,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from starship.mock.certificates import Credentials
from starship.mock.streams import Pattern, pour, quiet_site, stream

BYTES_LIMIT: Final = 2**33
"""The longest body that `/bytes/N` sends."""

_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Cluster {name}</title>
<meta name="viewport" content="width=device-width"><style>:root{{color-scheme:light dark}}body{{font:1.1rem/1.6
system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1rem}}h1{{border-left:.4rem solid #4f46e5;
padding-left:.8rem}}dt{{opacity:.6}}dd{{margin:0 0 .6rem;font-family:monospace}}</style>
<h1>Cluster {name}</h1><dl><dt>door<dd>{door}<dt>host<dd>{host}<dt>path<dd>{path}<dt>client<dd>{client}</dl>
"""
_TEXT: Final = "Cluster {name}\ndoor    {door}\nhost    {host}\npath    {path}\nclient  {client}\n"


class ClusterSite(Resource):
    """
    What a cluster answers: `/bytes/N` streams N bytes, `POST /echo` gives the body back, all else says who it is.

    `visits` counts requests by the host asked.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.visits: Counter[str] = Counter()

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Every path is answered here."""
        return self

    def render_GET(self, request: Request) -> bytes | int:
        """Bytes, or who answers."""
        host = self._visited(request)
        if request.path.startswith(b"/bytes/"):
            return self._bytes(request, request.path[len(b"/bytes/") :])
        door = "tls" if request.isSecure() else "http"
        client = request.getClientAddress()
        shown = {
            "name": self.name,
            "door": door,
            "host": host,
            "path": request.uri.decode("ascii", "replace")[:1000],
            "client": f"{getattr(client, 'host', '?')}:{getattr(client, 'port', '?')}",
        }
        request.setHeader(b"x-content-type-options", b"nosniff")
        request.setHeader(b"x-cluster", self.name.encode())
        if b"text/html" in (request.getHeader(b"accept") or b""):
            request.setHeader(b"content-type", b"text/html; charset=utf-8")
            return _PAGE.format(**{key: html.escape(value) for key, value in shown.items()}).encode()
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return _TEXT.format(**shown).encode()

    def render_POST(self, request: Request) -> bytes | int:
        """The body back, whatever the path."""
        self._visited(request)
        request.setHeader(b"content-type", b"application/octet-stream")
        content = request.content
        if content is None:
            return b""
        length = content.seek(0, 2)
        content.seek(0)
        request.setHeader(b"content-length", b"%d" % length)
        pour(request, content)
        return NOT_DONE_YET

    def _visited(self, request: Request) -> str:
        host = (request.getHeader(b"host") or b"").decode("ascii", "replace")[:261]
        self.visits[host] += 1
        return host

    def _bytes(self, request: Request, wanted: bytes) -> bytes | int:
        request.setHeader(b"content-type", b"application/octet-stream")
        if not wanted.isdigit() or len(wanted) > 11 or int(wanted) > BYTES_LIMIT:
            request.setResponseCode(400)
            return b"/bytes/N sends N bytes, 0 to %d\n" % BYTES_LIMIT
        stream(request, Pattern(int(wanted)))
        return NOT_DONE_YET


@implementer(IHalfCloseableProtocol)
class Echo(Protocol):
    """Gives each byte back, with back-pressure; ends its stream when the peer has ended its own."""

    transport: Any

    def connectionMade(self) -> None:
        """Read no faster than the peer takes its bytes back."""
        self.transport.registerProducer(self.transport, True)

    def dataReceived(self, data: bytes) -> None:
        """Back."""
        self.transport.write(data)

    def readConnectionLost(self) -> None:
        """The peer has said all; so have we, once the buffer is empty."""
        self.transport.unregisterProducer()
        self.transport.loseWriteConnection()

    def writeConnectionLost(self) -> None:
        """Both streams are over."""
        self.transport.loseConnection()


@define(eq=False, kw_only=True)
class Cluster:
    """
    A cluster on one address: HTTP always, TLS where it has credentials, raw echo where wished.

    A port of 0 is any free one; after `start` the three ports say which.
    """

    name: str
    reactor: IReactorTCP
    clock: IReactorTime
    address: str = "127.0.0.1"
    http_port: int = 0
    tls_port: int = 0
    echo_port: int | None = None
    credentials: Credentials | None = None
    site: ClusterSite = field(init=False)
    _ports: list[IListeningPort] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self.site = ClusterSite(self.name)

    def start(self) -> None:
        """Listen. Raises: CannotListenError."""
        site = quiet_site(self.site, self.clock)
        self.http_port = self._listen(self.http_port, site)
        if self.credentials is not None:
            tls = TLSMemoryBIOFactory(Tls(self.credentials), False, site, self.clock)
            tls.noisy = False
            self.tls_port = self._listen(self.tls_port, tls)
        if self.echo_port is not None:
            echo = Factory.forProtocol(Echo)
            echo.noisy = False
            self.echo_port = self._listen(self.echo_port, echo)

    def stop(self) -> Deferred[list[None]]:
        """Listen no more; connections that are open go on."""
        ports, self._ports = self._ports, []
        return gatherResults([waiting for port in ports if (waiting := port.stopListening()) is not None])

    def _listen(self, port: int, factory: Any) -> int:
        listening: Any = self.reactor.listenTCP(port, factory, interface=self.address)
        self._ports.append(listening)
        taken: int = listening.getHost().port
        return taken


@implementer(IOpenSSLServerConnectionCreator)
class Tls:
    """
    Credentials as Twisted's TLS takes them: TLS 1.2 and later.

    Of our own because `CertificateOptions` hands pyOpenSSL its own old classes, which it warns about.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.set_min_proto_version(SSL.TLS1_2_VERSION)
        self._context.use_certificate(x509.load_pem_x509_certificate(credentials.certificate))
        key = serialization.load_pem_private_key(credentials.key, password=None)
        self._context.use_privatekey(cast(EllipticCurvePrivateKey, key))

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """A connection for one client."""
        return SSL.Connection(self._context, None)
