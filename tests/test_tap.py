"""What `twistd starship` is given, and what it says where it cannot start."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import evolve
from twisted.application.service import IService
from twisted.internet.testing import MemoryReactorClock
from twisted.python.usage import UsageError
from zope.interface.verify import verifyObject

from starship.service import make_service
from starship.service.router import CannotStart
from starship.tap import Options, Reporting, makeService
from tests.fakes import success_of
from tests.service.material import HTTP, logging_to, settings

make_options: Any = Options  # usage.Options has no annotations
REACTOR = "from twisted.internet import reactor; print(type(reactor).__name__)"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300).stdout


def parsed(*arguments: str) -> Options:
    options: Any = make_options()
    options.parseOptions(arguments)
    return cast(Options, options)


def test_the_ini_file_is_where_debian_would_put_it_or_where_it_is_said_to_be() -> None:
    assert parsed()["config"] == "/etc/starship/starship.ini"
    assert parsed("-c", "here.ini")["config"] == "here.ini"


def test_an_option_that_is_not_known_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        parsed("--listen", "tcp:443")


def test_every_mistake_of_the_file_is_told_and_the_process_ends(tmp_path: Path) -> None:
    file = tmp_path / "starship.ini"
    file.write_text("[listener:a]\nprotocol = tls\nendpoint = tcp:443\n[lookup]\nurl = http://a/\ntimeout = soon\n")
    with pytest.raises(SystemExit) as ending:
        makeService(parsed("--config", str(file)))
    words = str(ending.value)
    assert words.startswith(f"starship: {file}:5: [lookup] url")
    assert f"{file}:6: [lookup] timeout" in words


@pytest.fixture(autouse=True)
def _excepthook() -> Iterator[None]:
    """Some of these change it, as for a process that ends."""
    before = sys.excepthook
    yield
    sys.excepthook = before


def test_a_place_that_is_taken_ends_the_process_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    reactor = MemoryReactorClock()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        door = evolve(HTTP, endpoints=(f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1",))
        reporting = Reporting(make_service(settings(listeners=(door,)), reactor))
        assert verifyObject(IService, reporting)
        with pytest.raises(CannotStart, match=r"cannot listen on .*: Address already in use"):
            reporting.privilegedStartService()
    sys.excepthook(CannotStart, CannotStart("nothing is left"), None)
    assert capsys.readouterr().err == "starship: nothing is left\n"


def test_an_access_log_that_cannot_be_opened_ends_the_process_in_words(tmp_path: Path) -> None:
    reactor = MemoryReactorClock()
    reporting = Reporting(make_service(settings(access_log=logging_to(tmp_path)), reactor))
    reporting.privilegedStartService()
    with pytest.raises(CannotStart, match="the access log cannot be opened"):
        reporting.startService()
    reporting.stopService()
    reactor.advance(0)


def test_it_starts_and_stops_the_router() -> None:
    reactor = MemoryReactorClock()
    router = make_service(settings(), reactor)
    reporting = Reporting(router)
    reporting.privilegedStartService()
    reporting.startService()
    assert router.running
    assert success_of(reporting.stopService()) is None
    assert not router.running
    reactor.advance(0)


def test_our_reactor_is_installed_unless_another_was_chosen() -> None:
    assert run(f"import starship.tap; {REACTOR}") == "WireReactor\n"
    chosen = "from twisted.internet import pollreactor; pollreactor.install(); import starship.tap"
    assert run(f"{chosen}; {REACTOR}") == "PollReactor\n"
