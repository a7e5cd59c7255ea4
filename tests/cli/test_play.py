"""`starship mock-api` and `starship demo` say why they cannot start."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from benchmarks.wire.ports import free_ports
from starship.cli import main

ROOT = Path(__file__).parent.parent.parent


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
    port = next(free_ports())
    with socket.create_server(("127.0.0.1", port)):
        assert main(["demo", "--once", "--port-base", str(port)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"starship demo: port {port} on 127.0.0.1 is taken by another program; free it or run with --port-base N"
        " (N to N+3 are used then)\n"
    )
