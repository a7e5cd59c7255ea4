"""
The fields of HTTP that are not simply passed on: those that end at each hop, and those that nobody may claim.

Floor 0, beside framing: knows nothing. Sets of names in lower case, which the reader of requests, the reader of
responses and who words them for the other side have in common.
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

SPOOFED: Final = frozenset(
    b"""
    forwarded x-forwarded x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port x-forwarded-by
    x-forwarded-server x-forwarded-scheme x-forwarded-protocol x-forwarded-ssl x-forwarded-prefix x-forwarded-uri
    x-forwarded-path x-forwarded-client-cert x-real-ip x-original-uri x-original-url x-original-host
    x-original-forwarded-for x-rewrite-url x-scheme x-client-ip true-client-ip x-cluster-client-ip x-url-scheme
    front-end-https
    """.split()
)
"""What nobody may claim but a trusted proxy, whether we set it or not."""

REQUEST_ID: Final = b"x-request-id"
