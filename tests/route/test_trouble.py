"""Every way in which an HTTP client can fail has a word of the house (S11)."""

from __future__ import annotations

import pytest
from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error as network
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.web._newclient import ParseError
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from starship.errors import LookupInvalid, LookupRefused, LookupTimeout
from starship.route.trouble import lookup_failure

CASES = [
    (network.ConnectionRefusedError(), LookupRefused, "refused"),
    (network.TimeoutError(), LookupTimeout, "connect timeout"),
    (network.DNSLookupError(), LookupRefused, "resolved"),
    (network.NoRouteError(), LookupRefused, "cannot be reached"),
    (OSError(24, "Too many open files"), LookupRefused, "cannot be reached"),
    (ResponseNeverReceived([Failure(SSL.Error([("x", "y", "z")]))]), LookupRefused, "handshake"),
    (ResponseNeverReceived([Failure(VerificationError(errors=[]))]), LookupRefused, "another name"),
    (ResponseNeverReceived([Failure(network.ConnectionDone())]), LookupRefused, "without an answer"),
    (ResponseNeverReceived([Failure(network.ConnectionLost())]), LookupRefused, "without an answer"),
    (ResponseFailed([Failure(network.ConnectionDone())]), LookupRefused, "broke the answer off"),
    (ResponseFailed([Failure(network.ConnectionAborted())]), LookupInvalid, "too long"),
    (ResponseFailed([Failure(ParseError("x", b"\0"))]), LookupInvalid, "not HTTP"),
    (ResponseFailed([Failure(KeyError(b"\x1b[31m"))]), LookupInvalid, "not HTTP"),
    (ValueError("\x1b[31m"), LookupRefused, "could not be asked: ValueError"),
]


@pytest.mark.parametrize(("error", "kind", "why"), CASES, ids=repr)
def test_a_failure_has_a_kind_and_words_of_ours_S11(error: Exception, kind: type[Exception], why: str) -> None:
    named = lookup_failure(error)
    assert type(named) is kind
    assert why in str(named)
    assert str(named).isprintable()


def test_our_own_giving_up_is_no_failure_of_the_api() -> None:
    for error in (
        CancelledError(),
        network.ConnectingCancelledError(None),
        ResponseNeverReceived([Failure(CancelledError())]),
        ResponseFailed([Failure(network.ConnectionAborted()), Failure(ResponseFailed([Failure(CancelledError())]))]),
    ):
        assert isinstance(lookup_failure(error), CancelledError)


def test_what_has_its_word_already_keeps_it() -> None:
    error = LookupInvalid("as it was")
    assert lookup_failure(error) is error
