"""
Asking: the body of a request on its way to the upstream.

Part of `exchange`, floor 4: a client's leg, and the leg that the body goes to. A body of known length is carried by the
legs themselves (spliced, where it is large); one in chunks is read, and so is one that may have to be sent again.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from starship.exchange.body import PASSED_OF, Body, Passed
from starship.interfaces import ILeg
from starship.words import Request, Stop


@define(eq=False)
class Asking:
    """
    Carries the body from `start` on; done(how, detail) once, unless it was stopped.

    `limit` (octets, 0: none) bounds a body in chunks; one of known length was measured by its head.
    """

    client: ILeg
    request: Request
    limit: int
    done: Callable[[Passed, str], None]
    whole: bool = field(default=False, init=False)
    _body: Body | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)

    def start(self, upstream: ILeg, keep: int) -> None:
        """
        Begin; the second time, with another upstream, from the first octet on.

        Of what goes out at most `keep` octets are kept for that, where all of the body may fit.
        """
        if self._body is not None:
            self._body.again(upstream)
            return
        length = self.request.length
        if length is not None and length > keep:
            self.client.carry(upstream, length, self._carried)
            return
        self._body = Body(self.client, upstream, self._passed, length=length, limit=self.limit, keep=keep)
        self._body.start()

    @property
    def can_begin_again(self) -> bool:
        """Whether the body can be sent to another upstream from its first octet on."""
        return self._body is not None and self._body.can_begin_again

    def hold(self) -> None:
        """Its upstream is gone: read no more until `start`."""
        if self._body is not None:
            self._body.hold()

    def stop(self) -> None:
        """The rest is not wanted: it stays where it is."""
        if not self.whole:
            self._stopped = True
            self.client.unread(b"")

    def _carried(self, how: Stop) -> None:
        self._passed(PASSED_OF[how], "")

    def _passed(self, how: Passed, detail: str) -> None:
        if self._stopped or self.whole:
            return
        self.whole = how is Passed.WHOLE
        self.done(how, detail)
