"""What holds for all tests: hypothesis looks at no clock, since a busy machine is no finding."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("starship", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("starship")
