"""
What setup.cfg cannot say: with STARSHIP_COMPILE=1 the modules that every connection passes through are compiled.

mypyc makes C of them as they stand: Python is the reference, and all else runs as it is. It reads types, so what the
project imports has to be installed where it is built: see `make compiled`.
"""

from __future__ import annotations

import os

from setuptools import setup

COMPILED = (
    "starship/dial/attempt.py",
    "starship/relay/splice.py",
    "starship/sniff/glance.py",
    "starship/wire/connect.py",
    "starship/wire/flow.py",
    "starship/wire/ground.py",
    "starship/wire/hold.py",
    "starship/wire/leg.py",
    "starship/wire/libc.py",
    "starship/wire/loop.py",
    "starship/wire/transport.py",
)
"""Of the way of a connection, what is typed and plain. A test holds who may stand here."""

if os.environ.get("STARSHIP_COMPILE") == "1":
    from mypyc.build import mypycify

    setup(
        ext_modules=mypycify(
            ["--config-file", "setup.cfg", *COMPILED], group_name="starship", opt_level="3", debug_level="0"
        )
    )
else:
    setup()
