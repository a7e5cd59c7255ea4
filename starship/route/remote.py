"""
RemoteResolver: asks the HTTP API where a name lives.

Part of `route`, floor 4: the innermost resolver. It knows the URL and how to ask; what an answer means stands in
`contract.py`, and nothing is remembered here.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, ClassVar, Final, Protocol, TypeVar
from urllib.parse import quote

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse
from zope.interface import implementer

from starship.errors import LookupBusy, LookupFailed, LookupInvalid, LookupTimeout
from starship.interfaces import IResolver
from starship.names import Hostname
from starship.reasons import Reason
from starship.route.body import drop_body, read_body
from starship.route.contract import Head, read_answer, refusal_of
from starship.route.trouble import lookup_failure
from starship.words import Answer, Ask, Miss, Origin

T = TypeVar("T")

PLACE: Final = "{host}"
"""The one place of a name in the URL template."""


class HttpClient(Protocol):
    """What is used of treq's HTTPClient."""

    def request(self, *args: Any, **kwargs: Any) -> Deferred[Any]: ...


@implementer(IResolver)
@define(eq=False, kw_only=True)
class RemoteResolver:
    """
    Asks `GET {url}` for each name, within `deadline` (s) in all, reading at most `answer_limit` bytes.

    `client` comes from `client.py` (or `plain_client`): it must not decode. `token` is asked at each question; `heard`
    is told of each answer that has a body, before it is read. `shown` is what the log calls the API; `pools` are those
    that an answer may name.
    """

    log: ClassVar[Logger] = Logger()

    _client: HttpClient
    _clock: IReactorTime
    _url: str
    _deadline: float
    _answer_limit: int
    _concurrency: int
    _token: Callable[[], str | None] = field(default=lambda: None, repr=False)
    _agent_name: str = "Starship"
    _shown: str = "lookup API"
    _pools: Container[str] = frozenset()
    _heard: Callable[[Hostname, Head, bytes], None] = lambda name, head, body: None
    in_flight: int = field(default=0, init=False)
    _well: bool = field(default=True, init=False)

    def peek(self, ask: Ask) -> Answer | None:
        """Nothing is known here without asking."""
        return None

    def resolve(self, ask: Ask) -> Deferred[Answer]:
        """
        Ask the API. Cancelling drops the question and its connection.

        Errors: LookupFailed, of the kind that happened; LookupBusy when too many questions are in flight.
        """
        if ask.name is None:
            return succeed(Miss(origin=Origin.NONE, reason=Reason.NO_NAME))
        if self.in_flight >= self._concurrency:
            return fail(LookupBusy(f"{self._concurrency} questions to the API are in flight"))
        asking = Deferred.fromCoroutine(self._ask(ask.name))
        asking.addTimeout(self._deadline, self._clock, self._too_late)
        return asking.addCallbacks(self._answered, self._not_answered)

    def renew(self, ask: Ask) -> Deferred[Answer]:
        """Ask again: nothing is remembered here."""
        return self.resolve(ask)

    async def _ask(self, name: Hostname) -> Answer:
        self.in_flight += 1
        try:
            response = await self._client.request(
                "GET",
                self._url.replace(PLACE, quote(name, safe="")),
                headers=self._headers(),
                allow_redirects=False,
                unbuffered=True,
                reactor=self._clock,
            )
            return await self._read(name, response)
        except Exception as error:
            raise lookup_failure(error) from error
        finally:
            self.in_flight -= 1

    async def _read(self, name: Hostname, response: IResponse) -> Answer:
        """A refusal waits for a short body, which keeps the connection, and for no other."""
        head = _head(response)
        refusal = refusal_of(head)
        # The type of an unknown length is str; a length known to be short is read off the connection.
        if refusal is not None and not (isinstance(response.length, int) and response.length <= self._answer_limit):
            drop_body(response)
            raise refusal
        body = await read_body(response, self._answer_limit)
        self._heard(name, head, body)
        return read_answer(name, head, body, self._pools)

    def _headers(self) -> Headers:
        headers = Headers({b"Accept": [b"application/json"], b"User-Agent": [self._agent_name.encode("ascii")]})
        token = self._token()
        if token is not None:
            headers.setRawHeaders(b"Authorization", [b"Bearer " + token.encode("ascii")])
        return headers

    def _too_late(self, result: T | Failure, seconds: float) -> T:
        """What the deadline makes of a question that it cancelled."""
        if isinstance(result, Failure):
            raise LookupTimeout(f"no answer from the API within {seconds:g} s")
        return result

    def _answered(self, answer: Answer) -> Answer:
        if not self._well:
            self._well = True
            self.log.info("The {api} answers again", api=self._shown)
        return answer

    def _not_answered(self, failure: Failure) -> Failure:
        error = failure.value
        if isinstance(error, LookupFailed):
            self.log.debug("A lookup failed: {why}", why=str(error), kind=error.word)
            # An answer that makes no sense is one tenant's trouble; only an API that does not answer is a change.
            if self._well and not isinstance(error, LookupInvalid):
                self._well = False
                self.log.info("The {api} fails: {why}", api=self._shown, why=str(error), kind=error.word)
        return failure


def _head(response: IResponse) -> Head:
    def said(name: bytes) -> str:
        return b", ".join(response.headers.getRawHeaders(name, [])).decode("latin-1")

    return Head(
        status=response.code,
        cache_control=said(b"Cache-Control"),
        age=said(b"Age"),
        content_encoding=said(b"Content-Encoding"),
        retry_after=said(b"Retry-After"),
        date=said(b"Date"),
    )
