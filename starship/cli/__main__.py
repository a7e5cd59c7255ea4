"""
`python -m starship.cli`: the command line where no script is installed.

Part of cli, floor 8.
"""

import sys

from starship.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
