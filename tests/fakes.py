"""Small implementations of our interfaces, and unwrappers for Deferreds that have fired."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from starship.words import Address, Arrival, Door

T = TypeVar("T")
P = ParamSpec("P")


def success_of(deferred: Deferred[T]) -> T:
    """The result of a Deferred that has fired; an assertion otherwise."""
    results: list[T | Failure] = []
    deferred.addBoth(results.append)
    assert results, "the Deferred has not fired"
    assert not isinstance(results[0], Failure), results[0].getTraceback()
    return results[0]


def failure_of(deferred: Deferred[Any]) -> BaseException:
    """The exception of a Deferred that has failed; an assertion otherwise."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "the Deferred has not fired"
    assert isinstance(results[0], Failure), f"it succeeded: {results[0]!r}"
    error = results[0].value
    assert isinstance(error, BaseException)
    return error


def arrival(number: int = 1, *, door: str = "https", port: int = 443, client: str = "192.0.2.7") -> Arrival:
    """An Arrival as the doors make them."""
    return Arrival(
        number=number,
        id=f"test-{number:x}",
        door=Door(door, port),
        client=Address(client, 50000),
        local=Address("192.0.2.1", port),
        start=0.0,
    )


def turning(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, Deferred[None]]:
    """Make an `async def` test one that pytest-twisted waits for while the reactor turns."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> Deferred[None]:
        return Deferred.fromCoroutine(test(*args, **kwargs))

    return run
