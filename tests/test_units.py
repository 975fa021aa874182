"""Units and how they are written for people."""

from __future__ import annotations

import pytest

from ic_harness.units import human_bytes


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_800_000, "1.8 MB"), (5 * 10**12, "5000.0 GB")],
)
def test_human_bytes(count, text):
    """Sizes are written in powers of ten with one decimal, bytes as they are."""
    assert human_bytes(count) == text
