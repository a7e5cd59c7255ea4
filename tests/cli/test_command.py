"""What a command does is said in the list of all and on its own page, in the same words."""

from __future__ import annotations

from argparse import ArgumentParser

from starship.cli.command import add_command


def test_what_is_said_of_a_command_is_on_its_own_page_too() -> None:
    parser = ArgumentParser(prog="x")
    page = add_command(parser.add_subparsers(), "go", "go somewhere", ends="The exit status is 0.").format_help()
    assert "go somewhere" in parser.format_help()
    assert "\nGo somewhere.\n" in page
    assert page.endswith("The exit status is 0.\n")
