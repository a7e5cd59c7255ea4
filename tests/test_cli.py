"""The command line: what `starship check` prints, where, and with which exit status."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from starship.cli import main

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "etc" / "starship.ini"


def test_a_good_file_is_ok_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(EXAMPLE)]) == 0
    out, err = capsys.readouterr()
    assert out == (
        "OK: 2 listeners: https (tls on tcp6:443), http (http on tcp6:80); lookup at 127.0.0.1:8000;"
        " static routes: 0; admin on tcp:9901:interface=127.0.0.1\n"
    )
    assert err == ""


def test_a_bad_file_tells_every_mistake_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "starship.ini"
    file.write_text(
        "[listener:a]\nprotocol = tls\nendpoint = tcp:443\n[lookup]\nurl = http://a/{host}\ntimeout = soon\n"
    )
    assert main(["check", str(file)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f'{file}:6: [lookup] timeout = "soon": expected a duration such as 500ms, 3s or 2m',
        "1 mistake",
    ]


def test_a_file_that_is_not_there_is_a_mistake_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "missing.ini")]) == 1
    assert "expected a file that can be read (no such file or directory)" in capsys.readouterr().err


def test_nothing_of_the_query_of_the_lookup_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "starship.ini"
    file.write_text("[listener:a]\nprotocol=tls\nendpoint=tcp:0\n[lookup]\nurl=http://a/?key=hunter2&host={host}\n")
    assert main(["check", str(file)]) == 0
    out = capsys.readouterr().out
    assert "lookup at a;" in out
    assert "hunter2" not in out


def test_a_check_listens_nowhere(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        file = tmp_path / "starship.ini"
        endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        file.write_text(f"[listener:a]\nprotocol=tls\nendpoint={endpoint}\n[routes]\na=10.0.0.1\n[admin]\nendpoint=\n")
        assert main(["check", str(file)]) == 0


@pytest.mark.parametrize("arguments", [[], ["check"], ["chekc", "a"], ["check", "a", "b"]])
def test_a_command_line_that_cannot_be_meant_exits_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: starship" in capsys.readouterr().err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("starship ")


def test_it_runs_as_a_program() -> None:
    found = subprocess.run([sys.executable, "-m", "starship.cli", "check", EXAMPLE], capture_output=True, check=False)
    assert (found.returncode, found.stdout[:3], found.stderr) == (0, b"OK:", b"")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--hosts", "none.json"], "none.json: No such file or directory"),
        (["--hosts", "setup.cfg"], "setup.cfg: line 1, column 2: Expecting value"),
        (["--hosts", "etc/hosts.example.json", "--listen", "foo"], "Unknown endpoint type: 'foo'"),
    ],
)
def test_a_mock_api_that_cannot_start_says_why(
    options: list[str], why: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["mock-api", *options]) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"starship mock-api: {why}\n")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["mock-api", "--hosts", "x", "--fault", "explode"], "'explode' is no fault; there are status, hang"),
        (["demo", "--port-base", "65533"], "'65533' is not between 1 and 65532"),
        (["demo", "--port-base", "x"], "'x' is not between 1 and 65532"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_status_2(
    line: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line)
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_a_demo_whose_port_is_taken_names_it_instead_of_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """S15."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = min(other.getsockname()[1], 65532)
        assert main(["demo", "--once", "--port-base", str(port)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"starship demo: port {port} on 127.0.0.1 is taken by another program; free it or run with --port-base N"
        " (N to N+3 are used then)\n"
    )
