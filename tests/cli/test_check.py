"""What `starship check` prints, where, and with which exit status."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from starship.cli import main

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "etc" / "starship.ini"


def test_a_good_file_is_ok_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(EXAMPLE)]) == 0
    out, err = capsys.readouterr()
    assert out == (
        "OK: 2 listeners: https (tls on tcp6:443), http (http on tcp6:80); lookup at 127.0.0.1:8000;"
        " static routes: 0; admin on tcp:9901:interface=127.0.0.1\n"
    )
    assert err == ""


def test_what_a_start_would_warn_of_is_told_and_the_file_is_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "starship.ini"
    file.write_text(
        "[listener:a]\nprotocol = tls\nendpoint = tcp:443\n"
        "[upstream]\nbind_address = 192.0.2.77\n[routes]\na.com = 10.0.0.5\n"
    )
    assert main(["check", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("OK: ")
    assert err.splitlines() == [
        "warning: [upstream] bind_address 192.0.2.77 is no address of this machine now: nobody can be reached from it"
    ]


def test_a_bad_file_tells_every_mistake_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "starship.ini"
    file.write_text(
        "[listener:a]\nprotocol = tls\nendpoint = tcp:443\n[lookup]\nurl = http://a/{host}\ntimeout = soon\n"
    )
    assert main(["check", str(file)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f'{file}:6: [lookup] timeout = "soon": expected a duration such as 500ms, 3s or 2m (a bare number is seconds)',
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


def test_what_a_start_would_stumble_over_in_a_named_file_is_found_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.html").write_text("<p>$nonsense</p>")
    ini = tmp_path / "starship.ini"
    ini.write_text(
        "[listener:http]\nprotocol = http\nendpoint = tcp:80\n[routes]\na.com = 10.0.0.1\n"
        f"[pages]\ntemplates = {tmp_path}\n"
    )
    assert main(["check", str(ini)]) == 1
    assert "unknown placeholder $nonsense" in capsys.readouterr().err
