"""What holds for all tests: hypothesis looks at no clock, since a busy machine is no finding."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("starship", deadline=None, print_blob=True)
settings.load_profile("starship")
