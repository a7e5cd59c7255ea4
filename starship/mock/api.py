"""
A lookup API to ask: the contract of docs/lookup-api.md over a table of hosts.

Part of `mock`, which knows only the ground. Knows twisted.web and the hosts; not who asks, nor why.
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from starship.mock.faults import Fault, Kind, misbehave
from starship.mock.hosts import Entry, Hosts, find
from starship.names import BadName, canonical

COUNTED_LIMIT: Final = 10_000
"""Names counted one by one; later ones count in the total alone."""


@frozen
class Question:
    """One question as it was answered. `host` as asked, printable; `fault` empty where the answer was a right one."""

    host: str
    status: int
    fault: str = ""

    def __str__(self) -> str:
        return f"asked for {self.host or 'no host'}: {self.fault or self.status}"


class LookupApi(Resource):
    """
    `GET /?host=NAME`: 200 with the entry's fields, or 404.

    `hosts` is called for each question; `token` is the bearer token wanted, if any; `heard` is told each question.
    `fault` makes every answer fail, whatever the host. `asked` counts questions by host, `total` all of them.
    """

    def __init__(
        self,
        hosts: Callable[[], Hosts],
        clock: IReactorTime,
        *,
        token: str | None = None,
        heard: Callable[[Question], None] | None = None,
    ) -> None:
        super().__init__()
        self.fault: Fault | None = None
        self.asked: Counter[str] = Counter()
        self.total = 0
        self._hosts = hosts
        self._clock = clock
        self._token = token
        self._heard = heard

    def getChild(self, path: bytes, request: Request) -> Resource:
        """Every path is the same question."""
        return self

    def render_GET(self, request: Request) -> bytes | int:
        """Answer one question."""
        request.setHeader(b"content-type", b"application/json")
        asked = (request.args or {}).get(b"host", [b""])[0]
        shown = "".join(letter if letter.isprintable() else "?" for letter in asked.decode("utf-8", "replace"))[:253]
        self._count(shown)
        if not self._allowed(request):
            request.setHeader(b"www-authenticate", b'Bearer realm="lookup"')
            return self._say(request, shown, 401, {"error": "a bearer token is wanted"})
        if not asked:
            return self._say(request, shown, 400, {"error": "ask with ?host=NAME"})
        return self._look_up(request, asked, shown)

    def _look_up(self, request: Request, asked: bytes, shown: str) -> bytes | int:
        name = canonical(asked)
        entry = None if isinstance(name, BadName) else find(self._hosts(), name)
        right: dict[str, Any] = {"error": "no such host", "host": shown}
        if entry is not None:
            right = {"app": "", "host": shown, **entry.fields}
        fault = self.fault or (entry and entry.fault)
        if fault:
            self._tell(Question(shown, int(fault.amount) if fault.kind is Kind.STATUS else 200, str(fault)))
            misbehave(fault, request, _json(right), self._clock)
            return NOT_DONE_YET
        _dress(request, entry)
        return self._say(request, shown, 200 if entry else 404, right)

    def _say(self, request: Request, shown: str, status: int, answer: dict[str, Any]) -> bytes:
        request.setResponseCode(status)
        self._tell(Question(shown, status))
        return _json(answer)

    def _tell(self, question: Question) -> None:
        if self._heard is not None:
            self._heard(question)

    def _count(self, shown: str) -> None:
        self.total += 1
        if shown in self.asked or len(self.asked) < COUNTED_LIMIT:
            self.asked[shown] += 1

    def _allowed(self, request: Request) -> bool:
        if self._token is None:
            return True
        sent = request.getHeader(b"authorization") or b""
        return hmac.compare_digest(sent, b"Bearer " + self._token.encode())


def _dress(request: Request, entry: Entry | None) -> None:
    for name, value in (entry.headers if entry else {}).items():
        request.setHeader(name.encode("ascii", "replace"), value.encode("utf-8"))


def _json(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"
