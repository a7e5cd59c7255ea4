"""
The fields that end at each hop: they are for us, never for whom we pass a message on to.

Part of `exchange`, floor 4, pure: two sets of names in lower case, which forwarded.py and written.py read.
Source: RFC 9110 section 7.6.1; RFC 9112 section 9; httpoxy (CVE-2016-5385).
"""

from __future__ import annotations

from typing import Final

_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection", b"te", b"upgrade"})

OF_REQUESTS: Final = _FRAMING | {
    b"host",
    b"keep-alive",
    b"http2-settings",
    b"proxy",  # a CGI upstream would find it in its environment as HTTP_PROXY
    b"proxy-authenticate",
    b"proxy-authentication-info",
    b"proxy-authorization",
    b"proxy-connection",
}
"""Left out of requests; Host, the framing, `TE: trailers` and an Upgrade are made anew."""

OF_RESPONSES: Final = _FRAMING | {
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authentication-info",
    b"proxy-connection",
}
"""Left out of responses; the framing and an Upgrade are made anew."""
