"""
What went wrong with a question, in the house's words: an exception of the HTTP client becomes a LookupFailed.

Part of `route`: `remote.py` uses it. Pure; the words repeat nothing that the API sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error as network
from twisted.internet.defer import CancelledError
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from starship.errors import LookupFailed, LookupInvalid, LookupRefused, LookupTimeout


def lookup_failure(error: Exception) -> LookupFailed | CancelledError:
    """
    Name a failure.

    Returns: LookupInvalid when something came that is no HTTP, LookupTimeout when no connection came about in time,
    LookupRefused for every other way not to be answered; a CancelledError where we ourselves gave up.
    """
    if isinstance(error, LookupFailed | CancelledError):
        return error
    causes = list(_causes(error))
    if any(isinstance(cause, CancelledError | network.ConnectingCancelledError) for cause in causes):
        return CancelledError()
    # A ResponseNeverReceived is a ResponseFailed too.
    answered = isinstance(error, ResponseFailed) and not isinstance(error, ResponseNeverReceived)
    return _named(causes[0], answered)


def _named(cause: BaseException, answered: bool) -> LookupFailed:
    match cause:
        case network.TimeoutError():
            return LookupTimeout("no connection to the API within the connect timeout")
        case network.DNSLookupError():
            return LookupRefused("the API's own name cannot be resolved")
        case network.ConnectionRefusedError():
            return LookupRefused("the API refused the connection")
        case VerificationError():
            return LookupRefused("the API's certificate is for another name")
        case SSL.Error():
            return LookupRefused("the TLS handshake with the API failed: its certificate, or ours, is not accepted")
        case network.ConnectionAborted():
            return LookupInvalid("the answer's head or framing is too long")
        case network.ConnectionClosed():
            return LookupRefused("the API broke the answer off" if answered else "the API closed without an answer")
        case network.ConnectError() | OSError():
            return LookupRefused("the API cannot be reached")
    if answered:
        return LookupInvalid("the answer is not HTTP")
    return LookupRefused(f"the API could not be asked: {type(cause).__name__}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exceptions inside Twisted's wrapping ones, first cause first; the error itself where it wraps nothing."""
    reasons = getattr(error, "reasons", None)
    if not reasons:
        yield error
        return
    for reason in reasons:
        yield from _causes(reason.value)
