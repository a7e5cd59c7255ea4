"""What an operator sees who starts it with something wrong: words, status 1, and nothing that listens."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.world import twistd, until

BAD = """[listener:https]
protocol = tsl
endpoint = tcp:{port}:interface=127.0.0.1
[lookup]
url = http://127.0.0.1:1/
timeout = soon
[cahce]
ttl = 1
"""
MISTAKES = ("2: [listener:https] protocol", "5: [lookup] url", "6: [lookup] timeout", "7: [cahce]")
GOOD = """[listener:{name}]
protocol = tls
endpoint = tcp:{port}:interface=127.0.0.1
[routes]
a.com = 127.0.0.1:1
[admin]
endpoint =
[access_log]
enabled = no
"""


@pytest.fixture
def taken() -> Iterator[int]:
    """A port where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def serve(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return run(*twistd("--nodaemon", "--pidfile=", *options, "starship", "--config", str(config)), cwd=config.parent)


def check(config: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "starship.cli", "check", str(config), cwd=config.parent)


@pytest.mark.parametrize("how", [serve, check])
def test_a_bad_file_tells_every_mistake_with_its_line_and_nothing_listens(how: object, tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        config = tmp_path / "bad.ini"
        config.write_text(BAD.format(port=port))
        ended = how(config)  # type: ignore[operator]  # one of the two functions above
        assert ended.returncode == 1
        for mistake in MISTAKES:
            assert f"{config}:{mistake}" in ended.stderr
        assert "did you mean cache?" in ended.stderr
        assert "Traceback" not in ended.stdout + ended.stderr
        assert "starting on" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("how", [serve, check])
def test_a_file_that_is_not_there_is_told(how: object, tmp_path: Path) -> None:
    ended = how(tmp_path / "missing.ini")  # type: ignore[operator]  # one of the two functions above
    assert ended.returncode == 1
    assert "missing.ini" in ended.stderr
    assert "no such file" in ended.stderr.lower()
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_port_that_is_taken_is_told_on_the_terminal(taken: int, tmp_path: Path) -> None:
    config = tmp_path / "taken.ini"
    config.write_text(GOOD.format(name="https", port=taken))
    ended = serve(config)
    assert ended.returncode == 1
    assert f"starship: cannot listen on 127.0.0.1:{taken}: Address already in use" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert check(config).returncode == 0  # nothing is wrong with the file


def test_a_port_that_is_taken_is_told_in_the_log_file(taken: int, tmp_path: Path) -> None:
    config, log = tmp_path / "taken.ini", tmp_path / "log"
    config.write_text(GOOD.format(name="https", port=taken))
    ended = serve(config, f"--logfile={log}")
    said = log.read_text() + ended.stdout + ended.stderr
    assert ended.returncode == 1
    assert "Address already in use" in said
    assert "Traceback" not in said


def test_a_daemon_that_cannot_start_tells_the_terminal_and_leaves_nothing(taken: int, tmp_path: Path) -> None:
    """It once left the terminal waiting for ever."""
    config, log, pid = tmp_path / "taken.ini", tmp_path / "log", tmp_path / "pid"
    config.write_text(GOOD.format(name="https", port=taken))
    ended = run(*twistd(f"--pidfile={pid}", f"--logfile={log}", "starship", "--config", str(config)), cwd=tmp_path)
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{taken}" in ended.stdout + ended.stderr
    until(lambda: not pid.exists(), "the daemon, which lives on for a moment after it has told, takes its file with it")
    assert "Traceback" not in log.read_text() + ended.stdout + ended.stderr


def test_an_access_log_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    config = tmp_path / "log.ini"
    config.write_text(GOOD.format(name="https", port=0).replace("enabled = no", f"path = {tmp_path}/access.log/x"))
    (tmp_path / "access.log").touch()
    ended = serve(config)
    assert ended.returncode == 1
    assert "access" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_template_with_a_mistake_is_told(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text("$nonsense")
    config = tmp_path / "pages.ini"
    config.write_text(GOOD.format(name="https", port=0) + f"[pages]\ntemplates = {tmp_path}\n")
    ended = serve(config)
    assert ended.returncode == 1
    assert "nonsense" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
