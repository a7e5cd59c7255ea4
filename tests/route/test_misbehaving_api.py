"""
What a lookup makes of an API that misbehaves, over real sockets on loopback (S8, S11, L20, L21).

Each case shows the kind of failure, that it came within its deadline, and that nothing is left: no connection, no
delayed call, no error in the log.
"""

# mypy: allow-untyped-calls
# mypy: allow-untyped-decorators
# (parts of twisted.internet have no annotations, nor has pytest_twisted)
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet.defer import CancelledError, maybeDeferred
from twisted.internet.ssl import Certificate, CertificateOptions, PrivateCertificate
from twisted.internet.task import deferLater
from twisted.logger import LogLevel, capturedLogs

from starship.errors import LookupFailed, LookupInvalid, LookupRefused, LookupServerError, LookupTimeout
from starship.route.client import api_client
from starship.route.credentials import https_policy
from starship.route.remote import RemoteResolver
from starship.words import Answer, Miss, Route
from tests.loopback import closed_port, crowded
from tests.route import rude_api
from tests.route.certificates import Authority, Pair
from tests.route.resolvers import ask
from tests.route.rude_api import ANSWER, Conduct, RudeProtocol, RudeServer, http, saying

# Twisted's own TLS options still hand pyOpenSSL's certificates to pyOpenSSL, which would rather have cryptography's.
pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")

SHORT_S = 0.2
"""For what would last for ever."""
LONG_S = 30.0
"""For what ends by itself; a busy machine must not turn it into a timeout."""
ANSWER_LIMIT_BYTES = 65_536


@define(eq=False, kw_only=True)
class Api:
    """A rude server and a resolver that asks it; `shut` proves that nothing is left."""

    reactor: Any
    conduct: Conduct
    deadline: float = LONG_S
    connect_timeout: float = LONG_S
    elsewhere: int | None = None
    host: str = "127.0.0.1"
    tls: CertificateOptions | None = None
    credentials: dict[str, Path] | None = None
    server: RudeServer = field(init=False)
    port: Any = field(init=False)
    client: Any = field(init=False)
    resolver: RemoteResolver = field(init=False)
    before: set[object] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.before = set(self.reactor.getDelayedCalls())
        self.server = RudeServer(self.reactor, self.conduct)
        listen = self.reactor.listenTCP if self.tls is None else self.reactor.listenSSL
        context = [] if self.tls is None else [self.tls]
        self.port = listen(0, self.server, *context, interface="127.0.0.1")
        self.client = api_client(
            self.reactor,
            policy=https_policy(**(self.credentials or {})),
            connect_timeout=self.connect_timeout,
            answer_limit=ANSWER_LIMIT_BYTES,
            connections=4,
        )
        scheme = "http" if self.credentials is None else "https"
        self.resolver = RemoteResolver(
            client=self.client.http,
            clock=self.reactor,
            url=f"{scheme}://{self.host}:{self.elsewhere or self.port.getHost().port}/?host={{host}}",
            deadline=self.deadline,
            answer_limit=ANSWER_LIMIT_BYTES,
            concurrency=8,
        )

    async def ask(self) -> Answer | LookupFailed:
        try:
            return await self.resolver.resolve(ask())
        except LookupFailed as error:
            return error

    async def shut(self) -> None:
        await self.client.close()
        await self.server.empty()
        await maybeDeferred(self.port.stopListening)
        await deferLater(self.reactor, 0)
        assert self.resolver.in_flight == 0
        assert set(self.reactor.getDelayedCalls()) <= self.before


async def outcome(conduct: Conduct, **options: Any) -> tuple[Answer | LookupFailed, RudeServer]:
    """Ask once, and prove that nothing is left."""
    from twisted.internet import reactor

    with capturedLogs() as events:
        api = Api(reactor=reactor, conduct=conduct, **options)
        try:
            answer = await api.ask()
        finally:
            await api.shut()
    assert [event for event in events if event["log_level"] >= LogLevel.error] == []
    return answer, api.server


def silence(connection: RudeProtocol) -> None:
    """Nothing."""


def close(connection: RudeProtocol) -> None:
    connection.transport.loseConnection()


def reset(connection: RudeProtocol) -> None:
    connection.transport.abortConnection()


def drip_head(connection: RudeProtocol) -> None:
    connection.drip(http())


def drip_body(connection: RudeProtocol) -> None:
    connection.say(http(body=b"", length=1000))
    connection.drip(ANSWER)


def failing_without_end(connection: RudeProtocol) -> None:
    connection.say(b"HTTP/1.1 500 Oh no\r\n\r\n")
    connection.flood(b"sorry " * 1000)


ENDLESS: dict[str, tuple[Conduct, type[LookupFailed]]] = {
    "says nothing": (silence, LookupTimeout),
    "drips its head": (drip_head, LookupTimeout),
    "drips its body": (drip_body, LookupTimeout),
    "promises more than it sends": (saying(http(length=1000)), LookupTimeout),
}

