"""The command line. `main` is all that the outside needs."""

from starship.cli.commands import main as main
