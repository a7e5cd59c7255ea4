"""
What may be said twice: first bytes of a client that another endpoint may be told where one was of no use. Pure.

Part of the dial step. An endpoint that ended a connection before it said a byte may have acted on what it was told, so
it is told to another only where doing it again changes nothing.
"""

from __future__ import annotations

from typing import Final

from starship.messages import Request
from starship.words import Hello

REPEATABLE: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})
"""Methods that may be sent twice (RFC 9110 section 9.2.2)."""


def twice(hello: Hello, said: bytes) -> bool:
    """
    Whether the bytes that a client has `said` may be said once more.

    A TLS hello alone, without early data (RFC 8446 section 8: what comes with a hello may have been acted on). The
    head of an idempotent HTTP request alone, without a body. At a door where nothing is read: only if nothing was said.
    """
    request = hello.request
    if request is not None:
        return _repeatable(request)
    if hello.scheme == "tls":
        return len(said) == hello.consumed and not hello.early
    if hello.scheme == "http":
        return len(said) == hello.consumed and said.lstrip(b"\r\n").partition(b" ")[0] in REPEATABLE
    return not said


def _repeatable(request: Request) -> bool:
    return request.method in REPEATABLE and not request.length and not request.chunked
