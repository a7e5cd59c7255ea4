"""Token and certificates are read again when their files change; a broken new file changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attrs import define, field
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer
from zope.interface.verify import verifyObject

from starship.route.credentials import CredentialsUnusable, read_token
from starship.route.rereading import Rereading, RereadPolicy


def write(path: Path, text: str, at: int) -> None:
    """Put a file in its place whole, as a careful rotation does."""
    draft = path.with_suffix(".new")
    draft.write_text(text)
    os.utime(draft, (at, at))
    draft.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    write(path, "first", 1)
    return path


def test_a_new_file_counts_within_a_second_and_is_looked_at_no_more_often(path: Path) -> None:
    clock = Clock()
    token = Rereading((path,), lambda: read_token(path), clock)
    assert token() == "first"
    write(path, "second", 2)
    clock.advance(0.875)
    assert token() == "first"
    clock.advance(0.125)
    assert token() == "second"


@pytest.mark.parametrize("broken", ["", "two words", None])
def test_a_broken_new_file_keeps_the_old_value_and_is_told_of_once(path: Path, broken: str | None) -> None:
    clock = Clock()
    token = Rereading((path,), lambda: read_token(path), clock)
    if broken is None:
        path.unlink()
    else:
        write(path, broken, 2)
    with capturedLogs() as events:
        for _ in range(5):
            clock.advance(1)
            assert token() == "first"
    assert [event["log_level"] for event in events] == [LogLevel.warn]
    write(path, "third", 3)
    clock.advance(1)
    assert token() == "third"


def test_a_file_that_was_never_good_is_told_of_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(CredentialsUnusable):
        Rereading((tmp_path / "nowhere",), lambda: read_token(tmp_path / "nowhere"), Clock())


def test_without_files_nothing_is_read_again() -> None:
    clock = Clock()
    readings: list[None] = []
    value = Rereading((), lambda: readings.append(None), clock)
    clock.advance(100)
    value()
    assert len(readings) == 1


@implementer(IPolicyForHTTPS)
@define(eq=False)
class _Policy:
    asked: list[bytes] = field(factory=list)

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        self.asked.append(hostname)
        creator: IOpenSSLClientConnectionCreator = optionsForClientTLS(hostname.decode())
        return creator


def test_a_policy_is_the_one_of_now(path: Path) -> None:
    clock = Clock()
    made: list[_Policy] = []

    def make() -> IPolicyForHTTPS:
        made.append(_Policy())
        policy: IPolicyForHTTPS = made[-1]
        return policy

    policy = RereadPolicy(Rereading((path,), make, clock))
    assert verifyObject(IPolicyForHTTPS, policy)
    policy.creatorForNetloc(b"api.test", 443)
    write(path, "second", 2)
    clock.advance(1)
    policy.creatorForNetloc(b"api.test", 443)
    assert [one.asked for one in made] == [[b"api.test"], [b"api.test"]]
