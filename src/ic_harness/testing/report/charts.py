"""The layout of charts, independent of SVG. Times in nanoseconds, positions in per cent."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from math import floor, log10
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.testing.results import MethodCost, Span

_FINE: Final = 2000
"""Up to this many spans each is drawn; above, spans of a row that no screen could separate are joined."""
_SCREEN: Final = 1000
"""The finest part of a chart's width that a screen shows: one in that many."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The start and end of a timeline."""

    start_ns: int
    end_ns: int

    @classmethod
    def of(cls, spans: Sequence[Span]) -> Extent:
        """The extent of spans: from zero, or from the first that began earlier, to the last end."""
        start = min([0, *(span.start_ns for span in spans)])
        return cls(start, max([start + 1, *(span.end_ns for span in spans)]))

    @property
    def length_ns(self) -> int:
        """How long it is; at least one nanosecond."""
        return self.end_ns - self.start_ns

    def place(self, time_ns: float) -> float:
        """Return the position of a time in per cent of the width."""
        return 100 * (time_ns - self.start_ns) / self.length_ns


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a Gantt chart: overlapping spans are on separate tracks."""

    name: str
    tracks: tuple[tuple[Span, ...], ...]

    @property
    def spans(self) -> list[Span]:
        """All spans of the row, track by track."""
        return [span for track in self.tracks for span in track]


def rows(spans: Sequence[Span]) -> list[Row]:
    """Sort spans to rows, in the order in which rows first appear, and within a row to as few tracks as possible."""
    grouped: dict[str, list[Span]] = {}
    for span in drawable(spans):
        grouped.setdefault(span.row, []).append(span)
    return [Row(name, _tracks(members)) for name, members in grouped.items()]


def _tracks(spans: list[Span]) -> tuple[tuple[Span, ...], ...]:
    """Put each span on the track that is free for the longest time: the fewest tracks (interval partitioning)."""
    tracks: list[list[Span]] = []
    free: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda it: (it.start_ns, it.end_ns, it.label)):
        if free and free[0][0] <= span.start_ns:
            _, index = heapq.heappop(free)
        else:
            index = len(tracks)
            tracks.append([])
        tracks[index].append(span)
        heapq.heappush(free, (span.end_ns, index))
    return tuple(map(tuple, tracks))


def drawable(spans: Sequence[Span]) -> list[Span]:
    """Return the spans to draw: all of a small timeline; in a large one close spans are joined."""
    if len(spans) <= _FINE:
        return list(spans)
    gap = Extent.of(spans).length_ns // _SCREEN
    joined: list[Span] = []
    latest: dict[tuple[str, bool], int] = {}
    for span in sorted(spans, key=lambda it: (it.start_ns, it.end_ns, it.row, it.label)):
        key = (span.row, span.failed)
        before = joined[latest[key]] if key in latest else None
        if before is None or span.start_ns > before.end_ns + gap:
            latest[key] = len(joined)
            joined.append(span)
            continue
        amount = before.amount + span.amount
        end = max(before.end_ns, span.end_ns)
        joined[latest[key]] = replace(before, label="several", end_ns=end, amount=amount)
    return joined


def throughput(spans: Sequence[Span], bins: int = 60) -> list[float]:
    """Bytes per second in each of `bins` equal parts of the timeline; a span's bytes are spread over its time.

    What failed moved nothing that counts. The parts together hold all bytes of the spans.
    """
    extent = Extent.of(spans)
    width = extent.length_ns / bins
    totals = [0.0] * bins
    for span in spans:
        if span.amount and not span.failed:
            _spread(totals, span, extent, width)
    return [total / width * 1e9 for total in totals]


def _spread(totals: list[float], span: Span, extent: Extent, width: float) -> None:
    first, last = ((time - extent.start_ns) / width for time in (span.start_ns, span.end_ns))
    if last <= first:
        totals[min(int(first), len(totals) - 1)] += span.amount
        return
    for index in range(int(first), min(int(last), len(totals) - 1) + 1):
        inside = min(last, index + 1) - max(first, index)
        totals[index] += span.amount * inside / (last - first)


def most_at_once(spans: Sequence[Span]) -> int:
    """How many spans run at the same time at most; one that ends when another begins is over."""
    changes = sorted(
        change
        for span in spans
        if span.end_ns > span.start_ns
        for change in ((span.start_ns, 1), (span.end_ns, -1))
    )
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most


def ticks(length: float, most: int = 5) -> list[float]:
    """Round values (1, 2 or 5 times a power of ten) from 0 to `length`, at most `most` (three or more) steps."""
    if length <= 0:
        return [0.0]
    power = 10.0 ** floor(log10(length / most))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if length / (power * factor) <= most)
    return [index * step for index in range(floor(length / step + 1e-9) + 1)]


@dataclass(frozen=True, slots=True)
class Bullet:
    """One method's cost, in per cent of the width; None where there is nothing to compare with."""

    median: float
    dearest: float
    baseline: float | None
    budget: float | None
    over: bool


def largest(cost: MethodCost) -> int:
    """Return the largest figure of a method, which determines the scale of its bar."""
    return max(cost.median, cost.dearest, cost.baseline or 0, cost.budget or 0, 1)


def bullet(cost: MethodCost, most: int | None = None) -> Bullet:
    """Place a method's figures so that `most` (its largest) is slightly before the right edge."""
    scale = 96 / (most or largest(cost))
    return Bullet(
        median=cost.median * scale,
        dearest=cost.dearest * scale,
        baseline=None if cost.baseline is None else cost.baseline * scale,
        budget=None if cost.budget is None else cost.budget * scale,
        over=over_budget(cost),
    )


def hues(names: Sequence[str], most: int) -> list[int]:
    """A number for each row's colour: rows of one lane or caller (`alice · 1`, `alice · 2`) share theirs.

    Of more owners than the `most` colours there are, all have the same: colours that repeat would say what is not so.
    """
    owners = [name.partition(" · ")[0] for name in names]
    known = list(dict.fromkeys(owners))
    return [known.index(owner) if len(known) <= most else 0 for owner in owners]


def over_budget(cost: MethodCost) -> bool:
    """Whether the median of a method's calls costs more than its budget allows."""
    return cost.budget is not None and cost.median > cost.budget