FAILING: dict[str, tuple[Conduct, type[LookupFailed]]] = {
    "fails": (saying(http("500 Oh no", b"oh no")), LookupServerError),
    "fails without end": (failing_without_end, LookupServerError),
    "sends HTML": (saying(rude_api.HTML), LookupInvalid),
    "sends an endpoint that is a number": (saying(http(body=b'{"endpoint": 5}')), LookupInvalid),
    "sends 10 MiB": (saying(rude_api.TEN_MEGABYTES), LookupInvalid),
    "sends chunks without end": (rude_api.chunks_without_end, LookupInvalid),
    "sends headers without end": (rude_api.headers_without_end, LookupInvalid),
    "sends one header without end": (rude_api.one_header_without_end, LookupInvalid),
    "sends interim answers without end": (rude_api.interim_answers_without_end, LookupInvalid),
    "sends a chunk of no size": (
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        LookupInvalid,
    ),
    "sends two lengths": (saying(http("200 OK", ANSWER, "Content-Length: 5")), LookupInvalid),
    "promises less than it sends": (saying(http(length=20)), LookupInvalid),
    "closes before it has sent all": (saying(http(length=1000), close=True), LookupRefused),
    "closes in its head": (saying(b"HTTP/1.1 200 OK\r\nContent-", close=True), LookupRefused),
    "closes without a word": (close, LookupRefused),
    "resets": (reset, LookupRefused),
    "redirects to itself": (saying(rude_api.REDIRECT), LookupRefused),
    "sends a gzip bomb": (saying(rude_api.GZIP_BOMB), LookupInvalid),
    "sends deep JSON": (saying(rude_api.DEEP_JSON), LookupInvalid),
    "speaks no HTTP": (saying(b"SSH-2.0-OpenSSH_9.2\r\n" * 2), LookupInvalid),
    "speaks TLS": (saying(b"\x15\x03\x03\x00\x02\x02\x46\n\n"), LookupInvalid),
}


@pytest.mark.parametrize("how", ENDLESS)
@pytest_twisted.ensureDeferred
async def test_an_api_that_never_ends_costs_a_deadline_and_no_more_L20(how: str) -> None:
    conduct, kind = ENDLESS[how]
    answer, _ = await outcome(conduct, deadline=SHORT_S)
    assert type(answer) is kind


@pytest.mark.parametrize("how", FAILING)
@pytest_twisted.ensureDeferred
async def test_an_api_that_fails_is_a_failed_lookup_at_once_S11_L20(how: str) -> None:
    conduct, kind = FAILING[how]
    answer, server = await outcome(conduct)
    assert type(answer) is kind
    assert str(answer).isprintable()
    assert len(server.requests) == 1


@pytest_twisted.ensureDeferred
async def test_a_good_answer_and_a_miss_come_through_S4_S8() -> None:
    answer, server = await outcome(saying(http()))
    assert isinstance(answer, Route)
    assert server.requests[0].startswith(b"GET /?host=a.com HTTP/1.1\r\n")
    unknown, _ = await outcome(saying(http("404 Not Found", b"")))
    assert isinstance(unknown, Miss)


