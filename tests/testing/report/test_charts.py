"""The arithmetic of charts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_harness.testing.report.charts import (
    Extent,
    bullet,
    drawable,
    hues,
    most_at_once,
    rows,
    throughput,
    ticks,
)
from ic_harness.testing.results import MethodCost, Span

from . import samples


def _span(row, start, length, amount, failed):
    return Span(row=row, label="x", start_ns=start, end_ns=start + length, amount=amount, failed=failed)


SPANS = st.lists(
    st.builds(
        _span,
        st.sampled_from("AB"),
        st.integers(0, 10**9),
        st.integers(0, 10**9),
        st.integers(0, 10**7),
        st.booleans(),
    ),
    max_size=30,
)


@settings(deadline=None)
@given(SPANS)
def test_throughput_holds_every_byte(spans):
    """The parts of the curve together hold exactly the bytes that arrived."""
    rates = throughput(spans, bins=17)
    moved = sum(rates) * Extent.of(spans).length_ns / 17 / 1e9
    assert moved == pytest.approx(sum(span.amount for span in spans if not span.failed))
    assert min(rates) >= 0


@settings(deadline=None)
@given(SPANS)
def test_tracks_never_overlap_and_are_few(spans):
    """On a track one span ends before the next begins, and a row has no more tracks than run at once."""
    for row in rows(spans):
        for track in row.tracks:
            assert all(before.end_ns <= after.start_ns for before, after in pairwise(track))
        lasting = [span for span in row.spans if span.end_ns > span.start_ns]
        if len(lasting) == len(row.spans):
            assert len(row.tracks) == most_at_once(lasting)
    assert sum(len(row.spans) for row in rows(spans)) == len(spans)


def test_most_at_once():
    """What ends when another begins does not run beside it."""
    assert (
        most_at_once([_span("A", 0, 5, 0, False), _span("A", 5, 5, 0, False), _span("A", 3, 4, 0, False)])
        == 2
    )
    assert most_at_once([]) == 0


def test_large_timelines_are_joined_without_loss():
    """In a large timeline close spans are joined; bytes, rows, failures and the extent stay."""
    spans = samples.sessions(900).spans
    drawn = drawable(spans)
    assert len(spans) > len(drawn) > 900
    for failed in (False, True):
        assert sum(s.amount for s in drawn if s.failed is failed) == sum(
            s.amount for s in spans if s.failed is failed
        )
    assert {span.row for span in drawn} == {span.row for span in spans}
    assert Extent.of(drawn) == Extent.of(spans)


@settings(deadline=None)
@given(st.floats(min_value=1e-9, max_value=1e6), st.integers(3, 12))
def test_ticks_are_round_and_few(length, most):
    """From zero in equal steps up to the length, no more steps than asked for."""
    marks = ticks(length, most)
    assert marks[0] == 0
    assert marks[-1] <= length * (1 + 1e-6)
    assert 2 <= len(marks) <= most + 1
    step = f"{marks[1]:e}"
    assert step[0] in "125"
    assert set(step[1 : step.index("e")]) <= set(".0")


def test_ticks_of_nothing():
    """A timeline without length has one mark."""
    assert ticks(0) == [0.0]


@pytest.mark.parametrize("cost", samples.COSTS, ids=lambda cost: cost.method)
def test_bullets_keep_proportions(cost):
    """Each figure is placed by its share of the largest, inside of the width."""
    places = bullet(cost)
    assert places.median / places.dearest == pytest.approx(cost.median / cost.dearest)
    known = [
        place
        for place in (places.median, places.dearest, places.baseline, places.budget)
        if place is not None
    ]
    assert max(known) == pytest.approx(96)
    assert places.over == (cost.method == "uploads_finish")
    assert (places.baseline is None) == (cost.baseline is None)


def test_bullets_on_one_scale():
    """With a common scale, bars of different methods can be compared."""
    one, other = (bullet(cost, most=100_000_000) for cost in samples.COSTS[:2])
    assert one.median / other.median == pytest.approx(samples.COSTS[0].median / samples.COSTS[1].median)


def test_rows_of_one_owner_share_a_hue():
    """The sessions of one caller, and the parts of one lane, have one colour."""
    assert hues(["alice · 1", "bob · 1", "alice · 2", "Memory", "bob · 2"], 3) == [0, 1, 0, 2, 1]
    assert hues(["a", "b", "c"], 2) == [0, 0, 0]


def test_a_method_that_costs_nothing():
    """A method without instructions is drawn at zero."""
    assert bullet(MethodCost(method="m", calls=1, median=0, dearest=0, cycles=0)).median == 0
