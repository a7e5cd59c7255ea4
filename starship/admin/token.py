"""
The doorkeeper: who may see names and change things on the admin port. Pure but for what the token is now.

Part of `admin`, floor 6. A token in a header proves an operator. Where none is configured, only a port that is reached
from this machine alone is open, and then a browser on it must not become somebody else's hand: a page of another site
is told by Origin and Sec-Fetch-Site, a name that was made to point here (DNS rebinding) by Host.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hmac import compare_digest
from typing import Final

from attrs import field, frozen
from twisted.web.http_headers import Headers

FORBIDDEN: Final = 403
UNAUTHORIZED: Final = 401

_LOCAL_HOST = re.compile(rb"(?:localhost|127\.[0-9.]{1,11}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


@frozen
class Objection:
    """Why somebody is not let in: an HTTP status and our words."""

    status: int
    why: str


_NO_TOKEN: Final = Objection(UNAUTHORIZED, "this needs the token of [admin] token_file: Authorization: Bearer TOKEN")
_NOT_LOCAL: Final = Objection(
    FORBIDDEN, "this needs [admin] token_file, since the admin endpoint can be reached from other machines"
)
_OTHER_SITE: Final = Objection(FORBIDDEN, "this is not for pages of other sites")
_OTHER_HOST: Final = Objection(FORBIDDEN, "without a token, Host has to be localhost or a loopback address")


@frozen(kw_only=True)
class Doorkeeper:
    """`token` says the token of now, None where none is configured; `local`: nobody comes from another machine."""

    token: Callable[[], str | None] = field(default=lambda: None, repr=False)
    local: bool = True

    def objection(self, headers: Headers) -> Objection | None:
        """None lets in."""
        token = self.token()
        if token is None and not self.local:
            return _NOT_LOCAL
        if token is not None and not compare_digest(_bearer(headers), token.encode()):
            return _NO_TOKEN
        if _of_another_site(headers):
            return _OTHER_SITE
        return _OTHER_HOST if token is None and not _LOCAL_HOST.fullmatch(_only(headers, b"Host")) else None


def _bearer(headers: Headers) -> bytes:
    scheme, _, token = _only(headers, b"Authorization").partition(b" ")
    return token.strip(b" ") if scheme.lower() == b"bearer" else b""


def _of_another_site(headers: Headers) -> bool:
    """A browser says where a request was made; programs say nothing. Source: Fetch standard; W3C Fetch Metadata."""
    if _only(headers, b"Sec-Fetch-Site") not in (b"", b"none", b"same-origin"):
        return True
    if not headers.hasHeader(b"Origin"):
        return False
    return _only(headers, b"Origin").lower() != b"http://" + _only(headers, b"Host").lower()


def _only(headers: Headers, name: bytes) -> bytes:
    """A header that was sent once; empty where it was not, or more than once."""
    values = headers.getRawHeaders(name, [])
    return values[0] if len(values) == 1 else b""
