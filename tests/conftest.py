"""
What holds for all tests: hypothesis looks at no clock, since a busy machine is no finding; programs hear SIGINT.

A shell's background ignores it, and so would all that is started there.
"""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

settings.register_profile("starship", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("starship")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
