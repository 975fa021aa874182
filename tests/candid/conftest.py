"""The hypothesis profile for long runs: `pytest tests/candid --hypothesis-profile=fuzz`."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("fuzz", max_examples=60_000, deadline=None, print_blob=True)
