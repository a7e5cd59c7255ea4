"""
`/cache`: the cache is listed, looked into and changed by hand.

Part of `admin`, floor 6. Looks promote nothing and count nothing. What is deleted or set here is not undone by the
answer to a question that was asked before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from attrs import evolve, frozen
from twisted.logger import Logger
from twisted.web import http

from starship.admin.explanation import look_fields
from starship.admin.names import host_or_wildcard, suffix_of
from starship.admin.replies import Place, Reply, Unfit, Visit, json_reply, read_json, refusal
from starship.admin.rooms import Keeper
from starship.errors import LookupFailed
from starship.names import Hostname
from starship.words import Answer, Look, Route

PAGE: Final = 100
PAGE_LIMIT: Final = 1000
ANSWER_LIMIT_BYTES: Final = 64 * 1024
"""Of an answer that is set by hand; the same as an API's by default."""
SHOWN_LIMIT: Final = 100
"""Names that are shown of those that were deleted."""
APP_LIMIT: Final = 256
STORES: Final = ("routes", "misses")


@frozen(kw_only=True)
class CachePages:
    """
    `read` makes an answer of a body in the words of the lookup contract, strictly (LookupFailed says why not); `spell`
    writes one.
    """

    log: ClassVar[Logger] = Logger()

    keeper: Keeper
    read: Callable[[Hostname, bytes], Answer]
    spell: Callable[[Answer], Any]

    def places(self) -> dict[bytes, Place]:
        """By path."""
        return {
            b"/cache": Place({b"GET": self.list, b"DELETE": self.delete_many}),
            b"/cache/": Place({b"GET": self.peek, b"PUT": self.set, b"DELETE": self.delete}),
            b"/cache/purge": Place({b"POST": self.purge}),
        }

    def list(self, visit: Visit) -> Reply:
        """A page of entries by name; `next` is what to say as `after` for the following one. Raises Unfit."""
        asked = visit.parameters("store", "prefix", "suffix", "app", "after", "limit")
        store = asked.get("store", STORES[0])
        if store not in STORES:
            raise Unfit("store is neither routes nor misses")
        limit = _limit(asked.get("limit"))
        found = self.keeper.page(store, asked.get("after", ""), limit, _filter(asked))
        return json_reply(
            {
                "store": store,
                "entries": [self._entry(look) for look in found],
                "next": found[-1].name if len(found) == limit else None,
            }
        )

    def peek(self, visit: Visit) -> Reply:
        """What is held of a name or wildcard; a name may be answered for by a wildcard above it. Raises Unfit."""
        visit.parameters()
        look = self.keeper.look(host_or_wildcard(visit.last()))
        return refusal(http.NOT_FOUND, "nothing is remembered of this name") if look is None else self._shown(look)

    def set(self, visit: Visit) -> Reply:
        """Put an answer in the words of the lookup contract. Raises Unfit."""
        visit.parameters()
        name = host_or_wildcard(visit.last())
        if not visit.body or len(visit.body) > ANSWER_LIMIT_BYTES:
            raise Unfit(f"the body has to be an answer of the lookup contract, of at most {ANSWER_LIMIT_BYTES} bytes")
        try:
            answer = self.read(Hostname(name), visit.body)
        except LookupFailed as error:
            raise Unfit(str(error)) from error
        if name.startswith("*."):
            answer = evolve(answer, wildcard=name)
        self.keeper.set(Hostname(name), answer)
        self.log.info("{name} was set by hand", name=name)
        look = self.keeper.look(answer.wildcard or name)
        if look is None:
            return json_reply({"kept_as": None, "answer": self.spell(answer)})
        return self._shown(look)

    def delete(self, visit: Visit) -> Reply:
        """Forget a name or wildcard. Raises Unfit."""
        visit.parameters()
        name = host_or_wildcard(visit.last())
        if not self.keeper.drop(name):
            return refusal(http.NOT_FOUND, "nothing is remembered under this name")
        self.log.info("{name} was deleted by hand", name=name)
        return json_reply({"deleted": 1, "names": [name]})

    def delete_many(self, visit: Visit) -> Reply:
        """Forget all of an app, or all at and below a suffix. Raises Unfit."""
        asked = visit.parameters("app", "suffix")
        if not asked:
            raise Unfit("say app or suffix, or both; POST /cache/purge deletes everything")
        app, suffix = _app(asked), suffix_of(asked)
        names = self.keeper.drop_where(app, suffix)
        self.log.info("{count} names were deleted by hand", count=len(names), app=app, suffix=suffix)
        return json_reply({"deleted": len(names), "names": sorted(names)[:SHOWN_LIMIT]})

    def purge(self, visit: Visit) -> Reply:
        """Forget everything, or what has expired. Raises Unfit."""
        visit.parameters()
        fields = read_json(visit)
        if fields not in ({"what": "all"}, {"what": "expired"}):
            raise Unfit('the body is neither {"what": "all"} nor {"what": "expired"}')
        count = self.keeper.purge(fields["what"] == "expired")
        self.log.info("{count} names were purged by hand ({what})", count=count, what=fields["what"])
        return json_reply({"deleted": count})

    def _shown(self, look: Look) -> Reply:
        return json_reply(self._entry(look))

    def _entry(self, look: Look) -> dict[str, Any]:
        return {**look_fields(look), "answer": self.spell(look.answer)}


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= PAGE_LIMIT):
        raise Unfit(f"limit is not a number from 1 to {PAGE_LIMIT}")
    return int(text)


def _app(asked: dict[str, str]) -> str | None:
    app = asked.get("app")
    if app is not None and not 1 <= len(app) <= APP_LIMIT:
        raise Unfit(f"app is not a text of 1 to {APP_LIMIT} characters")
    return app


def _filter(asked: dict[str, str]) -> Callable[[str, Answer], bool] | None:
    prefix, suffix, app = asked.get("prefix", "").lower(), suffix_of(asked), _app(asked)
    if not prefix and suffix is None and app is None:
        return None

    def wanted(name: str, answer: Answer) -> bool:
        if not name.startswith(prefix):
            return False
        bare = name.removeprefix("*.")
        if suffix is not None and bare != suffix and not bare.endswith("." + suffix):
            return False
        return app is None or (isinstance(answer, Route) and answer.app == app)

    return wanted
