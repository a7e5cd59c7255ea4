"""The command line as a whole: what cannot be meant, and which version it is."""

from __future__ import annotations

import pytest

from starship.built import built
from starship.cli.commands import commands, main


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
    told = capsys.readouterr().out
    assert told.startswith("starship ")
    assert told.endswith(f"({built()})\n")  # pure or compiled


@pytest.mark.parametrize("command", ["check", "explain", "cache", "connections", "mock-api", "demo"])
def test_each_command_says_what_it_is_for(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command in commands().format_help()
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"usage: starship {command}" in capsys.readouterr().out
