"""The command line as a whole: what cannot be meant, and which version it is."""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator

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


def pages(parser: ArgumentParser, name: str = "starship") -> Iterator[tuple[str, ArgumentParser]]:
    """Every command and what is below it, with its parser."""
    yield name, parser
    for action in parser._actions:
        for below, deeper in (action.choices or {}).items() if isinstance(action, _SubParsersAction) else ():
            yield from pages(deeper, f"{name} {below}")


PAGES = dict(pages(commands()))


def test_these_are_all_the_commands() -> None:
    told = (
        " check explain cache cache:list cache:peek cache:set cache:delete cache:purge cache:warm"
        " connections connections:list connections:close pools mock-api demo"
    )
    assert set(PAGES) == {f"starship {one}".strip().replace(":", " ") for one in told.split(" ")}


@pytest.mark.parametrize("command", PAGES)
def test_each_command_says_what_it_is_for_and_what_it_takes(command: str) -> None:
    page = PAGES[command]
    assert page.format_help().startswith(f"usage: {command}")
    assert page.description
    for action in page._actions:
        assert action.help or action.choices, action.dest


def test_the_page_of_all_says_how_the_service_is_run() -> None:
    assert "twistd --nodaemon --pidfile= starship --config FILE" in " ".join(commands().format_help().split())
