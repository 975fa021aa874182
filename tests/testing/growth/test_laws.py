"""The law of growth: found exactly in exact figures, robust to steps, and doubtful where figures are."""

from __future__ import annotations

from math import log2

import pytest

from ic_harness.testing.growth import Law, fit_law

SIZES = (8, 16, 32, 64, 128, 256)
LAWS = {
    Law.CONSTANT: lambda _: 7_000,
    Law.LOGARITHMIC: lambda n: 2_000 + 300 * log2(n),
    Law.LINEAR: lambda n: 9_000 + 17 * n,
    Law.LINEARITHMIC: lambda n: 900 + 40 * n + 11 * n * log2(n),
    Law.QUADRATIC: lambda n: 50_000 + 1_000 * n + 3 * n * n,
    Law.CUBIC: lambda n: 10 + 5 * n + n**3,
}


@pytest.mark.parametrize("law", list(Law), ids=lambda law: law.name)
def test_each_law_is_found_in_its_figures(law):
    """Figures made by a law, with the terms below it, are of this law, without error and without a rival."""
    found = fit_law(SIZES, [round(LAWS[law](n)) for n in SIZES])
    assert found.law is law
    assert found.certain
    assert found.error < 0.005
    assert found.at(1024) == pytest.approx(LAWS[law](1024), rel=0.03)


def steps(n, room):
    """Cost of n insertions into a map that begins with `room` and doubles it when it is seven eighths full."""
    copied = 0
    while room * 7 // 8 < n:
        copied += room
        room *= 2
    return 40 * n + 25 * copied


@pytest.mark.parametrize("room", [4, 7, 11, 100])
def test_doubling_room_is_linear(room):
    """A hash map that doubles its room grows by n, wherever its steps are."""
    sizes = (50, 100, 200, 400, 800, 1600, 3200)
    assert fit_law(sizes, [steps(n, room) for n in sizes]).law is Law.LINEAR


@pytest.mark.parametrize("law", [Law.LINEAR, Law.LINEARITHMIC, Law.QUADRATIC])
def test_a_few_per_cent_do_not_change_the_law(law):
    """Figures that are off by up to two per cent, up and down, are of the same law; the error says so."""
    sizes = (8, 16, 32, 64, 128, 256, 512, 1024)
    off = [0.02, -0.015, -0.02, 0.01, 0.02, -0.01, -0.02, 0.015]
    found = fit_law(sizes, [LAWS[law](n) * (1 + part) for n, part in zip(sizes, off, strict=True)])
    assert found.law is law
    assert 0.005 < found.error < 0.03


def test_figures_of_no_law_are_not_certain():
    """Figures that jump up and down have a law with a large error, which is not certain."""
    assert not fit_law(SIZES, [100, 9_000, 300, 20_000, 50, 40_000]).certain


@pytest.mark.parametrize(("law", "limit", "expected"), [
    (Law.LINEAR, 9_000 + 17 * 10**6, 10**6),
    (Law.CUBIC, 10 + 5 * 3000 + 3000**3, 3000),
    (Law.LINEAR, 100, 0),
])  # fmt: skip
def test_the_size_that_meets_a_limit(law, limit, expected):
    """The largest size within a limit is found to the digit that the coefficients allow; 0 where there is none."""
    found = fit_law(SIZES, [round(LAWS[law](n)) for n in SIZES])
    assert found.size_at(limit) == pytest.approx(expected, rel=0.01)


def test_constant_figures_meet_no_limit():
    """What does not grow meets no limit."""
    assert fit_law(SIZES, [7_000, 7_010, 7_000, 7_001, 7_005, 7_000]).size_at(40_000_000_000) is None


def test_laws_have_an_order():
    """A test can bound a law from above."""
    assert Law.LINEAR < Law.LINEARITHMIC <= Law.LINEARITHMIC < Law.QUADRATIC
    assert sorted([Law.CUBIC, Law.CONSTANT, Law.LINEAR]) == [Law.CONSTANT, Law.LINEAR, Law.CUBIC]


def test_three_sizes_are_too_few():
    """Three figures fit too many laws."""
    with pytest.raises(ValueError, match="four sizes"):
        fit_law((1, 2, 4), [1, 2, 4])