@pytest_twisted.ensureDeferred
async def test_a_closed_port_is_a_refused_lookup_S11() -> None:
    from twisted.internet import reactor

    with closed_port() as port:
        api = Api(reactor=reactor, conduct=silence, elsewhere=port)
        answer = await api.ask()
        await api.shut()
    assert type(answer) is LookupRefused
    assert str(answer) == "the API refused the connection"


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port whose queue of connections is full: the kernel answers no more of them."""
    with crowded() as listening:
        yield listening.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize(("connect_timeout", "deadline"), [(SHORT_S, LONG_S), (LONG_S, SHORT_S)])
@pytest_twisted.ensureDeferred
async def test_an_api_in_a_black_hole_is_a_timeout_S11(
    black_hole: int, host: str, connect_timeout: float, deadline: float
) -> None:
    answer, _ = await outcome(
        silence, host=host, connect_timeout=connect_timeout, deadline=deadline, elsewhere=black_hole
    )
    assert type(answer) is LookupTimeout
    assert ("connect timeout" in str(answer)) == (connect_timeout < deadline)


@pytest_twisted.ensureDeferred
async def test_connections_are_kept_and_used_again() -> None:
    from twisted.internet import reactor

    api = Api(reactor=reactor, conduct=saying(http()))
    answers = [await api.ask() for _ in range(3)]
    await api.shut()
    assert all(isinstance(answer, Route) for answer in answers)
    assert (api.server.accepted, len(api.server.requests)) == (1, 3)


@pytest_twisted.ensureDeferred
async def test_a_question_on_a_connection_that_died_in_the_pool_is_asked_again_once() -> None:
    from twisted.internet import reactor

    def only_once(connection: RudeProtocol) -> None:
        """Take the first request of a connection; at the next, close without a word."""
        seen = connection in served
        served.append(connection)
        connection.transport.loseConnection() if seen else connection.say(http())

    served: list[RudeProtocol] = []
    api = Api(reactor=reactor, conduct=only_once)
    answers = [await api.ask() for _ in range(2)]
    await api.shut()
    assert all(isinstance(answer, Route) for answer in answers)
    assert (api.server.accepted, len(api.server.requests)) == (2, 3)


@pytest_twisted.ensureDeferred
async def test_an_api_that_always_closes_is_asked_twice_at_most() -> None:
    from twisted.internet import reactor

    api = Api(reactor=reactor, conduct=saying(http()))
    await api.ask()
    api.server.conduct = close
    answer = await api.ask()
    await api.shut()
    assert type(answer) is LookupRefused
    assert len(api.server.requests) == 3


@pytest.mark.parametrize("conduct", [silence, drip_head, drip_body])
@pytest_twisted.ensureDeferred
async def test_giving_up_drops_the_connection(conduct: Conduct) -> None:
    from twisted.internet import reactor

    api = Api(reactor=reactor, conduct=conduct)
    question = api.resolver.resolve(ask())
    while not api.server.requests:
        await deferLater(reactor, 0.005)
    await deferLater(reactor, 0.02)
    question.cancel()
    with pytest.raises(CancelledError):
        await question
    await api.shut()


def serving(pair: Pair, client_authority: Authority | None = None) -> CertificateOptions:
    """A server's TLS; with an authority, only clients that it has signed may come in."""
    own = PrivateCertificate.loadPEM(pair.certificate.read_bytes() + pair.key.read_bytes())
    roots = [] if client_authority is None else [client_authority.own.certificate]
    options: CertificateOptions = own.options(*(Certificate.loadPEM(root.read_bytes()) for root in roots))
    return options


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest_twisted.ensureDeferred
async def test_an_https_api_is_asked_when_its_certificate_is_right(authority: Authority, host: str) -> None:
    tls = serving(authority.sign(f"api-{host}", host))
    answer, _ = await outcome(saying(http()), host=host, tls=tls, credentials={"ca_file": authority.own.certificate})
    assert isinstance(answer, Route)


@pytest_twisted.ensureDeferred
async def test_a_certificate_of_another_authority_is_refused(authority: Authority, stranger: Authority) -> None:
    tls = serving(stranger.sign("api", "127.0.0.1"))
    answer, server = await outcome(saying(http()), tls=tls, credentials={"ca_file": authority.own.certificate})
    assert type(answer) is LookupRefused
    assert "handshake" in str(answer)
    assert server.requests == []


@pytest.mark.parametrize(("host", "names"), [("localhost", "other.example"), ("127.0.0.1", "127.0.0.2")])
@pytest_twisted.ensureDeferred
async def test_a_certificate_for_another_name_is_refused(authority: Authority, host: str, names: str) -> None:
    tls = serving(authority.sign(f"wrong-{host}", names))
    answer, server = await outcome(
        saying(http()), host=host, tls=tls, credentials={"ca_file": authority.own.certificate}
    )
    assert type(answer) is LookupRefused
    assert "another name" in str(answer)
    assert server.requests == []


@pytest_twisted.ensureDeferred
async def test_an_api_may_ask_for_a_client_certificate(authority: Authority, stranger: Authority) -> None:
    tls = serving(authority.sign("api-m", "127.0.0.1"), authority)
    trusted, wrong = authority.sign("client", "starship.example"), stranger.sign("client", "starship.example")
    for client, kind in ((trusted, Route), (wrong, LookupRefused), (None, LookupRefused)):
        shown = {} if client is None else {"client_certificate": client.certificate, "client_key": client.key}
        answer, _ = await outcome(saying(http()), tls=tls, credentials={"ca_file": authority.own.certificate, **shown})
        assert type(answer) is kind


@pytest_twisted.ensureDeferred
async def test_a_tls_api_that_hangs_or_speaks_in_clear_is_a_failed_lookup(authority: Authority) -> None:
    trust = {"ca_file": authority.own.certificate}
    hanging, _ = await outcome(silence, credentials=trust, deadline=SHORT_S)
    assert type(hanging) is LookupTimeout
    tls = serving(authority.sign("api-h", "127.0.0.1"))
    mute, _ = await outcome(silence, tls=tls, credentials=trust, deadline=SHORT_S)
    assert type(mute) is LookupTimeout
    dripping, _ = await outcome(drip_body, tls=tls, credentials=trust, deadline=SHORT_S)
    assert type(dripping) is LookupTimeout
