"""
What holds for all tests: hypothesis looks at no clock, since a busy machine is no finding; programs hear SIGINT.

Its examples are the same ones each time and for everybody, so that a test that fails says something of the change;
`--hypothesis-profile explore` draws others, and more of them (docs/proof.md). A shell's background ignores SIGINT, and
so would all that is started there.
"""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

MORE_EXAMPLES = int(os.environ.get("STARSHIP_PROOF_EXAMPLES", "10"))

settings.register_profile("explore", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("starship", settings.get_profile("explore"), derandomize=True)
settings.load_profile("starship")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def explores(config: pytest.Config) -> bool:
    return bool(config.getoption("--hypothesis-profile") == "explore")


def pytest_configure(config: pytest.Config) -> None:
    """Let no example hang on what is imported: hypothesis draws the constants of our modules as well."""
    if not explores(config):
        # With them, a file that is run alone met other examples than in the suite, and each new constant changed them.
        providers._get_local_constants = Constants


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """How many examples a test asks for says how much they tell: exploring, each gets so many times as many."""
    tests = {item.cls or item.obj for item in items if isinstance(item, pytest.Function)} if explores(config) else ()
    for test in tests:
        name = "settings" if isinstance(test, type) else "_hypothesis_internal_use_settings"
        if asked := getattr(test, name, None):
            setattr(test, name, settings(asked, max_examples=asked.max_examples * MORE_EXAMPLES))
