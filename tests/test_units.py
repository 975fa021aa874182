"""Units and how they are written for people."""

from __future__ import annotations

import pytest

from ic_harness.units import human_bytes, parse_instructions


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_800_000, "1.8 MB"), (5 * 10**12, "5000.0 GB")],
)
def test_human_bytes(count, text):
    """Sizes are written in powers of ten with one decimal, bytes as they are."""
    assert human_bytes(count) == text


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (1, 1),
        ("1B", 10**9),
        ("1.5m", 1_500_000),
        (" 20 k ", 20_000),
        ("1_000_000", 10**6),
        ("2G", 2 * 10**9),
        ("0.001k", 1),
    ],
)
def test_parse_instructions(given, number):
    """Instructions are integers, or texts with a unit of a thousand."""
    assert parse_instructions(given) == number


@pytest.mark.parametrize(
    "given", [0, -1, True, 1.0, None, "", "B", "1T", "-1", "1e9", "0.1", "1.0001k", "٣", "9" * 21, b"1"]
)
def test_what_is_no_number_of_instructions(given):
    """Everything else is refused in a sentence, whole numbers that are not positive too."""
    with pytest.raises(ValueError, match="positive integer"):
        parse_instructions(given)
