"""
`GET /explain`: why a name goes where it goes, and on request what the API says of it just now.

Part of `admin`, floor 6. Nothing is counted, promoted or asked, but with live=1 one question to the API, whose answer
is shown and not remembered.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final, NoReturn

from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from starship.addresses import plain_ip
from starship.admin.explanation import Explanation, Live, as_json
from starship.admin.reasoning import Question, choosing, endpoints, find, judge
from starship.admin.replies import Place, Reply, Unfit, Visit, json_reply, switch, text_reply
from starship.admin.requests import turn_of
from starship.admin.rooms import Directory, Doorway, Rooms
from starship.admin.telling import as_text
from starship.errors import LookupFailed, LookupTimeout
from starship.names import BadName, Hostname, from_text
from starship.words import Answer, Route

LIVE_DEADLINE_S: Final = 10.0
"""How long who asks with live=1 waits at most; the API's own deadlines are shorter by default."""

TEXT_LIMIT: Final = 1024
"""Characters of a name that are looked at: no client's name is longer than 253 and a final dot."""

SCHEMES: Final = ("tls", "http")

_TARGET = re.compile(r"/[!\"$-~]{0,2047}")


@frozen(kw_only=True)
class ExplainPage:
    """The page; `clock` tells the age of what the API said, and ends a live question."""

    rooms: Rooms
    clock: IReactorTime

    def places(self) -> dict[bytes, Place]:
        """By path."""
        return {b"/explain": Place({b"GET": self.explain})}

    def explain(self, visit: Visit) -> Reply | Deferred[Reply]:
        """The page. Raises Unfit."""
        asked = visit.parameters("host", "scheme", "door", "client", "path", "live")
        live = switch(asked, "live")
        told = self._explained(self._question(asked))
        directory, name = self.rooms.directory, told.question.name
        if not live or directory is None or name is None:
            return _reply(told, visit)
        return Deferred.fromCoroutine(self._live(told, directory, name, visit))

    def _question(self, asked: dict[str, str]) -> Question:
        if "host" not in asked:
            raise Unfit("say host=NAME (empty: a client that names nobody)")
        host, client = asked["host"], asked.get("client")
        if len(host) > TEXT_LIMIT:
            raise Unfit(f"the host is longer than {TEXT_LIMIT} characters")
        scheme = asked.get("scheme", "http" if "path" in asked else None)
        door = _door(self.rooms.doors(), scheme, asked.get("door"))
        name = from_text(host) if host else None
        return Question(
            asked=host,
            name=None if isinstance(name, BadName) else name,
            why_not=_why(host, name) if isinstance(name, BadName) else "",
            door=door,
            client=None if client is None else _address(client),
            target=_target(asked.get("path"), scheme, door),
        )

    def _explained(self, question: Question) -> Explanation:
        rooms, name = self.rooms, question.name
        finding = find(rooms, question)
        answer = finding.answer if finding.answer is not None else finding.fallback
        route = answer if isinstance(answer, Route) else None
        told = Explanation(
            question=question,
            finding=finding,
            outcome=judge(rooms, question, finding.answer, finding.error),
            endpoints=() if route is None else endpoints(rooms, question, route),
            choosing=None if route is None else choosing(rooms, question, route),
            route=route,
            known=rooms.spell(answer) if answer is not None and (route or finding.provider == "cache") else None,
            turn=None if route is None else turn_of(rooms, question.door, name, question.target, route),
        )
        if rooms.directory is None or name is None or finding.provider in ("static", "suffixes"):
            return told
        return self._looked_up(told, rooms.directory, name)

    def _looked_up(self, told: Explanation, directory: Directory, name: Hostname) -> Explanation:
        """With what is known of the API and of what it said."""
        raw, client = directory.raw(name), told.question.client
        return evolve(
            told,
            look=directory.keeper.look(name),
            raw=raw,
            raw_age=0.0 if raw is None else self.clock.seconds() - raw.at,
            failure=directory.keeper.failure_of(name),
            asking=directory.keeper.asking(name),
            over=None if client is None else directory.over(client),
            apis=directory.apis(),
        )

    async def _live(self, told: Explanation, directory: Directory, name: Hostname, visit: Visit) -> Reply:
        answer: Answer | None = None
        error: LookupFailed | None = None
        try:
            answer = await directory.ask(name).addTimeout(LIVE_DEADLINE_S, self.clock, _too_late)
        except LookupFailed as failed:
            error = failed
        rooms, question = self.rooms, told.question
        spelled = None if answer is None else rooms.spell(answer)
        live = Live(
            answer=spelled,
            error=error,
            outcome=judge(rooms, question, answer, error),
            endpoints=endpoints(rooms, question, answer) if isinstance(answer, Route) else (),
            differs=_differences(told, spelled),
        )
        raw = directory.raw(name)
        age = 0.0 if raw is None else self.clock.seconds() - raw.at
        return _reply(evolve(told, live=live, raw=raw, raw_age=age, apis=directory.apis()), visit)


def _differences(told: Explanation, spelled: object) -> tuple[str, ...]:
    """The fields in which an answer differs from what is known."""
    if not isinstance(spelled, dict) or told.known is None:
        return () if spelled is None else ("nothing was known",)
    known = told.known
    return tuple(key for key in sorted({*known, *spelled}) if known.get(key) != spelled.get(key))


def _reply(told: Explanation, visit: Visit) -> Reply:
    if visit.wants_json:
        return json_reply(as_json(told), verdict=told.verdict)
    return text_reply(as_text(told), verdict=told.verdict)


def _door(doors: tuple[Doorway, ...], scheme: str | None, name: str | None) -> Doorway:
    """The door of that name, or the first that speaks the scheme. Errors: Unfit."""
    if scheme is not None and scheme not in SCHEMES:
        raise Unfit("scheme is neither tls nor http")
    fit = [door for door in doors if scheme is None or door.protocol in (scheme, "auto")]
    fit = [door for door in fit if name is None or door.name == name]
    if not fit:
        raise Unfit(f"no such door; there are {', '.join(f'{door.name} ({door.protocol})' for door in doors)}")
    return fit[0]


def _target(path: str | None, scheme: str | None, door: Doorway) -> str | None:
    """What is asked for over plain HTTP (`/` where nothing is said), None where that is hidden. Errors: Unfit."""
    if path is not None and (scheme == "tls" or not door.requests):
        raise Unfit("the path is hidden by TLS, and does not count in a tunnel")
    if path is not None and not _TARGET.fullmatch(path):
        raise Unfit("path is no path: a slash, and visible ASCII behind it, without #")
    plain = door.requests and (scheme == "http" or door.protocol == "http")
    return (path or "/") if plain else None


def _address(text: str) -> str:
    try:
        return plain_ip(str(ip_address(text.partition("%")[0])))
    except ValueError as error:
        raise Unfit("client is not an IP address") from error


def _why(host: str, bad: BadName) -> str:
    """The words of idna repeat the name; ours do not."""
    return bad.why if host.isascii() else "the name is not an internationalised name"


def _too_late(result: object, deadline: float) -> NoReturn:
    raise LookupTimeout(f"no answer within the {deadline:g} s of live=1")
